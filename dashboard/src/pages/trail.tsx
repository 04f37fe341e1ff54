import { useState } from "preact/hooks";
import { all, type Schemas } from "../lib/api";
import { once, useLive } from "../lib/live";
import { href } from "../lib/router";
import { Ago, Failure, Loading } from "../ui/basics";

type Entry = Schemas["AuditEntryView"];
/** Entries that one request asks for at most. */
const PAGE = 1_000;

/** The audit of an import, or of the whole project: who asked for what. It is read again when `again` changes. */
export function Trail({ path, subjects = false, subject, again = "" }: { path: string; subjects?: boolean; subject?: string; again?: string }) {
  const [limit, setLimit] = useState(20);
  const { data, error, reload } = useLive(
    // One more than is shown tells whether there are more.
    () => all<Entry>(path, "entries", { limit: Math.min(PAGE, limit + 1), subject }, () => true, limit + 1),
    once,
    [path, subject],
    { again: [limit, again] },
  );
  return (
    <section aria-labelledby="audit">
      <h2 id="audit">{subjects ? "Changes" : "Audit"}</h2>
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="changes" />}
      {data?.length === 0 && <p class="hint">{subject ? "No change of this id is recorded." : "Nothing was changed yet."} Entries appear a moment after a change.</p>}
      {data && data.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Change</th>
                {subjects && <th scope="col">Of</th>}
                <th scope="col">Key</th>
                <th scope="col">Through</th>
                <th scope="col">Request</th>
              </tr>
            </thead>
            <tbody>
              {data.slice(0, limit).map((entry) => (
                <tr key={entry.id}>
                  <td><Ago time={entry.time} /></td>
                  <td><code>{entry.action}</code></td>
                  {subjects && <td><Subject entry={entry} /></td>}
                  <td>{entry.key_id ?? "–"}</td>
                  <td>{entry.door}</td>
                  <td class="mono">{entry.request_id ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data && data.length > limit && <div class="more"><button onClick={() => setLimit(limit * 5)}>Show more</button></div>}
    </section>
  );
}

/** Pages of things by how their ids begin. */
const LINKED: Record<string, string> = { ij_: "imports", wa_: "watches" };

function Subject({ entry }: { entry: Entry }) {
  const page = LINKED[entry.subject.slice(0, 3)];
  const text = <span class="mono">{entry.subject}</span>;
  return page && !entry.subject.includes("-") ? <a href={href([page, entry.subject])}>{text}</a> : text;
}
