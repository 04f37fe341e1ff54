// What a stack shows seldom: a service that stops, a key that is revoked, 100,000 clips, names of any length and script. The
// pages come from the stack that `CLIPFERRY_STACK` names; their calls of `/v1` get answers made here.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { axe, eventually, launch, open, signIn, stack, until } from "./browser.mjs";

let browser;
let examples;

before(async () => {
  browser = await launch();
  const { paths } = await (await fetch(new URL("openapi.json", `${stack.base_url.replace(/\/$/, "")}/`))).json();
  examples = Object.entries(paths).flatMap(([path, { get }]) => {
    const shown = Object.values(get?.responses["200"]?.content?.["application/json"]?.examples ?? {})[0];
    return shown ? [[new RegExp(`${path.replace(/\{[^}]+\}/g, "[^/]+")}$`), shown.value]] : [];
  });
});
after(async () => {
  await browser?.close();
});

/** The API's own example of an answer, as a copy that may be changed. */
const example = (path) => structuredClone(examples.find(([pattern]) => pattern.test(path))?.[1]);

/** A signed-in page at `hash`. Its calls are answered by `answers` (parts of paths → a body, 404 or a function), or by the examples. */
async function shown(hash, answers = {}, settings = {}) {
  const made = await open(browser, settings);
  const { page } = made;
  page.setDefaultTimeout(60_000);
  const service = { up: true, key: stack.api_key, asked: [], sent: [], refused: [], limited: false, answers, headers: {} };
  await page.route(/\/v1\//, async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const what = `${request.method()} ${url.pathname.replace(/.*(?=\/v1\/)/, "")}`;
    service.asked.push(what);
    if (request.method() !== "GET") service.sent.push(request.postDataJSON());
    if (!service.up) return route.abort("connectionrefused");
    if (request.headers()["x-api-key"] !== service.key) {
      return route.fulfill({ status: 401, json: { code: "UNAUTHENTICATED", detail: "Give a valid API key." } });
    }
    const own = Object.entries(service.answers).find(([path]) => new RegExp(`/v1/${path}$`).test(url.pathname))?.[1];
    const json = typeof own === "function" ? await own(url) : (own ?? example(url.pathname));
    if (service.limited) service.refused.push(what);
    if (service.limited) return route.fulfill({ status: 429, headers: { "Retry-After": "6" }, json: { code: "TOO_MANY_REQUESTS", detail: "Wait 6 s." } });
    return json && json !== 404 ? route.fulfill({ json, headers: service.headers }) : route.fulfill({ status: 404, json: { code: "NOT_FOUND", detail: "There is none." } });
  });
  await signIn(page);
  await page.goto(stack.dashboard_url + hash);
  await page.getByRole("heading", { level: 1 }).waitFor();
  return { ...made, service };
}

async function done({ context, faults }) {
  assert.deepEqual(faults, []);
  await context.close();
}

const focused = (page) => page.evaluate(() => document.activeElement?.textContent || document.activeElement?.getAttribute("name") || document.activeElement?.tagName);

test("100,000 clips: only the rows in sight are drawn, and a filter chosen while a page loads shows its own", async () => {
  const whole = 100_000;
  const job = { ...example("/v1/imports/x"), status: "COMPLETED", code: null, message: null };
  job.counts = { ...job.counts, total: whole, copied: whole, skipped: 0, failed: 0, pending: 0 };
  const [one] = example("/v1/imports/x/clips").clips;
  const clips = async (url) => {
    const status = url.searchParams.get("status");
    if (!status) await new Promise((end) => setTimeout(end, 300));
    const from = Number(url.searchParams.get("cursor") || 0);
    const rows = Array.from({ length: 500 }, (_, n) => ({ ...one, id: `${job.id}-${from + n}`, run_name: `${status ?? "any"} ${from + n}` }));
    return { clips: rows, next_cursor: from + 500 < whole ? String(from + 500) : null, has_more: from + 500 < whole };
  };
  const made = await shown(`#/imports/${job.id}`, { "imports/[^/]+": job, "imports/[^/]+/clips": clips });
  const { page } = made;
  const table = page.getByRole("region", { name: "Clips of the import" });
  await table.getByText("any 0", { exact: true }).waitFor();
  for (let pages = 1; pages <= 5; pages += 1) {
    await page.getByText(`${(pages * 500).toLocaleString("en-US")} of 100,000 loaded`).waitFor();
    await table.evaluate((box) => box.scrollTo(0, box.scrollHeight));
  }
  assert.ok((await table.getByRole("row").count()) < 60);
  // The next page is under way.
  await page.getByRole("combobox", { name: "Status" }).selectOption("COPIED");
  await table.getByText("COPIED 0", { exact: true }).waitFor();
  assert.equal(await table.evaluate((box) => box.scrollTop), 0);
  await done(made);
});

test("a service that stops: each page says it, keeps what was entered, and goes on by itself", async () => {
  const made = await shown("#/new");
  const { page, service } = made;
  await page.getByLabel("Prefix", { exact: true }).fill("s3://my-clips/2026/");
  service.up = false;
  await page.getByLabel("Folder", { exact: true }).fill("kept");
  await page.getByRole("button", { name: "Start import" }).click();
  await page.getByRole("alert").getByText("what you entered is kept").first().waitFor();
  assert.equal(await page.getByLabel("Folder", { exact: true }).inputValue(), "kept");
  for (const [hash, heading] of [["imports", "Imports"], ["watches", "Watches"], ["presets", "Presets"], ["health", "Health"], ["audit", "Audit"]]) {
    service.up = false;
    await page.goto(`${stack.dashboard_url}#/${hash}`);
    await page.getByRole("alert").getByText("The service did not answer").first().waitFor();
    service.up = true;
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
  }
  await done(made);
});

