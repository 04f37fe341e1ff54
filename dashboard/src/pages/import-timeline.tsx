import { useEffect, useRef } from "preact/hooks";
import { at, get, type Import, type Schemas } from "../lib/api";
import { between, seconds } from "../lib/format";
import { once, useLive } from "../lib/live";
import { Failure, runs } from "../ui/basics";

type View = Schemas["TimelineView"];

export function Timeline({ job }: { job: Import }) {
  const settled = job.counts.total - job.counts.pending;
  const { data, error } = useLive(
    (signal) => get<View>(at("/v1/imports/{job_id}/timeline", job.id), {}, signal),
    once,
    [job.id, job.run, job.status, settled],
  );
  // The last answer stays until the next one is there.
  const last = useRef<View | null>(null);
  if (data) last.current = data;
  const shown = data ?? last.current;
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Progress</h2>
      <Failure error={error} />
      {shown && (
        <>
          <ol class="phases">
            {shown.phases.map((phase) => (
              <li key={phase.name} class={phase.ended_at ? "" : "now"}>
                <span>{phase.name}</span> <b>{seconds(between(phase.started_at, phase.ended_at))}</b>
              </li>
            ))}
          </ol>
          {shown.points.length > 0 ? (
            <Plot view={shown} />
          ) : (
            <p class="hint">{runs(job) ? "The plot begins with the first batch of clips." : "No batch was recorded over time."}</p>
          )}
        </>
      )}
    </section>
  );
}

/** Clips with a result over time. The plot's library is loaded with it. */
function Plot({ view }: { view: View }) {
  const box = useRef<HTMLDivElement>(null);
  const begun = Date.parse(view.phases.at(-1)?.started_at ?? view.points[0]?.at ?? "") / 1000;
  useEffect(() => {
    let gone = false;
    let draw: { destroy(): void } | null = null;
    void import("../ui/plot").then(({ plot }) => {
      if (gone || !box.current) return;
      const xs = [begun, ...view.points.map((point) => Date.parse(point.at) / 1000)];
      const sum = (point: View["points"][number]) =>
        point.done.copied + point.done.skipped + point.done.failed + point.done.cancelled;
      draw = plot(box.current, xs, [
        { label: "Done", values: [0, ...view.points.map(sum)], color: "--accent" },
        { label: "Failed", values: [0, ...view.points.map((point) => point.done.failed)], color: "--bad" },
      ]);
    });
    return () => {
      gone = true;
      draw?.destroy();
    };
  }, [view, begun]);
  const last = view.points.at(-1)?.done;
  return (
    <div
      ref={box}
      class="plot"
      role="img"
      aria-label={`Clips over time: ${last?.copied ?? 0} copied, ${last?.failed ?? 0} failed at the end of the plot`}
    />
  );
}
