// The request of a watch: from the form's fields to the body, and to the changes of one that exists.
import type { Schemas } from "./api";
import { type FilterTexts, filterTexts, filtersOf, NO_FILTERS } from "./filters";
import { changedSettings, editedOf, EMPTY_VALUES, storedWebhook, type Values } from "./settings";

type Watch = Schemas["WatchView"];

export interface WatchDraft extends FilterTexts {
  name: string;
  root_path: string;
  integration_id: string;
  /** An interval (`6h`) or the five fields of cron; empty: no schedule. */
  schedule: string;
  time_zone: string;
  events: boolean;
  folder: string;
  labels: string;
  execution_settings_id: string;
  settings: Values;
}

export const EMPTY_WATCH: WatchDraft = {
  name: "", root_path: "", integration_id: "", schedule: "", time_zone: "", events: false, folder: "", labels: "", ...NO_FILTERS,
  execution_settings_id: "", settings: EMPTY_VALUES,
};

export function draftOf(watch: Watch): WatchDraft {
  return {
    name: watch.name,
    root_path: watch.root_path,
    integration_id: watch.integration_id ?? "",
    schedule: watch.schedule?.every ?? watch.schedule?.cron ?? "",
    time_zone: watch.schedule?.cron ? watch.schedule.time_zone : "",
    events: watch.events,
    folder: watch.folder ?? "",
    labels: watch.labels.join(", "),
    ...filterTexts(watch.filters),
    execution_settings_id: watch.execution_settings_id ?? "",
    settings: editedOf({ ...watch.settings }),
  };
}

/** All fields that can change. `known`: the watch as it is. */
function fields(draft: WatchDraft, known: Watch | null): Record<string, unknown> {
  const often = draft.schedule.trim();
  return {
    name: draft.name.trim(),
    integration_id: draft.integration_id || null,
    // Five fields are a cron expression, one is an interval.
    schedule: !often ? null : often.includes(" ") ? { cron: often, time_zone: draft.time_zone.trim() || "UTC" } : { every: often },
    events: draft.events,
    folder: draft.folder.trim() || null,
    labels: draft.labels.split(",").map((one) => one.trim()).filter(Boolean),
    filters: filtersOf(draft, known?.filters),
    ...(draft.execution_settings_id ? { execution_settings_id: draft.execution_settings_id } : { settings: changedSettings(draft.settings, known ? storedWebhook({ ...known.settings }) : "") }),
  };
}

/** The body of `POST /v1/watches`. Throws an `Error` that names the field. */
export function created(draft: WatchDraft): Record<string, unknown> {
  const made = { ...fields(draft, null), root_path: draft.root_path.trim() };
  return Object.fromEntries(Object.entries(made).filter(([, value]) => value !== null));
}

/** The body of `PATCH /v1/watches/{id}`: what differs from the watch. Throws an `Error` that names the field. */
export function changed(draft: WatchDraft, watch: Watch): Record<string, unknown> {
  const before = fields(draftOf(watch), watch);
  return Object.fromEntries(Object.entries(fields(draft, watch)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}
