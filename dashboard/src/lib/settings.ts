// The settings of an import: one row of `SETTINGS` for each. The forms, the request, the command line and the pages that
// show settings are made from it, so a new setting of the API is one row here.

export type Values = Record<string, string>;
export type Settings = Record<string, unknown>;

export interface Setting {
  /** The API's name; of a part of a setting with its place: `notify.event`. */
  name: string;
  label: string;
  kind: "choice" | "text" | "check";
  /** Of a choice: value and text. The first one is the API's default; an empty value is that of the deployment. */
  options?: [value: string, text: string][];
  placeholder?: string;
  hint?: string;
  /** Of a choice: the setting of the deployment that is the default. */
  default?: "default_on_existing" | "default_content_validation";
  /** Of a check: its default. */
  on?: boolean;
  /** The API's value of what the user entered. Throws an `Error` that names the field. Default: the text. */
  value?: (text: string) => unknown;
  /** What the user would enter for the API's value. */
  text?: (value: unknown) => string;
  /** Option of `clipferry import`. Of a check: the one that changes the default. */
  flag: string;
}

export const SETTINGS: Setting[] = [
  { name: "on_existing", label: "Existing objects", kind: "choice", flag: "--on-existing", default: "default_on_existing", options: [["", "Deployment's default"], ["skip", "Skip if unchanged"], ["overwrite", "Overwrite"], ["fail", "Fail the clip"]] },
  { name: "content_validation", label: "Check of content", kind: "choice", flag: "--content-validation", default: "default_content_validation", options: [["", "Deployment's default"], ["none", "None"], ["structure", "Structure: few reads"], ["deep", "Deep"]] },
  { name: "archived", label: "Archived sources", kind: "choice", flag: "--archived", options: [["fail", "Fail the clip"], ["skip", "Skip the clip"], ["restore", "Restore, then copy"]] },
  { name: "restore.tier", label: "Tier of restores", kind: "choice", flag: "--restore-tier", options: [["bulk", "Bulk: cheapest"], ["standard", "Standard"], ["expedited", "Expedited: fastest"]] },
  { name: "restore.days", label: "Days of restored copies", kind: "text", flag: "--restore-days", placeholder: "3", hint: "Then S3 removes them.", value: wholeNumber("Days of restored copies") },
  { name: "members", label: "Members of a zip", kind: "choice", flag: "--members", options: [["files", "Import each file"], ["clipgt", "Make ClipGT zips"]] },
  { name: "delete_source", label: "Sources after the import", kind: "choice", flag: "--delete-source", options: [["never", "Keep them"], ["after_verified", "Delete proven copies' sources"]] },
  { name: "storage_class", label: "Storage class", kind: "choice", flag: "--storage-class", options: [["", "STANDARD"], ["STANDARD_IA", "STANDARD_IA"], ["ONEZONE_IA", "ONEZONE_IA"], ["INTELLIGENT_TIERING", "INTELLIGENT_TIERING"], ["GLACIER_IR", "GLACIER_IR"]] },
  { name: "tolerated_failures", label: "Failures tolerated", kind: "text", flag: "--tolerate", placeholder: "20, or 5%", hint: "Default: any number.", value: tolerated, text: tolerance },
  { name: "max_concurrency", label: "Copy functions at once", kind: "text", flag: "--max-concurrency", placeholder: "10", hint: "Default: the limit of the deployment.", value: wholeNumber("Copy functions at once") },
  { name: "destination", label: "Names of the copies", kind: "text", flag: "--destination", placeholder: "{stem}{extension}", hint: "Default: as the source." },
  { name: "notify.webhook_url", label: "Webhook", kind: "text", flag: "--webhook", placeholder: "https://…", hint: "Gets a signed POST at the end." },
  { name: "notify.event", label: "Send an event to EventBridge at the end", kind: "check", on: true, flag: "--no-event" },
  { name: "keep_metadata", label: "Copy content type and metadata", kind: "check", on: true, flag: "--no-metadata" },
  { name: "keep_tags", label: "Copy tags", kind: "check", on: true, flag: "--no-tags" },
  { name: "stationary_extrapolation", label: "Extend stationary obstacle tracks of ClipGT clips", kind: "check", on: false, flag: "--stationary-extrapolation" },
];

