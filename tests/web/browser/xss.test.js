import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { launch, until } from "./page.js";
import { ADDRESSES, PAYLOADS } from "./payloads.js";
import { Station } from "./station.js";

const TYPES = ["post", "article", "event", "track", "episode"];
/** Where the demo page looks for them, too. */
const CHANNEL = "radiomeridian.news";
const LINKS = ["url", "external_url", "repost_of", "in_reply_to", "art"];
const SOURCES = ["script", "link", "style"];
/** What no item may bring along. */
const BAD = (
  "script style link meta base iframe object embed form input button select textarea svg math template " +
  "portal frame applet"
).split(" ");

let browser;
let station;
let host;
let published;

before(async () => {
  [browser, station, host] = await Promise.all([launch(), Station.start(), strangePage()]);
  const items = PAYLOADS.flatMap((payload, index) =>
    TYPES.map((type) => ({ id: `${type}-${index}`, ...everywhere(type, payload) })),
  );
  published = await station.publish(CHANNEL, items);
});
after(() => Promise.all([browser.close(), station.stop(), host.close()]));

/** An item with the payload in every field that holds words. */
function everywhere(type, payload) {
  const name = payload.slice(0, 190);
  return {
    type,
    title: payload.slice(0, 290) || "x",
    content_text: payload,
    content_html: `<p>${payload}</p>`,
    summary: payload.slice(0, 900),
    authors: [{ name }],
    tags: [payload.slice(0, 60)],
    attachments: [{ url: `${station.url}/none.png`, mime_type: "image/png", title: name, alt: payload }],
    starts_at: "2026-12-04T20:00:00Z",
    timezone: name.slice(0, 60),
    venue: { name, city: name, street: name },
    performers: [{ name }],
    offers: [{ name, url: "https://example.org/t" }],
    artist: name,
    album: name,
    isrc: name.slice(0, 30),
    date_raw: name,
  };
}

