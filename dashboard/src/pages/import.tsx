import { useState } from "preact/hooks";
import { ApiError, at, call, get, type Import } from "../lib/api";
import { between, bytes, number, plural, seconds, when } from "../lib/format";
import { useLive } from "../lib/live";
import { go, href } from "../lib/router";
import { shown } from "../lib/settings";
import { Absent, Ago, Bar, Copy, Facts, Failure, filters, Labels, rateOf, runs, source, Status } from "../ui/basics";
import { Act, Confirm } from "../ui/dialog";
import { Clips } from "./import-clips";
import { Failures } from "./import-failures";
import { Timeline } from "./import-timeline";
import { Trail } from "./trail";

export function ImportPage({ id }: { id: string }) {
  const { data: job, error, reload } = useLive(
    (signal) => get<Import>(at("/v1/imports/{job_id}", id), {}, signal),
    // Its webhook is sent after its end.
    (found) => runs(found) || found.webhook?.status === "PENDING",
    [id],
  );
  if (!job) return <Absent title={id} what="the import" above={["imports", "Imports"]} error={error} retry={reload} />;
  const planned = job.counts.total > 0;
  return (
    <>
      <p class="crumbs">
        <a href="#/imports">Imports</a>
      </p>
      <div class="head">
        <h1>
          <span class="mono">{job.id}</span> <span role="status"><Status of={job.status} /></span>
        </h1>
        <Actions job={job} reload={reload} />
      </div>
      <Failure error={error} retry={reload} />
      {job.message && (
        <p class={`note ${job.status === "FAILED" ? "bad" : ""}`}>
          {job.message} {job.code && <code>{job.code}</code>}
        </p>
      )}
      <Counts job={job} />
      <Restores job={job} />
      <div class="columns">
        <Timeline job={job} />
        <Summary job={job} />
      </div>
      {job.counts.failed + job.counts.cancelled > 0 && <Failures job={job} reload={reload} />}
      {planned && <Clips job={job} />}
      {job.runs.length > 0 && <Attempts job={job} />}
      <Trail path={at("/v1/imports/{job_id}/audit", id)} again={`${job.run} ${job.status} ${job.cancel_requested} ${job.webhook?.attempts}`} />
    </>
  );
}

function Counts({ job }: { job: Import }) {
  const { counts } = job;
  const rate = rateOf(job);
  const numbers = ["copied", "skipped", "failed", "cancelled", "pending"] as const;
  return (
    <section class="counts" aria-label="Counts">
      <Bar counts={counts} />
      <dl>
        {numbers.map((name) => (
          <div key={name} class={`c-${name}`}>
            <dt>{name}</dt>
            <dd data-testid={`count-${name}`} class={counts[name] ? "some" : ""}>{number(counts[name])}</dd>
          </div>
        ))}
        <div class="c-total">
          <dt>total</dt>
          <dd data-testid="count-total">{number(counts.total)}</dd>
        </div>
        <div>
          <dt>size</dt>
          <dd>{bytes(counts.bytes)}</dd>
        </div>
        <div>
          <dt>rate</dt>
          <dd>{rate ? `${rate.clips.toFixed(rate.clips < 10 ? 1 : 0)} clips/s` : "–"}</dd>
        </div>
        <div>
          <dt>throughput</dt>
          <dd>{rate?.bytes ? `${bytes(rate.bytes)}/s` : "–"}</dd>
        </div>
        {runs(job) && (
          <div>
            <dt>time left</dt>
            <dd>{job.eta_seconds === null ? "unknown" : seconds(job.eta_seconds)}</dd>
          </div>
        )}
      </dl>
    </section>
  );
}

function Restores({ job }: { job: Import }) {
  const found = job.restores;
  if (!found?.waiting) return null;
  return (
    <p class="note" data-testid="restores">
      {number(found.waiting)} of {number(found.requested)} clips wait for their restore ({found.tier}: up to {found.hours} h).
      {found.next_look && ` It looks again at ${when(found.next_look)}.`}
    </p>
  );
}

