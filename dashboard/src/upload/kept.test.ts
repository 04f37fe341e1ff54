import { expect, test } from "vitest";
import { type Kept, keyOf } from "./kept";

const kept = (key: string, size = 5, modified = 7): Kept => ({ key, size, modified, started_at: "", upload_id: "u", part_bytes: 1 });
const FILE = { size: 5, lastModified: 7 };

test("a file that is chosen again goes on below the folder that it was uploaded to", () => {
  expect(keyOf(FILE, "a.mp4", "", [kept("2026/night/a.mp4")])).toBe("2026/night/a.mp4");
  expect(keyOf(FILE, "night/a.mp4", "", [kept("2026/night/a.mp4")])).toBe("2026/night/a.mp4");
  expect(keyOf(FILE, "a.mp4", "", [kept("2026/a.mp4"), kept("a.mp4")])).toBe("a.mp4");
});

test("another file, or one with a folder, gets its own key", () => {
  expect(keyOf(FILE, "a.mp4", "day", [kept("night/a.mp4")])).toBe("day/a.mp4");
  expect(keyOf(FILE, "a.mp4", "", [kept("night/a.mp4", 6), kept("night/a.mp4", 5, 8), kept("night/ba.mp4")])).toBe("a.mp4");
});
