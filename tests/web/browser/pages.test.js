import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { violations } from "./axe.js";
import { publishNews } from "./news.js";
import { launch, until } from "./page.js";
import { Station } from "./station.js";

const EMBED = "/embed/radiomeridian?backlog=8";

let browser;
let station;

before(async () => {
  [browser, station] = await Promise.all([launch(), Station.start()]);
  await publishNews(station);
});
after(() => Promise.all([browser.close(), station.stop()]));

/** Open a page of the service; complaints fail the test. */
async function open(t, path, { init, ...options } = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    const isOurs = message.type() === "error" && !/WebSocket|Failed to load/.test(message.text());
    if (isOurs) complaints.push(message.text());
  });
  t.after(() => assert.deepEqual(complaints, []));
  const sent = [];
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(String(payload))));
  if (init) await page.addInitScript(init);
  await page.goto(station.url + path);
  return { page, sent, articles: page.locator("feed-widget article") };
}

/** Watch what moves, and mark what the service has rendered before the widget is there. */
function watch() {
  globalThis.shift = 0;
  const add = (list) => list.getEntries().forEach(({ value }) => (globalThis.shift += value));
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  document.addEventListener("readystatechange", () => {
    if (document.readyState !== "interactive") return;
    for (const article of document.querySelectorAll("article")) article.isOfService = true;
  });
}

const shownInWidget = (page) =>
  page.evaluate(() => [...(document.querySelector("feed-widget").shadowRoot?.querySelectorAll("article") ?? [])].length);

test("without scripts the page shows all and leads back by links", async (t) => {
  const { page, articles } = await open(t, EMBED, { javaScriptEnabled: false });

  const seen = await articles.count();
  const box = await articles.first().boundingBox();
  await page.locator("a.more").click();
  await page.waitForURL(/before=/);

  assert.equal(seen, 8);
  assert.ok((box?.height ?? 0) > 20);
  assert.ok((await articles.count()) > 0);
  await page.locator("a.newest").click();
  await page.waitForURL((url) => !url.search.includes("before"));
});

for (const lang of ["en", "de", "ar"]) {
  test(`the widget takes over the page in ${lang} as it is`, async (t) => {
    const { page, sent } = await open(t, `${EMBED}&lang=${lang}`, { init: watch });

    await until(() => shownInWidget(page), (count) => count === 8);
    await until(() => sent.length, Boolean);
    await page.waitForFunction(() => document.readyState === "complete");
    const nodes = await page.evaluate(() =>
      [...document.querySelector("feed-widget").shadowRoot.querySelectorAll("article")].map((one) => one.isOfService),
    );

    assert.deepEqual(nodes, Array(8).fill(true), "they are the service's own elements");
    assert.match(sent[0], /"since":"/);
    assert.equal(sent.filter((text) => /"msg":"(subscribe|backlog)"/.test(text)).length, 1);
    assert.ok((await page.evaluate(() => globalThis.shift)) <= 0.01);
  });
}

test("what happens after the page was made is shown", async (t) => {
  const { page, articles } = await open(t, EMBED);
  await until(() => shownInWidget(page), (count) => count >= 8);

  await station.publish("radiomeridian.news", [{ id: "fresh", type: "post", content_text: "Just now." }]);
  await until(() => articles.filter({ hasText: "Just now." }).count(), Boolean);
  await station.publish("radiomeridian.news", [{ id: "fresh", type: "post", content_text: "Corrected." }]);
  await until(() => articles.filter({ hasText: "Corrected." }).count(), Boolean);
  await station.remove("fresh");

  await until(() => articles.filter({ hasText: "Corrected." }).count(), (count) => count === 0);
});

for (const path of [EMBED, `${EMBED}&layout=cards`, `${EMBED}&lang=ar`, "/embed/no.such.channel", "/builder"]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing wrong with ${path}, ${colorScheme}`, async (t) => {
      const { page } = await open(t, path, { colorScheme });
      if (!path.includes("no.such")) await until(() => shownInWidget(page), Boolean);

      assert.deepEqual(await violations(page), []);
    });
  }
}

test("axe finds nothing wrong with a page whose scripts did not load", async (t) => {
  const { page } = await open(t, "/embed/no.such.channel");
  const context = page.context();
  await context.route(/embed\.js/, (route) => route.abort());

  await page.goto(station.url + EMBED);

  assert.deepEqual(await violations(page), []);
});

test("the builder writes what its preview shows", async (t) => {
  const { page, articles } = await open(t, "/builder?channel=radiomeridian.news");
  const read = (id) => page.locator(`#${id}`).textContent();
  await until(() => articles.count(), Boolean);

  await page.getByLabel("Channel").fill("radiomeridian.events");
  await page.getByLabel("Cards").check();
  await page.getByLabel("Posts").uncheck();
  await page.getByLabel("Dark").check();
  await page.getByLabel("Language").selectOption("de");
  await until(() => articles.filter({ hasText: "Night walk" }).count(), Boolean);

  const types = "article event track episode";
  const snippet = await read("snippet");
  assert.ok(snippet.includes(`<script type="module" src="${station.url}/widget.de.js"></script>`), snippet);
  for (const [name, value] of Object.entries({ channel: "radiomeridian.events", layout: "cards", types, lang: "de" })) {
    assert.ok(snippet.includes(` ${name}="${value}"`), `${name} in ${snippet}`);
  }
  assert.ok(snippet.includes("color-scheme: dark"), snippet);
  const { searchParams } = new URL(await read("oembed"));
  const described = await (await fetch(await read("oembed"))).json();
  assert.equal(searchParams.get("url"), await read("link"));
  assert.equal((await fetch(await read("link"))).status, 200);
  assert.ok(described.html.includes('<iframe src="'), described.html);
});

test("a snippet shows the feed on a page of another origin", async (t) => {
  const { page } = await open(t, "/builder");
  await page.getByLabel("Channel").fill("radiomeridian.events");
  await until(() => page.locator("#snippet").textContent(), (text) => text.includes(".events"));
  const snippet = await page.locator("#snippet").textContent();
  const frame = await page.locator("#frame").textContent();

  const site = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Elsewhere</title>${snippet}${frame}`);
  });
  t.after(() => site.close());
  await once(site.listen(0, "127.0.0.1"), "listening");
  await page.goto(`http://127.0.0.1:${site.address().port}/`);

  await until(() => page.locator("feed-widget article").count(), Boolean);
  await page.locator("iframe").scrollIntoViewIfNeeded();
  await until(() => page.frameLocator("iframe").locator("feed-widget article").count(), Boolean);
});

test("nothing that is typed into the builder leaves its quotes", async (t) => {
  const { page } = await open(t, "/builder");

  await page.getByLabel("Channel").fill('"><img src=x onerror=alert(1)>&amp;');
  await until(() => page.locator("#snippet").textContent(), (text) => text.includes("onerror"));

  const snippet = await page.locator("#snippet").textContent();
  assert.ok(!snippet.includes("<img"), snippet);
  assert.equal(await page.locator("img[src=x]").count(), 0);
});

test("a button copies what stands under it", async (t) => {
  const permissions = ["clipboard-read", "clipboard-write"];
  const { page } = await open(t, "/builder", { permissions });

  await page.locator('[data-of="frame"]').click();
  await until(() => page.locator("#said").textContent(), (text) => text === "Copied");

  assert.equal(
    await page.evaluate(() => navigator.clipboard.readText()),
    await page.locator("#frame").textContent(),
  );
});