function Summary({ job }: { job: Import }) {
  return (
    <section aria-labelledby="about">
      <h2 id="about">About</h2>
      <Facts
        rows={[
          ["Source", <span class="wrap">{source(job)} {job.source.uri && <Copy text={job.source.uri} />}</span>],
          ["Started by", `${job.trigger}${job.door === job.trigger ? "" : ` (${job.door})`}${job.key_id ? `, key ${job.key_id}` : ""}`],
          ["Created", <Ago time={job.created_at} />],
          ["Completed", job.completed_at && <Ago time={job.completed_at} />],
          ["Watch", job.watch_id && <a href={href(["watches", job.watch_id])}>{job.watch_id}</a>],
          ["Folder", job.folder],
          ["Labels", job.labels.length > 0 && <Labels of={job.labels} />],
          ["Group", job.test_run_group_name],
          ["Prefix of run names", job.run_name_prefix],
          ["Attempt", job.run ? number(job.run + 1) : null],
          ["As it was at", job.source.as_of && when(job.source.as_of)],
          ["Filters", filters(job.filters)],
          ["Integration", job.integration_id && <a href="#/integrations">{job.integration_id}</a>],
          ["Preset", job.execution_settings_id && <a href="#/presets">{job.execution_settings_id}</a>],
          ["Webhook", job.webhook && `${job.webhook.status.toLowerCase()}, ${plural(job.webhook.attempts, "attempt")}: ${job.webhook.url}`],
          ["Last webhook error", job.webhook?.last_error],
        ]}
      />
      <details>
        <summary>Settings</summary>
        <Facts rows={shown(job.settings)} />
      </details>
    </section>
  );
}

function Attempts({ job }: { job: Import }) {
  return (
    <section aria-labelledby="attempts">
      <h2 id="attempts">Earlier attempts</h2>
      <div class="scroll" tabIndex={0}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Attempt</th>
              <th scope="col">Result</th>
              <th scope="col">Started</th>
              <th scope="col">Took</th>
              <th scope="col">Key</th>
              <th scope="col" class="num">Copied</th>
              <th scope="col" class="num">Failed</th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {job.runs.map((one) => (
              <tr key={one.run}>
                <td>{one.run + 1}</td>
                <td><Status of={one.status} /></td>
                <td><Ago time={one.started_at} /></td>
                <td>{seconds(between(one.started_at, one.completed_at))}</td>
                <td>{one.key_id ?? "–"}</td>
                <td class="num">{number(one.counts.copied)}</td>
                <td class="num">{number(one.counts.failed)}</td>
                <td>{one.message ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Actions({ job, reload }: { job: Import; reload: () => void }) {
  const [asking, setAsking] = useState<"cancel" | "delete" | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const close = () => setAsking(null);
  const path = at("/v1/imports/{job_id}", job.id);
  const post = (verb: string, body?: unknown) =>
    call("POST", `${path}/${verb}`, { body, idempotencyKey: crypto.randomUUID() }).then(reload);
  return (
    <>
      <div class="actions">
        {runs(job) && job.cancel_requested && <span class="hint" role="status">Cancelling…</span>}
        {runs(job) && !job.cancel_requested && (
          <button class="danger" onClick={() => setAsking("cancel")}>
            Cancel import
          </button>
        )}
        {!runs(job) && (
          <>
            {job.counts.failed + job.counts.cancelled > 0 && (
              <Act primary label="Retry failed" act={() => post("retry")} onError={setError} />
            )}
            <Report job={job} onError={setError} />
            {job.webhook && <Act label="Replay webhook" act={() => post("webhook/replay")} onError={setError} />}
            <button class="danger" onClick={() => setAsking("delete")}>
              Delete
            </button>
          </>
        )}
      </div>
      <Failure error={error} />
      {asking === "cancel" && (
        <Confirm title="Cancel this import?" action="Cancel import now" close={close} act={() => post("cancel")}>
          <p>Clips that are copied stay. No new copy begins; a retry takes up the rest later.</p>
        </Confirm>
      )}
      {asking === "delete" && (
        <Confirm
          title="Delete this import's record?"
          action="Delete record"
          close={close}
          act={() => call("DELETE", path).then(() => go(href(["imports"])))}
        >
          <p>Its clips stay where they are. Its list of clips, its report and its history are gone for good.</p>
        </Confirm>
      )}
    </>
  );
}

/** How long a click waits for the report. */
const REPORT_SECONDS = 30;
const FORMATS: [string, string][] = [
  ["csv", "All clips (CSV)"],
  ["jsonl", "All clips (JSON lines)"],
  ["summary", "Summary (JSON)"],
  ["failures", "Failed clips, as a manifest"],
];

/** The report is written in the first seconds after the import's end. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += 1) {
    try {
      return await read();
    } catch (fault) {
      if (!(fault instanceof ApiError) || fault.code !== "REPORT_PENDING" || waited === REPORT_SECONDS) throw fault;
      await new Promise((done) => setTimeout(done, 1_000));
    }
  }
}

function Report({ job, onError }: { job: Import; onError: (error: ApiError | null) => void }) {
  const [format, setFormat] = useState("csv");
  async function download() {
    // The link names a file to save, so the page stays.
    location.assign((await patiently(() => get<{ url: string }>(at("/v1/imports/{job_id}/report", job.id), { format }))).url);
  }
  return (
    <span class="joined">
      <select aria-label="File of the report" value={format} onChange={(event) => setFormat(event.currentTarget.value)}>
        {FORMATS.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <Act label="Download report" act={download} onError={onError} />
    </span>
  );
}
