import { useMemo, useState } from "preact/hooks";
import { at, call, type Schemas } from "../lib/api";
import { changed, created, draftOf, EMPTY_WATCH, type WatchDraft } from "../lib/watch";
import { Act, useFirstField } from "../ui/dialog";
import { FilterFields, SavedFields, Text } from "../ui/fields";
import { SettingsFields } from "../ui/settings-form";

type Detail = Schemas["WatchStatusView"];

/** Make a watch, or change one. */
export function WatchForm({ watch, saved, close }: { watch?: Detail; saved: (watch: Detail) => void; close: () => void }) {
  const [draft, setDraft] = useState<WatchDraft>(() => (watch ? draftOf(watch) : EMPTY_WATCH));
  // One key for one request, so that a click after a lost answer makes no second watch.
  const key = useMemo(() => crypto.randomUUID(), [draft]);
  const set = (change: Partial<WatchDraft>) => setDraft((now) => ({ ...now, ...change }));
  const part = { draft, set };
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
        <Text {...part} name="name" label="Name" />
        {!watch && <Text {...part} name="root_path" label="Prefix" placeholder="s3://my-bucket/2026/" />}
        <Text {...part} name="schedule" label="Schedule" placeholder="1h, or 0 2 * * *" />
        <Text {...part} name="time_zone" label="Time zone" placeholder="UTC" />
        <Text {...part} name="folder" label="Folder" />
        <Text {...part} name="labels" label="Labels" placeholder="night, berlin" />
      </div>
      <label class="check">
        <input type="checkbox" checked={draft.events} onChange={(event) => set({ events: event.currentTarget.checked })} />
        Import objects when they appear (events of the bucket)
      </label>
      <details>
        <summary>Filters and settings</summary>
        <div class="form">
          <FilterFields {...part} />
          <SavedFields {...part} />
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
