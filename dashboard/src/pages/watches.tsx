import { useState } from "preact/hooks";
import { all, type ApiError, at, call, get, type Schemas } from "../lib/api";
import { number, plural, seconds, when } from "../lib/format";
import { once, useLive } from "../lib/live";
import { shown } from "../lib/settings";
import { go, href, place } from "../lib/router";
import { Absent, Ago, Bar, Copy, Empty, Facts, Failure, filters, Labels, Loading, runs, Status } from "../ui/basics";
import { Act, Confirm } from "../ui/dialog";
import { WatchForm } from "./watch-form";

type Watch = Schemas["WatchView"];
type Detail = Schemas["WatchStatusView"];
type Test = Schemas["WatchTestView"];

function schedule(watch: Watch): string {
  const { schedule } = watch;
  const often = schedule?.every ? `every ${schedule.every}` : schedule?.cron ? `${schedule.cron} (${schedule.time_zone})` : "";
  return [often, watch.events ? "events" : ""].filter(Boolean).join(", ");
}

export function Watches() {
  const id = place.value.parts[1];
  return id ? <One key={id} id={id} /> : <List />;
}

function List() {
  const { data, error, reload } = useLive(() => all<Watch>(at("/v1/watches"), "watches"), once, []);
  const [adding, setAdding] = useState(false);
  return (
    <>
      <div class="head">
        <h1>Watches</h1>
        {!adding && <button class="primary" onClick={() => setAdding(true)}>New watch</button>}
      </div>
      {adding && (
        <section aria-labelledby="new-watch">
          <h2 id="new-watch">New watch</h2>
          <WatchForm saved={(made) => go(href(["watches", made.id]))} close={() => setAdding(false)} />
        </section>
      )}
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="watches" />}
      {data?.length === 0 && !adding && <Empty title="No watches yet"><p>A watch keeps a prefix imported: by a schedule, by the bucket's events, or both.</p></Empty>}
      {data && data.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list" aria-label="Watches">
            <thead><tr><th scope="col">Status</th><th scope="col">Watch</th><th scope="col">Prefix</th><th scope="col">Runs</th><th scope="col">Next run</th></tr></thead>
            <tbody>
              {data.map((watch) => (
                <tr key={watch.id}>
                  <td><Status of={watch.status} /></td>
                  <td><a href={href(["watches", watch.id])}>{watch.name}</a></td>
                  <td class="mono cut" title={watch.root_path}>{watch.root_path}</td>
                  <td>{schedule(watch) || "by hand"}</td>
                  <td>{watch.next_run_at ? when(watch.next_run_at) : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function One({ id }: { id: string }) {
  const path = at("/v1/watches/{watch_id}", id);
  const { data: watch, error, reload } = useLive(
    (signal) => get<Detail>(path, {}, signal),
    (found) => found.runs.some((run) => runs(run)),
    [id],
  );
  const [test, setTest] = useState<Test | null>(null);
  const [refused, setRefused] = useState<ApiError | null>(null);
  const [deleting, setDeleting] = useState(false);
  const [editing, setEditing] = useState(false);
  if (!watch) return <Absent title={id} what="the watch" above={["watches", "Watches"]} error={error} retry={reload} />;
  const pause = () => call("PATCH", path, { body: { paused: !watch.paused } }).then(reload);
  return (
    <>
      <p class="crumbs"><a href="#/watches">Watches</a></p>
      <div class="head">
        <h1>{watch.name} <Status of={watch.status} /></h1>
        <div class="actions">
          <Act primary label="Run now" act={() => call("POST", `${path}/run`).then(reload)} onError={setRefused} />
          <Act label={watch.paused ? "Resume" : "Pause"} act={pause} onError={setRefused} />
          <Act label="Test" act={async () => setTest(await call<Test>("POST", `${path}/test`))} onError={setRefused} />
          <button onClick={() => setEditing(true)}>Edit</button>
          <button class="danger" onClick={() => setDeleting(true)}>Delete</button>
        </div>
      </div>
      <Failure error={refused ?? error} />
      {watch.failure && (
        <p class="note bad">{watch.failure.message} <code>{watch.failure.code}</code> {plural(watch.failure.attempts, "attempt")} since <Ago time={watch.failure.since} />.</p>
      )}
      {editing && (
        <section aria-label={`Edit ${watch.name}`}>
          <h2>Edit {watch.name}</h2>
          <WatchForm
            watch={watch}
            saved={() => {
              setEditing(false);
              reload();
            }}
            close={() => setEditing(false)}
          />
        </section>
      )}
      {test && (
        <ul aria-label="Checks">
          {test.checks.map((check) => (
            <li key={check.action} class={check.ok ? "good" : "bad"}>{check.ok ? "✓" : "✗"} {check.action}: {check.ok ? "works" : check.message}</li>
          ))}
        </ul>
      )}
      <section aria-labelledby="about">
        <h2 id="about">About</h2>
        <Facts
          rows={[
            ["Prefix", <>{watch.root_path} <Copy text={watch.root_path} /></>],
            ["Runs", schedule(watch) || "by hand"],
            ["Next run", watch.next_run_at && when(watch.next_run_at)],
            ["Lag", watch.lag_seconds === null ? "none known" : seconds(watch.lag_seconds)],
            ["Complete until", watch.complete_until && when(watch.complete_until)],
            ["Missed by events", watch.missed_by_events],
            ["Set-up of events", watch.events_setup],
            ["Folder", watch.folder],
            ["Labels", watch.labels.length > 0 && <Labels of={watch.labels} />],
            ["Integration", watch.integration_id && <a href="#/integrations">{watch.integration_id}</a>],
            ["Preset", watch.execution_settings_id && <a href="#/presets">{watch.execution_settings_id}</a>],
            ["Filters", filters(watch.filters)],
            ["Created", <Ago time={watch.created_at} />],
          ]}
        />
        {!watch.execution_settings_id && (
          <details>
            <summary>Settings</summary>
            <Facts rows={shown(watch.settings)} />
          </details>
        )}
      </section>
      {watch.webhooks.length > 0 && (
        <section aria-labelledby="webhooks">
          <h2 id="webhooks">Webhooks about lost access</h2>
          <div class="scroll" tabIndex={0}>
            <table class="list">
              <thead><tr><th scope="col">Status</th><th scope="col">Webhook</th><th scope="col" class="num">Attempts</th><th scope="col">Last answer</th><th scope="col">At</th><th scope="col">Replay</th></tr></thead>
              <tbody>
                {watch.webhooks.map((one) => (
                  <tr key={one.event_id}>
                    <td><Status of={one.status} /></td>
                    <td>{one.type.split(".").pop()}</td>
                    <td class="num">{number(one.attempts)}</td>
                    <td>{one.last_error ?? one.last_status_code ?? "–"}</td>
                    <td><Ago time={one.at} /></td>
                    <td>
                      {!one.next_attempt_at && (
                        <Act label="Replay" act={() => call("POST", `${path}/webhook/replay`, { body: { event_id: one.event_id } }).then(reload)} onError={setRefused} />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      <section aria-labelledby="runs">
        <div class="head">
          <h2 id="runs">Imports</h2>
          <a href={href(["imports"], { watch: watch.id })}>All imports of this watch</a>
        </div>
        {watch.runs.length === 0 && <p class="hint">It has not run yet.</p>}
        {watch.runs.length > 0 && (
          <div class="scroll" tabIndex={0}>
            <table class="list">
              <thead><tr><th scope="col">Status</th><th scope="col">Import</th><th scope="col">Cause</th><th scope="col">Clips</th><th scope="col" class="num">Copied</th><th scope="col">Created</th></tr></thead>
              <tbody>
                {watch.runs.map((run) => (
                  <tr key={run.id}>
                    <td><Status of={run.status} /></td>
                    <td><a class="mono" href={href(["imports", run.id])}>{run.id}</a></td>
                    <td>{run.cause}</td>
                    <td><Bar counts={run.counts} /></td>
                    <td class="num">{number(run.counts.copied)}</td>
                    <td><Ago time={run.created_at} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {deleting && (
        <Confirm title={`Delete ${watch.name}?`} action="Delete watch" close={() => setDeleting(false)} act={() => call("DELETE", path).then(() => go(href(["watches"])))}>
          <p>It starts no more imports. Its imports and their clips stay.</p>
        </Confirm>
      )}
    </>
  );
}
