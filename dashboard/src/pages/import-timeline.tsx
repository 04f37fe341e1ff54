import { useEffect, useRef, useState } from "preact/hooks";
import { at, get, type Import, type Schemas } from "../lib/api";
import { between, elapsed, money, rates, seconds } from "../lib/format";
import { once, useLive } from "../lib/live";
import { Failure, Loading, runs } from "../ui/basics";

type View = Schemas["TimelineView"];
type PlotOf = "clips" | "rate";
const PLOTS: [PlotOf, string][] = [["clips", "Clips"], ["rate", "Clips a second"]];

export function Timeline({ job }: { job: Import }) {
  const settled = job.counts.total - job.counts.pending;
  const { data, error } = useLive(
    (signal) => get<View>(at("/v1/imports/{job_id}/timeline", job.id), {}, signal),
    once,
    [job.id],
    { again: [job.run, job.status, settled] },
  );
  const [of, setOf] = useState<PlotOf>("clips");
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Progress</h2>
      <Failure error={error} />
      {!data && !error && <Loading what="the progress" />}
      {data && (
        <>
          <ol class="phases">
            {data.phases.map((phase) => (
              <li key={phase.name} class={phase.ended_at ? "" : "now"}>
                <span>{phase.name}</span> <b>{seconds(between(phase.started_at, phase.ended_at))}</b>
              </li>
            ))}
          </ol>
          <Cost job={job} cost={data.cost} />
          {data.points.length > 0 ? (
            <>
              <div class="tabs" role="group" aria-label="Plot">
                {PLOTS.map(([name, label]) => (
                  <button key={name} class="small" aria-pressed={of === name} onClick={() => setOf(name)}>{label}</button>
                ))}
                {of === "clips" && failed(data) > 0 && (
                  <span class="hint lines">
                    <i class="l-done" /> done <i class="l-failed" /> failed
                  </span>
                )}
              </div>
              <Plot view={data} of={of} />
            </>
          ) : (
            <p class="hint">{runs(job) ? "The plot begins with the first batch of clips." : "No batch was recorded over time."}</p>
          )}
        </>
      )}
    </section>
  );
}

const failed = (view: View) => view.points.at(-1)?.done.failed ?? 0;

function Cost({ job, cost }: { job: Import; cost: View["cost"] }) {
  const hint = `Estimated with prices of ${cost.price_region}, ${cost.prices_as_of}, as if all clips had the average size. Storage and streams of other stores are not in it.`;
  return (
    <p title={hint}>
      Cost, estimated: <b data-testid="cost">{money(cost.so_far)}</b> {runs(job) ? "so far" : "in all"}
      {runs(job) && cost.whole !== null && <>, <b>{money(cost.whole)}</b> in all</>}
    </p>
  );
}

/** Clips with a result over time, or how many a second. The plot's library is loaded with it. */
function Plot({ view, of }: { view: View; of: PlotOf }) {
  const box = useRef<HTMLDivElement>(null);
  const begun = view.phases.at(-1)?.started_at ?? view.points[0]?.at ?? "";
  useEffect(() => {
    let gone = false;
    let draw: { destroy(): void } | null = null;
    void import("../ui/plot").then(({ plot }) => {
      if (gone || !box.current) return;
      const xs = elapsed(begun, view.points.map((point) => point.at));
      const sum = (point: View["points"][number]) =>
        point.done.copied + point.done.skipped + point.done.failed + point.done.cancelled;
      const done = [0, ...view.points.map(sum)];
      draw = plot(box.current, xs, of === "rate" ? [{ label: "Clips/s", values: rates(xs, done), color: "--accent" }] : [
        { label: "Done", values: done, color: "--accent" },
        ...(failed(view) ? [{ label: "Failed", values: [0, ...view.points.map((point) => point.done.failed)], color: "--bad" }] : []),
      ]);
    });
    return () => {
      gone = true;
      draw?.destroy();
    };
  }, [view, begun, of]);
  const last = view.points.at(-1)?.done;
  return (
    <div
      ref={box}
      class="plot"
      role="img"
      aria-label={
        of === "rate"
          ? "Clips a second over time"
          : `Clips over time: ${last?.copied ?? 0} copied, ${failed(view)} failed at the end of the plot`
      }
    />
  );
}
