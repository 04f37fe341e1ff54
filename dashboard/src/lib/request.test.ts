import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { body, cli, curl, EMPTY, python } from "./request";

const WHOLE = {
  ...EMPTY, root_path: " s3://b/it's/ ", include: "*.zip\n\n*.mp4", min_size: "1.5 MB", folder: "f", labels: "night, , berlin", as_of: "2026-01-31T12:00:00Z",
  settings: {
    ...EMPTY.settings, on_existing: "fail", tolerated_failures: "5%", "notify.webhook_url": "https://h/", "notify.event": "false",
    keep_tags: "false", stationary_extrapolation: "true",
  },
};

test("the fields become the body, and empty ones none", () => {
  expect(body(WHOLE)).toEqual({
    root_path: "s3://b/it's/",
    filters: { include: ["*.zip", "*.mp4"], min_size: 1_500_000 },
    as_of: "2026-01-31T12:00:00.000Z",
    folder: "f",
    labels: ["night", "berlin"],
    settings: {
      on_existing: "fail", notify: { webhook_url: "https://h/", event: false }, keep_tags: false, stationary_extrapolation: true,
      tolerated_failures: { percent: 5 },
    },
  });
  expect(body({ ...EMPTY, kind: "list", list: "s3://b/a\r\n\r\ns3://b/c ", min_size: "7" })).toEqual({ exact_paths: ["s3://b/a", "s3://b/c"] });
});

test("clip ids go with a prefix, and to the command line by standard input", () => {
  const request = body({ ...EMPTY, kind: "clip_ids", root_path: "s3://b/av/", clip_ids: "c1\n\n c2 ", include: "camera/", as_of: "2026-01-31T12:00:00Z" });
  expect(request).toEqual({ root_path: "s3://b/av/", clip_ids: ["c1", "c2"], filters: { include: ["camera/"] }, as_of: "2026-01-31T12:00:00.000Z" });
  expect(cli(request, "https://api/prod/")).toBe("CLIPFERRY_BASE_URL='https://api/prod' \\\n  clipferry import \\\n  --clip-ids - \\\n  --prefix 's3://b/av/' \\\n  --include 'camera/' \\\n  --as-of '2026-01-31T12:00:00.000Z' \\\n  --watch <<'END'\nc1\nc2\nEND");
  expect(body({ ...EMPTY, root_path: "s3://b/av/", clip_ids: "c1" })).toEqual({ root_path: "s3://b/av/" });
});

test("a preset takes the place of the settings", () => {
  expect(body({ ...WHOLE, execution_settings_id: "es_1" })).not.toHaveProperty("settings");
});

test("sets are JSON lines or a JSON list", () => {
  const one = { views: { front: "s3://b/f.mp4" } };
  const line = JSON.stringify(one);
  expect(body({ ...EMPTY, kind: "sets", sets: `${line}\n${line}` })["sets"]).toEqual([one, one]);
  expect(body({ ...EMPTY, kind: "sets", sets: `[${line}]` })["sets"]).toEqual([one]);
  expect(() => body({ ...EMPTY, kind: "sets", sets: "{" })).toThrow(/Sets: write one JSON object a line/);
});

test("a wrong size or share names its field", () => {
  expect(() => body({ ...WHOLE, max_size: "large" })).toThrow(/Largest size/);
  expect(() => body({ ...WHOLE, settings: { tolerated_failures: "some" } })).toThrow(/Failures tolerated/);
});

test("what was entered in fields that the form does not show stops no import", () => {
  const wrong = { ...EMPTY, max_size: "large", list: "s3://b/a", settings: { ...EMPTY.settings, tolerated_failures: "some" } };
  expect(body({ ...wrong, kind: "list", execution_settings_id: "es_1" })).toEqual({ exact_paths: ["s3://b/a"], execution_settings_id: "es_1" });
});

/** What the shell makes of a command's words. */
const words = (command: string) =>
  execFileSync("sh", ["-c", `curl() { printf '%s\\0' "$@"; }; clipferry() { curl "$CLIPFERRY_BASE_URL" "$@"; }; ${command}`], { encoding: "utf8" })
    .split("\0")
    .slice(0, -1);

test("the shell reads the same request out of curl and the command line", () => {
  const request = body(WHOLE);
  const sent = words(curl(request, "https://api/prod/"));
  expect(sent[2]).toBe("https://api/prod/v1/imports");
  expect(JSON.parse(sent.at(-1)!)).toEqual(request);
  expect(words(cli(request, "https://api/prod/"))).toEqual([
    "https://api/prod", "import", "--prefix", "s3://b/it's/", "--folder", "f", "--include", "*.zip", "--include", "*.mp4", "--min-size", "1500000", "--as-of", "2026-01-31T12:00:00.000Z",
    "--label", "night", "--label", "berlin", "--on-existing", "fail", "--tolerate", "5%", "--webhook", "https://h/",
    "--no-event", "--no-tags", "--stationary-extrapolation", "--watch",
  ]);
});

test("values that look like options stay values", () => {
  const request = body({ ...EMPTY, root_path: "s3://b/", folder: "-night", exclude: "--x/" });
  expect(words(cli(request, "https://api/"))).toEqual(["https://api", "import", "--prefix", "s3://b/", "--folder=-night", "--exclude=--x/", "--watch"]);
});

test("Python reads the same request out of the program", () => {
  const request = body(WHOLE);
  const program = python(request, "https://api/prod/")
    .replace("from clipferry import Clipferry\n", "import json\nclass Clipferry:\n    def __init__(self, url): self.imports = self\n    def create(self, **given): print(json.dumps(given)); raise SystemExit\n");
  expect(JSON.parse(execFileSync("python3", ["-c", program], { encoding: "utf8" }))).toEqual(request);
});
