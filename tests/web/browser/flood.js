/** A busy newsroom and two readers: one who looks, one whose tab is in the background. */

import { setTimeout as pause } from "node:timers/promises";

import { Tab } from "./tab.js";

const CHANNEL = "radiomeridian.news";
const TICK_MS = 500;

/** In the page: count the long tasks and keep the layout shifts. */
function watch() {
  window.longTasks = [];
  window.shifts = [];
  const tasks = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  });
  tasks.observe({ type: "longtask", buffered: true });
  const shifts = new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) window.shifts.push(value);
  });
  shifts.observe({ type: "layout-shift", buffered: true });
}

/** Open a page that is watched. */
export async function reader(browser, url, options = {}) {
  const context = await browser.newContext(options);
  await context.addInitScript(watch);
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Open a page in a tab that is hidden behind another. */
export async function hiddenReader(browser, url) {
  const tab = await Tab.open(browser, url);
  await Tab.open(browser);
  return tab;
}

/** What a page or tab holds in memory after its garbage is gone. */
export async function footprint(page) {
  const session = page instanceof Tab ? page : await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  const found = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  return { heap: found.JSHeapUsedSize, nodes: found.Nodes };
}

export const longTasks = (page) => page.evaluate(() => window.longTasks.filter((duration) => duration > 50));
export const layoutShift = (page) => page.evaluate(() => window.shifts.reduce((sum, value) => sum + value, 0));

let count = 0;

/** Posts of many lengths, some of which correct earlier ones. */
function batch(size) {
  return Array.from({ length: size }, () => {
    const number = ++count;
    const content_html = `<p>Item <b>${number}</b> ${"and so on ".repeat(number % 12)}</p>`;
    const id = `f${number % 7 === 3 ? number - 3 : number}`;
    return { id, type: "post", authors: [{ name: `Author ${number % 9}` }], content_html };
  });
}

/**
 * Publish so many a minute for so long.
 * @param {import("./station.js").Station} station
 * @returns {Promise<number>} how many
 */
export async function flood(station, { perMinute, seconds }) {
  const before = count;
  const began = Date.now();
  while (Date.now() - began < seconds * 1000) {
    const due = Math.round(((Date.now() - began) / 60000) * perMinute) - (count - before);
    if (due > 0) await station.publish(CHANNEL, batch(due));
    await pause(TICK_MS);
  }
  return count - before;
}
