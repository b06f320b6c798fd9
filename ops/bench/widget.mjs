/**
 * How the widget bears a flood: two readers, one looking, one in the background.
 *
 *     node ops/bench/widget.mjs [MINUTES] [ITEMS_PER_MINUTE]
 *
 * The page that is looked at is to have no task over 50 ms, and no page is to grow.
 */

import { serve } from "../../examples/web/serve.js";
import { flood, footprint, hiddenReader, layoutShift, longTasks, reader } from "../../tests/web/browser/flood.js";
import { launch } from "../../tests/web/browser/page.js";
import { Station } from "../../tests/web/browser/station.js";

const [minutes = 10, perMinute = 1000] = process.argv.slice(2).map(Number);
/** What fills up on purpose, the page and the list, has to be full before it is weighed. */
const WARM_UP = { perMinute: 6000, seconds: 10 };

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

const [browser, station] = await Promise.all([launch(), Station.start()]);
const site = await serve(station.url);
try {
  const pages = {
    visible: await reader(browser, `${site.url}blank.html`),
    background: await hiddenReader(browser, `${site.url}blank.html`),
  };
  await flood(station, WARM_UP);
  const before = {};
  for (const [name, page] of Object.entries(pages)) before[name] = await footprint(page);
  await pages.visible.evaluate(() => void (window.longTasks.length = window.shifts.length = 0));
  const count = await flood(station, { perMinute, seconds: minutes * 60 });
  console.log(`${count} items in ${minutes} minutes`);
  const tasks = await longTasks(pages.visible);
  console.log(`tasks over 50 ms, visible: ${tasks.length}, the longest ${Math.round(Math.max(0, ...tasks))} ms`);
  console.log(`layout shift, visible: ${(await layoutShift(pages.visible)).toFixed(4)}`);
  for (const [name, page] of Object.entries(pages)) {
    const { heap, nodes } = await footprint(page);
    console.log(`${name}: heap ${megabytes(before[name].heap)} to ${megabytes(heap)}, nodes ${before[name].nodes} to ${nodes}`);
  }
} finally {
  await Promise.all([browser.close(), station.stop(), site.close()]);
}
