import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, at, type Clip, get, type Import } from "../lib/api";
import { bytes, name, number } from "../lib/format";
import { useAgain } from "../lib/live";
import { go, href, place } from "../lib/router";
import { Failure, Loading, runs, Status } from "../ui/basics";

interface Page {
  clips: Clip[];
  next_cursor: string | null;
  /** The state of the import when the page was read. */
  seen: string;
}

const STATUSES = ["PENDING", "COPIED", "SKIPPED", "FAILED", "CANCELLED"];
const PAGE = 500;
const ROW = 34;
/** Milliseconds between two looks at a page whose clips change. */
const APART = 3_000;
/** Rows that are drawn above and below those in sight. */
const SPARE = 12;
const SIGHT = 16;

/** The page that has this row, or the last one. */
function pageOf(pages: Page[], row: number): number {
  let first = 0;
  const found = pages.findIndex((page) => (first += page.clips.length) > row);
  return found < 0 ? Math.max(0, pages.length - 1) : found;
}

/** All clips of the import: read page by page while the user scrolls, and only those in sight are drawn. */
export function Clips({ job }: { job: Import }) {
  const status = place.value.query.get("status") ?? "";
  const [pages, setPages] = useState<Page[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const [top, setTop] = useState(0);
  const busy = useRef("");
  const box = useRef<HTMLDivElement>(null);
  const asked = `${job.id} ${job.run} ${status}`;
  const now = useRef(asked);
  now.current = asked;
  const seen = `${job.status} ${job.counts.total} ${job.counts.pending}`;
  const rows = pages.flatMap((page) => page.clips);
  // Empty: the first page is not there yet. null: there are no more.
  const next = pages.length > 0 ? pages.at(-1)!.next_cursor : "";

  /** Read a page, which may be there already. Pages after it stay as long as they still begin where it ends. */
  async function load(index: number, known: Page[]) {
    const cursor = index === 0 ? "" : known[index - 1]!.next_cursor;
    if (busy.current === asked || cursor === null) return;
    busy.current = asked;
    try {
      const page = await get<Omit<Page, "seen">>(at("/v1/imports/{job_id}/clips", job.id), { limit: PAGE, status, cursor });
      if (now.current !== asked) return;
      const rest = page.next_cursor === known[index]?.next_cursor ? known.slice(index + 1) : [];
      setPages([...known.slice(0, index), { clips: page.clips, next_cursor: page.next_cursor, seen }, ...rest]);
      setError(null);
    } catch (fault) {
      if (now.current === asked) setError(fault as ApiError);
    } finally {
      if (busy.current === asked) busy.current = "";
    }
  }

  useEffect(() => {
    setPages([]);
    setError(null);
    setTop(0);
    box.current?.scrollTo(0, 0);
    void load(0, []);
  }, [asked]);

  // A page in sight that was read before the import went on is read again: now and then while it runs, and at its end.
  const sight = pageOf(pages, Math.floor(top / ROW));
  const stale = [sight, pageOf(pages, Math.floor(top / ROW) + SIGHT)].find((index) => pages[index] && pages[index]!.seen !== seen);
  const last = useRef(0);
  useEffect(() => {
    if (stale === undefined) return;
    const timer = setTimeout(
      () => {
        last.current = Date.now();
        void load(stale, pages);
      },
      runs(job) ? Math.max(0, last.current + APART - Date.now()) : 0,
    );
    return () => clearTimeout(timer);
  }, [stale, seen, pages]);

  // A filtered page may be short or empty and still have more.
  useEffect(() => {
    const inSight = Math.ceil(top / ROW) + SIGHT + SPARE;
    if (next && rows.length < inSight) void load(pages.length, pages);
  }, [top, pages]);

  const again = () => void load(stale ?? pages.length, pages);
  useAgain(error, again);

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
      <Failure error={error} retry={again} />
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
        {rows.length === 0 && next === "" && !error && <Loading what="clips" />}
        {rows.length === 0 && next === null && <p class="hint">No clip has this status.</p>}
      </div>
    </section>
  );
}
