// How numbers, bytes and times are shown.
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return "–";
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export const number = (value: number) => value.toLocaleString("en-US");

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** `5` → `5 s`, `3700` → `1 h 2 min`. */
export function seconds(value: number): string {
  if (value < 9.95) return `${Math.round(value * 10) / 10} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(whole, 60, "min", "s");
  const minutes = Math.round(value / 60);
  return minutes < 1440 ? two(minutes, 60, "h", "min") : two(Math.round(value / 3600), 24, "d", "h");
}

function two(count: number, of: number, large: string, small: string): string {
  return `${Math.floor(count / of)} ${large} ${count % of} ${small}`.replace(` 0 ${small}`, "");
}

/** A smaller difference of two clocks is none: an answer says its time in whole seconds, and is under way for some. */
const SKEW_MS = 30_000;
let ahead = 0;

/** Take the service's clock for the right one: `date` is when it answered. */
export function setClock(date: string | null): void {
  const off = Date.now() - Date.parse(date ?? "");
  if (!Number.isNaN(off)) ahead = Math.abs(off) < SKEW_MS ? 0 : off;
}

const now = () => Date.now() - ahead;

export function between(from: string, to: string | null): number {
  return Math.max(0, (to ? Date.parse(to) : now()) - Date.parse(from)) / 1000;
}

export function ago(time: string): string {
  const passed = Math.max(0, now() - Date.parse(time)) / 1000;
  if (passed < 5) return "just now";
  if (passed < 60) return `${Math.floor(passed)} s ago`;
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return new Date(time).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/** Local date and time, with the time zone. */
export function when(time: string): string {
  return new Date(time).toLocaleString(undefined, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
  });
}

/** The last time that a field for a time takes: one without it takes years of six digits, which no time has. */
export const LAST_TIME = "9999-12-31T23:59";

/** An ISO time as a field for a time shows it: local, to the minute. Empty for none, and for what is no time. */
export function fieldTime(time: string | null | undefined): string {
  const date = new Date(time ?? "");
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function money(dollars: number): string {
  if (dollars === 0) return "$0";
  if (dollars < 0.0001) return "< $0.0001";
  return `$${dollars < 1 ? dollars.toPrecision(2) : dollars.toFixed(2)}`;
}

/** The last part of a key or a URI. */
export function name(uri: string): string {
  return uri.split("/").filter(Boolean).at(-1) ?? uri;
}

/** Seconds from `begun` to each time, after a zero; none is negative where the clocks of two functions differ. */
export function elapsed(begun: string, times: string[]): number[] {
  return [0, ...times.map((time) => between(begun, time))];
}

/** How much `values` grew a second, over at least a thirtieth of the whole time, so that single batches make no peaks. */
export function rates(seconds: number[], values: number[]): number[] {
  const span = Math.max(1, ((seconds.at(-1) ?? 0) - (seconds[0] ?? 0)) / 30);
  let from = 0;
  return seconds.map((at, index) => {
    while (from + 1 < index && at - (seconds[from + 1] ?? at) >= span) from += 1;
    const passed = at - (seconds[from] ?? at);
    return passed > 0 ? ((values[index] ?? 0) - (values[from] ?? 0)) / passed : 0;
  });
}
