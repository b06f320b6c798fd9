import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { launch, until } from "./page.js";
import { Station, token } from "./station.js";

const STAFF = "radio.staff";
const PRIVATE = `[[channel]]\npath = "${STAFF}"\naccess = "private"\n`;
const READS = { read: [STAFF] };

let browser;
let station;
let count = 0;

before(async () => {
  [browser, station] = await Promise.all([launch(), Station.start(PRIVATE)]);
  await publish("The backlog");
});
after(() => Promise.all([browser?.close(), station?.stop()]));

const publish = (text) => station.publish(STAFF, [{ id: `s${++count}`, type: "post", content_text: text }]);

/** A site that asks `issue` for each token, and refuses where it gives none; and a reader who is there. */
async function open(t, { issue, body, prepare }) {
  const tokens = [];
  const site = createServer((request, response) => {
    if (request.url !== "/token") {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      const script = `<script type="module" src="${station.url}/private.js"></script>`;
      return response.end(`<!doctype html><html lang="en"><title>The newsroom</title>${script}${body}</html>`);
    }
    const { status = 200, token: issued } = issue(tokens.length);
    tokens.push(issued);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ token: issued }));
  });
  await once(site.listen(0, "127.0.0.1"), "listening");
  t.after(() => site.close());
  const context = await browser.newContext({ reducedMotion: "reduce" });
  t.after(() => context.close());
  await prepare?.(context);
  const page = await context.newPage();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.addInitScript(() => {
    window.refusals = [];
    document.addEventListener("feed-state", ({ detail }) => detail.code && window.refusals.push(detail.code));
  });
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  const refusals = () => page.evaluate(() => window.refusals);
  return { page, tokens, sockets, refusals, articles: page.locator("feed-widget article") };
}

/** Publish something and see it come. */
async function assertLive(articles) {
  const text = `Just in: number ${count}`;
  await publish(text);
  await until(() => articles.filter({ hasText: text }).count(), Boolean);
}

const WIDGET = `<feed-widget channel="${STAFF}" token-src="/token"></feed-widget>`;
const signedIn = () => ({ token: token(READS) });

test("a private channel is shown, and stays live, by tokens from the page's own site", async (t) => {
  const { articles, sockets, tokens } = await open(t, { body: WIDGET + WIDGET, issue: signedIn });

  await until(() => articles.filter({ hasText: "The backlog" }).count(), (shown) => shown === 2);
  await publish("For both");
  await until(() => articles.filter({ hasText: "For both" }).count(), (shown) => shown === 2);

  assert.equal(sockets.length, 1);
  assert.equal(tokens.length, 1);
});

test("without a token nothing of it is shown", async (t) => {
  const { articles, refusals } = await open(t, { body: WIDGET, issue: () => ({ status: 403 }) });

  await until(refusals, (codes) => codes.length > 0);

  assert.equal(await articles.count(), 0);
});

test("a token that expires is replaced by the next", async (t) => {
  const issue = (issued) => ({ token: token(READS, issued ? 3600 : 5) });
  const { articles, tokens } = await open(t, { body: WIDGET, issue });
  await until(() => articles.count(), Boolean);

  await until(() => tokens.length, (issued) => issued > 1);

  await assertLive(articles);
  assert.equal(tokens.length, 2);
});

test("who has signed out by the time a token expires reads nothing more", async (t) => {
  const issue = (issued) => (issued ? { status: 403 } : { token: token(READS, 5) });
  const { articles, refusals } = await open(t, { body: WIDGET, issue });
  await until(() => articles.count(), Boolean);

  await until(refusals, (codes) => codes.length > 0);
});

test("a site that is restarting is asked again", async (t) => {
  const issue = (issued) => (issued ? signedIn() : { status: 503 });
  const { articles } = await open(t, { body: WIDGET, issue });

  await until(() => articles.count(), Boolean);
});

test("while live is down it polls with the token, and with the next when that has expired", async (t) => {
  const prepare = async (context) => {
    await context.addInitScript(() => (window.WebSocket = class { close() {} }));
    await context.route("**/live/**", (route) => route.abort());
  };
  const body = `<script>const tokens = ["${token(READS, -60)}", "${token(READS)}"];</script>
    <feed-widget channel="${STAFF}"></feed-widget>
    <script>document.querySelector("feed-widget").tokenSource = async () => tokens.shift();</script>`;
  const { page, articles } = await open(t, { body, prepare, issue: signedIn });

  await until(() => articles.count(), Boolean);

  assert.equal(await page.locator(".status.trouble").count(), 1);
});

test("a page may bring its own source of tokens", async (t) => {
  const body = `<feed-widget channel="${STAFF}"></feed-widget>
    <script>document.querySelector("feed-widget").tokenSource = async () => "${token(READS)}";</script>`;
  const { page, articles } = await open(t, { body, issue: () => ({ status: 403 }) });
  await until(() => articles.count(), Boolean);

  await page.evaluate(() => (document.querySelector("feed-widget").tokenSource = async () => undefined));

  await until(() => articles.count(), (shown) => shown === 0);
});
