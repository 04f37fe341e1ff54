// The main job of each page, in a real browser on the local stack. `CLIPFERRY_STACK` names its stack.json, and
// `CLIPFERRY_MANY` a prefix with 3,000 clips of a few bytes.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { api, axe, launch, open, settled, signIn, stack, until } from "./browser.mjs";

const SHOTS = new URL("../../.cache/dashboard/shots/", import.meta.url).pathname;
const SAMPLES = `s3://${stack.source_bucket}/samples/`;
const MANY = process.env.CLIPFERRY_MANY;
const PATIENCE = { timeout: 60_000 };

let browser;
let shown;
let page;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  browser = await launch();
  shown = await open(browser);
  page = shown.page;
  page.setDefaultTimeout(30_000);
  await signIn(page);
});
after(async () => {
  await browser?.close();
});

/** Nothing that a test did may have left a word in the console. */
function quiet(faults = shown.faults) {
  assert.deepEqual(faults.splice(0), []);
}

const go = (hash) => page.goto(stack.dashboard_url + hash);
const count = async (name) => Number((await page.getByTestId(`count-${name}`).textContent()).replaceAll(",", ""));

test("a wrong key is refused, a right one shows the imports, and no URL ever holds it", async () => {
  const other = await open(browser);
  const { page } = other;
  await page.goto(stack.dashboard_url);
  await page.getByLabel("API key").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /valid API key/);
  const urls = [];
  page.on("request", (request) => urls.push(request.url()));
  await signIn(page);
  for (const name of ["Imports", "Watches", "Integrations", "Audit"]) await page.getByRole("link", { name, exact: true }).waitFor();
  await page.getByRole("heading", { name: "Imports" }).waitFor();
  assert.equal(urls.filter((url) => url.includes(stack.api_key)).length, 0);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  quiet(other.faults);
  await other.context.close();
});

test("the one-time way in signs in once", async () => {
  const url = new URL(stack.dashboard_url);
  const made = await fetch(`${stack.aws_endpoint_url}/_clipferry/ways-in`, {
    method: "POST",
    body: JSON.stringify({ key: stack.api_key, url: url.pathname }),
  });
  const way = stack.aws_endpoint_url + (await made.json()).path;
  const other = await open(browser);
  await other.page.goto(way);
  await other.page.getByRole("heading", { name: "Imports" }).waitFor(PATIENCE);
  assert.equal((await other.page.goto(way)).status(), 410);
  quiet(other.faults);
  await other.context.close();
});