/** A page of another origin without any rules of its own. */
async function strangePage() {
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><html lang="en"><title>A page</title>
      <script type="module" src="${station.url}/widget.js"></script>
      ${TYPES.map((type) => `<feed-widget channel="${CHANNEL}" backlog="300" types="${type}"></feed-widget>`).join("")}`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Open an address and tell what ran, what was asked for elsewhere, and what is wrong in the page. */
async function visit(url, isReady = async () => true, options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const faults = [];
  const own = [station.url, host.url, "data:,"];
  await context.route(
    (address) => !own.some((each) => address.href.startsWith(each)),
    (route) => {
      faults.push(`asked for ${route.request().url()}`);
      return route.abort();
    },
  );
  await context.addInitScript(() => {
    window.ran = [];
    for (const name of ["alert", "msgbox"]) window[name] = () => window.ran.push(name);
  });
  const page = await context.newPage();
  page.on("dialog", (dialog) => dialog.dismiss().then(() => faults.push("a dialog opened")));
  page.on("frameattached", () => faults.push("a frame was attached"));
  try {
    const response = await page.goto(url).catch((error) => {
      if (!/ERR_ABORTED|Download is starting|ERR_HTTP_RESPONSE_CODE_FAILURE/.test(error.message)) throw error;
    });
    await until(() => isReady(page), Boolean);
    faults.push(...(await page.evaluate(inspect, { sources: SOURCES, bad: BAD })));
    // A file that is kept or an empty answer leaves the page where it was.
    const isThere = page.url() === new URL(url).href || /^(about|chrome-error):/.test(page.url());
    if (!isThere) faults.push(`went to ${page.url()}`);
    return { faults, response };
  } finally {
    await context.close();
  }
}

/** In the page: everything that should not be there. */
function inspect({ sources, bad }) {
  const faults = (window.ran ?? []).map((name) => `ran ${name}`);
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot);
      const isItem = Boolean(node.closest("article"));
      if (isItem && bad.includes(node.localName)) faults.push(`<${node.localName}> in an item`);
      for (const { name, value } of node.attributes) {
        if (/^on|^srcdoc$|^formaction$|^ping$|^background$|^poster$/i.test(name)) faults.push(`${name}=${value}`);
        if (isItem && /^(style|srcset)$/.test(name)) faults.push(`${name}=${value} in an item`);
        if (/href$|^src$|^action$|^cite$|^data$/.test(name) && !sources.includes(node.localName)) {
          const { protocol } = new URL(value, document.baseURI);
          if (!/^https?:$/.test(protocol)) faults.push(`${name}=${value}`);
        }
      }
    }
  };
  walk(document);
  return faults;
}

const shown = (page) => page.locator("feed-widget article").count();

test("there are enough payloads, and words may say anything", () => {
  assert.ok(PAYLOADS.length >= 150, `${PAYLOADS.length}`);
  const refused = published.filter(({ error }) => error);

  // Only what is no text at all may be refused, never half taken.
  assert.deepEqual(refused.filter(({ error }) => error.code !== "bad_message"), []);
  assert.ok(refused.length < published.length / 10, `${refused.length} of ${published.length}`);
});

test("no address but http and https is taken in any field", async () => {
  const places = [
    ...LINKS.map((field) => (url) => ({ [field]: url })),
    (url) => ({ authors: [{ name: "A", url }] }),
    (url) => ({ authors: [{ name: "A", avatar: url }] }),
    (url) => ({ attachments: [{ url, mime_type: "image/png" }] }),
    (url) => ({ venue: { name: "V", url } }),
    (url) => ({ performers: [{ name: "P", url }] }),
    (url) => ({ offers: [{ url }] }),
  ];
  const items = places.flatMap((place, at) =>
    ADDRESSES.map((address, index) => ({ id: `a-${at}-${index}`, type: "post", content_text: "a", ...place(address) })),
  );

  await station.publish("addresses", items);
  const { items: stored } = await station.ask("/api/channels/addresses/items?limit=500");

  const schemes = JSON.stringify(stored).match(/"[^"\\]*?:(?=[^"]*alert)/g) ?? [];
  assert.deepEqual(schemes.filter((each) => !/^"https?:/.test(each)), []);
  const { faults } = await visit(`${station.url}/embed/addresses?backlog=500`, async (page) => (await shown(page)) > 0);
  assert.deepEqual(faults.filter((each) => !/^asked for https:/.test(each)), []);
});

test("nothing runs in widgets on a page of another origin without any rules", async () => {
  const { faults } = await visit(host.url, async (page) => (await shown(page)) >= 0.9 * published.length);

  assert.deepEqual(faults, []);
});

for (const javaScriptEnabled of [true, false]) {
  test(`nothing runs in the embedded page, scripts ${javaScriptEnabled ? "on" : "off"}`, async () => {
    const url = `${station.url}/embed/${CHANNEL}?backlog=500`;

    const { faults, response } = await visit(url, async (page) => (await shown(page)) > 300, { javaScriptEnabled });

    assert.deepEqual(faults, []);
    assert.match(response.headers()["content-security-policy"], /require-trusted-types-for 'script'/);
  });
}

test("nothing runs in the demo page", async () => {
  const { faults } = await visit(`${station.url}/`, async (page) => (await shown(page)) > 0);

  assert.deepEqual(faults, []);
});

for (const path of [
  ...["atom", "rss", "json", "ics"].map((ending) => `/feeds/${CHANNEL}.${ending}?limit=500`),
  `/api/channels/${CHANNEL}/items?limit=500`,
  "/api/items/post-0",
  "/api/channels",
]) {
  test(`nothing runs in ${path}`, async () => {
    const { faults, response } = await visit(station.url + path);

    assert.deepEqual(faults, []);
    if (response) {
      assert.equal(response.headers()["x-content-type-options"], "nosniff");
      assert.doesNotMatch(response.headers()["content-type"], /html/);
    }
  });
}

test("nothing runs in what answers to a broken address", async () => {
  const payload = encodeURIComponent('"><img src=x onerror=alert(1)><script>alert(1)</script>');
  const paths = [`/embed/${payload}`, `/embed/a?lang=${payload}&accent=${payload}`, `/feeds/${payload}.atom`,
    `/api/channels/${payload}/items`, `/api/items/${payload}`, `/oembed?url=${payload}`, `/builder?channel=${payload}`,
    `/${payload}`, `/live/${payload}`];

  const faults = [];
  for (const path of paths) faults.push(...(await visit(station.url + path)).faults);

  assert.deepEqual(faults, []);
});
