import { useEffect, useState } from "preact/hooks";
import { all, at, call, type Schemas } from "../lib/api";
import { changed, created, draftOf, EMPTY_WATCH, type WatchDraft } from "../lib/watch";
import { Act, useFirstField } from "../ui/dialog";
import { SettingsFields } from "../ui/settings-form";

type Detail = Schemas["WatchStatusView"];

/** Make a watch, or change one. */
export function WatchForm({ watch, saved, close }: { watch?: Detail; saved: (watch: Detail) => void; close: () => void }) {
  const [draft, setDraft] = useState<WatchDraft>(() => (watch ? draftOf(watch) : EMPTY_WATCH));
  const [presets, setPresets] = useState<Schemas["ExecutionSettingsView"][]>([]);
  const [integrations, setIntegrations] = useState<Schemas["IntegrationView"][]>([]);
  const [key] = useState(() => crypto.randomUUID());
  useEffect(() => {
    all<Schemas["ExecutionSettingsView"]>(at("/v1/execution-settings"), "execution_settings").then(setPresets, () => {});
    all<Schemas["IntegrationView"]>(at("/v1/integrations"), "integrations").then(setIntegrations, () => {});
  }, []);
  const set = (change: Partial<WatchDraft>) => setDraft((now) => ({ ...now, ...change }));
  const text = (name: keyof WatchDraft, label: string, placeholder = "") => (
    <label>
      {label}
      <input value={String(draft[name])} placeholder={placeholder} spellcheck={false} onInput={(event) => set({ [name]: event.currentTarget.value })} />
    </label>
  );
  const area = (name: keyof WatchDraft, label: string, placeholder: string) => (
    <label>
      {label}
      <textarea value={String(draft[name])} placeholder={placeholder} spellcheck={false} onInput={(event) => set({ [name]: event.currentTarget.value })} />
    </label>
  );
  const choice = (name: "execution_settings_id" | "integration_id", label: string, none: string, known: [id: string, text: string][]) => (
    <label>
      {label}
      <select value={draft[name]} onChange={(event) => set({ [name]: event.currentTarget.value })}>
        <option value="">{none}</option>
        {/* The chosen one may be gone, or its list may not be there yet. */}
        {draft[name] && !known.some(([id]) => id === draft[name]) && <option value={draft[name]}>{draft[name]}</option>}
        {known.map(([id, text]) => <option key={id} value={id}>{text}</option>)}
      </select>
    </label>
  );
  async function save() {
    saved(
      watch
        ? await call<Detail>("PATCH", at("/v1/watches/{watch_id}", watch.id), { body: changed(draft, watch) })
        : await call<Detail>("POST", at("/v1/watches"), { body: created(draft), idempotencyKey: key }),
    );
  }
  return (
    <form ref={useFirstField()} class="form" onSubmit={(event) => event.preventDefault()}>
      <div class="row">
        {text("name", "Name")}
        {!watch && text("root_path", "Prefix", "s3://my-bucket/2026/")}
        {text("schedule", "Schedule", "1h, or 0 2 * * *")}
        {text("time_zone", "Time zone", "UTC")}
        {text("folder", "Folder")}
        {text("labels", "Labels", "night, berlin")}
      </div>
      <label class="check">
        <input type="checkbox" checked={draft.events} onChange={(event) => set({ events: event.currentTarget.checked })} />
        Import objects when they appear (events of the bucket)
      </label>
      <details>
        <summary>Filters and settings</summary>
        <div class="form">
          <div class="row">
            {area("include", "Include: patterns, one a line", "*.zip")}
            {area("exclude", "Exclude: patterns, one a line", "night/")}
          </div>
          <div class="row">
            {choice("execution_settings_id", "Preset", "None: the settings below", presets.map((one) => [one.id, one.name]))}
            {choice("integration_id", "Integration", "The project's own for the bucket", integrations.map((one) => [one.id, `${one.name} (${one.bucket})`]))}
          </div>
          {!draft.execution_settings_id && <SettingsFields values={draft.settings} set={(settings) => set({ settings })} stored={watch?.settings.notify.webhook_url ?? ""} />}
        </div>
      </details>
      <div class="actions">
        <Act primary label={watch ? "Save watch" : "Create watch"} disabled={!draft.name.trim() || !draft.root_path.trim()} act={save} />
        <button type="button" onClick={close}>Cancel</button>
      </div>
      <p class="hint">{watch ? "Other filters start a run. Another prefix needs another watch." : "Its first import begins at once, with what is there."}</p>
    </form>
  );
}