test("3,000 clips: previewed, started, followed live to the end without a reload", { skip: !MANY }, async () => {
  await page.getByRole("link", { name: "New import" }).click();
  await page.getByLabel("Prefix", { exact: true }).fill(MANY);
  await page.getByTestId("preview-count").getByText("3,000").waitFor(PATIENCE);
  await page.getByRole("group", { name: "Language" }).getByRole("button", { name: "CLI" }).click();
  assert.match(await page.getByLabel("The request for cli").textContent(), /clipferry import \\\n {2}--prefix/);
  await page.getByRole("button", { name: "Start import" }).click();
  await page.getByTestId("count-total").getByText("3,000").waitFor(PATIENCE);
  const seen = new Set();
  const begun = Date.now();
  while (Date.now() - begun < 120_000 && (await count("copied")) < 3_000) {
    seen.add(await count("copied"));
    const parts = await Promise.all(["copied", "skipped", "failed", "cancelled", "pending"].map(count));
    const total = await count("total");
    // One look at several numbers may fall between two updates of the page.
    if (total === (await count("total"))) assert.ok(parts.reduce((a, b) => a + b) <= total + 200);
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.ok(seen.size > 2, `the page showed ${[...seen]}`);
  await page.getByRole("heading", { level: 1 }).getByText("Completed", { exact: true }).waitFor(PATIENCE);
  assert.deepEqual([await count("total"), await count("copied"), await count("failed")], [3_000, 3_000, 0]);
  assert.ok((await page.getByRole("region", { name: "Clips of the import" }).getByRole("row").count()) < 100, "only rows in sight are drawn");
  await page.getByRole("img", { name: /Clips over time: 3000 copied/ }).waitFor(PATIENCE);
  quiet();
});

test("failures: by reason, with the clips, retried by one button, and the report downloaded", async () => {
  const paths = [`${SAMPLES}video/drive.mp4`, `${SAMPLES}never-recorded-1.mp4`, `${SAMPLES}never-recorded-2.mp4`];
  const job = await api("POST", "/v1/imports", { exact_paths: paths, folder: `failures-${Date.now()}` });
  await settled(job.id);
  await go(`#/imports/${job.id}`);
  await page.getByRole("heading", { name: /NOT_FOUND/ }).waitFor();
  assert.deepEqual([await count("copied"), await count("failed")], [1, 2]);
  await page.getByText("The store has no such object, bucket or version. Check the URI.").waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download as manifest" }).click();
  assert.match((await saved).suggestedFilename(), /NOT_FOUND\.manifest\.jsonl$/);
  const report = page.waitForEvent("download", PATIENCE);
  await page.getByRole("button", { name: "Download report" }).click();
  assert.match((await report).suggestedFilename(), /clips\.csv$/);
  await page.getByRole("button", { name: "Retry failed" }).click();
  await page.getByRole("heading", { name: "Earlier attempts" }).waitFor(PATIENCE);
  assert.equal((await settled(job.id)).run, 1);
  await page.getByRole("link", { name: paths[1] }).click();
  await page.getByText("This clip has no copy to show.").waitFor();
  quiet();
});

test("a film plays, a set's views play in step, a ClipGT clip is drawn and moves", async () => {
  const video = `${SAMPLES}video/`;
  const views = { front: `${video}set01/front.mp4`, left: `${video}set01/left.mp4`, right: `${video}set01/right.mp4` };
  const sets = await settled((await api("POST", "/v1/imports", { sets: [{ views, name: "drive-7" }] })).id);
  await go(`#/clips/${sets.id}-1`);
  await page.getByRole("button", { name: "Play all" }).click();
  await until(page, () => [...document.querySelectorAll("video")].every((film) => film.currentTime > 0.3));
  const times = await page.evaluate(() => [...document.querySelectorAll("video")].map((film) => film.currentTime));
  assert.equal(times.length, 3);
  assert.ok(Math.max(...times) - Math.min(...times) < 0.5, `${times}`);
  quiet();

  const all = await settled((await api("POST", "/v1/imports", { root_path: `${SAMPLES}clipgt/`, folder: "drawn" })).id);
  await go(`#/clips/${all.id}-0`);
  const drawing = page.getByRole("img", { name: /Seen from above at 0.0 s/ });
  await drawing.waitFor(PATIENCE);
  const canvas = page.locator("canvas");
  assert.ok(Number(await canvas.getAttribute("data-poses")) > 100);
  assert.ok(Number(await canvas.getAttribute("data-tracks")) > 0);
  const pixels = () =>
    canvas.evaluate((one) => {
      const data = one.getContext("2d").getImageData(0, 0, one.width, one.height).data;
      let sum = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at + 3]) sum = (sum * 31 + at + data[at]) % 1_000_000_007;
      return sum;
    });
  const first = await pixels();
  await page.getByRole("slider", { name: "Time in the clip" }).fill("5");
  await page.getByRole("img", { name: /Seen from above at 5.0 s/ }).waitFor();
  assert.notEqual(await pixels(), first);
  await page.getByRole("button", { name: "Play" }).click();
  await until(page, () => Number(document.querySelector("input[type=range]").value) > 5.2);
  await page.getByRole("heading", { name: "Layers" }).waitFor();
  quiet();
});

