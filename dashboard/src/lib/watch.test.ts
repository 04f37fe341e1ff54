import { expect, test } from "vitest";
import type { Schemas } from "./api";
import { changed, created, draftOf, EMPTY_WATCH } from "./watch";

const WATCH = {
  name: "nightly", root_path: "s3://b/p/", integration_id: null, folder: "f", labels: ["a", "b"], events: false, execution_settings_id: null,
  schedule: { cron: "0 2 * * *", time_zone: "Europe/Berlin", every: null },
  filters: { include: ["*.zip"], exclude: [], min_size: 5, max_size: null, modified_after: null, modified_before: null },
  settings: { on_existing: "skip", content_validation: "deep", keep_tags: true, notify: { webhook_url: null, event: true } },
} as unknown as Schemas["WatchView"];

test("a new watch has what was entered and no more", () => {
  expect(created({ ...EMPTY_WATCH, name: " n ", root_path: " s3://b/ ", schedule: "6h" })).toEqual({
    name: "n", root_path: "s3://b/", schedule: { every: "6h" }, events: false, labels: [], settings: {},
  });
});

test("what did not change is not sent", () => {
  expect(changed(draftOf(WATCH), WATCH)).toEqual({});
});

test("changes replace, and empty fields remove", () => {
  const draft = { ...draftOf(WATCH), schedule: "1h", folder: "", labels: "a", exclude: "night/" };
  expect(changed(draft, WATCH)).toEqual({
    schedule: { every: "1h" }, folder: null, labels: ["a"], filters: { min_size: 5, include: ["*.zip"], exclude: ["night/"] },
  });
});

test("sizes and times of the filters can be changed and removed, and others stay as exact as they are", () => {
  const exact = { ...WATCH, filters: { ...WATCH.filters, modified_after: "2026-01-31T12:00:30Z" } } as typeof WATCH;
  expect(changed(draftOf(exact), exact)).toEqual({});
  expect(changed({ ...draftOf(exact), min_size: "", max_size: "1 GB" }, exact)).toEqual({
    filters: { include: ["*.zip"], max_size: 1_000_000_000, modified_after: "2026-01-31T12:00:30Z" },
  });
  expect(changed({ ...draftOf(WATCH), include: "", min_size: "" }, WATCH)).toEqual({ filters: null });
  expect(() => created({ ...EMPTY_WATCH, min_size: "small" })).toThrow(/Smallest size/);
});

test("another integration takes over, or the project's own for the bucket", () => {
  expect(changed({ ...draftOf(WATCH), integration_id: "in_2" }, WATCH)).toEqual({ integration_id: "in_2" });
  const by = { ...WATCH, integration_id: "in_2" };
  expect(changed(draftOf(by), by)).toEqual({});
  expect(changed({ ...draftOf(by), integration_id: "" }, by)).toEqual({ integration_id: null });
});

test("a preset takes the place of settings, and settings that of a preset", () => {
  expect(changed({ ...draftOf(WATCH), execution_settings_id: "es_1" }, WATCH)).toEqual({ execution_settings_id: "es_1" });
  const by = { ...WATCH, execution_settings_id: "es_1" };
  expect(changed({ ...draftOf(by), execution_settings_id: "" }, by)).toEqual({ settings: { on_existing: "skip", content_validation: "deep" } });
});

test("an empty field keeps the stored webhook, whose query no answer shows", () => {
  const shown = "https://hooks.example/a";
  const watch = { ...WATCH, settings: { ...WATCH.settings, notify: { webhook_url: shown, event: true } } };
  const draft = draftOf(watch);
  expect(draft.settings["notify.webhook_url"]).toBe("");
  expect(changed(draft, watch)).toEqual({});
  const edited = (more: Record<string, string>) => changed({ ...draft, settings: { ...draft.settings, ...more } }, watch).settings;
  expect(edited({ keep_tags: "false" })).toMatchObject({ keep_tags: false, notify: { webhook_url: shown } });
  expect(edited({ "notify.webhook_url": " https://b/?t " })).toMatchObject({ notify: { webhook_url: "https://b/?t" } });
  expect(edited({ no_webhook: "true" })).not.toHaveProperty("notify");
});