test("a key that is revoked meanwhile: one dialog, over everything, and then the page goes on", async () => {
  const made = await shown("#/watches/wa_1");
  const { page, service } = made;
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Folder", { exact: true }).fill("kept");
  service.key = "another";
  await page.evaluate(() => dispatchEvent(new Event("online"))); // the page looks again
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.waitFor();
  assert.equal(await focused(page), "key");
  for (let n = 0; n < 3; n += 1) await page.keyboard.press("Escape");
  await dialog.waitFor();
  for (let n = 0; n < 8; n += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog")), "the focus left the dialog");
  }
  service.asked.length = 0;
  await page.evaluate(() => localStorage.setItem("clipferry.key", "of long ago"));
  await dialog.getByLabel("API key").fill("another");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Folder", { exact: true }).inputValue(), "kept");
  await until(page, () => !document.querySelector("dialog"));
  await eventually(() => service.asked.includes("GET /v1/watches/wa_1"));
  assert.equal(await page.evaluate(() => localStorage.getItem("clipferry.key")), null, "the next tab would ask with the old key");
  await done(made);
});

test("a late answer to a former key asks for no other one", async () => {
  const { look } = running();
  const made = await shown("#/watches", { "imports/[^/]+": look });
  const { page, service } = made;
  let release;
  const held = new Promise((end) => (release = end));
  const keys = [];
  await page.route(/\/timeline$/, async (route) => {
    const key = route.request().headers()["x-api-key"];
    keys.push(key);
    if (key === "another") return route.fallback();
    await held;
    return route.fulfill({ status: 401, json: { code: "UNAUTHENTICATED", detail: "Give a valid API key." } });
  });
  await page.goto(`${stack.dashboard_url}#/imports/ij_1`);
  while (keys.length === 0) await page.waitForTimeout(50);
  service.key = "another";
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.getByLabel("API key").fill("another");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  release();
  while (!keys.includes("another")) await page.waitForTimeout(50);
  assert.equal(await dialog.count(), 0);
  await done(made);
});

test("a key with characters that no key has is refused, without a word about the network", async () => {
  const made = await open(browser);
  const { page } = made;
  await page.goto(stack.dashboard_url);
  assert.equal(await focused(page), "key");
  await page.keyboard.type("schlüssel „1“");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("This is no valid API key").waitFor();
  await done(made);
});

test("what a project uploads is neither shown to another one nor sent by it", async () => {
  let project = "first";
  const made = await shown("#/upload", { key: () => ({ ...example("/v1/key"), project }) });
  const { page, service } = made;
  await page.getByLabel("Choose files").setInputFiles({ name: "secret.mp4", mimeType: "video/mp4", buffer: Buffer.from("clip") });
  await page.getByText("1 failed").waitFor();
  await page.evaluate(() => sessionStorage.setItem("clipferry.draft", JSON.stringify({ root_path: "s3://secret/" })));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Clipferry" }).waitFor();
  assert.equal(await focused(page), "key");
  project = "second";
  service.sent.length = 0;
  await page.keyboard.type(stack.api_key);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Imports", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Upload" }).click();
  await page.getByText("imports of the project second").or(page.getByText("an import of the project second")).waitFor();
  assert.equal(await page.getByText("secret.mp4").count(), 0);
  await page.goto(`${stack.dashboard_url}#/new`);
  assert.equal(await page.getByLabel("Prefix", { exact: true }).inputValue(), "");
  assert.deepEqual(service.sent, []);
  await done(made);
});

test("what takes the focused control away leaves the focus where it was", async () => {
  const groups = [{ ...example("/v1/imports/x/failures").groups[0], code: "NOT_FOUND", failed_check: 0 }];
  let job = { ...example("/v1/imports/x"), status: "COMPLETED_WITH_ERRORS" };
  const [preset] = example("/v1/execution-settings").execution_settings;
  let presets = [{ ...preset, id: "es_1", name: "cold" }, { ...preset, id: "es_2", name: "warm" }];
  const made = await shown("#/imports/ij_1", {
    "imports/[^/]+": () => job,
    "imports/[^/]+/failures": { groups, complete: true },
    "imports/[^/]+/retry": () => (job = { ...job, status: "COPYING", cancel_requested: false }),
    "imports/[^/]+/cancel": () => (job = { ...job, cancel_requested: true }),
    "execution-settings": () => ({ execution_settings: presets, next_cursor: null, has_more: false }),
    "execution-settings/[^/]+": () => (presets = presets.slice(1)),
  });
  const { page } = made;
  const at = () => page.evaluate(() => document.activeElement.getAttribute("aria-labelledby") ?? document.activeElement.getAttribute("aria-label") ?? document.activeElement.tagName);
  const press = async (button) => {
    await button.focus();
    await page.keyboard.press("Enter");
  };
  await press(page.getByRole("button", { name: "Retry these" }));
  await page.getByRole("button", { name: "Retry these" }).waitFor({ state: "detached" });
  await until(page, () => document.activeElement !== document.body);
  assert.match(await focused(page), /NOT_FOUND/);
  await press(page.getByRole("button", { name: "Cancel import" }));
  await press(page.getByRole("dialog").getByRole("button", { name: "Cancel import now" }));
  await page.getByRole("status").getByText("Cancelling…").waitFor();
  await until(page, () => document.activeElement !== document.body);
  assert.equal(await at(), "MAIN");

  await page.goto(`${stack.dashboard_url}#/presets`);
  const cold = page.getByRole("region", { name: "cold", exact: true });
  await press(cold.getByRole("button", { name: "Edit" }));
  await press(page.getByRole("button", { name: "Cancel" }));
  await cold.waitFor();
  assert.equal(await at(), "MAIN");
  await press(cold.getByRole("button", { name: "Delete" }));
  await press(page.getByRole("dialog").getByRole("button", { name: "Delete preset" }));
  await cold.waitFor({ state: "detached" });
  await until(page, () => document.activeElement !== document.body);
  assert.equal(await at(), "MAIN");

  await page.goto(`${stack.dashboard_url}#/search`);
  await page.getByLabel("Label").fill("night");
  await page.getByLabel("Label").press("Enter");
  await until(page, () => location.hash.includes("night"));
  assert.equal(await focused(page), "label");
  await done(made);
});

