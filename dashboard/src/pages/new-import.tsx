import { useEffect, useMemo, useState } from "preact/hooks";
import { type ApiError, at, base, call, type Import, type Schemas } from "../lib/api";
import { number } from "../lib/format";
import { body, type Body, cli, curl, type Draft, EMPTY, filtered, type Kind, python } from "../lib/request";
import { go, href } from "../lib/router";
import { settingsOf } from "../lib/settings";
import { Copy, Failure } from "../ui/basics";
import { Act } from "../ui/dialog";
import { Area, FilterFields, type Part, SavedFields, Text } from "../ui/fields";
import { SettingsFields } from "../ui/settings-form";
import { PreviewOf } from "./new-preview";

/** What the user entered outlives a lost network, an expired key and a reload of the tab. */
const KEPT = "clipferry.draft";

function kept(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Partial<Draft>) };
  } catch {
    return EMPTY;
  }
}

function keep(draft: Draft): void {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(draft));
  } catch {
    // A list of 100,000 URIs may be more than the browser keeps: an older one must not come back in its place.
    sessionStorage.removeItem(KEPT);
  }
}

const KINDS: [Kind, string][] = [["prefix", "Prefix"], ["clip_ids", "Clip ids"], ["list", "List of clips"], ["manifest", "Manifest file"], ["sets", "Multi-view sets"]];

export function NewImport() {
  const [draft, setDraft] = useState(kept);
  const [error, setError] = useState<ApiError | null>(null);
  // One key for one request, so that a click after a lost answer starts no second import.
  const once = useMemo(() => crypto.randomUUID(), [draft]);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  useEffect(() => keep(draft), [draft]);

  let request: Body | null = null;
  let wrong: string | null = null;
  try {
    request = body(draft);
  } catch (fault) {
    wrong = (fault as Error).message;
  }
  const complete = request !== null && (draft.kind === "clip_ids" ? request["root_path"] && (request["clip_ids"] as unknown[]).length : [request["root_path"], request["manifest_uri"], ...[request["exact_paths"], request["sets"]].map((one) => (one as unknown[] | undefined)?.length)].some(Boolean));

  async function start() {
    const job = await call<Import>("POST", at("/v1/imports"), { body: request, idempotencyKey: once });
    sessionStorage.removeItem(KEPT);
    go(href(["imports", job.id]));
  }
  return (
    <>
      <p class="crumbs"><a href="#/imports">Imports</a></p>
      <h1 class="head">New import</h1>
      <div class="split">
        {/* No form element: Enter in a field must neither start an import nor save a preset. */}
        <div class="form">
          <Source draft={draft} set={set} />
          {filtered(draft) && (
            <fieldset>
              <legend>Filters</legend>
              <FilterFields draft={draft} set={set} />
            </fieldset>
          )}
          <Names draft={draft} set={set} />
          <Settings draft={draft} set={set} />
          {wrong && <p class="note bad" role="alert">{wrong}</p>}
          <Failure error={error} />
          <div class="actions">
            <Act primary label="Start import" disabled={!complete || wrong !== null} act={start} onError={setError} />
            <button type="button" onClick={() => setDraft(EMPTY)}>Clear</button>
          </div>
        </div>
        <div>
          <PreviewOf request={complete && !wrong ? request : null} />
          {request && <Tongues request={request} />}
        </div>
      </div>
    </>
  );
}

type DraftPart = Part<Draft>;

