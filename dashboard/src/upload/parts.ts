// How a file is cut, and the checksums of its parts: those of `clipferry upload`.

/** Files of at most this size are sent in one request. */
export const ONE_REQUEST_BYTES = 16 * 1024 ** 2;
/** Parts whose links are requested at once. Links expire after minutes, so there must not be too many. */
const WINDOW = 16;

export interface Part {
  number: number;
  start: number;
  end: number;
}

/** All parts of a file, `WINDOW` at a time. */
export function windows(size: number, partBytes: number): Part[][] {
  const parts: Part[] = [];
  for (let start = 0; start < size; start += partBytes) {
    parts.push({ number: parts.length + 1, start, end: Math.min(size, start + partBytes) });
  }
  const found: Part[][] = [];
  for (let first = 0; first < parts.length; first += WINDOW) found.push(parts.slice(first, first + WINDOW));
  return found;
}

export async function sha256(bytes: BufferSource): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** S3's checksum of an object with parts of these SHA-256s. */
export async function composite(digests: Uint8Array[]): Promise<string> {
  const joined = new Uint8Array(32 * digests.length);
  digests.forEach((digest, index) => joined.set(digest, 32 * index));
  return `${base64(await sha256(joined))}-${digests.length}`;
}
