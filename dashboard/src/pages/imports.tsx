import { useEffect, useRef, useState } from "preact/hooks";
import { at, get, type Import } from "../lib/api";
import { bytes, fieldTime, number, seconds } from "../lib/format";
import { useLive } from "../lib/live";
import { go, href, place } from "../lib/router";
import { Ago, Bar, Empty, Failure, Loading, rateOf, runs, source, Status } from "../ui/basics";
import { Act } from "../ui/dialog";
import { Entered } from "../ui/fields";

interface Page {
  imports: Import[];
  next_cursor: string | null;
}

const STATUSES = ["PENDING", "PLANNING", "COPYING", "COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"];
const LIMIT = 50;
/** The API's names of the filters, which the page's URL has too. */
const FILTERS = ["status", "trigger", "folder", "label", "watch", "created_after", "created_before"] as const;

function useFilters(): [Record<string, string>, (name: string, value: string) => void] {
  const given = Object.fromEntries(
    FILTERS.map((name) => [name, place.value.query.get(name) ?? ""]).filter(([, value]) => value),
  ) as Record<string, string>;
  return [given, (name, value) => go(href(["imports"], { ...given, [name]: value }), true)];
}

export function Imports() {
  const [filters, filter] = useFilters();
  const asked = JSON.stringify(filters);
  // What was read when "Show older imports" was clicked, and the pages after it: what the first page no longer has stays.
  const [older, setOlder] = useState<Page[]>([]);
  const now = useRef(asked);
  now.current = asked;
  useEffect(() => setOlder([]), [asked]);
  const { data, error, reload } = useLive(
    (signal) => get<Page>(at("/v1/imports"), { ...filters, limit: LIMIT }, signal),
    (page) => page.imports.some(runs),
    [asked],
  );
  const rows = merged([data, ...older]);
  const next = (older.at(-1) ?? data)?.next_cursor ?? null;
  const filtered = Object.keys(filters).length > 0;

  async function more() {
    const known = older.length > 0 ? older : data ? [data] : [];
    const page = await get<Page>(at("/v1/imports"), { ...filters, limit: LIMIT, cursor: next });
    if (now.current === asked) setOlder([...known, page]);
  }

  return (
    <>
      <div class="head">
        <h1>Imports</h1>
        <FindClip />
        <a class="button primary" href="#/new">
          New import
        </a>
      </div>
      <Filters given={filters} set={filter} />
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="imports" />}
      {data && rows.length === 0 && (filtered ? <NoMatch more={next !== null} /> : <First />)}
      {rows.length > 0 && <Table rows={rows} />}
      {next && (
        <div class="more">
          <Act label="Show older imports" act={more} />
        </div>
      )}
    </>
  );
}

/** The imports of all pages, each one once, as the first page that has it says. */
export function merged(pages: (Page | null)[]): Import[] {
  const found = new Map<string, Import>();
  for (const job of pages.flatMap((page) => page?.imports ?? [])) if (!found.has(job.id)) found.set(job.id, job);
  return [...found.values()];
}

function FindClip() {
  return (
    <input
      type="search"
      class="find"
      aria-label="Find a clip"
      placeholder="Find a clip: its id or source URI"
      spellcheck={false}
      onKeyDown={(event) => {
        const text = event.currentTarget.value.trim();
        if (event.key === "Enter" && text) go(href(["search"], { [text.includes("://") ? "original_clipgt_url" : "clip_id"]: text }));
      }}
    />
  );
}

function Filters({ given, set }: { given: Record<string, string>; set: (name: string, value: string) => void }) {
  const text = (name: string, label: string, type?: "datetime-local") => (
    <label>
      {label}
      <Entered
        {...(type ? { type } : {})}
        value={type === "datetime-local" ? fieldTime(given[name]) : (given[name] ?? "")}
        commit={(value) => set(name, type === "datetime-local" && value ? new Date(value).toISOString() : value)}
      />
    </label>
  );
  const choice = (name: string, label: string, values: string[]) => (
    <label>
      {label}
      <select value={given[name] ?? ""} onChange={(event) => set(name, event.currentTarget.value)}>
        <option value="">Any</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {value.charAt(0) + value.slice(1).toLowerCase().replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
  const any = Object.keys(given).length > 0;
  const [open] = useState(() => any || matchMedia("(min-width: 641px)").matches);
  return (
    <details class="folded" open={open}>
      <summary>Filters</summary>
      <form class="filters" role="search" aria-label="Filter imports" onSubmit={(event) => event.preventDefault()}>
        {choice("status", "Status", STATUSES)}
        {choice("trigger", "Started by", ["api", "upload", "watch"])}
        {text("folder", "Folder")}
        {text("label", "Label")}
        {text("watch", "Watch")}
        {text("created_after", "From", "datetime-local")}
        {text("created_before", "Before", "datetime-local")}
        {any && <a href="#/imports">Clear</a>}
      </form>
    </details>
  );
}

export function Table({ rows }: { rows: Import[] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="list imports" role="table" aria-label="Imports">
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Import</th>
            <th scope="col">Clips</th>
            <th scope="col" class="num">Copied</th>
            <th scope="col" class="num">Failed</th>
            <th scope="col" class="num">Size</th>
            <th scope="col" class="num">Rate</th>
            <th scope="col">Started by</th>
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((job) => (
            <Row key={job.id} job={job} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ job }: { job: Import }) {
  const { counts } = job;
  const rate = rateOf(job);
  return (
    <tr>
      <td>
        <Status of={job.status} />
      </td>
      <td class="what">
        <a href={href(["imports", job.id])}>{job.id}</a>
        <span class="sub" title={source(job)}>
          {source(job)}
        </span>
      </td>
      <td class="progress">
        <Bar counts={counts} />
        <span class="sub">
          {counts.total ? `${number(counts.total - counts.pending)} of ${number(counts.total)}` : "–"}
          {counts.failed > 0 && <span class="narrow bad">, {number(counts.failed)} failed</span>}
        </span>
      </td>
      <td class="num">{number(counts.copied)}</td>
      <td class={`num ${counts.failed ? "bad" : ""}`}>{number(counts.failed)}</td>
      <td class="num">{bytes(counts.bytes)}</td>
      <td class="num">
        {rate ? `${rate.clips < 10 ? rate.clips.toFixed(1) : number(Math.round(rate.clips))}/s` : "–"}
        {job.eta_seconds !== null && runs(job) && <span class="sub">{seconds(job.eta_seconds)} left</span>}
      </td>
      <td>
        {job.trigger}
        {job.folder && <span class="sub">{job.folder}</span>}
      </td>
      <td>
        <Ago time={job.created_at} />
      </td>
    </tr>
  );
}

function First() {
  return (
    <Empty title="No imports yet">
      <p>
        Start one: name a prefix of a bucket that this deployment may read, and see first what it would copy, cost and how
        long it would take.
      </p>
      <p>
        <a class="button primary" href="#/new">
          Start the first import
        </a>
      </p>
    </Empty>
  );
}

function NoMatch({ more }: { more: boolean }) {
  return (
    <Empty title="No import matches these filters">
      {more ? <p>Older imports were not searched yet.</p> : <a href="#/imports">Show all imports</a>}
    </Empty>
  );
}