export const EMPTY_VALUES: Values = Object.fromEntries(SETTINGS.map((one) => [one.name, preset(one)]));

/** What a field has that nobody touched. */
function preset(one: Setting): string {
  return one.kind === "check" ? String(one.on) : (one.options?.[0]?.[0] ?? "");
}

function tolerated(text: string): unknown {
  const match = /^([\d.]+)\s*(%?)$/.exec(text);
  if (!match) throw new Error("Failures tolerated: write a number of clips, such as 20, or a share, such as 5%.");
  return match[2] ? { percent: Number(match[1]) } : { count: Number(match[1]) };
}

function tolerance(value: unknown): string {
  const { count, percent } = value as { count?: number | null; percent?: number | null };
  return typeof count === "number" ? String(count) : `${percent}%`;
}

function wholeNumber(label: string): (text: string) => number {
  return (text) => {
    if (!/^[1-9]\d*$/.test(text)) throw new Error(`${label}: write a whole number, such as 10.`);
    return Number(text);
  };
}

/** The API's settings of what the user entered, without those that are the default. Throws an `Error`. */
export function settingsOf(values: Values): Settings {
  const made: Settings = {};
  for (const one of SETTINGS) {
    const text = (values[one.name] ?? "").trim();
    if (!text || text === preset(one)) continue;
    const [name = "", part] = one.name.split(".");
    const value = one.kind === "check" ? text === "true" : one.value ? one.value(text) : text;
    made[name] = part ? { ...(made[name] as object | undefined), [part]: value } : value;
  }
  return made;
}

/** The API's value of one setting; undefined where it is absent. */
export function found(settings: Settings, one: Setting): unknown {
  const [name = "", part] = one.name.split(".");
  const whole = settings[name];
  return part ? (whole as Settings | undefined)?.[part] : whole;
}

/** What the user would have to enter for these settings. */
export function valuesOf(settings: Settings): Values {
  const values = { ...EMPTY_VALUES };
  for (const one of SETTINGS) {
    const value = found(settings, one);
    if (value !== null && value !== undefined) values[one.name] = one.text ? one.text(value) : String(value);
  }
  return values;
}

const WEBHOOK = "notify.webhook_url";
/** Not a setting: that the stored webhook shall go. */
export const NO_WEBHOOK = "no_webhook";

/** What the user would have to enter to change these settings. The stored webhook is not among it: answers lack its query. */
export function editedOf(settings: Settings): Values {
  return { ...valuesOf(settings), [WEBHOOK]: "" };
}

/** The URL of the stored webhook as answers show it, without its query. */
export function storedWebhook(settings: Settings): string {
  return (settings.notify as { webhook_url?: string | null } | undefined)?.webhook_url ?? "";
}

/** As `settingsOf`. An empty field keeps the `stored` webhook: a request with what answers show of it does that. */
export function changedSettings(values: Values, stored: string): Settings {
  return settingsOf({ ...values, [WEBHOOK]: values[WEBHOOK]?.trim() || (values[NO_WEBHOOK] === "true" ? "" : stored) });
}

/** The words of the command line for the API's settings. */
export function flagsOf(settings: Settings): [flag: string, value: string | null][] {
  const given = SETTINGS.filter((one) => {
    const value = found(settings, one);
    return value !== null && value !== undefined && String(value) !== preset(one);
  });
  return given.map((one) => {
    const value = found(settings, one);
    return [one.flag, one.kind === "check" ? null : one.text ? one.text(value) : String(value)];
  });
}

/** Name and value of each setting, for people. */
export function shown(settings: Settings): [string, string][] {
  return SETTINGS.flatMap((one): [string, string][] => {
    const value = found(settings, one);
    if (value === null || value === undefined) return [];
    if (one.kind === "check") return [[one.label, value ? "yes" : "no"]];
    const text = one.text ? one.text(value) : String(value);
    return [[one.label, one.options?.find(([name]) => name === text)?.[1] ?? text]];
  });
}
