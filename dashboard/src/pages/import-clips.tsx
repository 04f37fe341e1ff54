import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, at, type Clip, get, type Import } from "../lib/api";
import { bytes, name, number } from "../lib/format";
import { go, href, place } from "../lib/router";
import { Failure, runs, Status } from "../ui/basics";

interface Page {
  clips: Clip[];
  next_cursor: string | null;
}

const STATUSES = ["PENDING", "COPIED", "SKIPPED", "FAILED", "CANCELLED"];
const PAGE = 500;
const ROW = 34;
/** Rows that are drawn above and below those in sight. */
const SPARE = 12;
const SIGHT = 16;

/** All clips of the import: read page by page while the user scrolls, and only those in sight are drawn. */
export function Clips({ job }: { job: Import }) {
  const status = place.value.query.get("status") ?? "";
  const [rows, setRows] = useState<Clip[]>([]);
  const [next, setNext] = useState<string | null>("");
  const [error, setError] = useState<ApiError | null>(null);
  const [top, setTop] = useState(0);
  const busy = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const asked = `${job.id} ${job.run} ${status}`;
  const now = useRef(asked);
  now.current = asked;

  async function load(cursor: string | null, known: Clip[], size = PAGE) {
    if (busy.current || cursor === null) return;
    busy.current = true;
    try {
      const page = await get<Page>(at("/v1/imports/{job_id}/clips", job.id), { limit: size, status, cursor });
      if (now.current !== asked) return;
      setRows([...known, ...page.clips]);
      setNext(page.next_cursor);
      setError(null);
    } catch (fault) {
      setError(fault as ApiError);
    } finally {
      busy.current = false;
    }
  }

  useEffect(() => {
    setRows([]);
    setNext("");
    setTop(0);
    box.current?.scrollTo(0, 0);
    void load("", []);
  }, [asked]);

  // While it runs, the first page is read again now and then; pages further down are read when they come in sight.
  const settled = job.counts.total - job.counts.pending;
  const last = useRef(0);
  useEffect(() => {
    if (rows.length > PAGE || top > 0) return;
    if (runs(job) && Date.now() - last.current < 3_000) return;
    last.current = Date.now();
    void load("", []);
  }, [settled, job.status]);

  // A filtered page may be short or empty and still have more.
  useEffect(() => {
    const inSight = Math.ceil(top / ROW) + SIGHT + SPARE;
    if (next && rows.length < inSight) void load(next, rows);
  }, [top, next, rows.length]);

  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const shown = rows.slice(first, first + SIGHT + 2 * SPARE);
  const below = Math.max(0, rows.length - first - shown.length);
  const total = status ? null : job.counts.total;
  return (
    <section aria-labelledby="clips">
      <div class="head">
        <h2 id="clips">Clips</h2>
        <label class="inline">
          Status
          <select
            value={status}
            onChange={(event) => go(href(["imports", job.id], { status: event.currentTarget.value }), true)}
          >
            <option value="">Any</option>
            {STATUSES.map((one) => (
              <option key={one} value={one}>
                {one.charAt(0) + one.slice(1).toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <span class="hint" role="status">
          {number(rows.length)}
          {total === null ? (next ? " or more" : "") : ` of ${number(total)}`} loaded
        </span>
      </div>
      <Failure error={error} retry={() => void load(next, rows)} />
      <div
        ref={box}
        class="clips"
        tabIndex={0}
        role="region"
        aria-label="Clips of the import"
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      >
        <table class="list" aria-rowcount={(total ?? (next ? -1 : rows.length)) + 1}>
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Clip</th>
              <th scope="col">Source</th>
              <th scope="col" class="num">Size</th>
              <th scope="col">Verified</th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            <tr class="space" aria-hidden="true" style={{ height: `${first * ROW}px` }} />
            {shown.map((clip, index) => (
              <tr key={clip.id} aria-rowindex={first + index + 2}>
                <td><Status of={clip.status} /></td>
                <td><a href={href(["clips", clip.id])}>{clip.run_name || name(clip.source_uri)}</a></td>
                <td title={clip.source_uri}>{clip.source_uri}</td>
                <td class="num">{bytes(clip.size)}</td>
                <td>{clip.verified ?? "–"}</td>
                <td title={clip.message ?? ""}>{clip.code ? <code>{clip.code}</code> : "–"}</td>
              </tr>
            ))}
            <tr class="space" aria-hidden="true" style={{ height: `${below * ROW}px` }} />
          </tbody>
        </table>
        {rows.length === 0 && next === null && <p class="hint">No clip has this status.</p>}
      </div>
    </section>
  );
}
