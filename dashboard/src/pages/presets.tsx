import { useState } from "preact/hooks";
import { all, at, call, type Schemas } from "../lib/api";
import { once, useLive } from "../lib/live";
import { Ago, Empty, Failure, Loading } from "../ui/basics";
import { Confirm } from "../ui/dialog";

type Preset = Schemas["ExecutionSettingsView"];

export function Presets() {
  const { data, error, reload } = useLive(() => all<Preset>(at("/v1/execution-settings"), "execution_settings"), once, []);
  const [deleting, setDeleting] = useState<Preset | null>(null);
  return (
    <>
      <h1 class="head">Presets</h1>
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="presets" />}
      {data?.length === 0 && (
        <Empty title="No presets yet">
          <p>A preset is saved settings of imports. Choose settings of a <a href="#/new">new import</a> and save them there under a name.</p>
        </Empty>
      )}
      {data?.map((one) => (
        <section key={one.id} aria-label={one.name}>
          <div class="head">
            <h2>{one.name}</h2>
            <button class="danger" onClick={() => setDeleting(one)}>Delete</button>
          </div>
          <p class="hint"><code>{one.id}</code>, changed <Ago time={one.updated_at} />. {one.description}</p>
          <pre tabIndex={0}>{JSON.stringify(one.settings, null, 2)}</pre>
        </section>
      ))}
      {deleting && (
        <Confirm
          title={`Delete ${deleting.name}?`}
          action="Delete preset"
          close={() => setDeleting(null)}
          act={() => call("DELETE", at("/v1/execution-settings/{settings_id}", deleting.id)).then(reload)}
        >
          <p>Imports that used it keep their settings.</p>
        </Confirm>
      )}
    </>
  );
}
