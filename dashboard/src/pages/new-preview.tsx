import { useEffect, useState } from "preact/hooks";
import { ApiError, at, call, type Schemas } from "../lib/api";
import { bytes, money, name, number, plural, seconds } from "../lib/format";
import type { Body } from "../lib/request";
import { Failure } from "../ui/basics";

type Preview = Schemas["PreviewView"];
/** The preview is asked for when the user pauses for this long. */
const PAUSE_MS = 700;

/** What the import would do, kept up to date while the form changes. */
export function PreviewOf({ request }: { request: Body | null }) {
  const asked = request && JSON.stringify(request);
  const [found, setFound] = useState<{ asked: string; preview: Preview } | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [count, setCount] = useState(0);
  useEffect(() => {
    setError(null);
    if (!asked) return;
    const gone = new AbortController();
    const timer = setTimeout(async () => {
      setBusy(true);
      try {
        const preview = await call<Preview>("POST", at("/v1/previews"), { body: JSON.parse(asked), signal: gone.signal });
        setFound({ asked, preview });
      } catch (fault) {
        if (fault instanceof ApiError) setError(fault);
      } finally {
        if (!gone.signal.aborted) setBusy(false);
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
      setBusy(false);
    };
  }, [asked, count]);
  return (
    <section aria-labelledby="preview" aria-busy={busy}>
      <div class="head">
        <h2 id="preview">Preview</h2>
        <span class="hint" role="status">{busy ? "Looking…" : found && found.asked !== asked ? "Of the request before" : ""}</span>
      </div>
      {!asked && <p class="hint">Name a source: this shows what would be copied, skipped and fail, its cost and its time. Nothing is written.</p>}
      <Failure error={error} retry={() => setCount((n) => n + 1)} />
      {asked && !error && found && <Shown preview={found.preview} />}
    </section>
  );
}

function Shown({ preview }: { preview: Preview }) {
  const { outcome, estimate } = preview;
  const least = preview.complete ? "" : "≥ ";
  return (
    <>
      <div class="big">
        <div><b data-testid="preview-count">{least}{number(preview.count)}</b><span>clips, {bytes(preview.bytes)}</span></div>
        <div><b class="good">{number(outcome.to_copy.count)}</b><span>to copy, {bytes(outcome.to_copy.bytes)}</span></div>
        <div><b>{number(outcome.to_skip.count)}</b><span>to skip</span></div>
        <div><b class={outcome.to_fail.count ? "bad" : ""}>{number(outcome.to_fail.count)}</b><span>would fail</span></div>
        <div><b>{least}{money(estimate.cost.total)}</b><span>and {money(estimate.storage_per_month)} a month of storage</span></div>
        <div><b>{least}{seconds(estimate.seconds)}</b><span>from start to end</span></div>
      </div>
      {!preview.complete && <p class="note">The source is large: the preview read a part of it, so each figure means at least this.</p>}
      {preview.no_clips > 0 && <p class="hint">{least}{plural(preview.no_clips, "object")} left out: folder markers and files of macOS or Windows.</p>}
      <Codes title="Skipped because" codes={outcome.to_skip.by_code} />
      <Codes title="Fail because" codes={outcome.to_fail.by_code} />
      {outcome.problems.length > 0 && (
        <ul>
          {outcome.problems.map((one) => <li key={one.source_uri} class="wrap">{one.source_uri} <span class="sub">{one.message} <code>{one.code}</code></span></li>)}
        </ul>
      )}
      {preview.sample.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="list" aria-label="Sample of the clips">
            <thead><tr><th scope="col">Clip</th><th scope="col">Does</th><th scope="col" class="num">Size</th><th scope="col">Destination</th></tr></thead>
            <tbody>
              {preview.sample.map((one) => (
                <tr key={one.source_uri + one.destination}>
                  <td title={one.source_uri}>{name(one.source_uri)}</td>
                  <td>{one.action} {one.code && <code>{one.code}</code>}</td>
                  <td class="num">{bytes(one.size)}</td>
                  <td class="cut" title={one.destination}>{one.destination}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="hint">A preview does not look into files. Prices of {estimate.price_region}, {estimate.prices_as_of}.</p>
    </>
  );
}

function Codes({ title, codes }: { title: string; codes: Record<string, { count: number }> }) {
  const found = Object.entries(codes);
  if (found.length === 0) return null;
  return <p>{title}: {found.map(([code, total]) => <span key={code}><code>{code}</code> {number(total.count)} </span>)}</p>;
}
