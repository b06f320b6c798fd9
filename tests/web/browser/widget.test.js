import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, pageWith, posts, stage, texts, until, untilTexts } from "./page.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const NEWS = pageWith('channel="radio.news"');

/** A reader with three posts on the page. */
async function reading(t, options = {}) {
  const scene = await stage(t, browser, { items: posts(3), html: NEWS, ...options });
  await until(() => texts(scene.widget), (shown) => shown.length >= Math.min(3, options.items?.length ?? 3));
  return scene;
}

const post = (id, text, fields) => ({ id, channel: "radio.news", content_text: text, ...fields });
const hasPill = (widget) => widget.locator(".pill").isVisible();

test("the backlog is shown newest first, instead of what the page had", async (t) => {
  const html = pageWith('channel="radio.news"', { inside: "<p id=fallback>No script</p>" });
  const { page, widget } = await reading(t, { html });

  assert.deepEqual(await texts(widget), ["Post 3", "Post 2", "Post 1"]);
  assert.equal(await page.locator("#fallback").isVisible(), false);
  assert.equal(await widget.locator("[role=feed] > article").count(), 3);
});

test("a new item appears on top and is announced once", async (t) => {
  const { page, service, widget } = await reading(t);
  await page.evaluate(() => {
    window.heard = [];
    document.addEventListener("feed-item", ({ detail }) => window.heard.push(detail.item.id));
  });

  service.put(post("new", "Breaking"));

  await untilTexts(widget, ["Breaking", "Post 3", "Post 2", "Post 1"]);
  await until(() => widget.locator("[role=status]").textContent(), (text) => text === "1 new");
  assert.deepEqual(await page.evaluate(() => window.heard), ["new"]);
});

test("an item from a source's history takes its place by date, unannounced", async (t) => {
  const { service, widget } = await reading(t);
  const date = new Date(Date.now() - 90000).toISOString();

  service.put(post("old", "Late", { date }), { backfill: true });

  await untilTexts(widget, ["Post 3", "Late", "Post 2", "Post 1"]);
  assert.equal(await widget.locator("[role=status]").textContent(), "");
});

test("an edit changes the article in place and keeps the focus in it", async (t) => {
  const { page, service, widget } = await reading(t);
  const article = widget.locator("article").nth(1);
  await article.locator("a.when").focus();
  await article.evaluate((node) => (node.marked = true));

  service.put({ id: "p002", date: service.items.get("p002").date, content_text: "Corrected" });

  await untilTexts(widget, ["Post 3", "Corrected", "Post 1"]);
  assert.equal(await article.evaluate((node) => node.marked), true);
  const inside = await widget.evaluate((host) => host.shadowRoot.activeElement?.className);
  assert.equal(inside, "when");
  assert.equal(await page.evaluate(() => document.activeElement.localName), "feed-widget");
});

test("a removed item goes, and the focus goes to its neighbour", async (t) => {
  const { service, widget } = await reading(t, { reducedMotion: "no-preference" });
  await widget.locator("article").nth(1).focus();

  service.remove("p002");

  await untilTexts(widget, ["Post 3", "Post 1"]);
  await until(() => widget.locator("article").count(), (count) => count === 2);
  const focused = await widget.evaluate((host) => host.shadowRoot.activeElement?.dataset.id);
  assert.equal(focused, "p001");
});

test("while the reader is inside, new items wait behind a button", async (t) => {
  const { service, widget } = await reading(t);
  await widget.locator("article").first().focus();

  service.put(post("n1", "One"));
  service.put(post("n2", "Two"));

  await until(() => widget.locator(".pill").textContent(), (text) => text === "2 new");
  assert.deepEqual(await texts(widget), ["Post 3", "Post 2", "Post 1"]);
  await widget.locator(".pill").click();
  await untilTexts(widget, ["Two", "One", "Post 3", "Post 2", "Post 1"]);
  const focused = await widget.evaluate((host) => host.shadowRoot.activeElement?.dataset.id);
  assert.equal(focused, "n2");
});

test("what waits is shown once the reader leaves", async (t) => {
  const html = pageWith('channel="radio.news"', { after: "<button id=out>Out</button>" });
  const { page, service, widget } = await reading(t, { html });
  await widget.locator("article").first().focus();
  service.put(post("n1", "One"));
  await until(() => hasPill(widget), Boolean);

  await page.locator("#out").focus();

  await untilTexts(widget, ["One", "Post 3", "Post 2", "Post 1"]);
});

test("a paused widget collects, and shows all when resumed", async (t) => {
  const { service, widget } = await reading(t);
  await widget.getByRole("button", { name: "Pause" }).click();

  service.put(post("n1", "One"));
  await until(() => hasPill(widget), Boolean);
  await widget.getByRole("button", { name: "Pause", pressed: true }).click();

  await untilTexts(widget, ["One", "Post 3", "Post 2", "Post 1"]);
  assert.equal(await hasPill(widget), false);
});

