// Start a browser, and open pages whose console errors and violations of the content policy fail the test.
import { readFileSync } from "node:fs";
import { chromium as playwright } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--headless=shell", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader"];

/** A Chrome that is named is taken; otherwise the one of the npm package, which brings its codecs along. */
export async function launch() {
  const named = process.env.CLIPFERRY_CHROME;
  if (named) return playwright.launch({ executablePath: named, headless: true, args: ["--no-sandbox"] });
  const { default: chromium } = await import("@sparticuz/chromium");
  // Not the package's own arguments: one process for all would end with the first closed page, and without the web's
  // security nothing would show that a policy or CORS forbids a request.
  return playwright.launch({ executablePath: await chromium.executablePath(), headless: true, args: ARGUMENTS });
}

export const stack = JSON.parse(readFileSync(process.env.CLIPFERRY_STACK ?? "../.local/stack.json", "utf8"));

/** A page, and `faults`: what its console and its policy complained about. */
export async function open(browser, { width = 1280, height = 800, dark = false, ...settings } = {}) {
  const context = await browser.newContext({
    ...settings,
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    acceptDownloads: true,
    // Otherwise the browser takes one out of the environment, which may be none that it knows.
    locale: "en-GB",
  });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    // The browser itself reports each refused request; the page shows it, and the test looks at that.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return { page, context, faults };
}

export async function signIn(page, key = stack.api_key) {
  await page.goto(stack.dashboard_url);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
}

/** Wait until `holds` is true in the page. Playwright's own `waitForFunction` evaluates text, which the policy forbids. */
export async function until(page, holds, argument) {
  const deadline = Date.now() + 60_000;
  while (!(await page.evaluate(holds, argument))) {
    if (Date.now() > deadline) throw new Error(`waited 60 s for ${holds}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Wait until `holds()` is true, outside of the page. */
export async function eventually(holds) {
  const deadline = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited 60 s for ${holds}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Wait until the page has asked for nothing for half a second, or asks again and again because something runs. */
export async function still(page) {
  let last = Date.now();
  const asked = () => (last = Date.now());
  for (const event of ["request", "requestfinished", "requestfailed"]) page.on(event, asked);
  const deadline = Date.now() + 8_000;
  while (Date.now() < deadline && (Date.now() - last < 500 || (await page.locator(".loading").count()) > 0)) {
    await new Promise((done) => setTimeout(done, 50));
  }
  for (const event of ["request", "requestfinished", "requestfailed"]) page.off(event, asked);
}

/** One call of the API, outside of the browser. */
export async function api(method, path, body) {
  const answer = await fetch(stack.base_url + path, {
    method,
    headers: { "X-API-Key": stack.api_key, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(content)}`);
  return content;
}

export async function settled(id) {
  for (let n = 0; n < 900; n += 1) {
    const job = await api("GET", `/v1/imports/${id}`);
    if (!["PENDING", "PLANNING", "COPYING"].includes(job.status)) return job;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error(`import ${id} does not end`);
}

/** Serious findings of axe about the page as it is now. */
export async function axe(page) {
  await page.evaluate(readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).slice(0, 3).join(" | ")}`);
}
