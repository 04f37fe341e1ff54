import { useRef, useState } from "preact/hooks";
import { all, at, call, type Schemas } from "../lib/api";
import { once, useLive } from "../lib/live";
import { Ago, Copy, Empty, Failure, Loading } from "../ui/basics";
import { Act, Confirm } from "../ui/dialog";

type Key = Schemas["KeyView"];

/** For the admin key, which does nothing else. */
export function Keys() {
  const { data, error, reload } = useLive(() => all<Key>(at("/v1/keys"), "keys"), once, []);
  const [made, setMade] = useState<Schemas["CreatedKeyView"] | null>(null);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const form = useRef<HTMLFormElement>(null);

  async function create() {
    const given = new FormData(form.current ?? undefined);
    const body = { project: String(given.get("project")).trim(), name: String(given.get("name")).trim() };
    setMade(await call<Schemas["CreatedKeyView"]>("POST", at("/v1/keys"), { body }));
    form.current?.reset();
    reload();
  }

  return (
    <>
      <h1 class="head">Keys</h1>
      <section aria-labelledby="new-key">
        <h2 id="new-key">New key</h2>
        <form ref={form} class="form" onSubmit={(event) => event.preventDefault()}>
          <div class="row">
            <label>Project<input name="project" required placeholder="perception" /></label>
            <label>Name<input name="name" required placeholder="nightly upload" /></label>
          </div>
          <div class="actions"><Act primary label="Create key" act={create} /></div>
        </form>
        {made && (
          <p class="note" role="status">
            Key of project {made.project}, shown this once: <code>{made.key}</code> <Copy text={made.key} />
          </p>
        )}
      </section>
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="keys" />}
      {data?.length === 0 && <Empty title="No keys yet"><p>Each project that imports clips needs a key. Make one above, and give it to the project's users.</p></Empty>}
      {data && data.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list" aria-label="Keys">
            <thead><tr><th scope="col">Key</th><th scope="col">Project</th><th scope="col">Name</th><th scope="col">Created</th><th scope="col">Revoke</th></tr></thead>
            <tbody>
              {data.map((key) => (
                <tr key={key.id}>
                  <td class="mono">{key.id}</td>
                  <td>{key.project}</td>
                  <td>{key.name}</td>
                  <td><Ago time={key.created_at} /></td>
                  <td><button class="small danger" aria-label={`Revoke ${key.id}`} onClick={() => setRevoking(key)}>Revoke</button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          action="Revoke key"
          close={() => setRevoking(null)}
          act={() => call("DELETE", at("/v1/keys/{key_id}", revoking.id)).then(reload)}
        >
          <p>Whatever uses this key of project {revoking.project} is refused from now on. This cannot be undone.</p>
        </Confirm>
      )}
    </>
  );
}
