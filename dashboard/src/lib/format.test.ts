import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ago, between, bytes, elapsed, fieldTime, money, name, plural, rates, seconds, setClock, when } from "./format";

test.each([
  [0, "0 B"], [999, "999 B"], [1_000, "1.0 kB"], [999_499, "999 kB"], [999_500, "1.0 MB"], [1_234_567_890, "1.2 GB"], [null, "–"],
])("%s bytes are %s", (count, text) => expect(bytes(count)).toBe(text));

test.each([
  [0.25, "0.3 s"], [42, "42 s"], [60, "1 min"], [3_700, "1 h 2 min"], [90_000, "1 d 1 h"],
  [9.97, "10 s"], [59.6, "1 min"], [119.6, "2 min"], [3_599.7, "1 h"], [7_199, "2 h"], [86_390, "1 d"], [172_700, "2 d"],
])("%s seconds are %s", (count, text) => expect(seconds(count)).toBe(text));

test("a time has its time zone", () => {
  expect(when("2026-11-22T17:00:00Z")).toMatch(/2026.*00:00.* \S+$/);
});

describe("from now", () => {
  beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-11-22T17:00:00Z") }));
  afterEach(() => {
    setClock(new Date().toUTCString());
    vi.useRealTimers();
  });

  test("times are told", () => {
    expect(ago("2026-11-22T16:59:58Z")).toBe("just now");
    expect(ago("2026-11-22T16:58:00Z")).toBe("2 min ago");
    expect(ago("2026-11-22T17:10:00Z")).toBe("just now");
  });

  test.each([["2026-11-22T15:00:00Z", "1 min ago"], ["2026-11-22T19:00:00Z", "1 min ago"]])("a wrong clock changes no time: %s", (service, said) => {
    setClock(new Date(service).toUTCString());
    const begun = new Date(Date.parse(service) - 60_000).toISOString();
    expect([ago(begun), between(begun, null)]).toEqual([said, 60]);
    setClock(null);
    expect(ago(begun)).toBe(said);
  });

  test("an answer that was under way for some seconds moves no clock", () => {
    setClock("Sun, 22 Nov 2026 16:59:50 GMT");
    expect(ago("2026-11-22T16:59:00Z")).toBe("1 min ago");
  });
});

test("a field shows a local time to the minute, and nothing for what is no time", () => {
  expect(new Date(fieldTime("2026-01-31T12:00:59.5Z")).toISOString()).toBe("2026-01-31T12:00:00.000Z");
  expect([null, undefined, "", "yesterday"].map(fieldTime)).toEqual(["", "", "", ""]);
});

test("small amounts of money are not zero", () => {
  expect([0, 0.00001, 0.0123, 12.345].map(money)).toEqual(["$0", "< $0.0001", "$0.012", "$12.35"]);
});

test("names and plurals", () => {
  expect(name("s3://bucket/a/b.zip")).toBe("b.zip");
  expect([plural(1, "clip"), plural(2_000, "clip")]).toEqual(["1 clip", "2,000 clips"]);
});

test("no time of a plot is before its begin", () => {
  const begun = "2026-11-22T17:00:00.300Z";
  expect(elapsed(begun, ["2026-11-22T17:00:00Z", "2026-11-22T17:00:02.300Z"])).toEqual([0, 0, 2]);
});

test("a rate is what grew in a second, and begins with nothing", () => {
  expect(rates([0, 10, 20, 20], [0, 100, 300, 300])).toEqual([0, 10, 20, 20]);
  expect(rates([5], [0])).toEqual([0]);
});