test("by keyboard: a busy button keeps the focus, forms take it, and Enter in a field starts nothing", async () => {
  const made = await shown("#/imports/ij_1");
  const { page, service } = made;
  await page.getByRole("region", { name: "Clips of the import" }).waitFor();
  await until(page, () => !document.querySelector(".loading"));
  const retry = page.getByRole("button", { name: "Retry failed" });
  await retry.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("alert").first().waitFor();
  assert.equal(await focused(page), "Retry failed");

  await page.goto(`${stack.dashboard_url}#/watches`);
  await page.getByRole("button", { name: "New watch" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "New watch" }).waitFor();
  await page.keyboard.type("typed at once");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "typed at once");

  await page.goto(`${stack.dashboard_url}#/new`);
  await page.getByLabel("Name of the preset").fill("not by accident");
  service.asked.length = 0;
  await page.getByLabel("Prefix", { exact: true }).fill("s3://my-clips/2026/");
  await page.getByLabel("Prefix", { exact: true }).press("Enter");
  await until(page, () => !document.querySelector(".loading"));
  await page.waitForTimeout(300);
  assert.deepEqual(service.asked.filter((one) => one.startsWith("POST") && !one.endsWith("/previews")), []);

  await page.goto(`${stack.dashboard_url}#/imports`);
  await page.reload();
  await page.getByRole("heading", { name: "Imports", level: 1 }).waitFor();
  const stops = [];
  for (let n = 0; n < 60; n += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const one = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      const box = one.getBoundingClientRect();
      return { what: one.textContent || one.getAttribute("aria-label") || one.tagName, seen: one === document.body || (outlineStyle !== "none" && parseFloat(outlineWidth) > 0 && box.width > 0) };
    });
    assert.ok(stop.seen, `no outline: ${stop.what}`);
    stops.push(stop.what);
  }
  assert.equal(stops[0], "Skip to the content");
  await page.getByRole("link", { name: "Watches", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Watches", level: 1 }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "New watch");
  assert.ok(stops.includes("New import") && stops.some((one) => one.startsWith("ij_")), `${stops}`);
  await done(made);
});

test("a dialog gives the focus back to its button, by Escape and by Keep", async () => {
  const made = await shown("#/imports/ij_1");
  const { page } = made;
  for (const close of [() => page.keyboard.press("Escape"), () => page.getByRole("button", { name: "Keep" }).click()]) {
    const button = page.getByRole("button", { name: "Delete", exact: true });
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Delete this import's record?" });
    await dialog.waitFor();
    assert.equal(await focused(page), "Keep");
    await close();
    await dialog.waitFor({ state: "detached" });
    assert.equal(await focused(page), "Delete");
  }
  await done(made);
});

/** An import that runs: with each look one more clip failed, until `ended`. */
function running(whole = 1_000) {
  const job = { ...example("/v1/imports/x"), status: "COPYING", code: null, message: null, completed_at: null, webhook: null };
  const state = { ended: false, failed: 1 };
  const look = () => {
    state.failed += state.ended ? 0 : 1;
    const left = state.ended ? 0 : whole - state.failed;
    return { ...job, status: state.ended ? "COMPLETED_WITH_ERRORS" : "COPYING", counts: { ...job.counts, total: whole, copied: whole - state.failed - left, skipped: 0, failed: state.failed, cancelled: 0, pending: left } };
  };
  return { look, state };
}

const slowly = (answer) => async (url) => {
  await new Promise((end) => setTimeout(end, 300));
  return answer(url);
};

test("while an import runs, what the page shows stays until there is news of it", async () => {
  const { look } = running();
  const path = "/v1/imports/x";
  const made = await shown("#/imports/ij_1", {
    "imports/[^/]+": look,
    "imports/[^/]+/failures": slowly(() => example(`${path}/failures`)),
    "imports/[^/]+/timeline": slowly(() => example(`${path}/timeline`)),
    "imports/[^/]+/audit": slowly(() => example(`${path}/audit`)),
  });
  const { page, service } = made;
  const lists = ["Failures by reason", "Progress", "Audit"].map((name) => page.getByRole("region", { name }));
  for (const list of lists) await list.getByRole("listitem").or(list.getByRole("row")).first().waitFor();
  await page.evaluate(() => {
    window.gone = [];
    new MutationObserver((changes) => {
      for (const { removedNodes } of changes) for (const node of removedNodes) if (/^(SECTION|ARTICLE|UL|OL|DIV)$/.test(node.nodeName)) window.gone.push(node.textContent.slice(0, 60));
    }).observe(document.querySelector("main"), { childList: true, subtree: true });
  });
  const asked = () => service.asked.filter((one) => one.endsWith("/failures")).length;
  const before = asked();
  await eventually(() => asked() >= before + 3);
  await page.waitForTimeout(500);
  assert.deepEqual((await page.evaluate(() => window.gone)).filter((text) => /Failures|Cost|NOT_FOUND|copied/i.test(text)), []);
  await done(made);
});