test("a scrolled page does not move when items come and change", async (t) => {
  const { page, service, widget } = await reading(t, { items: posts(20) });
  const read = widget.locator("article").nth(15);
  await page.evaluate(() => scrollTo(0, 700));
  const before = await read.boundingBox();

  service.put(post("n1", "One\nwith\nmany\nlines"));
  await until(() => hasPill(widget), Boolean);

  assert.equal((await read.boundingBox()).y, before.y);
  await page.evaluate(() => scrollTo(0, 0));
  await until(() => texts(widget), ([first]) => first.startsWith("One"));
});

test("older items come page by page until there are no more", async (t) => {
  const html = pageWith('channel="radio.news" backlog="4"');
  const { widget } = await reading(t, { items: posts(10), html });
  const more = widget.getByRole("button", { name: "Load more" });

  await more.click();
  await until(() => texts(widget), (shown) => shown.length === 8);
  await more.click();
  await until(() => texts(widget), (shown) => shown.length === 10);

  assert.equal(await more.isVisible(), false);
  assert.equal(await widget.locator("article").last().getAttribute("aria-setsize"), "10");
});

test("the keys of a feed go from article to article and out", async (t) => {
  const { page, widget } = await reading(t);
  const focused = () =>
    widget.evaluate(({ shadowRoot: { activeElement: it } }) => it?.dataset.id ?? it?.className ?? "");
  const seen = [];
  await widget.locator("article").first().focus();

  for (const key of ["PageDown", "PageDown", "PageUp", "Control+Home"]) {
    await page.keyboard.press(key);
    seen.push(await focused());
  }

  assert.deepEqual(seen, ["p002", "p001", "p002", "pause"]);
});

test("after a break it shows what happened meanwhile, on the same articles", async (t) => {
  const { service, widget } = await reading(t);
  await widget.locator("article").last().evaluate((node) => (node.marked = true));

  service.breakAll({ down: true });
  service.put(post("n1", "Meanwhile"));
  service.remove("p003");
  service.comeBack();

  await untilTexts(widget, ["Meanwhile", "Post 2", "Post 1"]);
  const isKept = await widget.locator("article").last().evaluate((node) => node.marked);
  assert.equal(isKept, true);
  assert.notEqual(service.requests.at(-1).since, undefined);
});

test("while live is down it says so and polls", async (t) => {
  const { page, service, widget } = await reading(t);

  service.breakAll({ down: true });
  service.put(post("n1", "Polled"));

  await untilTexts(widget, ["Polled", "Post 3", "Post 2", "Post 1"]);
  assert.equal(await widget.locator(".status.trouble").textContent(), "Reconnecting…");
  assert.equal(await page.evaluate(() => navigator.onLine), true);
});

test("four widgets of a page share one connection", async (t) => {
  const { page, service } = await reading(t, {
    html: pageWith('channel="radio.news"', {
      after: `<feed-widget channel="radio"></feed-widget>
        <feed-widget channel="radio.news" types="event"></feed-widget>
        <feed-widget channel="radio.*"></feed-widget>`,
    }),
  });

  service.put(post("n1", "Shared"));

  await until(() => page.locator("article", { hasText: "Shared" }).count(), (count) => count === 3);
  assert.equal(service.connections, 1);
});

test("removing the element unsubscribes", async (t) => {
  const { page, service } = await reading(t);

  await page.evaluate(() => document.querySelector("feed-widget").remove());

  await until(() => service.requests.at(-1).msg, (msg) => msg === "unsubscribe");
});

test("attributes are properties, and changing one starts again", async (t) => {
  const { page, service, widget } = await reading(t);
  service.put({ id: "e", channel: "radio.events", content_text: "Elsewhere" }, { quietly: true });

  const defaults = await page.evaluate(() => {
    const element = document.querySelector("feed-widget");
    element.setAttribute("layout", "nonsense");
    element.setAttribute("backlog", "-3");
    const { backlog, layout, types, src } = element;
    element.channel = "radio.events";
    return { backlog, layout, types, src };
  });

  await untilTexts(widget, ["Elsewhere"]);
  assert.deepEqual(defaults, { backlog: 20, layout: "list", types: [], src: service.url });
});

test("an empty channel says that there is nothing yet", async (t) => {
  const { widget } = await stage(t, browser, { html: NEWS });

  await until(() => widget.locator(".empty").textContent(), (text) => text === "Nothing here yet");
});

test("the language of the page is spoken", async (t) => {
  const html = pageWith('channel="radio.news"', { html: 'lang="de-AT"' });
  const { widget } = await reading(t, { html });

  assert.equal(await widget.getByRole("button", { name: "Anhalten" }).count(), 1);
});

test("where WebSockets are refused, SockJS is fetched", async (t) => {
  const { page, service } = await stage(t, browser, { html: pageWith("") });
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));

  service.breakAll({ down: true });
  await page.evaluate(() => document.querySelector("feed-widget").setAttribute("channel", "radio"));

  await until(() => asked, (paths) => paths.includes("/live/info"));
  assert.ok(asked.includes("/sockjs.min.js"));
});
