// Read single members of a zip by range requests, and count what was read.
import { type Entry, type FileEntry, configure, Reader, Uint8ArrayWriter, ZipReader } from "@zip.js/zip.js";

// Workers would be scripts of another kind, which the page's policy forbids; the members are small.
configure({ useWebWorkers: false });

/** The first read takes the directory, and often whole small clips with it. */
const TAIL = 65_558;
/** Neighbouring reads of the zip reader come as one request of at least this size. */
const BLOCK = 65_536;

/** The store did not give what was asked for: nothing is known of the clip. */
export class RangeFault extends Error {}

/** Ranges of one URL. Bytes that were read once are not read again. */
export class Ranges {
  requests = 0;
  bytes = 0;
  private readonly known: { start: number; data: Uint8Array }[] = [];

  constructor(
    private readonly url: string,
    readonly size: number,
  ) {}

  async read(start: number, length: number): Promise<Uint8Array> {
    const end = Math.min(this.size, start + length);
    if (start >= end) return new Uint8Array(0);
    const held = this.known.find((one) => one.start <= start && end <= one.start + one.data.length);
    if (held) return held.data.subarray(start - held.start, end - held.start);
    const last = Math.min(this.size, Math.max(end, start + BLOCK));
    const first = last === this.size ? Math.max(0, Math.min(start, this.size - TAIL)) : start;
    const data = await this.ask(first, last);
    this.requests += 1;
    this.bytes += data.length;
    this.known.push({ start: first, data });
    return data.subarray(start - first, end - first);
  }

  private async ask(first: number, last: number): Promise<Uint8Array> {
    const lost = () => {
      throw new RangeFault("The store did not answer. Check your network.");
    };
    const answer = await fetch(this.url, { headers: { Range: `bytes=${first}-${last - 1}` } }).catch(lost);
    if (answer.status !== 206 && !(answer.status === 200 && first === 0 && last === this.size)) {
      throw new RangeFault(`The store answered with status ${answer.status}.`);
    }
    return new Uint8Array(await answer.arrayBuffer().catch(lost));
  }
}

class RangeReader extends Reader<Ranges> {
  constructor(private readonly ranges: Ranges) {
    super(ranges);
    this.size = ranges.size;
  }
  override readUint8Array(index: number, length: number): Promise<Uint8Array> {
    return this.ranges.read(index, length);
  }
}

export interface Member {
  name: string;
  packed: number;
  size: number;
  read(): Promise<Uint8Array>;
}

export async function members(ranges: Ranges): Promise<Member[]> {
  const entries = await new ZipReader(new RangeReader(ranges)).getEntries();
  return entries
    .filter((entry: Entry): entry is FileEntry => !entry.directory)
    .map((entry) => ({
      name: entry.filename,
      packed: entry.compressedSize,
      size: entry.uncompressedSize,
      // One request for the header and the data; the reader then takes both from memory.
      read: async () => {
        await ranges.read(entry.offset, entry.compressedSize + 1024);
        return entry.getData(new Uint8ArrayWriter());
      },
    }));
}
