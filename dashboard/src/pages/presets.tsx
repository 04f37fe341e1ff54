import { useMemo, useState } from "preact/hooks";
import { all, at, call, type Schemas } from "../lib/api";
import { once, useLive } from "../lib/live";
import { changedSettings, editedOf, EMPTY_VALUES, shown, storedWebhook } from "../lib/settings";
import { Ago, Copy, Empty, Facts, Failure, Loading } from "../ui/basics";
import { Act, Confirm, useFirstField } from "../ui/dialog";
import { SettingsFields } from "../ui/settings-form";

type Preset = Schemas["ExecutionSettingsView"];

export function Presets() {
  const { data, error, reload } = useLive(() => all<Preset>(at("/v1/execution-settings"), "execution_settings"), once, []);
  // The id of the preset that is edited; empty for a new one.
  const [editing, setEditing] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<Preset | null>(null);
  const close = () => setEditing(null);
  const saved = () => {
    close();
    reload();
  };
  return (
    <>
      <div class="head">
        <h1>Presets</h1>
        {editing !== "" && <button class="primary" onClick={() => setEditing("")}>New preset</button>}
      </div>
      {editing === "" && <Form saved={saved} close={close} />}
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="presets" />}
      {data?.length === 0 && editing === null && (
        <Empty title="No presets yet">
          <p>A preset is saved settings of imports. Make one here, or choose settings of a <a href="#/new">new import</a> and save them there under a name.</p>
        </Empty>
      )}
      {data?.map((one) =>
        editing === one.id ? (
          <Form key={one.id} preset={one} saved={saved} close={close} />
        ) : (
          <section key={one.id} aria-label={one.name}>
            <div class="head">
              <h2>{one.name}</h2>
              <div class="actions">
                <button onClick={() => setEditing(one.id)}>Edit</button>
                <button class="danger" onClick={() => setDeleting(one)}>Delete</button>
              </div>
            </div>
            {one.description && <p>{one.description}</p>}
            <Facts rows={shown(one.settings)} />
            <p class="hint">
              <code>{one.id}</code> <Copy text={one.id} label="Copy the id" /> changed <Ago time={one.updated_at} />. What is not named has the default at the time of use.
            </p>
          </section>
        ),
      )}
      {deleting && (
        <Confirm
          title={`Delete ${deleting.name}?`}
          action="Delete preset"
          close={() => setDeleting(null)}
          act={() => call("DELETE", at("/v1/execution-settings/{settings_id}", deleting.id)).then(reload)}
        >
          <p>Imports that used it keep their settings. Watches that use it fail until they get others.</p>
        </Confirm>
      )}
    </>
  );
}

/** Change a preset, or make a new one. */
function Form({ preset, saved, close }: { preset?: Preset; saved: () => void; close: () => void }) {
  const [name, setName] = useState(preset?.name ?? "");
  const [description, setDescription] = useState(preset?.description ?? "");
  const [values, setValues] = useState(preset ? editedOf(preset.settings) : EMPTY_VALUES);
  const stored = preset ? storedWebhook(preset.settings) : "";
  const key = useMemo(() => crypto.randomUUID(), [name, description, values]);
  async function save() {
    const text = description.trim();
    const body = { name: name.trim(), settings: changedSettings(values, stored), ...(text ? { description: text } : {}) };
    if (preset) await call("PUT", at("/v1/execution-settings/{settings_id}", preset.id), { body });
    else await call("POST", at("/v1/execution-settings"), { body, idempotencyKey: key });
    saved();
  }
  return (
    <section aria-label={preset ? `Edit ${preset.name}` : "New preset"}>
      <h2>{preset ? `Edit ${preset.name}` : "New preset"}</h2>
      <form ref={useFirstField()} class="form" onSubmit={(event) => event.preventDefault()}>
        <div class="row">
          <label>Name<input value={name} required onInput={(event) => setName(event.currentTarget.value)} /></label>
          <label>Description<input value={description} onInput={(event) => setDescription(event.currentTarget.value)} /></label>
        </div>
        <SettingsFields values={values} set={setValues} stored={stored} />
        <div class="actions">
          <Act primary label="Save preset" disabled={!name.trim()} act={save} />
          <button type="button" onClick={close}>Cancel</button>
        </div>
        {preset && <p class="hint">Running imports keep their settings. The next runs of watches with this preset have the new ones.</p>}
      </form>
    </section>
  );
}
