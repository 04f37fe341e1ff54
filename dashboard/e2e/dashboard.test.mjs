// The main job of each page, in a real browser on the local stack. `CLIPFERRY_STACK` names its stack.json, and
// `CLIPFERRY_MANY` a prefix with 3,000 clips of a few bytes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { api, axe, eventually, launch, open, settled, signIn, stack, still, until } from "./browser.mjs";

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
  page.setDefaultTimeout(60_000);
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
  await page.getByRole("heading", { name: "Imports", exact: true }).waitFor();
  assert.equal(urls.filter((url) => url.includes(stack.api_key)).length, 0);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  quiet(other.faults);
  await other.context.close();
});

test("a sign-out ends the session of each tab that has the same key, and of no other", async () => {
  const first = await open(browser);
  const tab = async (key) => {
    const made = await first.context.newPage();
    await signIn(made, key);
    return made;
  };
  const [second, admin] = [await tab(stack.api_key), await tab(stack.admin_key)];
  await signIn(first.page);
  await second.goto(`${stack.dashboard_url}#/watches`);
  await first.page.getByRole("button", { name: "Sign out" }).click();
  for (const page of [first.page, second]) {
    await page.getByLabel("API key").waitFor();
    await page.reload();
    await page.getByLabel("API key").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
    assert.equal(new URL(page.url()).hash, "");
  }
  await admin.reload();
  await admin.getByRole("heading", { name: "Keys" }).waitFor();
  quiet(first.faults);
  await first.context.close();
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
  await other.page.getByRole("heading", { name: "Imports", exact: true }).waitFor(PATIENCE);
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
  // One look at all numbers, which may not fall between two updates of the page.
  const counts = () => page.evaluate((names) => names.map((name) => Number(document.querySelector(`[data-testid=count-${name}]`).textContent.replaceAll(",", ""))),
    ["copied", "skipped", "failed", "cancelled", "pending", "total"]);
  for (let copied = 0; Date.now() - begun < 300_000 && copied < 3_000; ) {
    const [total, ...parts] = (await counts()).reverse();
    assert.equal(parts.reduce((a, b) => a + b), total);
    copied = parts.at(-1);
    seen.add(copied);
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.ok(seen.size > 2, `the page showed ${[...seen]}`);
  await page.getByRole("heading", { level: 1 }).getByText("Completed", { exact: true }).waitFor(PATIENCE);
  assert.deepEqual([await count("total"), await count("copied"), await count("failed")], [3_000, 3_000, 0]);
  assert.ok((await page.getByRole("region", { name: "Clips of the import" }).getByRole("row").count()) < 100, "only rows in sight are drawn");
  await page.getByRole("img", { name: /Clips over time: 3000 copied/ }).waitFor(PATIENCE);
  await page.getByRole("button", { name: "Clips a second" }).click();
  await page.getByRole("img", { name: "Clips a second over time" }).waitFor();
  assert.match(await page.getByTestId("cost").textContent(), /^\$0\.0/);
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
  await until(page, () => {
    const films = [...document.querySelectorAll("video")];
    const times = films.map((film) => film.currentTime);
    return times.length === 3 && Math.min(...times) > 0.3 && Math.max(...times) - Math.min(...times) < 0.5;
  });
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
  await page.getByLabel("Storage class").selectOption("STANDARD_IA");
  await page.getByLabel("Name of the preset").fill(`cold-${name}`);
  await page.getByRole("button", { name: "Save as preset" }).click();
  await until(page, (text) => [...document.querySelectorAll("option")].some((one) => one.selected && one.textContent === text), `cold-${name}`);
  await go("#/presets");
  const saved = page.getByRole("region", { name: `cold-${name}`, exact: true });
  await saved.getByText("STANDARD_IA").waitFor();
  await saved.getByRole("button", { name: "Edit" }).click();
  const form = page.getByRole("region", { name: `Edit cold-${name}` });
  assert.equal(await form.getByLabel("Storage class").inputValue(), "STANDARD_IA");
  await form.getByLabel("Failures tolerated").fill("many");
  await form.getByRole("button", { name: "Save preset" }).click();
  await form.getByRole("alert").getByText(/write a number of clips/).waitFor();
  await form.getByLabel("Failures tolerated").fill("5%");
  await form.getByLabel("Copy tags").uncheck();
  await form.getByLabel("Archived sources").selectOption("restore");
  await form.getByLabel("Days of restored copies").fill("7");
  await form.getByRole("button", { name: "Save preset" }).click();
  await saved.getByText("5%").waitFor();
  const presets = (await api("GET", "/v1/execution-settings")).execution_settings;
  assert.deepEqual(presets.find((one) => one.name === `cold-${name}`).settings, {
    storage_class: "STANDARD_IA", tolerated_failures: { percent: 5 }, keep_tags: false, archived: "restore", restore: { days: 7 },
  });

  await go("#/integrations");
  await page.getByRole("button", { name: "New integration" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Bucket", { exact: true }).fill(stack.source_bucket);
  await page.getByLabel("Access key id").fill("test");
  await page.getByLabel("Secret access key").fill("test");
  await page.getByLabel("Endpoint URL (other stores)").fill(stack.aws_endpoint_url);
  await page.getByRole("button", { name: "Save integration" }).click();
  const mine = page.getByRole("region", { name });
  await mine.getByRole("button", { name: "Test" }).click();
  const checks = mine.getByRole("list", { name: "Checks" });
  await checks.or(mine.getByRole("alert")).waitFor(PATIENCE);
  assert.match(await mine.textContent(), /list: works/);
  await mine.getByRole("button", { name: "Let imports delete sources" }).click();
  await mine.getByRole("button", { name: "Keep sources" }).click();
  await mine.getByRole("button", { name: "Let imports delete sources" }).waitFor();
  await mine.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete integration" }).click();
  await mine.waitFor({ state: "detached" });

  await go("#/audit");
  await page.getByText("folder.create").first().waitFor(PATIENCE);
  quiet();
});

test("a watch is made, runs, is changed, paused and deleted", async () => {
  await go("#/watches");
  await page.getByRole("button", { name: "New watch" }).click();
  const name = `watch-${Date.now()}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Prefix").fill(`${SAMPLES}video/set01/`);
  await page.getByLabel("Schedule").fill("1h");
  await page.getByRole("button", { name: "Create watch" }).click();
  await page.getByRole("heading", { name }).waitFor();
  await page.getByRole("cell", { name: "first" }).waitFor(PATIENCE);
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Schedule").fill("0 2 * * *");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByLabel("Labels").fill("night");
  await page.getByRole("button", { name: "Save watch" }).click();
  await page.getByText("0 2 * * * (Europe/Berlin)").waitFor();
  const made = (await api("GET", "/v1/watches")).watches.find((one) => one.name === name);
  assert.deepEqual([made.schedule.cron, made.labels], ["0 2 * * *", ["night"]]);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete watch" }).click();
  await page.getByRole("heading", { name: "Watches", level: 1 }).waitFor();
  await page.getByRole("link", { name }).waitFor({ state: "detached" });
  quiet();
});

test("clips are found by their source, and a search can be shared", async () => {
  await go("#/imports");
  await page.getByLabel("Find a clip").fill(`${SAMPLES}video/drive.mp4`);
  await page.getByLabel("Find a clip").press("Enter");
  await page.getByRole("heading", { name: "Find clips" }).waitFor();
  await page.getByRole("link", { name: "drive", exact: true }).first().waitFor(PATIENCE);
  assert.match(page.url(), /original_clipgt_url=/);
  quiet();
});

/** A request that is on its way while routing ends is lost, so this waits until the page asks for nothing. */
async function unrouted() {
  await page.waitForLoadState("networkidle");
  await page.unroute(/partNumber=/);
  page.removeAllListeners("requestfinished");
}

const partOf = (request) => Number(new URL(request.url()).searchParams.get("partNumber"));

/** Parts that the store has taken; `hold` keeps the requests of one part away from it. */
async function watchParts(hold) {
  const taken = [];
  page.on("requestfinished", (request) => request.method() === "PUT" && partOf(request) && taken.push(partOf(request)));
  await page.route(/partNumber=/, (route) => (partOf(route.request()) === hold ? undefined : route.continue()));
  return taken;
}

test("files are uploaded in parts, go on after a reload without sending a part twice, and are imported", async () => {
  const folder = mkdtempSync(join(tmpdir(), "upload-"));
  const name = `drive-${Date.now()}`;
  const large = join(folder, `${name}.mp4`);
  writeFileSync(large, randomBytes(40 * 1024 ** 2));
  await go("#/upload");
  await page.getByLabel("Folder in the inbox").fill("night");
  const held = await watchParts(3);
  await page.getByLabel("Choose files").setInputFiles(large);
  const row = page.getByRole("row", { name: new RegExp(`night/${name}.mp4`) });
  await row.getByText("sending").waitFor();
  await eventually(() => held.length === 2);
  page.once("dialog", (dialog) => dialog.accept());
  await page.reload();
  const unfinished = page.getByRole("region", { name: "Interrupted uploads" });
  await unfinished.getByText(`night/${name}.mp4`).waitFor();
  await unfinished.getByText("Choose them again").waitFor();
  await unrouted();
  const rest = await watchParts(null);
  await page.getByLabel("Choose files").setInputFiles(large);
  await row.getByText("done").waitFor(PATIENCE);
  assert.deepEqual([held.sort(), rest], [[1, 2], [3]]);
  await unfinished.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await unrouted();

  const small = join(folder, "small.zip");
  writeFileSync(small, randomBytes(1000));
  const transfer = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(["a small clip"], "dropped.zip"));
    return made;
  });
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
  await page.getByLabel("Choose files").setInputFiles(small);
  await page.getByText("3 of 3 files uploaded").waitFor(PATIENCE);
  const imports = page.getByRole("table", { name: "Imports" });
  await imports.getByText("Completed", { exact: true }).first().waitFor(PATIENCE);
  const source = `s3://${stack.drop_bucket}/inbox/${stack.project}/night/${name}.mp4`;
  let found = [];
  for (let n = 0; n < 500 && !found.length; n += 1) {
    found = (await api("GET", `/v1/clips?original_clipgt_url=${encodeURIComponent(source)}`)).clips;
    await new Promise((done) => setTimeout(done, 200));
  }
  assert.deepEqual([found[0]?.status, found[0]?.size], ["COPIED", 40 * 1024 ** 2]);
  await imports.getByRole("link", { name: found[0].import_id }).waitFor(PATIENCE);
  quiet();
});

test("an upload is paused, given up, and its parts are removed", async () => {
  const large = join(mkdtempSync(join(tmpdir(), "upload-")), `stopped-${Date.now()}.mp4`);
  writeFileSync(large, randomBytes(20 * 1024 ** 2));
  await go("#/imports");
  await go("#/upload");
  const sent = await watchParts(2);
  await page.getByLabel("Choose files").setInputFiles(large);
  await page.getByRole("row", { name: /stopped-/ }).getByText("sending").waitFor();
  await eventually(() => sent.length > 0);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("row", { name: /stopped-/ }).getByText("paused").waitFor();
  await page.getByRole("button", { name: "Go on" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Give up" }).waitFor();
  await unrouted();
  await page.getByRole("button", { name: "Give up" }).click();
  await page.getByRole("region", { name: "Interrupted uploads" }).waitFor({ state: "detached" });
  quiet();
});

test("the health of the project and the settings of the deployment", async () => {
  await go("#/health");
  await page.getByRole("region", { name: "Queued" }).getByText("pending clips").waitFor();
  await page.getByRole("region", { name: "Failing" }).getByText(/completed with errors/).waitFor();
  await go("#/deployment");
  const buckets = page.getByRole("region", { name: "Buckets" });
  await buckets.getByText(stack.clips_bucket).waitFor();
  await buckets.getByText("Bucket that imports copy into.").waitFor();
  quiet();
});

test("the admin key manages keys, and sees the health of the whole deployment", async () => {
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
  await other.page.getByRole("link", { name: "Health" }).click();
  await other.page.getByText("Uploads that wait to be imported").waitFor();
  await other.page.getByText(/None of \d\d alarms rings/).waitFor();
  for (const name of ["Keys", "Health", "Deployment"]) {
    await other.page.getByRole("link", { name, exact: true }).click();
    await other.page.getByRole("heading", { name, level: 1 }).waitFor();
    await still(other.page);
    await other.page.screenshot({ path: `${SHOTS}admin-${name.toLowerCase()}-1280.png`, fullPage: true });
    assert.deepEqual(await axe(other.page), [], name);
  }
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
  const lost = await api("POST", "/v1/imports", { exact_paths: [`${SAMPLES}${"deep/".repeat(40)}lost.mp4`] });
  await settled(lost.id);
  const pages = {
    failed: `#/imports/${lost.id}`, lost: `#/clips/${lost.id}-0`,
    imports: "#/imports", import: `#/imports/${job.id}`, clip: `#/clips/${drawn.id}-0`, new: "#/new", search: "#/search?clip_id=drive",
    integrations: "#/integrations", folders: "#/folders", presets: "#/presets", watches: "#/watches", audit: "#/audit",
    upload: "#/upload", health: "#/health", deployment: "#/deployment",
  };
  for (const [width, height] of [[360, 740], [1280, 800], [2560, 1300]]) {
    const other = await open(browser, { width, height, dark: width === 2560 });
    await signIn(other.page);
    for (const [name, hash] of Object.entries(pages)) {
      await other.page.goto(stack.dashboard_url + hash);
      await other.page.getByRole("heading").first().waitFor();
      await still(other.page);
      await other.page.screenshot({ path: `${SHOTS}${name}-${width}.png`, fullPage: true });
      assert.ok((await other.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${name} is wider than ${width} px`);
      if (width !== 1280) assert.deepEqual(await axe(other.page), [], `${name} at ${width} px`);
    }
    quiet(other.faults);
    await other.context.close();
  }
});
