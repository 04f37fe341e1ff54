import { expect, test } from "vitest";
import type { Schemas } from "./api";
import { EMPTY_VALUES, flagsOf, found, SETTINGS, settingsOf, shown, valuesOf } from "./settings";

const WHOLE = {
  on_existing: "overwrite", content_validation: "deep", archived: "restore", restore: { tier: "standard", days: 7 }, members: "clipgt",
  delete_source: "after_verified", storage_class: "GLACIER_IR", destination: "{name}",
  tolerated_failures: { count: 3 }, max_concurrency: 7, notify: { webhook_url: "https://h/", event: false }, keep_metadata: false,
  keep_tags: false, stationary_extrapolation: true,
} satisfies Partial<Schemas["SettingsBody"]>;

test("what the API saved can be edited and saved again", () => {
  expect(settingsOf(valuesOf(WHOLE))).toEqual(WHOLE);
  expect(settingsOf(valuesOf({ tolerated_failures: { count: null, percent: 0.5 } }))).toEqual({ tolerated_failures: { percent: 0.5 } });
});

test("an empty form asks for nothing, and so does what has the API's defaults", () => {
  expect(settingsOf(EMPTY_VALUES)).toEqual({});
  expect(settingsOf(valuesOf({ archived: "fail", members: "files", keep_tags: true, stationary_extrapolation: false, notify: { event: true, webhook_url: null } }))).toEqual({});
});

test("every setting has a flag, and a sentence for people", () => {
  expect(flagsOf(WHOLE)).toHaveLength(SETTINGS.length);
  expect(shown(WHOLE)).toHaveLength(SETTINGS.length);
  expect(SETTINGS.every((one) => found(WHOLE, one) !== undefined)).toBe(true);
  expect(flagsOf({ notify: { event: true }, keep_tags: true, archived: "fail" })).toEqual([]);
});

test("a wrong number names its field", () => {
  expect(() => settingsOf({ max_concurrency: "1.5" })).toThrow(/Copy functions at once/);
});
