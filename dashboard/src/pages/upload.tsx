import { useEffect, useState } from "preact/hooks";
import { at, get, type Import } from "../lib/api";
import { bytes, number, plural, seconds } from "../lib/format";
import { useLive } from "../lib/live";
import { caller } from "../lib/session";
import { Failure, runs } from "../ui/basics";
import { Act } from "../ui/dialog";
import { dropped, type Found, picked } from "../upload/files";
import { kept, keyOf, look } from "../upload/kept";
import { add, clear, giveUp, goOn, pause, since, type Upload, uploads } from "../upload/queue";
import { Table } from "./imports";

/** Rows of the list of files: those that failed or are sent come first. */
const SHOWN = 100;
/** Imports are looked for so long after the last file: the bucket's event and the queue come first. */
const PATIENCE_MS = 60_000;
const ORDER: Upload["state"][] = ["failed", "sending", "paused", "waiting", "done"];

export function UploadPage() {
  const project = caller.value?.project ?? "";
  const [below, setBelow] = useState("");
  useEffect(() => look(project), [project]);
  const prefix = below.trim().replace(/^\/+|\/+$/g, "");
  const take = (found: Found[]) => add(found.map((one) => ({ ...one, key: keyOf(one.file, one.key, prefix, kept.value) })), project);
  return (
    <>
      <h1 class="head">Upload</h1>
      <Drop take={take} project={project} below={below} setBelow={setBelow} />
      <Files />
      <Unfinished project={project} />
      <Imports />
    </>
  );
}

function Drop({ take, project, below, setBelow }: { take: (found: Found[]) => void; project: string; below: string; setBelow: (text: string) => void }) {
  const [over, setOver] = useState(false);
  // The whole page takes files, so that a near miss does not open one in the place of the page.
  useEffect(() => {
    const drag = (event: DragEvent) => {
      event.preventDefault();
      setOver(event.type === "dragover");
    };
    const drop = (event: DragEvent) => {
      drag(event);
      if (event.dataTransfer) void dropped(event.dataTransfer).then(take);
    };
    addEventListener("dragover", drag);
    addEventListener("dragleave", drag);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("dragleave", drag);
      removeEventListener("drop", drop);
    };
  });
  const choose = (folder: boolean) => (
    <label class="button">
      {folder ? "Choose a folder" : "Choose files"}
      <input
        type="file"
        class="unseen"
        multiple
        {...(folder ? { webkitdirectory: true } : {})}
        onChange={(event) => {
          const input = event.currentTarget;
          if (input.files) take(picked(input.files));
          input.value = "";
        }}
      />
    </label>
  );
  return (
    <section aria-label="Choose what to upload">
      <div class={`drop ${over ? "over" : ""}`}>
        <p>
          <strong>Drop files or folders here</strong>
        </p>
        <p class="hint">ClipGT zips and mp4 videos. Each file starts an import of the project {project}, or joins one.</p>
        <div class="actions">
          {choose(false)}
          {choose(true)}
        </div>
      </div>
      <label>
        Folder in the inbox
        <input value={below} placeholder="2026/night" spellcheck={false} onInput={(event) => setBelow(event.currentTarget.value)} />
      </label>
    </section>
  );
}

function Files() {
  const all = uploads.value;
  const [begun, setBegun] = useState<{ at: number; sent: number } | null>(null);
  const sum = (count: (one: Upload) => number) => all.reduce((total, one) => total + count(one), 0);
  const [total, sent] = [sum((one) => one.file.size), sum((one) => one.sent)];
  const of = (...states: Upload["state"][]) => all.filter((one) => states.includes(one.state)).length;
  const busy = of("sending", "waiting") > 0;
  useEffect(() => setBegun(busy ? { at: Date.now(), sent } : null), [busy]);
  if (all.length === 0) return null;
  const rate = begun && Date.now() - begun.at > 1_000 ? (1_000 * (sent - begun.sent)) / (Date.now() - begun.at) : 0;
  const rows = [...all].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state)).slice(0, SHOWN);
  return (
    <section aria-labelledby="files">
      <div class="head">
        <h2 id="files">Files</h2>
        <div class="actions">
          {busy && <button onClick={pause}>Pause</button>}
          {!busy && of("paused", "failed") > 0 && <button class="primary" onClick={goOn}>Go on</button>}
          {of("done") > 0 && <button onClick={clear}>Clear finished</button>}
        </div>
      </div>
      <progress aria-label="All files" value={total ? sent : Number(!busy)} max={total || 1} />
      <p role="status">
        {number(of("done"))} of {plural(all.length, "file")} uploaded, {bytes(sent)} of {bytes(total)}
        {rate > 0 && `, ${bytes(rate)}/s, ${seconds((total - sent) / rate)} left`}
        {of("failed") > 0 && <span class="bad">, {number(of("failed"))} failed</span>}
      </p>
      {busy && <p class="hint">You may look at other pages of the dashboard meanwhile. Keep this tab open.</p>}
      <div class="scroll" tabIndex={0}>
        <table class="list" aria-label="Files">
          <thead>
            <tr><th scope="col">State</th><th scope="col">File</th><th scope="col" class="num">Size</th><th scope="col">Progress</th></tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <tr key={one.key}>
                <td class={one.state === "failed" ? "bad" : one.state === "done" ? "good" : ""}>{one.state}</td>
                <td>
                  {one.key}
                  {one.error && <span class="sub bad" title={one.error.detail}>{one.error.detail}</span>}
                </td>
                <td class="num">{bytes(one.file.size)}</td>
                <td><progress aria-label={`Progress of ${one.key}`} value={one.file.size ? one.sent : Number(one.state === "done")} max={one.file.size || 1} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {all.length > SHOWN && <p class="hint">{number(all.length - SHOWN)} more files are not shown.</p>}
    </section>
  );
}

/** Uploads of an earlier visit. The browser keeps no access to files, so the user must name them again. */
function Unfinished({ project }: { project: string }) {
  const here = new Set(uploads.value.map((one) => one.key));
  const found = kept.value.filter((one) => !here.has(one.key));
  if (found.length === 0) return null;
  return (
    <section aria-labelledby="unfinished">
      <h2 id="unfinished">Interrupted uploads</h2>
      <p>
        After a reload the browser cannot open these files by itself. Choose them again: parts that are there are not sent again. Unfinished
        uploads are removed after 7 days.
      </p>
      <ul>
        {found.map((one) => (
          <li key={one.key}>
            <span class="wrap">{one.key}</span>, {bytes(one.size)} <Act label="Give up" act={() => giveUp(one, project)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The imports that the files start. */
function Imports() {
  const begun = since.value;
  const done = uploads.value.filter((one) => one.state === "done").length;
  const busy = uploads.value.some((one) => one.state === "sending");
  const [last, setLast] = useState(0);
  useEffect(() => setLast(Date.now()), [done]);
  const { data, error, reload } = useLive(
    async (signal) => (begun ? (await get<{ imports: Import[] }>(at("/v1/imports"), { trigger: "upload", limit: 10 }, signal)).imports : []),
    (found) => begun !== null && (busy || found.some(runs) || Date.now() - last < PATIENCE_MS),
    [begun],
    { again: [done, busy] },
  );
  if (!begun) return null;
  const mine = (data ?? []).filter((job) => !job.completed_at || job.completed_at > begun);
  return (
    <section aria-labelledby="imports-of-uploads">
      <h2 id="imports-of-uploads">Imports</h2>
      <Failure error={error} retry={reload} />
      {mine.length > 0 ? <Table rows={mine} /> : <p class="hint">The import begins some seconds after the first file is there.</p>}
    </section>
  );
}
