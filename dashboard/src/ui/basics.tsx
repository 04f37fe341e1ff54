import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError, Import } from "../lib/api";
import { meaning } from "../lib/codes";
import { ago, bytes, number, plural, when } from "../lib/format";

export const TERMINAL = new Set(["COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"]);
export const runs = (job: { status: string }) => !TERMINAL.has(job.status);

const WORDS: Record<string, string> = {
  COMPLETED_WITH_ERRORS: "Completed with errors",
  INSUFFICIENT_DATA: "No data",
};

export function Status({ of }: { of: string }) {
  const word = WORDS[of] ?? of.charAt(0) + of.slice(1).toLowerCase();
  return (
    <span class={`status s-${of.toLowerCase()}`}>
      <i aria-hidden="true" />
      {word}
    </span>
  );
}

/** A sentence whose commands stand between backticks. */
export const Said = ({ text }: { text: string }) => <>{text.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;

export function Failure({ error, retry }: { error: ApiError | null; retry?: () => void }) {
  if (!error) return null;
  // NOT_FOUND of a clip is about its source, 404 about what the page asked for.
  const hint = error.status === 404 ? "" : meaning(error.code);
  return (
    <div class="failure" role="alert">
      <div>
        <strong>{error.detail}</strong>{" "}
        {hint && hint !== error.detail && <p><Said text={hint} /></p>}
        <code>{error.code}</code>
      </div>
      {retry && <button onClick={retry}>Try again</button>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what}…
    </p>
  );
}

/** In the place of a page whose data is not there: it is loading, or the page says why it cannot be shown. */
export function Absent(props: { title: string; what: string; above?: [path: string, label: string]; error: ApiError | null; retry: () => void }) {
  if (!props.error) return <Loading what={props.what} />;
  const gone = props.error.status === 404;
  return (
    <>
      {props.above && <p class="crumbs"><a href={`#/${props.above[0]}`}>{props.above[1]}</a></p>}
      <h1 class="head wrap">{props.title}</h1>
      <Failure error={props.error} {...(gone ? {} : { retry: props.retry })} />
      {gone && <p class="hint">It may have been deleted, or it belongs to another project than your key.</p>}
    </>
  );
}

/** A time that stays right while the page is open; the exact one is its title. */
export function Ago({ time }: { time: string }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 15_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={time} title={when(time)}>
      {ago(time)}
    </time>
  );
}

const SHARES = ["copied", "skipped", "failed", "cancelled"] as const;

/** The counts as a bar: what is done, by result; the rest is pending. */
export function Bar({ counts }: { counts: Import["counts"] }) {
  const { total } = counts;
  const said = SHARES.filter((name) => counts[name]).map((name) => `${number(counts[name])} ${name}`);
  const label = total ? `${said.join(", ") || "none done"} of ${number(total)}` : "no clips yet";
  return (
    <span class="bar" role="img" aria-label={label} title={label}>
      {total > 0 &&
        SHARES.map((name) =>
          counts[name] ? <i key={name} class={`b-${name}`} style={{ width: `${(100 * counts[name]) / total}%` }} /> : null,
        )}
    </span>
  );
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, setSaid] = useState("");
  return (
    <button
      class="small"
      onClick={async () => {
        try {
          await navigator.clipboard.writeText(text);
          setSaid("Copied");
        } catch {
          // The browser or its user may refuse it. The text is on the page.
          setSaid("Not allowed to copy");
        }
        setTimeout(() => setSaid(""), 1500);
      }}
    >
      {said || label}
    </button>
  );
}

export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Clips and bytes a second; none of an import that copied nothing. */
export const rateOf = (job: Import) => (job.counts.copied ? job.rate : null);

/** Each label stands for itself, so that one written from right to left moves no other. */
export const Labels = ({ of }: { of: string[] }) => <>{of.flatMap((label, index) => [index > 0 ? ", " : "", <bdi key={label}>{label}</bdi>])}</>;

export function source(job: Import): string {
  const { kind, uri, count } = job.source;
  if (uri) return kind === "clip_ids" ? `${plural(count ?? 0, "clip id")} below ${uri}` : uri;
  return kind === "sets" ? plural(count ?? 0, "set") : `list of ${number(count ?? 0)}`;
}

/** Filters of a request, as a sentence. */
export function filters(of: Import["filters"]): string {
  const { include = [], exclude = [], min_size, max_size, modified_after, modified_before } = of ?? {};
  return [
    include.length ? `only ${include.join(", ")}` : "",
    exclude.length ? `not ${exclude.join(", ")}` : "",
    min_size ? `from ${bytes(min_size)}` : "",
    max_size ? `up to ${bytes(max_size)}` : "",
    modified_after ? `changed from ${when(modified_after)}` : "",
    modified_before ? `changed before ${when(modified_before)}` : "",
  ].filter(Boolean).join("; ");
}
