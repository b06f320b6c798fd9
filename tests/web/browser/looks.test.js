import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, pageWith, posts, stage, STRICT, texts, until } from "./page.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenträgerverein".repeat(2);

/** One of each type, with words that don't break. */
const ONE_OF_EACH = [
  { type: "post", content_text: `${LONG} https://example.org/${LONG}`, authors: [{ name: LONG }] },
  { type: "article", title: LONG, summary: LONG, tags: [LONG], authors: [{ name: LONG }] },
  {
    type: "event",
    title: LONG,
    starts_at: "2026-12-04T20:00:00Z",
    timezone: "America/Argentina/ComodRivadavia",
    venue: { name: LONG, city: LONG },
    status: "rescheduled",
    previous_starts_at: "2026-12-03T20:00:00Z",
    offers: [{ url: "https://example.org" }],
  },
  { type: "track", title: LONG, artist: LONG, album: LONG, started_at: new Date().toISOString() },
  { type: "track", title: LONG, artist: LONG, started_at: "2026-01-01T00:00:00Z" },
  {
    type: "episode",
    title: LONG,
    summary: LONG,
    attachments: [{ url: "https://example.org/a.mp3", mime_type: "audio/mpeg", duration_in_seconds: 99 }],
  },
].map((item, index) => ({ id: `i${index}`, channel: "radio.news", ...item }));

test("a ticker is one line, however much its items have to say", async (t) => {
  const items = [
    { id: "long", type: "post", content_text: "Line after line.\n\n".repeat(40) },
    { id: "warned", type: "post", summary: "Spoiler ".repeat(20), content_text: "x", sensitive: true },
  ].map((item) => ({ channel: "radio.news", ...item }));
  const { widget } = await stage(t, browser, { items, html: pageWith('channel="radio" layout="ticker"') });
  await until(() => widget.locator("article").count(), (count) => count === items.length);

  const boxes = await widget.locator("article").evaluateAll((all) =>
    all.map((one) => [one.clientHeight, one.scrollWidth - one.clientWidth]),
  );

  for (const [height, hidden] of boxes) {
    assert.ok(height < 60, `${height} pixels high`);
    assert.equal(hidden, 0);
  }
});

for (const layout of ["list", "cards", "ticker"]) {
  for (const [language, dir] of [["en", "ltr"], ["ar", "rtl"]]) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${layout}, ${dir}, ${colorScheme}: nothing sticks out at 360 pixels`, async (t) => {
        const html = pageWith(`channel="radio" layout="${layout}"`, {
          html: `lang="${language}" dir="${dir}"`,
        });
        const viewport = { width: 360, height: 740 };
        const { page, widget } = await stage(t, browser, {
          items: ONE_OF_EACH,
          html,
          viewport,
          colorScheme,
        });
        await until(() => widget.locator("article").count(), (count) => count === ONE_OF_EACH.length);

        const { scrollWidth, stickingOut } = await page.evaluate(() => ({
          scrollWidth: document.documentElement.scrollWidth,
          stickingOut: [...document.querySelector("feed-widget").shadowRoot.querySelectorAll(".list *, .cards *")]
            .filter((node) => node.checkVisibility() && !node.closest(".status"))
            .filter((node) => {
              const { left, right } = node.getBoundingClientRect();
              return left < -1 || right > innerWidth + 1;
            })
            .map((node) => node.className || node.localName),
        }));

        assert.equal(scrollWidth, 360);
        assert.deepEqual(stickingOut, []);
      });
    }
  }
}

test("its colours follow the page into the dark", async (t) => {
  const read = async (colorScheme) => {
    const html = pageWith('channel="radio"', { before: "" }).replace(
      "<title>",
      '<meta name="color-scheme" content="light dark"><title>',
    );
    const { widget } = await stage(t, browser, { items: posts(1), html, colorScheme });
    await until(() => texts(widget), (shown) => shown.length === 1);
    const color = await widget.locator(".name").evaluate((node) => getComputedStyle(node).color);
    return color;
  };

  assert.equal(await read("light"), "rgb(0, 0, 0)");
  assert.equal(await read("dark"), "rgb(255, 255, 255)");
});

test("an episode makes no request for its sound until somebody wants it", async (t) => {
  const asked = [];
  const { page, widget } = await stage(t, browser, {
    items: [
      {
        id: "e",
        channel: "radio.shows",
        type: "episode",
        title: "An hour",
        attachments: [{ url: "/a.mp3", title: "Sound", mime_type: "audio/mpeg", duration_in_seconds: 3600 }],
      },
    ],
    html: pageWith('channel="radio"'),
    headers: {},
  });
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const audio = widget.locator("audio[controls]");
  await until(() => audio.count(), Boolean);
  const before = asked.includes("/a.mp3");

  await audio.evaluate((node) => void node.play().catch(() => undefined));

  await until(() => asked.includes("/a.mp3"), Boolean);
  assert.equal(before, false);
});

test("the newest track plays, an old one doesn't", async (t) => {
  const { widget } = await stage(t, browser, {
    items: [ONE_OF_EACH[3], { ...ONE_OF_EACH[4], date: "2026-01-01T00:00:00.000Z" }],
    html: pageWith('channel="radio" types="track"'),
  });
  await until(() => widget.locator("article").count(), (count) => count === 2);

  assert.equal(await widget.locator("article.playing").count(), 1);
  assert.equal(await widget.locator("article").first().locator(".now").isVisible(), true);
  assert.equal(await widget.locator("article").last().locator(".now").isVisible(), false);
});

for (const [name, options] of [
  ["wide", { viewport: { width: 1280, height: 900 } }],
  ["at 360 pixels in the dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
]) {
  test(`the station page works under strict rules, ${name}`, async (t) => {
    const items = posts(3, "radiomeridian.news");
    const { readFile } = await import("node:fs/promises");
    const html = await readFile(new URL("../../../web/dist/demo/index.html", import.meta.url), "utf8");
    const { page, service } = await stage(t, browser, { items, html, headers: STRICT, ...options });

    await until(() => page.locator("#live.open").count(), Boolean);
    await until(() => page.locator("#news article").count(), (count) => count === 3);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), options.viewport.width);
    assert.equal(service.connections, 1);
  });
}

test("the station page says so when scripts are off, and points to feeds", async (t) => {
  const { page } = await stage(t, browser, { path: "/", javaScriptEnabled: false });

  assert.match(await page.locator("noscript").innerText(), /switched off/);
  assert.equal(await page.locator('a[href="/feeds/radiomeridian.news.atom"]').isVisible(), true);
});
