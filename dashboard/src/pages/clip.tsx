import { useEffect, useState } from "preact/hooks";
import { ApiError, at, type Clip, get, type Schemas } from "../lib/api";
import { meaning } from "../lib/codes";
import { bytes, name, number, seconds } from "../lib/format";
import { once, useLive } from "../lib/live";
import { href, place } from "../lib/router";
import { Absent, Ago, Copy, Facts, Failure, Labels, Said, Status } from "../ui/basics";
import { Act } from "../ui/dialog";
import { ClipGt } from "./clip-gt";
import { Videos } from "./clip-video";

type Detail = Schemas["ClipDetailView"];
type Link = Schemas["ClipLinkView"];

export const link = (id: string) => get<Link>(at("/v1/clips/{clip_id}/link", id));
export const readable = (clip: Clip) =>
  !clip.deleted_at && (clip.status === "COPIED" || (clip.status === "SKIPPED" && clip.code === "UNCHANGED"));

export function ClipPage() {
  const id = place.value.parts[1] ?? "";
  const { data: clip, error, reload } = useLive(
    (signal) => get<Detail>(at("/v1/clips/{clip_id}", id), {}, signal),
    (found) => found.status === "PENDING",
    [id],
  );
  if (!clip) return <Absent title={id} what="the clip" above={["imports", "Imports"]} error={error} retry={reload} />;
  const film = /\.mp4$/i.test(clip.source_uri);
  const zip = /\.zip$/i.test(clip.source_uri);
  const there = readable(clip) && clip.size !== 0;
  return (
    <>
      <p class="crumbs">
        <a href="#/imports">Imports</a> / <a href={href(["imports", clip.import_id])}>{clip.import_id}</a>
      </p>
      <div class="head">
        <h1>
          {clip.run_name || name(clip.source_uri)} <Status of={clip.status} />
        </h1>
        {readable(clip) && (
          <Act
            label="Download clip"
            act={async () => location.assign((await get<Link>(at("/v1/clips/{clip_id}/link", clip.id), { download: true })).url)}
          />
        )}
      </div>
      <Failure error={error} retry={reload} />
      {(clip.code || clip.content_code || clip.overruled) && <Broken clip={clip} />}
      <div class="columns">
        <div>
          {there && film && <Videos clip={clip} />}
          {there && zip && <ClipGt id={clip.id} size={clip.size ?? 0} />}
          {!there && <NoCopy clip={clip} />}
          <History clip={clip} />
        </div>
        <About clip={clip} />
      </div>
    </>
  );
}

/** Why the clip failed or is unchecked; of a broken file, the sentence says where it is broken. */
function Broken({ clip }: { clip: Detail }) {
  const code = clip.code ?? clip.content_code;
  return (
    <div class={`note ${clip.status === "FAILED" ? "bad" : ""}`}>
      {code && (
        <>
          <strong>{clip.message ?? clip.content_message}</strong> <code>{code}</code>
          <p><Said text={meaning(code)} /></p>
        </>
      )}
      {clip.overruled && (
        <p>
          A retry overruled its check: {clip.overruled.message} <code>{clip.overruled.code}</code>
        </p>
      )}
    </div>
  );
}

function NoCopy({ clip }: { clip: Detail }) {
  const why = clip.deleted_at
    ? "This clip was deleted. Its row still says what the import did."
    : clip.status === "PENDING"
      ? "This clip is not copied yet. It shows here once it is."
      : readable(clip)
        ? "This clip has no bytes: there is nothing to show."
        : "This clip has no copy to show.";
  return (
    <section>
      <p>{why}</p>
    </section>
  );
}

function About({ clip }: { clip: Detail }) {
  const facts = (clip.facts ?? {}) as Record<string, unknown>;
  const shown = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(shown).join(", ");
    if (typeof value === "object" && value) return Object.entries(value).map(([name, one]) => `${name} ${shown(one)}`).join(", ");
    if (typeof value === "boolean") return value ? "yes" : "no";
    return typeof value === "number" ? number(value) : String(value);
  };
  const extra: [string, string][] = Object.entries(facts).filter(([, value]) => value !== clip.clip_id).map(([key, value]) => [
    key.charAt(0).toUpperCase() + key.slice(1).replace(/_s$/, "").replaceAll("_", " "),
    key === "duration_s" ? seconds(Number(value)) : shown(value),
  ]);
  const words: Record<string, string> = {
    checksum: "equal checksum", etag: "equal ETag", unverifiable: "size only: the store gives no comparable checksum",
  };
  return (
    <section aria-labelledby="about">
      <h2 id="about">About</h2>
      <Facts
        rows={[
          ["Clip id", <>{clip.clip_id} <Copy text={clip.clip_id} /></>],
          ["Source", <>{clip.source_uri} <Copy text={clip.source_uri} /></>],
          [readable(clip) ? "Copy" : "Destination", clip.destination && <>{clip.destination} <Copy text={clip.destination} /></>],
          ["Size", bytes(clip.size)],
          ["ETag", clip.etag && <code>{clip.etag}</code>],
          ["Verified", clip.verified && words[clip.verified]],
          ["Content", clip.content],
          ["View", clip.view],
          ["Source now", clip.source_deleted ? "deleted after the copy was proven" : clip.source_kept_message && <>kept: {clip.source_kept_message} <code>{clip.source_kept_code}</code></>],
          ["Group", clip.test_run_group_name],
          ["Folder", clip.folder],
          ["Labels", clip.labels.length > 0 && <Labels of={clip.labels} />],
          ["Deleted", clip.deleted_at && <Ago time={clip.deleted_at} />],
          ...extra,
        ]}
      />
      {clip.extrapolation && (
        <Facts
          rows={[
            ["Extrapolation", <Status of={clip.extrapolation.status} />],
            ["Tracks", clip.extrapolation.tracks],
            ["Stationary", clip.extrapolation.stationary],
            ["Rows added", clip.extrapolation.added],
            ["Reason", clip.extrapolation.message],
          ]}
        />
      )}
    </section>
  );
}

/** The same source in other imports. */
function History({ clip }: { clip: Detail }) {
  const { data } = useLive(
    (signal) =>
      get<Schemas["FoundClipPage"]>(at("/v1/clips"), { original_clipgt_url: clip.original_clipgt_url, limit: 20 }, signal),
    once,
    [clip.original_clipgt_url],
  );
  const others = data?.clips.filter((one) => one.id !== clip.id) ?? [];
  if (others.length === 0) return null;
  return (
    <section aria-labelledby="history">
      <h2 id="history">In other imports</h2>
      <ul>
        {others.map((one) => (
          <li key={one.id}>
            <Status of={one.status} /> <a href={href(["clips", one.id])}>{one.import_id}</a> {one.code && <code>{one.code}</code>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A link to the copy, and another one after each `renew`. */
export function useLink(id: string): { url: string | null; error: ApiError | null; renew: () => void } {
  const [url, setUrl] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [count, setCount] = useState(0);
  useEffect(() => {
    let gone = false;
    setError(null);
    link(id).then(
      (found) => !gone && setUrl(found.url),
      (fault: ApiError) => !gone && setError(fault),
    );
    return () => {
      gone = true;
    };
  }, [id, count]);
  return { url, error, renew: () => setCount((n) => n + 1) };
}
