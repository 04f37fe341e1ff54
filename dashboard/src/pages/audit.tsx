import { at } from "../lib/api";
import { go, href, place } from "../lib/router";
import { Entered } from "../ui/fields";
import { Trail } from "./trail";

export function Audit() {
  const subject = place.value.query.get("subject") ?? "";
  return (
    <>
      <h1 class="head">Audit</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Id of an import, watch, key, preset, integration or folder
          <Entered class="long" value={subject} placeholder="ij_…" commit={(text) => go(href(["audit"], { subject: text }), true)} />
        </label>
      </form>
      <Trail path={at("/v1/audit")} subjects subject={subject} />
    </>
  );
}
