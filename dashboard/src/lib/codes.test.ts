import { expect, test } from "vitest";
import { meaning } from "./codes";

test("a code of an import, of a clip and of a content check says what to do", () => {
  expect(meaning("SOURCE_CHANGED")).toMatch(/Retry/);
  expect(meaning("ZIP_TRUNCATED")).toMatch(/Upload the zip again/);
  expect(meaning("TOO_MUCH_TO_READ")).toMatch(/Nothing to do: the clip is copied/);
  expect(meaning("OF_A_NEWER_SERVICE")).toBe("");
  expect(meaning(null)).toBe("");
});
