/**
 * Photograph the widget in each state and theme and the operator's page, on a service of
 * its own, and the demo station if it is running at the address given.
 *
 *     node ops/screenshots.mjs docs/images [http://127.0.0.1:8080]
 *
 * Chromium is the one that CHROMIUM names, or Debian's.
 */

import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

import { publishNews } from "../tests/web/browser/news.js";
import { launch } from "../tests/web/browser/page.js";
import { Station } from "../tests/web/browser/station.js";
import { photographAdmin } from "./screenshots-admin.mjs";

// Long enough for pictures that load lazily, and for what moves to come to rest.
const SETTLE_MS = 1500;
const MAX_HEIGHT = 640;
const [folder, demo] = process.argv.slice(2);

const ALL = { channel: "radiomeridian", backlog: 20 };
/** @type {Record<string, Picture>} */
const PICTURES = {
  list: { attributes: ALL, width: 560 },
  "list-dark": { attributes: ALL, width: 560, colorScheme: "dark" },
  "list-rtl": { attributes: ALL, width: 560, html: 'lang="ar" dir="rtl"' },
  "list-forced": { attributes: { ...ALL, types: "event" }, width: 560, forcedColors: "active" },
  compact: { attributes: { ...ALL, layout: "compact" }, width: 400 },
  "compact-dark": { attributes: { ...ALL, layout: "compact" }, width: 400, colorScheme: "dark" },
  cards: { attributes: { ...ALL, layout: "cards" }, width: 1000 },
  "cards-dark": { attributes: { ...ALL, layout: "cards" }, width: 1000, colorScheme: "dark" },
  ticker: { attributes: { ...ALL, layout: "ticker" }, width: 1000 },
  "ticker-dark": { attributes: { ...ALL, layout: "ticker" }, width: 1000, colorScheme: "dark" },
  narrow: { attributes: ALL, width: 320 },
  new: { attributes: { channel: "radiomeridian.news" }, width: 560, prepare: readInside },
  paused: { attributes: { channel: "radiomeridian.onair" }, width: 560, prepare: (page) => page.getByRole("button", { name: "Pause" }).click() },
  trouble: { attributes: { channel: "radiomeridian.onair" }, width: 560, prepare: waitForTrouble, isCutOff: true },
  empty: { attributes: { channel: "radiomeridian.silence" }, width: 560, isEmpty: true },
  themed: { attributes: { channel: "radiomeridian.events", backlog: 4 }, width: 560, css: `
    body { background: #fdf6ec; color: #2b2118; font-family: Georgia, serif; }
    feed-widget { --feed-accent: #b3402a; --feed-radius: 3px; }
    feed-widget::part(title) { font-style: italic; }` },
};
const STATION = {
  station: { width: 1280, height: 800 },
  "station-dark": { width: 1280, height: 800, colorScheme: "dark" },
  "station-narrow": { width: 390, height: 800 },
  "station-rtl": { width: 1280, height: 800, direction: "rtl" },
  embed: { path: "/embed/radiomeridian", width: 680, height: 800 },
  "embed-dark": { path: "/embed/radiomeridian", width: 680, height: 800, colorScheme: "dark" },
  "embed-narrow": { path: "/embed/radiomeridian", width: 360, height: 800 },
  "embed-rtl": { path: "/embed/radiomeridian?lang=ar&accent=b8371a", width: 680, height: 800 },
  "embed-noscript": { path: "/embed/radiomeridian", width: 680, height: 800, javaScriptEnabled: false },
  builder: { path: "/builder", width: 1280, height: 1120 },
  "builder-dark": { path: "/builder", width: 1280, height: 1120, colorScheme: "dark" },
  "builder-narrow": { path: "/builder", width: 390, height: 1120 },
};

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {{attributes: object, width: number, html?: string, css?: string, isEmpty?: boolean, isCutOff?: boolean,
 *   colorScheme?: "light" | "dark", forcedColors?: "active",
 *   prepare?: (page: Page, station: Station) => Promise<void>}} Picture
 */

/** Something new comes while the reader is inside. @param {Page} page @param {Station} station */
async function readInside(page, station) {
  await page.locator("article").first().focus();
  const items = ["A lighthouse goes dark for art", "Tonight: live from the harbour"].map((title) => ({ type: "article", title }));
  await station.publish("radiomeridian.news", items);
  await page.locator(".pill").waitFor();
}

/** @param {Page} page */
async function waitForTrouble(page) {
  await page.locator(".trouble").waitFor();
}

/** Let nothing live through: the widget polls. @param {import("playwright-core").BrowserContext} context */
async function cutOff(context) {
  await context.addInitScript(() => {
    window.WebSocket = /** @type {any} */ (class { close() {} });
  });
  await context.route("**/live/**", (route) => route.abort());
}

/** @param {string} url of the service @param {Picture} picture */
function pageOf(url, { attributes, html = 'lang="en"', css = "" }) {
  const own = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
  return `<!doctype html><html ${html}><meta charset="utf-8"><meta name="color-scheme" content="light dark">
    <title>A page</title><style>body { margin: 20px; font-family: system-ui, sans-serif } ${css}</style>
    <script type="module" src="${url}/widget.js"></script><feed-widget ${own.join(" ")}></feed-widget>`;
}

/** @param {import("playwright-core").Browser} browser @param {Station} station */
async function photographWidget(browser, station) {
  const html = new Map();
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html").end(html.get(request.url));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  const site = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
  for (const [name, picture] of Object.entries(PICTURES)) {
    const { width, colorScheme = "light", forcedColors, prepare, isEmpty, isCutOff } = picture;
    html.set(`/${name}`, pageOf(station.url, picture));
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, forcedColors });
    if (isCutOff) await cutOff(context);
    const page = await context.newPage();
    await page.goto(`${site}/${name}`);
    await page.locator(isEmpty ? ".empty" : "article").first().waitFor();
    await prepare?.(page, station);
    await page.waitForTimeout(SETTLE_MS);
    const { height } = await page.locator("feed-widget").boundingBox() ?? { height: 0 };
    await page.setViewportSize({ width, height: Math.min(MAX_HEIGHT, Math.ceil(height) + 40) });
    await page.screenshot({ path: join(folder, `widget-${name}.png`) });
    await context.close();
  }
  server.close();
}

/** @param {import("playwright-core").Browser} browser @param {string} url */
async function photographStation(browser, url) {
  for (const [name, { path = "", width, height, direction, ...options }] of Object.entries(STATION)) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme: "light", ...options });
    await page.goto(url + path);
    await page.locator("feed-widget article").first().waitFor();
    if (direction) {
      await page.evaluate((dir) => document.documentElement.setAttribute("dir", dir), direction);
    }
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.close();
  }
}

await mkdir(folder, { recursive: true });
const browser = await launch();
const station = await Station.start();
try {
  await publishNews(station);
  await photographWidget(browser, station);
  await photographAdmin(browser, station, folder);
  if (demo && (await fetch(demo).catch(() => undefined))) await photographStation(browser, demo);
} finally {
  await Promise.all([browser.close(), station.stop()]);
}
