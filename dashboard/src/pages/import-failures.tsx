import { useState } from "preact/hooks";
import { all, type ApiError, at, call, type Clip, get, type Import, type Schemas } from "../lib/api";
import { meaning } from "../lib/codes";
import { number } from "../lib/format";
import { once, useLive } from "../lib/live";
import { href } from "../lib/router";
import { Failure, Loading, runs, Said } from "../ui/basics";
import { Act } from "../ui/dialog";

type Group = Schemas["FailureGroupView"];

export function Failures({ job, reload }: { job: Import; reload: () => void }) {
  const failed = job.counts.failed + job.counts.cancelled;
  const { data, error, reload: retry } = useLive(
    (signal) => get<Schemas["FailuresView"]>(at("/v1/imports/{job_id}/failures", job.id), {}, signal),
    once,
    [job.id],
    // While it runs, count again with each twentieth more.
    { again: [job.run, job.status, Math.floor(Math.log(failed || 1) * 20)] },
  );
  if (data?.groups.length === 0) return null;
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">Failures by reason</h2>
      <Failure error={error} retry={retry} />
      {!data && !error && <Loading what="the reasons" />}
      {data && !data.complete && <p class="hint">There are many failures: each count means at least this number.</p>}
      {data?.groups.map((group) => (
        <One key={`${group.status} ${group.code}`} job={job} group={group} exact={data.complete} reload={reload} />
      ))}
    </section>
  );
}

function One({ job, group, exact, reload }: { job: Import; group: Group; exact: boolean; reload: () => void }) {
  const [error, setError] = useState<ApiError | null>(null);
  const checked = group.failed_check === group.count && group.count > 0;
  const again = !runs(job);

  async function retry(content_validation?: "none") {
    const body = { codes: [group.code], ...(content_validation ? { content_validation } : {}) };
    await call("POST", at("/v1/imports/{job_id}/retry", job.id), { body, idempotencyKey: crypto.randomUUID() });
    reload();
  }

  async function download() {
    const path = at("/v1/imports/{job_id}/clips", job.id);
    const clips = await all<Clip>(path, "clips", { status: group.status }, (clip) => clip.code === group.code);
    const lines = clips.map((clip) => `${JSON.stringify({ uri: clip.source_uri })}\n`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
    link.download = `${job.id}-${group.code}.manifest.jsonl`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <article class="group">
      <header>
        <h3>
          <span class="count">
            {exact ? "" : "≥ "}
            {number(group.count)}
          </span>{" "}
          <code>{group.code}</code>
        </h3>
        <div class="actions">
          {again && checked && <Act label="Retry without the check" act={() => retry("none")} onError={setError} />}
          {again && !checked && <Act label="Retry these" act={() => retry()} onError={setError} />}
          <Act label="Download as manifest" act={download} onError={setError} />
        </div>
      </header>
      <p><Said text={meaning(group.code) || group.examples[0]?.message || ""} /></p>
      <Failure error={error} />
      <ul>
        {group.examples.map((clip) => (
          <li key={clip.id}>
            <a href={href(["clips", clip.id])}>{clip.source_uri}</a>
            <span class="sub">{clip.message}</span>
          </li>
        ))}
      </ul>
    </article>
  );
}
