import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, at, get, type Schemas } from "../lib/api";
import { bytes } from "../lib/format";
import { useAgain } from "../lib/live";
import { go, href, place } from "../lib/router";
import { Empty, Failure, Loading, Status } from "../ui/basics";
import { Act } from "../ui/dialog";
import { Entered } from "../ui/fields";

type Page = Schemas["FoundClipPage"];
const FIELDS: [string, string][] = [
  ["clip_id", "Clip id"], ["original_clipgt_url", "Source URI"], ["label", "Label"], ["folder", "Folder"], ["test_run_group", "Test run group"],
];

/** Find clips in all imports. The conditions are in the URL, so a search can be shared. */
export function Search() {
  const given = Object.fromEntries(FIELDS.map(([name]) => [name, place.value.query.get(name) ?? ""]));
  const asked = JSON.stringify(given);
  const any = Object.values(given).some(Boolean);
  const [pages, setPages] = useState<Page[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const now = useRef(asked);
  now.current = asked;

  async function load(known: Page[]) {
    try {
      const page = await get<Page>(at("/v1/clips"), { ...given, limit: 100, cursor: known.at(-1)?.next_cursor ?? null });
      if (now.current !== asked) return;
      setPages([...known, page]);
      setError(null);
    } catch (fault) {
      if (now.current === asked) setError(fault as ApiError);
    }
  }
  useAgain(error, () => void load(pages));
  useEffect(() => {
    setPages([]);
    setError(null);
    if (any) void load([]);
  }, [asked]);

  function submit(event: Event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    go(href(["search"], Object.fromEntries(FIELDS.map(([name]) => [name, String(form.get(name) ?? "").trim()]))));
  }
  const clips = pages.flatMap((page) => page.clips);
  return (
    <>
      <h1 class="head">Find clips</h1>
      <form class="filters" role="search" onSubmit={submit}>
        {FIELDS.map(([name, label]) => (
          <label key={name}>{label}<Entered name={name} class={name === "original_clipgt_url" ? "long" : ""} value={given[name] ?? ""} /></label>
        ))}
        <button class="primary">Find</button>
      </form>
      <Failure error={error} retry={() => void load(pages)} />
      {!any && <Empty title="Which clip?"><p>Give a clip id, the URI of its source, or a label, folder or group of its import. All conditions must match exactly.</p></Empty>}
      {any && !error && pages.length === 0 && <Loading what="clips" />}
      {pages.length > 0 && clips.length === 0 && <Empty title="No clip matches"><p>Conditions match exactly. By clip id and URI, a clip is found once it is copied, skipped or failed.</p></Empty>}
      {clips.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list" aria-label="Clips found">
            <thead><tr><th scope="col">Status</th><th scope="col">Clip</th><th scope="col">Source</th><th scope="col" class="num">Size</th><th scope="col">Import</th></tr></thead>
            <tbody>
              {clips.map((clip) => (
                <tr key={clip.id}>
                  <td><Status of={clip.status} /></td>
                  <td><a href={href(["clips", clip.id])}>{clip.clip_id}</a></td>
                  <td class="cut" title={clip.source_uri}>{clip.source_uri}</td>
                  <td class="num">{bytes(clip.size)}</td>
                  <td><a class="mono" href={href(["imports", clip.import_id])}>{clip.import_id}</a></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages.at(-1)?.has_more && <div class="more"><Act label="Show more" act={() => load(pages)} /></div>}
    </>
  );
}
