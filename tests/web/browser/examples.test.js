import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "../../../examples/web/serve.js";
import { violations } from "./axe.js";
import { publishNews } from "./news.js";
import { launch, until } from "./page.js";
import { proxyWithoutWebSocket } from "./proxy.js";
import { Station } from "./station.js";

let browser;
let station;
let site;
let published = 0;

before(async () => {
  [browser, station] = await Promise.all([launch(), Station.start()]);
  site = await serve(station.url);
  await publishNews(station);
});
after(() => Promise.all([browser.close(), station.stop(), site.close()]));

/** Open a page in a window of its own; complaints fail the test. */
async function open(t, url, options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    const isTransport = /WebSocket|Failed to load resource|preventing/.test(message.text());
    if (message.type() === "error" && !isTransport) complaints.push(message.text());
  });
  t.after(() => assert.deepEqual(complaints, []));
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, sockets, requests, articles: page.locator("feed-widget article") };
}

/** Publish something and see it come without a word from the reader. */
async function assertLive(articles, channel = "radiomeridian.news") {
  const title = `Just in: number ${++published}`;
  await station.publish(channel, [{ type: "article", title }]);
  await until(() => articles.filter({ hasText: title }).count(), Boolean);
}

for (const [name, count] of [["blank", 11], ["strict", 3], ["wordpress", 3], ["react", 3], ["vue", 3]]) {
  test(`${name}.html, on another origin, shows the backlog and what comes`, async (t) => {
    const { articles, requests } = await open(t, `${site.url}${name}.html`);

    await until(() => articles.count(), (shown) => shown >= count);
    await assertLive(articles);

    const ours = requests.filter((url) => url.startsWith(station.url) && url.endsWith(".js"));
    assert.deepEqual(ours, [`${station.url}/widget.js`]);
    const foreign = requests.filter((url) => ![site.url, station.url].some((own) => url.startsWith(own)));
    assert.deepEqual(foreign, []);
  });
}

for (const name of ["react", "vue"]) {
  test(`${name}: attributes and events go through the framework`, async (t) => {
    const { page, articles } = await open(t, `${site.url}${name}.html`);
    await until(() => articles.count(), Boolean);

    await assertLive(articles);
    await until(() => page.locator("#count").textContent(), (text) => text.startsWith("1 new"));
    await page.getByRole("button", { name: "The artists" }).click();

    await until(() => articles.filter({ hasText: "Back in the studio" }).count(), Boolean);
  });
}

test("a theme's rules for every element stay outside", async (t) => {
  const looks = async (name) => {
    const { page, articles } = await open(t, `${site.url}${name}.html`);
    await until(() => articles.count(), (count) => count >= 3);
    return page.evaluate(() => {
      const { shadowRoot } = document.querySelector("feed-widget");
      const look = (selector) => {
        const style = getComputedStyle(shadowRoot.querySelector(selector));
        return ["display", "float", "border-top-width", "background-color", "padding-top"].map((each) => style[each]);
      };
      return [".article", ".title", ".title a", "button", "time"].map(look);
    });
  };

  assert.deepEqual(await looks("wordpress"), await looks("strict"));
});

test("five widgets share one connection", async (t) => {
  const { articles, sockets } = await open(t, `${site.url}five.html`);

  await until(() => articles.count(), (count) => count >= 20);
  await assertLive(articles);

  assert.equal(sockets.length, 1);
});

test("a page's own template makes the items", async (t) => {
  const { page, articles } = await open(t, `${site.url}template.html`);
  const headline = articles.filter({ hasText: "The night ferry" }).locator("a.title");

  await until(() => headline.getAttribute("href"), (href) => href === "https://example.org/ferry");

  const size = await headline.evaluate((node) => getComputedStyle(node).fontFamily);
  assert.match(size, /Georgia/);
  assert.equal(await page.locator("article.episode .title").count(), 1);
});

test("the frame shows the channel and stays live", async (t) => {
  const { page } = await open(t, `${site.url}iframe.html`);
  const articles = page.frameLocator("iframe").locator("feed-widget article");

  await until(() => articles.count(), (count) => count >= 3);
  await assertLive(articles);
});

for (const swallows of [false, true]) {
  test(`behind a proxy that ${swallows ? "swallows" : "refuses"} WebSockets it stays live`, async (t) => {
    const proxy = await proxyWithoutWebSocket(station.url, { swallows });
    t.after(() => proxy.close());
    const own = await serve(proxy.url);
    t.after(() => own.close());

    const { articles } = await open(t, `${own.url}blank.html`);
    await until(() => articles.count(), (count) => count >= 11);
    await assertLive(articles);

    assert.ok(proxy.asked.includes("/sockjs.min.js"));
    assert.ok(proxy.asked.some((path) => /^\/live\/.+\/xhr/.test(path)), `${proxy.asked}`);
  });
}

test("an event goes into a calendar", async (t) => {
  const { page, articles } = await open(t, `${site.url}blank.html`);
  const link = articles.filter({ hasText: "Harbour Hall" }).locator("a.calendar");
  await until(() => link.count(), Boolean);

  const answer = await page.request.get(await link.getAttribute("href"));

  assert.match(answer.headers()["content-type"], /^text\/calendar/);
  assert.equal((await answer.text()).match(/BEGIN:VEVENT/g).length, 1);
});

const LOOKS = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["right to left", { locale: "ar" }],
  ["forced colours", { forcedColors: "active" }],
];
const PAGES = {
  "five.html": () => `${site.url}five.html`,
  "the station": () => `${station.url}/`,
  "the embedded page": () => `${station.url}/embed/radiomeridian`,
};

for (const [name, address] of Object.entries(PAGES)) {
  for (const [look, options] of LOOKS) {
    test(`axe-core finds nothing wrong with ${name}, ${look}`, async (t) => {
      const { page, articles } = await open(t, address(), options);
      await until(() => articles.count(), (count) => count >= 10);
      if (options.locale) {
        await page.evaluate(() => Object.assign(document.documentElement, { dir: "rtl", lang: "ar" }));
        const root = page.locator(".root").first();
        await until(() => root.evaluate((node) => getComputedStyle(node).direction), (found) => found === "rtl");
      }

      assert.deepEqual(await violations(page), []);
    });
  }
}
