// The files of this tab. They are sent while the user looks at other pages, too.
import { signal } from "@preact/signals";
import { ApiError, at, call } from "../lib/api";
import type { Found } from "./files";
import { caller } from "../lib/session";
import { forget, type Kept } from "./kept";
import { send } from "./send";

export type State = "waiting" | "sending" | "done" | "failed" | "paused";

export interface Upload extends Found {
  project: string;
  state: State;
  sent: number;
  error: ApiError | null;
}

const FILES_AT_ONCE = 3;
/** The page is drawn this often at most. */
const DRAW_MS = 100;

export const uploads = signal<Upload[]>([]);
/** The service's time when the first of them began: imports that ended before are not theirs. */
export const since = signal<string | null>(null);

let all: Upload[] = [];
let stop = new AbortController();
let drawing = 0;

function draw(): void {
  drawing ||= window.setTimeout(() => {
    drawing = 0;
    uploads.value = [...all];
  }, DRAW_MS);
}

/** Add files; one with a key that is there already takes its place, unless that is being sent. */
export function add(found: Found[], project: string): void {
  const keys = new Set(found.map((one) => one.key));
  const busy = new Set(all.filter((one) => one.state === "sending").map((one) => one.key));
  all = all.filter((one) => !keys.has(one.key) || busy.has(one.key));
  all.push(...found.filter((one) => !busy.has(one.key)).map((one): Upload => ({ ...one, project, state: "waiting", sent: 0, error: null })));
  draw();
  next();
}

/** Stop sending. What arrived stays. */
export function pause(): void {
  for (const one of all) if (one.state === "waiting") one.state = "paused";
  stop.abort();
  stop = new AbortController();
  draw();
}

// Nobody but the project whose key it was may see its files or send them.
caller.subscribe((now) => {
  if (all.every((one) => one.project === now?.project)) return;
  pause();
  all = [];
  since.value = null;
});

/** Send what is paused or failed. */
export function goOn(): void {
  for (const one of all) {
    if (one.state === "paused" || one.state === "failed") Object.assign(one, { state: "waiting", error: null });
  }
  draw();
  next();
}

/** Leave the finished files out of the list. */
export function clear(): void {
  all = all.filter((one) => one.state !== "done");
  since.value = null;
  draw();
}

/** Remove the parts of an upload that shall not go on. */
export async function giveUp(upload: Kept, project: string): Promise<void> {
  await call("POST", at("/v1/uploads/abort"), { body: { key: upload.key, upload_id: upload.upload_id } });
  forget(project, upload.key);
}

function next(): void {
  while (all.filter((one) => one.state === "sending").length < FILES_AT_ONCE) {
    const one = all.find((upload) => upload.state === "waiting");
    if (!one) return;
    one.state = "sending";
    void run(one).finally(next);
  }
}

async function run(one: Upload): Promise<void> {
  one.sent = 0;
  try {
    await send({
      ...one,
      signal: stop.signal,
      progress: (bytes) => {
        one.sent += bytes;
        draw();
      },
      started: (time) => {
        if (!since.value || time < since.value) since.value = time;
      },
    });
    one.state = "done";
    one.sent = one.file.size;
  } catch (fault) {
    const paused = fault instanceof DOMException && fault.name === "AbortError";
    one.state = paused ? "paused" : "failed";
    one.error = paused ? null : fault instanceof ApiError ? fault : new ApiError(0, "UNKNOWN", String(fault));
  }
  draw();
}

addEventListener("beforeunload", (event) => {
  if (all.some((one) => one.state === "sending" || one.state === "waiting")) event.preventDefault();
});
