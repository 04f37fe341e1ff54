import { useState } from "preact/hooks";
import { all, type ApiError, at, call, get, type Schemas } from "../lib/api";
import { number, plural, seconds } from "../lib/format";
import { once, useLive } from "../lib/live";
import { go, href, place } from "../lib/router";
import { Ago, Bar, Copy, Empty, Facts, Failure, Loading, runs, Status } from "../ui/basics";
import { Act, Confirm } from "../ui/dialog";

type Watch = Schemas["WatchView"];
type Detail = Schemas["WatchStatusView"];
type Test = Schemas["WatchTestView"];

function when(watch: Watch): string {
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
  return (
    <>
      <h1 class="head">Watches</h1>
      <Add />
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="watches" />}
      {data?.length === 0 && <Empty title="No watches yet"><p>A watch keeps a prefix imported: by a schedule, by the bucket's events, or both.</p></Empty>}
      {data && data.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list" aria-label="Watches">
            <thead><tr><th scope="col">Status</th><th scope="col">Watch</th><th scope="col">Prefix</th><th scope="col">Runs</th><th scope="col">Next run</th></tr></thead>
            <tbody>
              {data.map((watch) => (
                <tr key={watch.id}>
                  <td><Status of={watch.status} /></td>
                  <td><a href={href(["watches", watch.id])}>{watch.name}</a></td>
                  <td class="mono">{watch.root_path}</td>
                  <td>{when(watch) || "by hand"}</td>
                  <td>{watch.next_run_at ? new Date(watch.next_run_at).toLocaleString() : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Add() {
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  async function save(event: Event) {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(given.get(name) ?? "").trim();
    const often = text("schedule");
    // Five fields are a cron expression, one is an interval.
    const schedule = !often ? {} : { schedule: often.includes(" ") ? { cron: often, time_zone: text("time_zone") || "UTC" } : { every: often } };
    setBusy(true);
    setError(null);
    try {
      const made = await call<Detail>("POST", at("/v1/watches"), {
        body: { name: text("name"), root_path: text("root_path"), ...schedule, events: given.get("events") !== null, ...(text("folder") ? { folder: text("folder") } : {}) },
        idempotencyKey: crypto.randomUUID(),
      });
      go(href(["watches", made.id]));
    } catch (fault) {
      setError(fault as ApiError);
    } finally {
      setBusy(false);
    }
  }
  return (
    <section aria-labelledby="new-watch">
      <h2 id="new-watch">New watch</h2>
      <form class="form" onSubmit={(event) => void save(event)}>
        <div class="row">
          <label>Name<input name="name" required /></label>
          <label>Prefix<input name="root_path" required placeholder="s3://my-bucket/2026/" spellcheck={false} /></label>
          <label>Schedule<input name="schedule" placeholder="1h, or 0 2 * * *" spellcheck={false} /></label>
          <label>Time zone<input name="time_zone" placeholder="UTC" spellcheck={false} /></label>
          <label>Folder<input name="folder" /></label>
        </div>
        <label class="check"><input type="checkbox" name="events" />Import objects when they appear (events of the bucket)</label>
        <Failure error={error} />
        <div class="actions"><button class="primary" disabled={busy}>Create watch</button></div>
        <p class="hint">Its first import begins at once, with what is there.</p>
      </form>
    </section>
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
  if (!watch) return error ? <Failure error={error} retry={reload} /> : <Loading what="the watch" />;
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
          <button class="danger" onClick={() => setDeleting(true)}>Delete</button>
        </div>
      </div>
      <Failure error={refused ?? error} />
      {watch.failure && (
        <p class="note bad">{watch.failure.message} <code>{watch.failure.code}</code> {plural(watch.failure.attempts, "attempt")} since <Ago time={watch.failure.since} />.</p>
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
            ["Runs", when(watch) || "by hand"],
            ["Next run", watch.next_run_at && new Date(watch.next_run_at).toLocaleString()],
            ["Lag", watch.lag_seconds === null ? "none known" : seconds(watch.lag_seconds)],
            ["Complete until", watch.complete_until && new Date(watch.complete_until).toLocaleString()],
            ["Missed by events", watch.missed_by_events],
            ["Set-up of events", watch.events_setup],
            ["Folder", watch.folder],
            ["Labels", watch.labels.join(", ")],
            ["Created", <Ago time={watch.created_at} />],
          ]}
        />
      </section>
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
