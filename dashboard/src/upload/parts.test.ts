import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { base64, composite, sha256, windows } from "./parts";

test("a file is cut into parts of one size and a rest, sixteen at a time", () => {
  expect(windows(25, 10)).toEqual([[{ number: 1, start: 0, end: 10 }, { number: 2, start: 10, end: 20 }, { number: 3, start: 20, end: 25 }]]);
  expect(windows(330, 10).map((parts) => parts.length)).toEqual([16, 16, 1]);
  expect(windows(330, 10).flat().map((part) => part.number)).toEqual([...Array(33).keys()].map((n) => n + 1));
});

test("the checksum of a whole is that of its parts' checksums, as S3 has it", async () => {
  const parts = ["a", "b"].map((text) => new TextEncoder().encode(text));
  const digests = await Promise.all(parts.map(sha256));
  const joined = createHash("sha256").update(Buffer.concat(digests)).digest("base64");
  expect(await composite(digests)).toBe(`${joined}-2`);
  expect(base64(digests[0]!)).toBe(createHash("sha256").update("a").digest("base64"));
});
