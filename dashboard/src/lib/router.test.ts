import { expect, test } from "vitest";
import { pause } from "./pause";
import { href, parse } from "./router";

test("a place survives its URL", () => {
  const made = href(["imports", "ij_1/ä?#"], { status: "FAILED", folder: "a&b", label: "" });
  const found = parse(made);
  expect(found.parts).toEqual(["imports", "ij_1/ä?#"]);
  expect([...found.query]).toEqual([["status", "FAILED"], ["folder", "a&b"]]);
});

test.each(["", "#", "#/"])("%s is the first page", (hash) => expect(parse(hash).parts).toEqual([]));

test("a part that is no valid code stays as it is", () => {
  expect(parse("#/imports/%E0%A4%A").parts).toEqual(["imports", "%E0%A4%A"]);
});

test("a page asks often while it is seen, seldom while idle, hidden or refused", () => {
  expect(pause(false, 0, 0)).toBe(1_000);
  expect(pause(false, 120_000, 0)).toBe(5_000);
  expect(pause(true, 0, 0)).toBe(30_000);
  expect(pause(false, 0, 2)).toBe(4_000);
  expect(pause(false, 0, 60)).toBe(30_000);
});
