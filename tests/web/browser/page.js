/** A real browser with one widget in it, and words to talk about what it shows. */

import { createRequire } from "node:module";

import { Service } from "./service.js";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run " +
  "--disable-background-networking --disable-component-update --disable-sync";

/** Nothing inline, nothing from elsewhere, no text that becomes script. */
export const STRICT = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src https:; " +
    "connect-src 'self' ws://127.0.0.1:*; base-uri 'none'; " +
    "require-trusted-types-for 'script'; trusted-types feed-widget",
};

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS.split(" "),
  });
}

/**
 * A service with `items`, and a page with a widget. Both end with the test `t`, which
 * fails on anything the page complained about.
 */
export async function stage(t, browser, { items = [], ...options } = {}) {
  const service = await Service.start();
  t.after(() => service.stop());
  for (const item of items) service.put(item, { quietly: true });
  const scene = await show(browser, service, options);
  t.after(() => scene.context.close());
  t.after(() => {
    if (scene.complaints.length) throw new Error(`complaints: ${scene.complaints.join("; ")}`);
  });
  return { service, ...scene };
}

async function show(browser, service, options) {
  const { html, path = "/page", headers = STRICT, ...context } = options;
  const own = await browser.newContext({ reducedMotion: "reduce", ...context });
  const page = await own.newPage();
  const complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    const isOwn = message.type() === "error" && !/Failed to load resource|WebSocket/.test(message.text());
    if (isOwn) complaints.push(message.text());
  });
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog opened: ${dialog.message()}`);
    dialog.dismiss();
  });
  if (html !== undefined) service.page(path, html, headers);
  await page.goto(service.url + path);
  return { page, context: own, complaints, widget: page.locator("feed-widget").first() };
}

/** A page with one widget. */
export function pageWith(attributes, { before = "", after = "", inside = "", html = 'lang="en"' } = {}) {
  return `<!doctype html><html ${html}><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width"><title>A page</title>
    <script type="module" src="/widget.js"></script></head>
    <body>${before}<feed-widget ${attributes}>${inside}</feed-widget>${after}</body></html>`;
}

/** Posts, newest first, one minute apart. */
export function posts(count, channel = "radio.news") {
  return Array.from({ length: count }, (_, index) => ({
    id: `p${String(count - index).padStart(3, "0")}`,
    channel,
    type: "post",
    content_text: `Post ${count - index}`,
    authors: [{ name: "Ada" }],
    date: new Date(Date.now() - (index + 1) * 60000).toISOString(),
    url: `https://example.org/${count - index}`,
  }));
}

/** The texts of the articles as shown, from the top. */
export function texts(widget) {
  return widget.locator("article .prose").allTextContents();
}

/** Wait until `read()` gives what `isRight` likes. */
export async function until(read, isRight, timeoutMs = 25000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isRight(value)) return value;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** Wait until the articles show these texts. */
export function untilTexts(widget, expected) {
  return until(() => texts(widget), (shown) => String(shown) === String(expected));
}
