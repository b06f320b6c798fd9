import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "../../../examples/web/serve.js";
import { flood, footprint, hiddenReader, layoutShift, reader } from "./flood.js";
import { launch, until } from "./page.js";
import { Station } from "./station.js";

const OLD = "radiomeridian.artists";
const SEEN = 10000;
/** In the page at a time: what one starts with, if it is more than 100. */
const SHOWN = 500;

let browser;
let station;
let site;

before(async () => {
  [browser, station] = await Promise.all([launch(), Station.start()]);
  site = await serve(station.url);
  const now = Date.now();
  const items = Array.from({ length: SEEN + 50 }, (_, index) => ({
    id: `old-${index}`,
    type: "post",
    date: new Date(now - index * 1000).toISOString(),
    content_text: `Old ${index}`,
  }));
  await station.publish(OLD, items);
});
after(() => Promise.all([browser.close(), station.stop(), site.close()]));

/** A widget of its own on the blank page. */
async function widgetOn(page, attributes) {
  await page.evaluate((wanted) => {
    const widget = document.querySelector("feed-widget");
    for (const [name, value] of Object.entries(wanted)) widget.setAttribute(name, value);
  }, attributes);
  return page.locator("feed-widget");
}

const positions = (widget) =>
  widget.evaluate(({ shadowRoot }) => {
    const articles = [...shadowRoot.querySelectorAll("article")];
    return { count: articles.length, first: articles[0]?.ariaPosInSet, last: articles.at(-1)?.ariaPosInSet };
  });

test(`a reader pages back through ${SEEN} items in a page that stays small`, async () => {
  const page = await reader(browser, `${site.url}blank.html`);
  const widget = await widgetOn(page, { channel: OLD, backlog: SHOWN });
  await until(() => positions(widget), ({ count }) => count === SHOWN);

  for (let last = 2 * SHOWN; last <= SEEN; last += SHOWN) {
    await widget.evaluate((element) => element.loadMore());
    await until(() => positions(widget), (seen) => seen.last === String(last));
  }
  const end = await positions(widget);
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  const isMore = await widget.evaluate((element) => element.loadMore());

  assert.deepEqual(end, { count: SHOWN, first: String(SEEN - SHOWN + 1), last: String(SEEN) });
  assert.equal(isMore, false);

  // On the way up those come back that are next, and what is read does not move.
  await page.evaluate(() => scrollTo(0, 600));
  await until(() => positions(widget), ({ first }) => Number(first) < SEEN - SHOWN + 1);
  await page.context().close();
});

/** Keep noting where an article is, from frame to frame. */
const track = (article) =>
  article.evaluate((node) => {
    window.places = [];
    setInterval(() => window.places.push(node.getBoundingClientRect().y), 5);
  });

test("edits and removals above the reader do not move what is read by a pixel, not even for a moment", async () => {
  const page = await reader(browser, `${site.url}blank.html`);
  const widget = await widgetOn(page, { channel: OLD, backlog: 60 });
  await until(() => positions(widget), ({ count }) => count === 60);
  const read = widget.locator("article", { hasText: "Old 12" });
  await read.evaluate((node) => scrollTo(0, node.offsetTop));
  await track(read);

  await station.publish(OLD, [{ id: "old-3", type: "post", content_text: "Longer\n".repeat(20) }]);
  await station.remove("old-5");
  await station.publish(OLD, [{ id: "new-1", type: "post", content_text: "New" }]);
  await until(() => widget.locator("article", { hasText: "Longer" }).count(), Boolean);
  await until(() => widget.locator("article", { hasText: /^\S*Old 5$/ }).count(), (count) => count === 0);
  await until(() => widget.locator(".pill").isVisible(), Boolean);
  await until(() => widget.evaluate((element) => element.getAnimations({ subtree: true }).length), (count) => count === 0);

  const places = await page.evaluate(() => window.places);
  assert.ok(Math.max(...places) - Math.min(...places) < 1, `${places}`); // browsers scroll by whole pixels
  await page.context().close();
});

test("what stands below does not move when the feed comes", async () => {
  const page = await reader(browser, `${site.url}strict.html`);
  await widgetOn(page, { channel: OLD });
  await until(() => page.locator("article").count(), Boolean);

  assert.ok((await layoutShift(page)) <= 0.01);
  await page.context().close();
});

test("a flood neither shifts the page nor fills its memory; a hidden tab shows it when it is looked at", async () => {
  const front = await reader(browser, `${site.url}blank.html`);
  const back = await hiddenReader(browser, `${site.url}blank.html`);
  await widgetOn(front, { channel: "radiomeridian.news" });
  await flood(station, { perMinute: 12000, seconds: 4 });
  await until(() => front.locator("article").count(), (count) => count === 100);
  await front.evaluate(() => void (window.shifts.length = 0));
  const before = await Promise.all([front, back].map(footprint));

  await flood(station, { perMinute: 12000, seconds: 6 });
  await station.publish("radiomeridian.news", [{ type: "post", content_text: "The last" }]);
  await until(() => front.locator("article", { hasText: "The last" }).count(), Boolean);
  const after = await Promise.all([front, back].map(footprint));

  assert.equal(await front.locator("article").count(), 100);
  assert.ok((await layoutShift(front)) <= 0.01, `${await layoutShift(front)}`);
  for (const [index, { heap, nodes }] of after.entries()) {
    assert.ok(nodes < 1.3 * before[index].nodes + 500, `nodes ${before[index].nodes} to ${nodes}`);
    assert.ok(heap < before[index].heap + 3e6, `heap ${before[index].heap} to ${heap}`);
  }
  assert.equal(await back.evaluate(() => document.hidden), true);
  await back.comeToFront();
  const newest = () => back.evaluate(() => document.querySelector("feed-widget").shadowRoot.querySelector("article")?.textContent);
  await until(newest, (text) => text?.includes("The last"));
  await Promise.all([front.context().close(), back.close()]);
});
