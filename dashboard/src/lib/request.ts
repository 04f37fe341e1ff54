// The request of a new import: from the form's fields to the body, and to the same call in other tongues.

import { type FilterTexts, filtersOf, lines, NO_FILTERS } from "./filters";
import { EMPTY_VALUES, flagsOf, settingsOf, type Values } from "./settings";

export type Kind = "prefix" | "clip_ids" | "list" | "manifest" | "sets";

export interface Draft extends FilterTexts {
  kind: Kind;
  root_path: string;
  /** One a line. */
  clip_ids: string;
  list: string;
  manifest_uri: string;
  /** JSON lines or a JSON list of sets. */
  sets: string;
  /** A local time, as the field has it. */
  as_of: string;
  folder: string;
  labels: string;
  run_name_prefix: string;
  test_run_group_name: string;
  integration_id: string;
  execution_settings_id: string;
  settings: Values;
}

export const EMPTY: Draft = {
  kind: "prefix", root_path: "", clip_ids: "", list: "", manifest_uri: "", sets: "", ...NO_FILTERS,
  as_of: "", folder: "", labels: "", run_name_prefix: "", test_run_group_name: "",
  integration_id: "", execution_settings_id: "", settings: EMPTY_VALUES,
};

export type Body = Record<string, unknown>;

/** Whether the source is searched, so that filters choose among its objects. */
export const filtered = (draft: Draft) => draft.kind === "prefix" || draft.kind === "clip_ids" || draft.kind === "manifest";

/** The body of `POST /v1/imports`. Throws an `Error` whose message names the field. */
export function body(draft: Draft): Body {
  const made: Body = {};
  const below = draft.kind === "prefix" || draft.kind === "clip_ids";
  if (below) made["root_path"] = draft.root_path.trim();
  if (draft.kind === "clip_ids") made["clip_ids"] = lines(draft.clip_ids);
  if (draft.kind === "list") made["exact_paths"] = lines(draft.list);
  if (draft.kind === "manifest") made["manifest_uri"] = draft.manifest_uri.trim();
  if (draft.kind === "sets") made["sets"] = sets(draft.sets);
  const filters = filtered(draft) ? filtersOf(draft) : null;
  if (filters) made["filters"] = filters;
  for (const name of ["folder", "run_name_prefix", "test_run_group_name", "integration_id", "execution_settings_id"] as const) {
    if (draft[name].trim()) made[name] = draft[name].trim();
  }
  if (draft.as_of && draft.kind !== "manifest") made["as_of"] = new Date(draft.as_of).toISOString();
  const labels = draft.labels.split(",").map((label) => label.trim()).filter(Boolean);
  if (labels.length) made["labels"] = labels;
  const settings = draft.execution_settings_id ? {} : settingsOf(draft.settings);
  if (Object.keys(settings).length) made["settings"] = settings;
  return made;
}

function sets(text: string): unknown[] {
  try {
    const whole = text.trim();
    return whole.startsWith("[") ? (JSON.parse(whole) as unknown[]) : lines(whole).map((line) => JSON.parse(line) as unknown);
  } catch {
    throw new Error('Sets: write one JSON object a line, such as {"views": {"front": "s3://…", "left": "s3://…"}, "name": "drive-7"}.');
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

export function curl(request: Body, base: string): string {
  return `curl -X POST ${quoted(`${base}v1/imports`)} \\\n  -H "X-API-Key: $CLIPFERRY_API_KEY" \\\n  -d ${quoted(JSON.stringify(request, null, 2))}`;
}

const FLAGS: [name: string, flag: string][] = [
  ["root_path", "--prefix"], ["manifest_uri", "--manifest"], ["folder", "--folder"], ["run_name_prefix", "--run-name-prefix"],
  ["test_run_group_name", "--group"], ["integration_id", "--integration"], ["execution_settings_id", "--preset"],
  ["include", "--include"], ["exclude", "--exclude"], ["min_size", "--min-size"], ["max_size", "--max-size"],
  ["modified_after", "--after"], ["modified_before", "--before"], ["as_of", "--as-of"], ["labels", "--label"],
];
/** More URIs than these go in by standard input. */
const MAX_ARGUMENTS = 10;

/** An option with its value; the shell's `=` for one that would be taken for another option. */
const option = (flag: string, value: string) => `${flag}${value.startsWith("-") ? "=" : " "}${quoted(value)}`;

/** The same import by the command line. */
export function cli(request: Body, base: string): string {
  const given: Body = { ...request, ...((request["filters"] ?? {}) as Body) };
  const words = [`CLIPFERRY_BASE_URL=${quoted(base.replace(/\/$/, ""))}`, "clipferry import"];
  let input = "";
  const paths = (request["exact_paths"] ?? []) as string[];
  if (paths.length > MAX_ARGUMENTS) {
    words.push("--from -");
    input = paths.join("\n");
  } else words.push(...paths.map(quoted));
  if (request["clip_ids"]) {
    words.push("--clip-ids -");
    input = (request["clip_ids"] as string[]).join("\n");
  }
  if (request["sets"]) {
    words.push("--sets -");
    input = JSON.stringify(request["sets"], null, 2);
  }
  for (const [name, flag] of FLAGS) {
    for (const value of [given[name] ?? []].flat()) words.push(option(flag, String(value)));
  }
  for (const [flag, value] of flagsOf((request["settings"] ?? {}) as Body)) words.push(value === null ? flag : option(flag, value));
  words.push("--watch");
  return `${words.join(" \\\n  ")}${input ? ` <<'END'\n${input}\nEND` : ""}`;
}

function literal(value: unknown, indent: string): string {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return value.length ? `[\n${value.map((one) => `${indent}    ${literal(one, `${indent}    `)},\n`).join("")}${indent}]` : "[]";
  if (typeof value === "object") {
    const items = Object.entries(value).map(([key, one]) => `${indent}    ${JSON.stringify(key)}: ${literal(one, `${indent}    `)},\n`);
    return `{\n${items.join("")}${indent}}`;
  }
  return JSON.stringify(value);
}

export function python(request: Body, base: string): string {
  const given = Object.entries(request).map(([name, value]) => `    ${name}=${literal(value, "    ")},\n`);
  return `from clipferry import Clipferry\n\n# The key is in CLIPFERRY_API_KEY.\nclient = Clipferry(${JSON.stringify(base.replace(/\/$/, ""))})\njob = client.imports.create(\n${given.join("")})\nprint(job.wait().status)`;
}
