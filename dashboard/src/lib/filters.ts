// The filters of an import or a watch: from the form's fields to the API's, and back.
import type { Schemas } from "./api";
import { fieldTime } from "./format";

export interface FilterTexts {
  /** Patterns, one a line. */
  include: string;
  exclude: string;
  /** `500`, `1.5 MB`. */
  min_size: string;
  max_size: string;
  /** Local times, as the fields have them. */
  modified_after: string;
  modified_before: string;
}

export const NO_FILTERS: FilterTexts = { include: "", exclude: "", min_size: "", max_size: "", modified_after: "", modified_before: "" };

type Stored = Partial<Schemas["FiltersView"]>;

const SIZES = [["min_size", "Smallest size"], ["max_size", "Largest size"]] as const;
const TIMES = ["modified_after", "modified_before"] as const;
const UNITS = ["", "k", "M", "G", "T"];

export const lines = (text: string) => text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);

/** `12`, `1.5 MB`, `2 GB` → bytes; NaN for anything else. */
export function size(text: string): number {
  const match = /^([\d.]+)\s*([kMGT]?)B?$/i.exec(text.trim());
  if (!match) return NaN;
  const power = UNITS.findIndex((unit) => unit.toLowerCase() === (match[2] ?? "").toLowerCase());
  return Math.round(Number(match[1]) * 1000 ** power);
}

/** What `size` reads as the same bytes: in the largest unit in which the number has one decimal at most. */
function sizeText(bytes: number): string {
  const power = [4, 3, 2, 1].find((one) => bytes >= 1000 ** one && bytes % (1000 ** one / 10) === 0) ?? 0;
  return power ? `${bytes / 1000 ** power} ${UNITS[power]}B` : String(bytes);
}

/** What the user would have to enter for these filters. */
export function filterTexts(stored: Stored | null): FilterTexts {
  const of = stored ?? {};
  const bytes = (value: number | null | undefined) => (typeof value === "number" ? sizeText(value) : "");
  return {
    include: of.include?.join("\n") ?? "",
    exclude: of.exclude?.join("\n") ?? "",
    min_size: bytes(of.min_size),
    max_size: bytes(of.max_size),
    modified_after: fieldTime(of.modified_after),
    modified_before: fieldTime(of.modified_before),
  };
}

/**
 * The API's filters of what the user entered; null for none. Throws an `Error` that names the field.
 * A time that the user left as it was stays as it is `stored`: a field shows minutes, and the stored time may be more exact.
 */
export function filtersOf(texts: FilterTexts, stored: Stored | null = null): Stored | null {
  const filters: Stored = {};
  for (const name of ["include", "exclude"] as const) {
    const patterns = lines(texts[name]);
    if (patterns.length) filters[name] = patterns;
  }
  for (const [name, label] of SIZES) {
    if (!texts[name].trim()) continue;
    const bytes = size(texts[name]);
    if (Number.isNaN(bytes)) throw new Error(`${label}: write a number of bytes, such as 500 or 1.5 MB.`);
    filters[name] = bytes;
  }
  for (const name of TIMES) {
    if (!texts[name]) continue;
    const before = stored?.[name];
    filters[name] = before && fieldTime(before) === texts[name] ? before : new Date(texts[name]).toISOString();
  }
  return Object.keys(filters).length ? filters : null;
}
