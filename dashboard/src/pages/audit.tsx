import { useState } from "preact/hooks";
import { at } from "../lib/api";
import { Trail } from "./trail";

export function Audit() {
  const [subject, setSubject] = useState("");
  return (
    <>
      <h1 class="head">Audit</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Id of an import, watch, key, preset, integration or folder
          <input class="long" placeholder="ij_…" onChange={(event) => setSubject(event.currentTarget.value.trim())} />
        </label>
      </form>
      <Trail path={at("/v1/audit")} subjects subject={subject} />
    </>
  );
}