test("clips that were loaded while an import ran get their result, wherever the list stands", async () => {
  const { look, state } = running(2_000);
  const [one] = example("/v1/imports/x/clips").clips;
  const clips = (url) => {
    const from = Number(url.searchParams.get("cursor") || 0);
    const status = state.ended ? "COPIED" : "PENDING";
    const rows = Array.from({ length: 500 }, (_, n) => ({ ...one, id: `ij_1-${from + n}`, run_name: `clip ${from + n}`, status }));
    return { clips: rows, next_cursor: from + 500 < 2_000 ? String(from + 500) : null, has_more: from + 500 < 2_000 };
  };
  const made = await shown("#/imports/ij_1", { "imports/[^/]+": look, "imports/[^/]+/clips": clips });
  const { page } = made;
  const table = page.getByRole("region", { name: "Clips of the import" });
  for (const loaded of ["500", "1,000", "1,500"]) {
    await page.getByText(`${loaded} of 2,000 loaded`).waitFor();
    await table.evaluate((box) => box.scrollTo(0, box.scrollHeight));
  }
  await page.getByText("2,000 of 2,000 loaded").waitFor();
  await table.getByText("Pending").first().waitFor();
  const at = await table.evaluate((box) => box.scrollTop);
  state.ended = true;
  await table.getByText("Copied").first().waitFor();
  assert.equal(await table.evaluate((box) => box.scrollTop), at);
  await table.evaluate((box) => box.scrollTo(0, 0));
  await table.getByText("clip 0", { exact: true }).waitFor();
  await until(page, () => !document.querySelector(".clips .s-pending"));
  await done(made);
});

test("looks at running imports change no field that is written in, and lose no import of an older page", async () => {
  const job = { ...example("/v1/imports/x"), status: "COPYING" };
  let newest = 0;
  const imports = (url) => {
    const from = url.searchParams.get("cursor") ? Number(url.searchParams.get("cursor")) : newest;
    const rows = Array.from({ length: 50 }, (_, n) => ({ ...job, id: `ij_${from - n}` }));
    return { imports: rows, next_cursor: from > -50 ? String(from - 50) : null, has_more: from > -50 };
  };
  const made = await shown("#/imports", { imports });
  const { page, service } = made;
  const looks = async () => {
    const before = service.asked.length;
    await eventually(() => service.asked.length >= before + 3);
  };
  const folder = page.getByLabel("Folder", { exact: true });
  await folder.pressSequentially("night");
  await looks();
  assert.equal(await folder.inputValue(), "night");
  await folder.fill("");
  await page.getByRole("button", { name: "Show older imports" }).click();
  await page.getByRole("link", { name: "ij_-99", exact: true }).waitFor();
  newest = 20;
  await page.getByRole("link", { name: "ij_20", exact: true }).waitFor();
  assert.equal(await page.getByRole("table", { name: "Imports" }).getByRole("link").count(), 120);
  await done(made);
});

test("a reason with clips behind many others: all are in the manifest, and a retry takes all, however many", async () => {
  const group = { ...example("/v1/imports/x/failures").groups[0], code: "NOT_FOUND", status: "FAILED", count: 1_500, failed_check: 0 };
  const broken = { ...group, code: "NOT_A_ZIP", failed_check: group.count };
  const job = { ...example("/v1/imports/x"), status: "COMPLETED_WITH_ERRORS" };
  const [one] = example("/v1/imports/x/clips").clips;
  const clips = (url) => {
    const from = Number(url.searchParams.get("cursor") || 0);
    const rows = Array.from({ length: 1_000 }, (_, n) => ({ ...one, id: `ij_1-${from + n}`, status: "FAILED", code: from + n < 21_500 ? "CHANGED" : "NOT_FOUND" }));
    return { clips: rows, next_cursor: from + 1_000 < 23_000 ? String(from + 1_000) : null, has_more: true };
  };
  const made = await shown("#/imports/ij_1", { "imports/[^/]+": job, "imports/[^/]+/failures": { groups: [group, broken], complete: false }, "imports/[^/]+/clips": clips });
  const { page, service } = made;
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download as manifest" }).first().click();
  assert.equal(readFileSync(await (await saved).path(), "utf8").trim().split("\n").length, 1_500);
  await page.getByRole("button", { name: "Retry these" }).click();
  await page.getByRole("button", { name: "Retry without the check" }).click();
  await eventually(() => service.sent.length >= 2);
  assert.deepEqual(service.sent, [{ codes: ["NOT_FOUND"] }, { codes: ["NOT_A_ZIP"], content_validation: "none" }]);
  await done(made);
});

test("a watch gets another integration, and loses it again, also while the list of integrations is not there", async () => {
  const watch = { ...example("/v1/watches/x"), integration_id: "in_gone", execution_settings_id: null };
  const [one] = example("/v1/integrations").integrations;
  const made = await shown("#/watches/wa_1", {
    "watches/[^/]+": watch,
    integrations: slowly(() => ({ integrations: [{ ...one, id: "in_2", name: "partner" }], next_cursor: null, has_more: false })),
  });
  const { page, service } = made;
  const change = async (choice) => {
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByText("Filters and settings").click();
    const integration = page.getByRole("combobox", { name: "Integration" });
    assert.equal(await integration.inputValue(), "in_gone");
    if (choice !== null) await integration.selectOption(choice);
    await page.getByRole("button", { name: "Save watch" }).click();
    await page.getByRole("button", { name: "Save watch" }).waitFor({ state: "detached" });
  };
  await page.getByRole("link", { name: "in_gone" }).waitFor();
  for (const choice of [null, "in_2", ""]) await change(choice);
  assert.deepEqual(service.sent, [{}, { integration_id: "in_2" }, { integration_id: null }]);
  await done(made);
});

