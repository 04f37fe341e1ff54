import { at, get, type Schemas } from "../lib/api";
import { number, plural } from "../lib/format";
import { useLive } from "../lib/live";
import { href } from "../lib/router";
import { Absent, Ago, Failure, Status } from "../ui/basics";

const always = () => true;
/** Milliseconds between two looks: each asks the table or CloudWatch for much. */
const APART = 10_000;

/** What is queued, throttled and failing in the project. */
export function Health() {
  const { data, error, reload } = useLive((signal) => get<Schemas["HealthView"]>(at("/v1/health"), {}, signal), always, [], { apart: APART });
  if (!data) return <Absent title="Health" what="the health of the project" error={error} retry={reload} />;
  const { active, ended, watches } = data;
  const failing: [count: number, of: string, what: string, to: string][] = [
    [watches["FAILING"] ?? 0, "watch", "cannot read the source", href(["watches"])],
    [ended["FAILED"] ?? 0, "import", "failed", href(["imports"], { status: "FAILED" })],
    [ended["COMPLETED_WITH_ERRORS"] ?? 0, "import", "completed with errors", href(["imports"], { status: "COMPLETED_WITH_ERRORS" })],
    [data.webhooks_failed, "webhook", "could not be delivered: open the import and replay it", href(["imports"])],
  ];
  const bad = failing.filter(([count]) => count > 0);
  return (
    <>
      <h1 class="head">Health</h1>
      <Failure error={error} />
      {!data.complete && <p class="note">There are many imports: each count means at least this number.</p>}
      <section aria-label="Queued">
        <h2>Queued</h2>
        <Numbers
          of={[
            ["waiting for their start", active["PENDING"] ?? 0],
            ["being planned", active["PLANNING"] ?? 0],
            ["copying", active["COPYING"] ?? 0],
            ["pending clips", data.clips_pending],
          ]}
        />
        {data.waiting_since && <p>The oldest import has waited since <Ago time={data.waiting_since} />.</p>}
      </section>
      <SlotsOf slots={data.slots} whose="The project" />
      <section aria-label="Failing">
        <h2>Failing</h2>
        <p class="hint">Watches as they are now, imports and webhooks of the last 24 hours.</p>
        {bad.length === 0 ? <p class="good">Nothing fails.</p> : (
          <ul>
            {bad.map(([count, of, what, to]) => (
              <li key={what}><a href={to}>{plural(count, of, of === "watch" ? "watches" : `${of}s`)}</a> {what}</li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

/** What is queued, throttled and failing in all projects together: for the admin key. */
export function DeploymentHealth() {
  const { data, error, reload } = useLive((signal) => get<Schemas["DeploymentHealthView"]>(at("/v1/deployment/health"), {}, signal), always, [], { apart: APART });
  if (!data) return <Absent title="Health" what="the health of the deployment" error={error} retry={reload} />;
  const ringing = data.alarms.filter((alarm) => alarm.state === "ALARM");
  return (
    <>
      <h1 class="head">Health</h1>
      <Failure error={error} />
      <section aria-label="Alarms">
        <h2>Alarms</h2>
        <p class={ringing.length ? "bad" : "good"}>{ringing.length ? `${number(ringing.length)} of ${number(data.alarms.length)} alarms ring.` : `None of ${number(data.alarms.length)} alarms rings.`}</p>
        {ringing.length > 0 && <Alarms of={ringing} />}
        <details>
          <summary>Alarms that do not ring</summary>
          <Alarms of={data.alarms.filter((alarm) => alarm.state !== "ALARM")} />
        </details>
      </section>
      <section aria-label="Queues">
        <h2>Queues</h2>
        <div class="scroll" tabIndex={0}>
          <table class="list queues">
            <thead><tr><th scope="col">Messages</th><th scope="col" class="num">Waiting</th><th scope="col" class="num">Worked on</th></tr></thead>
            <tbody>
              {data.queues.map((queue) => (
                <tr key={queue.name}>
                  <td>{QUEUES.find(([part]) => queue.name.includes(part))?.[1]}<span class="sub">{queue.name}</span></td>
                  <td class={`num ${queue.waiting && !/Queue|Arrivals/.test(queue.name) ? "bad" : ""}`}>{number(queue.waiting)}</td>
                  <td class="num">{number(queue.in_flight)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <SlotsOf slots={data.slots} whose="All projects together" />
      {data.projects.length > 0 && (
        <section aria-label="Projects">
          <h2>Projects that copy</h2>
          <div class="scroll" tabIndex={0}>
            <table class="list">
              <thead><tr><th scope="col">Project</th><th scope="col" class="num">Batches copied</th><th scope="col" class="num">Waiting</th></tr></thead>
              <tbody>
                {data.projects.map((one) => <tr key={one.project}><td>{one.project}</td><td class="num">{number(one.held)}</td><td class="num">{number(one.waiting)}</td></tr>)}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

function Alarms({ of }: { of: Schemas["AlarmView"][] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="list alarms">
        <thead><tr><th scope="col">State</th><th scope="col">Since</th><th scope="col">Alarm</th></tr></thead>
        <tbody>
          {of.map((alarm) => (
            <tr key={alarm.name}>
              <td><Status of={alarm.state} /></td>
              <td><Ago time={alarm.since} /></td>
              <td>{alarm.description}<span class="sub">{alarm.name}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Parts of the queues' names, and what their messages are. */
const QUEUES: [part: string, meaning: string][] = [
  ["Queue", "Uploads that wait to be imported"],
  ["Arrivals", "Objects of source buckets that wait for their watches"],
  ["Dlq", "Uploads and objects that failed five times: read the log of on_upload, then redrive the queue"],
  ["Lost", "Events that reached no queue: import what they name"],
];

function SlotsOf({ slots, whose }: { slots: Schemas["SlotsView"]; whose: string }) {
  return (
    <section aria-label="Throttled">
      <h2>Throttled</h2>
      <Numbers of={[["batches are copied", slots.held], ["batches wait for a slot", slots.waiting]]} />
      <p class="hint">
        {whose}: {number(slots.held)} of the deployment's {number(slots.limit)} slots. {slots.waiting > 0 ? "Batches wait for a slot: projects share the slots fairly." : "No batch waits."}
      </p>
    </section>
  );
}

function Numbers({ of }: { of: [string, number][] }) {
  return <div class="big">{of.map(([name, count]) => <div key={name}><b>{number(count)}</b><span>{name}</span></div>)}</div>;
}
