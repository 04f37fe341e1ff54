import { useRef, useState } from "preact/hooks";
import { all, at, call, get, type Schemas } from "../lib/api";
import { number } from "../lib/format";
import { once, useLive } from "../lib/live";
import { href } from "../lib/router";
import { Ago, Empty, Failure, Loading } from "../ui/basics";
import { Act } from "../ui/dialog";

type Folder = Schemas["FolderView"];

export function Folders() {
  const { data, error, reload } = useLive(() => all<Folder>(at("/v1/folders"), "folders"), once, []);
  const form = useRef<HTMLFormElement>(null);

  async function create() {
    const given = new FormData(form.current ?? undefined);
    const description = String(given.get("description") ?? "").trim();
    await call("POST", at("/v1/folders"), {
      body: { name: String(given.get("name") ?? "").trim(), scope: given.get("scope"), ...(description ? { description } : {}) },
      idempotencyKey: crypto.randomUUID(),
    });
    form.current?.reset();
    reload();
  }

  return (
    <>
      <h1 class="head">Folders</h1>
      <section aria-labelledby="new-folder">
        <h2 id="new-folder">New folder</h2>
        <form ref={form} class="form" onSubmit={(event) => event.preventDefault()}>
          <div class="row">
            <label>Name<input name="name" required maxLength={64} /></label>
            <label>
              Scope
              <select name="scope"><option value="user">user</option><option value="org">org</option></select>
            </label>
            <label>Description<input name="description" /></label>
          </div>
          <div class="actions"><Act primary label="Create folder" act={create} /></div>
          <p class="hint">An import may name a folder that nobody has created. Folders cannot be changed or deleted.</p>
        </form>
      </section>
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="folders" />}
      {data?.length === 0 && <Empty title="No folders yet"><p>Create one above, or name one when you start an import.</p></Empty>}
      {data && data.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list" aria-label="Folders">
            <thead><tr><th scope="col">Folder</th><th scope="col">Scope</th><th scope="col">Description</th><th scope="col" class="num">Clips</th><th scope="col">Created</th></tr></thead>
            <tbody>{data.map((folder) => <Row key={folder.id} folder={folder} />)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ folder }: { folder: Folder }) {
  const [count, setCount] = useState<number | null>(null);
  const look = async () => setCount((await get<Schemas["CountedFolderView"]>(at("/v1/folders/{folder_id}", folder.id))).clip_count);
  return (
    <tr>
      <td><a href={href(["imports"], { folder: folder.name })}>{folder.name}</a></td>
      <td>{folder.scope}</td>
      <td>{folder.description ?? "–"}</td>
      <td class="num">{count === null ? <Act small label="Count" act={look} /> : number(count)}</td>
      <td><Ago time={folder.created_at} /></td>
    </tr>
  );
}
