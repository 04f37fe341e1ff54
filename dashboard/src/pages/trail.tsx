import { useState } from "preact/hooks";
import { get, type Schemas } from "../lib/api";
import { once, useLive } from "../lib/live";
import { href } from "../lib/router";
import { Ago, Failure } from "../ui/basics";

type Entry = Schemas["AuditEntryView"];

/** The audit of an import, or of the whole project: who asked for what. */
export function Trail({ path, subjects = false, subject }: { path: string; subjects?: boolean; subject?: string }) {
  const [limit, setLimit] = useState(20);
  const { data, error, reload } = useLive(
    (signal) => get<Schemas["AuditPage"]>(path, { limit, subject: subject ?? null }, signal),
    once,
    [path, limit, subject],
  );
  return (
    <section aria-labelledby="audit">
      <h2 id="audit">{subjects ? "Changes" : "Audit"}</h2>
      <Failure error={error} retry={reload} />
      {data && data.entries.length === 0 && <p class="hint">Nothing was changed yet. Entries appear a moment after a change.</p>}
      {data && data.entries.length > 0 && (
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
              {data.entries.map((entry) => (
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
      {data?.has_more && <button onClick={() => setLimit(Math.min(1000, limit * 5))}>Show more</button>}
    </section>
  );
}

function Subject({ entry }: { entry: Entry }) {
  return entry.subject.startsWith("ij_") && !entry.subject.includes("-") ? (
    <a href={href(["imports", entry.subject])}>{entry.subject}</a>
  ) : (
    <span class="mono">{entry.subject}</span>
  );
}