function Source(part: DraftPart) {
  const { draft, set } = part;
  return (
    <fieldset>
      <legend>Source</legend>
      <div class="tabs" role="group" aria-label="Kind of source">
        {KINDS.map(([kind, label]) => (
          <button key={kind} type="button" aria-pressed={draft.kind === kind} onClick={() => set({ kind })}>{label}</button>
        ))}
      </div>
      {draft.kind === "prefix" && <Text {...part} name="root_path" label="Prefix" placeholder="s3://my-bucket/2026/" hint="Every object whose key begins with it. End a folder with /." />}
      {draft.kind === "clip_ids" && (
        <>
          <Text {...part} name="root_path" label="Prefix" placeholder="hf://datasets/maker/clips/" hint="Where to look, also in zips. A filter such as camera/ keeps other zips closed." />
          <Area {...part} name="clip_ids" label="Clip ids, one a line" placeholder="0f247895-e3e5-537e-924b-b3976d321702" />
        </>
      )}
      {draft.kind === "list" && <Area {...part} name="list" label="URIs, one a line" placeholder={"s3://my-bucket/a.zip\ns3://my-bucket/b.mp4"} />}
      {draft.kind !== "manifest" && <Text {...part} name="as_of" label="As it was at" type="datetime-local" hint="Only of buckets that keep versions. Default: as it is now." />}
      {draft.kind === "manifest" && <Text {...part} name="manifest_uri" label="Manifest" placeholder="s3://my-bucket/night.jsonl" hint="JSON lines, CSV, or the manifest.json of an S3 Inventory." />}
      {draft.kind === "sets" && <Area {...part} name="sets" label="Sets, one JSON object a line" placeholder={'{"views": {"front": "s3://my-bucket/f.mp4", "left": "s3://my-bucket/l.mp4"}, "name": "drive-7"}'} />}
    </fieldset>
  );
}

function Names(part: DraftPart) {
  return (
    <fieldset>
      <legend>Names</legend>
      <div class="row pairs">
        <Text {...part} name="folder" label="Folder" />
        <Text {...part} name="labels" label="Labels" placeholder="night, berlin" />
        <Text {...part} name="run_name_prefix" label="Prefix of run names" />
        <Text {...part} name="test_run_group_name" label="Test run group" hint="Default: a generated name." />
      </div>
    </fieldset>
  );
}

function Settings(part: DraftPart) {
  const { draft, set } = part;
  const [saving, setSaving] = useState("");
  async function save() {
    const made = await call<Schemas["ExecutionSettingsView"]>("POST", at("/v1/execution-settings"), {
      body: { name: saving.trim(), settings: settingsOf(draft.settings) },
      idempotencyKey: crypto.randomUUID(),
    });
    setSaving("");
    set({ execution_settings_id: made.id });
  }
  return (
    <fieldset>
      <legend>Settings</legend>
      <SavedFields draft={draft} set={set} />
      {!draft.execution_settings_id && (
        <>
          <SettingsFields values={draft.settings} set={(settings) => set({ settings })} />
          <div class="actions">
            <input aria-label="Name of the preset" placeholder="Name of a new preset" value={saving} onInput={(event) => setSaving(event.currentTarget.value)} />
            <Act label="Save as preset" disabled={!saving.trim()} act={save} />
          </div>
        </>
      )}
    </fieldset>
  );
}

/** Characters of a request that are shown: a browser takes seconds to lay out a list of 60,000 URIs. */
const SHOWN = 20_000;

function Tongues({ request }: { request: Body }) {
  const [tongue, setTongue] = useState("curl");
  const url = base().href;
  const text = tongue === "curl" ? curl(request, url) : tongue === "cli" ? cli(request, url) : python(request, url);
  return (
    <section aria-labelledby="same">
      <div class="head">
        <h2 id="same">The same request</h2>
        <div class="tabs" role="group" aria-label="Language">
          {[["curl", "curl"], ["cli", "CLI"], ["python", "Python"]].map(([value, label]) => (
            <button key={value} aria-pressed={tongue === value} onClick={() => setTongue(value!)}>{label}</button>
          ))}
        </div>
        <Copy text={text} />
      </div>
      <pre tabIndex={0} aria-label={`The request for ${tongue}`}>{text.slice(0, SHOWN)}</pre>
      <p class="hint">{number(text.length)} characters{text.length > SHOWN && `, of which the first ${number(SHOWN)} are shown: Copy takes all`}. Put your key into CLIPFERRY_API_KEY.</p>
    </section>
  );
}
