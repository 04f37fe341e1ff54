// Upload one file: in one request, or in parts that S3 checks by their SHA-256.
import { ApiError, at, call, passing, type Schemas } from "../lib/api";
import { begun, forget, keep } from "./kept";
import { base64, composite, ONE_REQUEST_BYTES, type Part, sha256, windows } from "./parts";
import { put, Refused } from "./put";
import { shared } from "./slots";

/** Tries of one request, and of one window of links, as of `clipferry upload`. */
const TRIES = 5;

export interface Sending {
  file: File;
  key: string;
  project: string;
  signal: AbortSignal;
  /** Called with the bytes that arrived or were there already; negative where some are sent again. */
  progress: (bytes: number) => void;
  /** Called with the service's time when the upload began, maybe in an earlier visit. */
  started: (time: string) => void;
}

/** Resolves when the file is in the drop bucket. Rejects with an `ApiError`, or an abort. */
export async function send(sending: Sending): Promise<void> {
  if (sending.file.size <= ONE_REQUEST_BYTES) return whole(sending);
  let counted = 0;
  const progress = (bytes: number) => {
    counted += bytes;
    sending.progress(bytes);
  };
  try {
    await inParts({ ...sending, progress }, begun(sending.project, sending.key, sending.file));
  } catch (fault) {
    if (!(fault instanceof ApiError) || fault.code !== "UPLOAD_GONE") throw fault;
    forget(sending.project, sending.key);
    sending.progress(-counted);
    await inParts(sending, null);
  }
  forget(sending.project, sending.key);
}

async function whole({ file, key, signal, progress, started }: Sending): Promise<void> {
  const bytes = await read(file, 0, file.size);
  const digest = base64(await sha256(bytes));
  await patiently(signal, async () => {
    const made = await call<Schemas["UploadView"]>("POST", at("/v1/uploads"), { body: { key, size: file.size, sha256: digest }, signal });
    started(made.started_at);
    if (made.link) await shared(() => put(made.link!, bytes, progress, signal));
  });
}

async function inParts(sending: Sending, known: ReturnType<typeof begun>): Promise<void> {
  const { file, key, project, signal, started } = sending;
  let upload = known;
  if (!upload) {
    const made = await call<Schemas["UploadView"]>("POST", at("/v1/uploads"), { body: { key, size: file.size }, signal });
    upload = {
      key, size: file.size, modified: file.lastModified, started_at: made.started_at, upload_id: made.upload_id ?? "", part_bytes: made.part_bytes ?? 0,
    };
    keep(project, upload);
  }
  started(upload.started_at);
  const of = { key, upload_id: upload.upload_id, size: file.size, part_bytes: upload.part_bytes };
  const digests: Uint8Array[] = [];
  for (const parts of windows(file.size, upload.part_bytes)) digests.push(...(await sendWindow(sending, of, parts)));
  const checksum = await composite(digests);
  await patiently(signal, () => call("POST", at("/v1/uploads/complete"), { body: { ...of, checksum }, signal }));
}

/** Send those parts that are not there; if links expire meanwhile, ask for the rest again. Returns the SHA-256 of each. */
async function sendWindow({ file, signal, progress }: Sending, of: object, parts: Part[]): Promise<Uint8Array[]> {
  const digests: Uint8Array[] = [];
  const counted = new Set<number>();
  for (const part of parts) digests.push(await sha256(await read(file, part.start, part.end)));
  const named = parts.map((part, index) => ({ number: part.number, sha256: base64(digests[index]!) }));
  await patiently(signal, async () => {
    const answer = await call<Schemas["PartLinksView"]>("POST", at("/v1/uploads/parts"), { body: { ...of, parts: named }, signal });
    const sent = answer.parts.map(async ({ number, link }) => {
      const part = parts.find((one) => one.number === number)!;
      if (link) await shared(async () => put(link, await read(file, part.start, part.end), progress, signal));
      else if (!counted.has(number)) progress(part.end - part.start);
      counted.add(number);
    });
    // All of them end before the next try, so that no part is sent twice at once.
    const failed = (await Promise.allSettled(sent)).find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  });
  return digests;
}

async function read(file: File, start: number, end: number): Promise<ArrayBuffer> {
  try {
    return await file.slice(start, end).arrayBuffer();
  } catch {
    throw new Refused(0, "FILE_CHANGED", `${file.name} changed or is gone. Choose it again.`, false);
  }
}

/** Try again what may pass: a lost network, an expired link, a busy service. */
async function patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (fault) {
      if (signal.aborted || attempt === TRIES || !mayPass(fault)) throw fault;
      await new Promise((done) => setTimeout(done, 500 * 2 ** attempt * (0.5 + Math.random() / 2)));
    }
  }
}

function mayPass(fault: unknown): boolean {
  return fault instanceof Refused ? fault.again : passing(fault);
}