test("the sizes and times of a watch's filters are shown, changed and removed", async () => {
  const watch = { ...example("/v1/watches/x"), execution_settings_id: null };
  watch.filters = { include: ["*.zip"], exclude: [], min_size: 1_500_000, max_size: null, modified_after: "2026-01-31T12:00:30Z", modified_before: null };
  const made = await shown("#/watches/wa_1", { "watches/[^/]+": watch }, { timezoneId: "Europe/Berlin" });
  const { page, service } = made;
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByText("Filters and settings").click();
  assert.equal(await page.getByLabel("Smallest size").inputValue(), "1.5 MB");
  assert.equal(await page.getByLabel("Changed from").inputValue(), "2026-01-31T13:00");
  await page.getByLabel("Largest size").fill("2 gigabytes");
  await page.getByRole("button", { name: "Save watch" }).click();
  await page.getByRole("alert").getByText("Largest size: write a number of bytes").waitFor();
  await page.getByLabel("Largest size").fill("2 GB");
  await page.getByLabel("Smallest size").fill("");
  await page.getByLabel("Changed before").fill("2026-07-01T00:00");
  await page.getByRole("button", { name: "Save watch" }).click();
  await page.getByRole("button", { name: "Save watch" }).waitFor({ state: "detached" });
  assert.deepEqual(service.sent, [
    { filters: { include: ["*.zip"], max_size: 2_000_000_000, modified_after: "2026-01-31T12:00:30Z", modified_before: "2026-06-30T22:00:00.000Z" } },
  ]);
  await done(made);
});

test("a new import with a preset that is gone says which one, and a list too long to keep is sent all the same", async () => {
  const made = await shown("#/imports", { "imports/[^/]+": example("/v1/imports/x") });
  const { page, service } = made;
  await page.evaluate(() => sessionStorage.setItem("clipferry.draft", JSON.stringify({ root_path: "s3://b/", execution_settings_id: "es_gone" })));
  await page.goto(`${stack.dashboard_url}#/new`);
  await page.reload();
  const preset = page.getByRole("combobox", { name: "Preset", exact: true });
  assert.equal(await preset.inputValue(), "es_gone");
  await preset.selectOption("");
  await page.getByRole("button", { name: "List of clips" }).click();
  await page.evaluate(() => {
    const set = sessionStorage.setItem.bind(sessionStorage);
    Storage.prototype.setItem = (name, text) => {
      if (text.includes("s3://long/")) throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
      return set(name, text);
    };
  });
  await page.getByLabel("URIs, one a line").fill("s3://long/a.mp4");
  await until(page, () => sessionStorage.getItem("clipferry.draft") === null);
  await page.getByRole("button", { name: "Start import" }).click();
  while (!service.asked.includes("POST /v1/imports")) await page.waitForTimeout(50);
  assert.deepEqual(service.sent.at(-1), { exact_paths: ["s3://long/a.mp4"] });
  await done(made);
});

test("of a long list the request is shown in part and copied as a whole", async () => {
  const made = await shown("#/new");
  const { page } = made;
  const uris = Array.from({ length: 400 }, (_, n) => `s3://my-clips/2026/drives/berlin/night/${n}/front.mp4`);
  await page.getByRole("button", { name: "List of clips" }).click();
  // Pasted at once: `fill` inserts line by line.
  await page.getByLabel("URIs, one a line").evaluate((area, text) => {
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }, uris.join("\n"));
  await page.getByText("of which the first 20,000 are shown").waitFor();
  assert.equal((await page.getByLabel("The request for curl").textContent()).length, 20_000);
  await page.evaluate(() => (navigator.clipboard.writeText = async (text) => void (window.copied = text)));
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  assert.ok((await page.evaluate(() => window.copied)).includes(uris.at(-1)));
  await done(made);
});

test("the clips and a search that failed are read again by themselves, once the service answers", async () => {
  const made = await shown("#/watches");
  const { page, service } = made;
  const broken = new Set();
  await page.route(/\/v1\/(imports\/[^/]+\/clips|clips)(\?|$)/, (route) => {
    const path = new URL(route.request().url()).pathname;
    if (broken.has(path)) return route.fallback();
    broken.add(path);
    return route.fulfill({ status: 503, json: { code: "UNAVAILABLE", detail: "Try again in a moment." } });
  });
  for (const hash of ["imports/ij_1", "search?label=night"]) {
    await page.goto(`${stack.dashboard_url}#/${hash}`);
    await page.getByRole("alert").getByText("Try again in a moment.").waitFor();
    await page.getByRole("alert").getByText("Try again in a moment.").waitFor({ state: "detached" });
    await page.getByRole("region", { name: "Clips of the import" }).or(page.getByRole("table", { name: "Clips found" })).getByRole("link").first().waitFor();
  }
  assert.equal(service.asked.length > 0 && broken.size, 2);
  await done(made);
});

test("an answer that breaks off, or that is none of the service's, says that the service did not answer", async () => {
  const made = await shown("#/watches");
  const { page } = made;
  for (const body of ["<!doctype html><title>Sign in to this network</title>", '{"imports": [']) {
    await page.route(/\/v1\/imports/, (route) => route.fulfill({ status: 200, contentType: "application/json", body }));
    await page.goto(`${stack.dashboard_url}#/imports`);
    await page.getByRole("alert").getByText("The service did not answer. Check your network").waitFor();
    await page.unroute(/\/v1\/imports/);
    await page.goto(`${stack.dashboard_url}#/watches`);
  }
  await done(made);
});

test("a request that is never answered is given up, and the page goes on", async () => {
  const { look } = running();
  let silent = false;
  let release;
  const held = new Promise((end) => (release = end));
  const made = await shown("#/imports/ij_1", { "imports/[^/]+": async () => (silent && (await held), look()) });
  const { page } = made;
  await page.evaluate(() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => timeout(ms / 30);
  });
  silent = true;
  await page.getByRole("alert").getByText("The service did not answer").waitFor();
  silent = false;
  await page.getByRole("alert").waitFor({ state: "detached" });
  release();
  await page.waitForTimeout(200);
  await done(made);
});