test("folders, presets, integrations and the audit", async () => {
  await go("#/folders");
  const name = `drives-${Date.now()}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create folder" }).click();
  await page.getByRole("link", { name }).waitFor();

  await go("#/new");
  await page.getByLabel("Storage class").fill("STANDARD_IA");
  await page.getByLabel("Name of the preset").fill(`cold-${name}`);
  await page.getByRole("button", { name: "Save as preset" }).click();
  await until(page, (text) => [...document.querySelectorAll("option")].some((one) => one.selected && one.textContent === text), `cold-${name}`);
  await go("#/presets");
  await page.getByRole("region", { name: `cold-${name}` }).getByText("STANDARD_IA").waitFor();

  await go("#/integrations");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Bucket", { exact: true }).fill(stack.source_bucket);
  await page.getByLabel("Access key id").fill("test");
  await page.getByLabel("Secret access key").fill("test");
  await page.getByLabel("Endpoint URL (other stores)").fill(stack.aws_endpoint_url);
  await page.getByRole("button", { name: "Save integration" }).click();
  const mine = page.getByRole("region", { name });
  await mine.getByRole("button", { name: "Test" }).click();
  await mine.getByText("list: works").waitFor(PATIENCE);
  await mine.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete integration" }).click();
  await mine.waitFor({ state: "detached" });

  await go("#/audit");
  await page.getByText("folder.create").first().waitFor(PATIENCE);
  quiet();
});

test("a watch is made, runs, is paused and deleted", async () => {
  await go("#/watches");
  const name = `watch-${Date.now()}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Prefix").fill(`${SAMPLES}video/set01/`);
  await page.getByLabel("Schedule").fill("1h");
  await page.getByRole("button", { name: "Create watch" }).click();
  await page.getByRole("heading", { name }).waitFor();
  await page.getByRole("cell", { name: "first" }).waitFor(PATIENCE);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete watch" }).click();
  await page.getByRole("heading", { name: "Watches" }).waitFor();
  await page.getByRole("link", { name }).waitFor({ state: "detached" });
  quiet();
});

test("clips are found by their source, and a search can be shared", async () => {
  await go("#/search");
  await page.getByLabel("Source URI").fill(`${SAMPLES}video/drive.mp4`);
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByRole("link", { name: "drive", exact: true }).first().waitFor(PATIENCE);
  assert.match(page.url(), /original_clipgt_url=/);
  quiet();
});

test("the admin key manages keys and sees nothing else", async () => {
  const other = await open(browser);
  await other.page.goto(stack.dashboard_url);
  await other.page.getByLabel("API key").fill(stack.admin_key);
  await other.page.getByRole("button", { name: "Sign in" }).click();
  await other.page.getByRole("heading", { name: "Keys" }).waitFor();
  await other.page.getByLabel("Project").fill("perception");
  await other.page.getByLabel("Name", { exact: true }).fill("browser");
  await other.page.getByRole("button", { name: "Create key" }).click();
  const key = await other.page.getByRole("status").locator("code").textContent();
  assert.ok(key.length > 20);
  const row = other.page.getByRole("row", { name: /perception browser/ });
  await row.getByRole("button").click();
  await other.page.getByRole("dialog").getByRole("button", { name: "Revoke key" }).click();
  await row.waitFor({ state: "detached" });
  quiet(other.faults);
  await other.context.close();
});

test("a key that was revoked asks for another one, and keeps what was entered", async () => {
  await go("#/new");
  await page.getByLabel("Folder", { exact: true }).fill("kept");
  await page.evaluate(() => sessionStorage.setItem("clipferry.key", "revoked"));
  await page.reload();
  await page.getByLabel("API key").fill(stack.api_key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "New import" }).waitFor();
  assert.equal(await page.getByLabel("Folder", { exact: true }).inputValue(), "kept");
  await page.getByRole("button", { name: "Clear" }).click();
  quiet();
});

test("every page fits 360, 1280 and 2560 px, without a serious finding of axe", async () => {
  const jobs = (await api("GET", "/v1/imports?limit=50")).imports;
  const job = jobs.find((one) => one.counts.failed) ?? jobs[0];
  const drawn = jobs.find((one) => one.folder === "drawn");
  const pages = {
    imports: "#/imports", import: `#/imports/${job.id}`, clip: `#/clips/${drawn.id}-0`, new: "#/new", search: "#/search?clip_id=drive",
    integrations: "#/integrations", folders: "#/folders", presets: "#/presets", watches: "#/watches", audit: "#/audit",
  };
  for (const [width, height] of [[360, 740], [1280, 800], [2560, 1300]]) {
    const other = await open(browser, { width, height, dark: width === 2560 });
    await signIn(other.page);
    for (const [name, hash] of Object.entries(pages)) {
      await other.page.goto(stack.dashboard_url + hash);
      await other.page.getByRole("heading").first().waitFor();
      await other.page.waitForLoadState("networkidle");
      await other.page.screenshot({ path: `${SHOTS}${name}-${width}.png`, fullPage: true });
      assert.ok((await other.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${name} is wider than ${width} px`);
      if (width !== 1280) assert.deepEqual(await axe(other.page), [], `${name} at ${width} px`);
    }
    quiet(other.faults);
    await other.context.close();
  }
});
