import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { body, cli, curl, EMPTY, python, size } from "./request";

const WHOLE = {
  ...EMPTY, root_path: " s3://b/it's/ ", include: "*.zip\n\n*.mp4", min_size: "1.5 MB", folder: "f", labels: "night, , berlin",
  on_existing: "fail", tolerated_failures: "5%", webhook_url: "https://h/", stationary_extrapolation: true,
};

test("the fields become the body, and empty ones none", () => {
  expect(body(WHOLE)).toEqual({
    root_path: "s3://b/it's/",
    filters: { include: ["*.zip", "*.mp4"], min_size: 1_500_000 },
    folder: "f",
    labels: ["night", "berlin"],
    settings: {
      on_existing: "fail", notify: { webhook_url: "https://h/" }, stationary_extrapolation: true, tolerated_failures: { percent: 5 },
    },
  });
  expect(body({ ...EMPTY, kind: "list", list: "s3://b/a\r\n\r\ns3://b/c ", min_size: "7" })).toEqual({ exact_paths: ["s3://b/a", "s3://b/c"] });
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

test.each(["12", "12B", "12 B"])("%s is 12 bytes", (text) => expect(size(text)).toBe(12));
test("a wrong size or share names its field", () => {
  expect(() => body({ ...WHOLE, max_size: "large" })).toThrow(/max size/);
  expect(() => body({ ...WHOLE, tolerated_failures: "some" })).toThrow(/Failures tolerated/);
});

/** What the shell makes of a command's words. */
const words = (command: string) =>
  execFileSync("sh", ["-c", `set -- ${command.replace(/^\S+ /, "")}; for word; do printf '%s\\0' "$word"; done`], { encoding: "utf8" })
    .split("\0")
    .slice(0, -1);

test("the shell reads the same request out of curl and the command line", () => {
  const request = body(WHOLE);
  const sent = words(curl(request, "https://api/prod/"));
  expect(sent[2]).toBe("https://api/prod/v1/imports");
  expect(JSON.parse(sent.at(-1)!)).toEqual(request);
  expect(words(cli(request))).toEqual([
    "import", "--prefix", "s3://b/it's/", "--folder", "f", "--include", "*.zip", "--include", "*.mp4", "--min-size", "1500000",
    "--label", "night", "--label", "berlin", "--on-existing", "fail", "--webhook", "https://h/", "--tolerate", "5%",
    "--stationary-extrapolation", "--watch",
  ]);
});

test("Python reads the same request out of the program", () => {
  const request = body(WHOLE);
  const program = python(request, "https://api/prod/")
    .replace("from clipferry import Clipferry\n", "import json\nclass Clipferry:\n    def __init__(self, url): self.imports = self\n    def create(self, **given): print(json.dumps(given)); raise SystemExit\n");
  expect(JSON.parse(execFileSync("python3", ["-c", program], { encoding: "utf8" }))).toEqual(request);
});