test("a page that is hidden asks seldom, and at once when the user comes back; a limited one waits as it is told", async () => {
  const { look } = running();
  const made = await shown("#/imports/ij_1", { "imports/[^/]+": look });
  const { page, service } = made;
  const hide = (hidden) =>
    page.evaluate((now) => {
      Object.defineProperty(document, "hidden", { get: () => now, configurable: true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, hidden);
  const asked = () => service.asked.filter((one) => one === "GET /v1/imports/ij_1").length;
  await page.getByTestId("count-total").waitFor();
  await hide(true);
  await page.waitForTimeout(2_000);
  const before = asked();
  await page.waitForTimeout(3_000);
  assert.equal(asked(), before);
  await hide(false);
  await eventually(() => asked() > before);
  assert.equal(asked(), before + 1);
  service.limited = true;
  await page.getByRole("alert").getByText("Wait 6 s.").first().waitFor();
  // The alert may be that of another list.
  await eventually(() => service.refused.includes("GET /v1/imports/ij_1"));
  const told = asked();
  await page.waitForTimeout(2_000);
  assert.equal(asked(), told);
  service.limited = false;
  await page.getByRole("alert").first().waitFor({ state: "detached" });
  await done(made);
});

test("a computer whose clock is two hours fast shows the times that the service means", async () => {
  const at = Date.now() - 2 * 3_600_000;
  const job = { ...example("/v1/imports/x"), created_at: new Date(at - 90_000).toISOString() };
  const made = await shown("#/watches", { imports: { imports: [job], next_cursor: null, has_more: false } });
  const { page, service } = made;
  service.headers = { Date: new Date(at).toUTCString() };
  await page.goto(`${stack.dashboard_url}#/imports`);
  await page.getByRole("table", { name: "Imports" }).getByText("1 min ago").waitFor();
  await done(made);
});

test("of two searches the later one is shown, whichever is answered last", async () => {
  const [clip] = example("/v1/clips").clips;
  let release;
  const held = new Promise((end) => (release = end));
  const clips = async (url) => {
    const asked = url.searchParams.get("clip_id");
    if (asked === "slow") await held;
    return { clips: [{ ...clip, clip_id: asked }], next_cursor: null, has_more: false };
  };
  const made = await shown("#/search?clip_id=slow", { clips });
  const { page } = made;
  await page.getByText("Loading clips").waitFor();
  await page.getByLabel("Clip id").fill("fast");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByRole("link", { name: "fast" }).waitFor();
  release();
  await page.waitForTimeout(500);
  assert.equal(await page.getByRole("link", { name: "slow" }).count(), 0);
  await done(made);
});

test("what is not there has a heading and a way on, and a form without its name sends nothing", async () => {
  const made = await shown("#/imports/ij_gone", { "imports/[^/]+": 404, "clips/[^/]+": 404, "watches/[^/]+": 404 });
  const { page, service } = made;
  for (const [hash, above] of [["imports/ij_gone", "Imports"], ["clips/ij_gone-0", "Imports"], ["watches/wa_gone", "Watches"]]) {
    await page.goto(`${stack.dashboard_url}#/${hash}`);
    await page.getByRole("heading", { level: 1, name: hash.split("/")[1] }).waitFor();
    await page.getByText("It may have been deleted").waitFor();
    await page.getByRole("main").getByRole("link", { name: above }).waitFor();
    assert.deepEqual(await axe(page), []);
  }
  await page.goto(`${stack.dashboard_url}#/folders`);
  await page.getByRole("button", { name: "Create folder" }).click();
  assert.equal(await focused(page), "name");
  assert.deepEqual(service.sent, []);
  await done(made);
});

test("a clip that a retry took over without its check says so, and one without bytes plays nothing", async () => {
  const clip = { ...example("/v1/clips/x"), status: "COPIED", code: null, message: null, content: "invalid", content_code: null, size: 0, source_uri: "s3://my-clips/a.mp4", views: [] };
  clip.overruled = { code: "EMPTY_FILE", message: "the object is empty" };
  const failures = { groups: [{ ...example("/v1/imports/x/failures").groups[0], code: "MP4_TRUNCATED" }], complete: true };
  const made = await shown("#/clips/ij_1-0", { "clips/[^/]+": clip, "imports/[^/]+/failures": failures });
  const { page } = made;
  await page.getByText("A retry overruled its check: the object is empty").waitFor();
  await page.getByText("This clip has no bytes").waitFor();
  assert.equal(await page.locator("video").count(), 0);
  await page.goto(`${stack.dashboard_url}#/imports/ij_1`);
  const command = page.getByRole("region", { name: "Failures by reason" }).getByText("ffmpeg", { exact: false });
  await command.waitFor();
  assert.equal(await command.evaluate((one) => one.tagName), "CODE");
  await done(made);
});

/** A page that shows one film of `tests/data`, by links that count up. `expire` lets the film fail as if its link had expired. */
async function film(file, size = 1) {
  const body = readFileSync(new URL(`../../tests/data/${file}`, import.meta.url));
  const clip = { ...example("/v1/clips/x"), status: "COPIED", code: null, message: null, size, source_uri: "s3://my-clips/a.mp4", views: [] };
  const links = { count: 0, refused: false };
  const answer = () => (links.refused ? 404 : { ...example("/v1/clips/x/link"), url: `${stack.aws_endpoint_url}/film-${(links.count += 1)}.mp4` });
  const made = await shown("#/imports", { "clips/[^/]+": clip, "clips/[^/]+/link": answer });
  const { page } = made;
  await page.route(/film-\d+/, (route) => {
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(route.request().headers().range ?? "bytes=0-");
    const part = body.subarray(Number(from), to ? Number(to) + 1 : undefined);
    return route.fulfill({ status: 206, body: part, headers: { "Content-Type": "video/mp4", "Accept-Ranges": "bytes", "Content-Range": `bytes ${from}-${Number(from) + part.length - 1}/${body.length}` } });
  });
  await page.goto(`${stack.dashboard_url}#/clips/ij_1-0`);
  await until(page, () => document.querySelector("video")?.readyState > 0);
  const expire = (after) =>
    page.evaluate((ms) => {
      const now = performance.now.bind(performance);
      performance.now = () => now() + ms;
      document.querySelector("video").dispatchEvent(new Event("error"));
    }, after);
  return { made, page, links, expire };
}

test("a film whose link expires again and again plays on from where it was, as fast as it did", async () => {
  const { made, page, links, expire } = await film("video/set01/front.mp4");
  await page.evaluate(() => {
    const video = document.querySelector("video");
    video.muted = true;
    video.playbackRate = 0.25;
    return video.play();
  });
  let at = 0.05;
  for (const link of [2, 3]) {
    await until(page, (least) => document.querySelector("video").currentTime > least, at);
    at = await page.evaluate(() => document.querySelector("video").currentTime);
    await expire(61_000);
    await until(page, (name) => document.querySelector("video").src.includes(name), `film-${link}.mp4`);
    await until(page, (least) => document.querySelector("video").currentTime > least, at);
    assert.deepEqual(await page.evaluate(() => [document.querySelector("video").paused, document.querySelector("video").playbackRate]), [false, 0.25]);
  }
  assert.equal(links.count, 3);
  await done(made);
});

test("a film that cannot be played says so and can be tried again, also once its link is refused", async () => {
  const { made, page, links, expire } = await film("video/set01/front.mp4");
  await expire(0);
  const note = page.getByText("This browser cannot play the clip");
  await note.waitFor();
  assert.equal(links.count, 1, "the link is new, so another one helps nobody");
  await page.getByRole("button", { name: "Try again" }).click();
  await note.waitFor({ state: "detached" });
  await until(page, () => document.querySelector("video").readyState > 0 && document.querySelector("video").src.includes("film-2"));
  links.refused = true;
  await expire(61_000);
  await page.getByRole("alert").getByText("There is none.").waitFor();
  links.refused = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("alert").waitFor({ state: "detached" });
  await until(page, () => document.querySelector("video").src.includes("film-3"));
  await done(made);
});

test("the views of a set play together without one whose link is refused", async () => {
  const body = readFileSync(new URL("../../tests/data/video/set01/front.mp4", import.meta.url));
  const clip = { ...example("/v1/clips/x"), status: "COPIED", code: null, message: null, size: body.length, source_uri: "s3://my-clips/a.mp4" };
  const views = ["front", "left", "right"].map((view, n) => ({ ...clip, id: `ij_1-${n}`, view, views: undefined }));
  const link = (url) => (url.pathname.includes("ij_1-2") ? 404 : { ...example("/v1/clips/x/link"), url: `${stack.aws_endpoint_url}/view.mp4` });
  const made = await shown("#/imports", { "clips/[^/]+": { ...clip, views }, "clips/[^/]+/link": link });
  const { page } = made;
  await page.route(/view\.mp4/, (route) => route.fulfill({ status: 200, body, headers: { "Content-Type": "video/mp4" } }));
  await page.goto(`${stack.dashboard_url}#/clips/ij_1-0`);
  await page.getByRole("alert").getByText("There is none.").waitFor();
  await page.getByRole("button", { name: "Play all" }).click();
  await until(page, () => {
    const films = [...document.querySelectorAll("video")];
    return films.length === 2 && films.every((film) => film.currentTime > 0.1);
  });
  await done(made);
});

test("a film of which the browser plays the sound only says so", async () => {
  const { made, page } = await film("video_bad/audio_only.mp4");
  await page.getByText("This browser cannot play the clip").waitFor();
  await done(made);
});

test("a page says where it belongs, what a watch leaves out and that it fails, and where a failed clip would be", async () => {
  const clip = { ...example("/v1/clips/x"), status: "FAILED", code: "NOT_FOUND", destination: "s3://clips/a.mp4", facts: { fragmented: false } };
  const watch = { ...example("/v1/watches/x"), status: "FAILING", execution_settings_id: null };
  watch.filters = { include: ["*.zip"], exclude: ["night/"], min_size: null, max_size: null, modified_after: null, modified_before: null };
  const made = await shown("#/clips/ij_1-0", { "clips/[^/]+": clip, "watches/[^/]+": watch });
  const { page } = made;
  await page.getByText("Destination", { exact: true }).waitFor();
  assert.equal(await page.getByRole("term").getByText("Copy", { exact: true }).count(), 0);
  await page.getByRole("definition").getByText("no", { exact: true }).waitFor();
  const imports = page.getByRole("navigation").getByRole("link", { name: "Imports", exact: true });
  assert.equal(await imports.getAttribute("aria-current"), "true");
  await page.goto(`${stack.dashboard_url}#/watches/wa_1`);
  await page.getByText("only *.zip; not night/").waitFor();
  const color = (of) => page.evaluate((one) => getComputedStyle(document.querySelector(one)).color, of);
  assert.equal(await color(".s-failing"), await color("button.danger"));
  await page.goto(`${stack.dashboard_url}#/new`);
  await page.getByLabel("Webhook", { exact: true }).scrollIntoViewIfNeeded();
  const { y } = await page.getByRole("heading", { name: "Preview" }).boundingBox();
  assert.ok(y > 0 && y < 800, "the preview is out of sight while a setting is changed");
  await done(made);
});

test("a browser that refuses to copy says so", async () => {
  const made = await shown("#/presets");
  const { page } = made;
  for (const [allowed, said] of [[false, "Not allowed to copy"], [true, "Copied"]]) {
    await page.evaluate((may) => {
      navigator.clipboard.writeText = () => (may ? Promise.resolve() : Promise.reject(new DOMException("Denied.", "NotAllowedError")));
    }, allowed);
    // It says so for a moment only.
    await Promise.all([page.getByRole("button", { name: said }).waitFor(), page.getByRole("button", { name: "Copy the id" }).first().click()]);
  }
  await done(made);
});

test("each page has a title of its own", async () => {
  const made = await shown("#/imports", { "clips/[^/]+": { ...example("/v1/clips/x"), status: "FAILED" } });
  const { page } = made;
  for (const [hash, title] of [["imports", "Imports"], ["imports/ij_1", "ij_1 · Imports"], ["clips/ij_1-0", "ij_1-0 · Clip"], ["watches", "Watches"], ["new", "New import"]]) {
    await page.goto(`${stack.dashboard_url}#/${hash}`);
    await until(page, (wanted) => document.title === wanted, `${title} · Clipferry`);
  }
  await page.getByRole("button", { name: "Sign out" }).click();
  await until(page, () => document.title === "Sign in · Clipferry");
  await done(made);
});

const LONG = `${"a-very-long-name-without-a-space".repeat(8)}`;
const NAMES = ["قيادة ليلية 12 في برلين", "נסיעה (1)", "🚗🌙 night 👩‍🔧", LONG];

test("names of any length and script fit 360 px, in the dark, without motion", async () => {
  const jobs = NAMES.map((name, n) => {
    const job = { ...example("/v1/imports/x"), id: `ij_${n}`, folder: name, labels: [name, "12", ...NAMES], test_run_group_name: name, status: "COPYING" };
    return { ...job, source: { ...job.source, uri: `s3://my-clips/${name}/` }, message: `1 of 4 clips failed below ${name}` };
  });
  const [one] = example("/v1/imports/x/clips").clips;
  const rows = NAMES.map((name, n) => ({ ...one, id: `ij_0-${n}`, run_name: name, source_uri: `s3://my-clips/${name}.zip`, destination: `s3://clips/${name}/x.zip` }));
  const [watch] = example("/v1/watches").watches;
  const [preset] = example("/v1/execution-settings").execution_settings;
  const [folder] = example("/v1/folders").folders;
  const [integration] = example("/v1/integrations").integrations;
  const settings = { width: 360, height: 740, dark: true, reducedMotion: "reduce", timezoneId: "Asia/Kathmandu" };
  const made = await shown("#/imports", {
    imports: { imports: jobs, next_cursor: null, has_more: false },
    "imports/[^/]+": jobs[3],
    "imports/[^/]+/clips": { clips: rows, next_cursor: null, has_more: false },
    "clips/[^/]+": { ...example("/v1/clips/x"), ...rows[3], status: "FAILED", code: "NOT_FOUND", message: `There is no ${LONG}`, labels: NAMES },
    watches: { watches: NAMES.map((name, n) => ({ ...watch, id: `wa_${n}`, name, root_path: `s3://my-clips/${name}/` })), next_cursor: null, has_more: false },
    "watches/[^/]+": { ...example("/v1/watches/x"), name: LONG, labels: NAMES, root_path: `s3://my-clips/${LONG}/` },
    "execution-settings": { execution_settings: NAMES.map((name, n) => ({ ...preset, id: `es_${n}`, name, description: name })), next_cursor: null, has_more: false },
    folders: { folders: NAMES.map((name, n) => ({ ...folder, id: `fd_${n}`, name, description: name })), next_cursor: null, has_more: false },
    integrations: { integrations: NAMES.map((name, n) => ({ ...integration, id: `in_${n}`, name, prefix: `${name}/` })), next_cursor: null, has_more: false },
  }, settings);
  const { page } = made;
  for (const hash of ["imports", "imports/ij_3", "clips/ij_0-3", "watches", "watches/wa_3", "presets", "folders", "integrations", "search?label=x", "new"]) {
    await page.goto(`${stack.dashboard_url}#/${hash}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await until(page, () => !document.querySelector(".loading"));
    await page.waitForTimeout(200);
    if (process.env.CLIPFERRY_SHOTS) await page.screenshot({ path: `${process.env.CLIPFERRY_SHOTS}/names-${hash.replace(/\W/g, "-")}.png`, fullPage: true });
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${hash} is wider than the screen`);
    assert.deepEqual(await axe(page), [], hash);
  }
  await page.goto(`${stack.dashboard_url}#/imports`);
  const list = page.getByRole("table", { name: "Imports" }).locator("..");
  await list.waitFor();
  assert.ok(await list.evaluate((box) => box.scrollWidth <= box.clientWidth), "the list of imports scrolls sideways");
  await page.getByRole("cell", { name: "Copying" }).first().waitFor();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await done(made);
});

test("times are those of the browser's zone, and an address that nobody can read leaves a page", async () => {
  const made = await shown("#/imports?created_after=2026-11-29T20:00:00.000Z", {}, { timezoneId: "Asia/Kathmandu" });
  const { page, service } = made;
  const from = page.getByLabel("From", { exact: true });
  assert.equal(await from.inputValue(), "2026-11-30T01:45");
  await from.fill("2026-11-30T02:45");
  await from.blur();
  await until(page, () => location.hash.includes("2026-11-29T21%3A00"));
  for (const hash of ["#/imports?created_after=yesterday", "#/imports/%E0%A4%A", "#/nothing"]) {
    await page.goto(stack.dashboard_url + hash);
    await page.reload();
    await page.getByRole("navigation").waitFor();
    await page.getByRole("heading").first().waitFor();
  }
  assert.ok(service.asked.length > 0);
  await done(made);
});
