import { expect, test } from "vitest";
import { type FilterTexts, filterTexts, filtersOf, NO_FILTERS, size } from "./filters";

const STORED = {
  include: ["*.zip", "*.mp4"], exclude: ["night/"], min_size: 0, max_size: 1_500_000,
  modified_after: "2026-01-31T12:00:30.123456Z", modified_before: null,
};

test.each(["12", "12B", "12 B"])("%s is 12 bytes", (text) => expect(size(text)).toBe(12));
test.each(["", "large", "1.2.3 MB", "1 MiB", "-1"])("%s is no size", (text) => expect(size(text)).toBeNaN());

test.each([[0, "0"], [999, "999"], [1_000, "1 kB"], [1_500_000, "1.5 MB"], [1_234_567, "1234567"], [2_000_000_000, "2 GB"]])("%s bytes are entered as %s", (bytes, text) => {
  expect(filterTexts({ max_size: bytes }).max_size).toBe(text);
  expect(size(text)).toBe(bytes);
});

test("empty fields are no filters", () => {
  expect(filtersOf(NO_FILTERS)).toBeNull();
  expect(filtersOf(filterTexts(null))).toBeNull();
});

test("filters that nobody touched stay as they are stored, to the microsecond", () => {
  const { modified_before: _, ...given } = STORED;
  expect(filtersOf(filterTexts(STORED), STORED)).toEqual(given);
});

test("each changed field is sent, and an emptied one is none", () => {
  const texts: FilterTexts = { ...filterTexts(STORED), exclude: "", max_size: "2 GB", modified_after: "", modified_before: "2026-03-01T00:00" };
  expect(filtersOf(texts, STORED)).toEqual({
    include: ["*.zip", "*.mp4"], min_size: 0, max_size: 2_000_000_000, modified_before: new Date("2026-03-01T00:00").toISOString(),
  });
});

test("a wrong size names its field", () => {
  expect(() => filtersOf({ ...NO_FILTERS, max_size: "large" })).toThrow(/^Largest size: write a number of bytes/);
});
