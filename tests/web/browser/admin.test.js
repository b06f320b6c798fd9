import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { violations } from "./axe.js";
import { publishNews } from "./news.js";
import { launch, until } from "./page.js";
import { Station, token } from "./station.js";

let browser;
let station;

before(async () => {
  [browser, station] = await Promise.all([launch(), Station.start()]);
  await publishNews(station);
});
after(() => Promise.all([browser.close(), station.stop()]));

/** Ask the admin listener. */
async function ask(method, path) {
  const headers = { Authorization: `Bearer ${token()}` };
  const response = await fetch(`${station.adminUrl}/admin/api/${path}`, { method, headers });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}

const deeds = async (id) => (await ask("GET", "audit?limit=100")).entries.filter(({ item }) => item === id).map(({ deed }) => deed);

/** Publish a post, and put it into the queue. */
async function hold(id, text) {
  await station.publish("radiomeridian.desk", [{ id, type: "post", content_text: text }]);
  await ask("POST", `items/${id}/review`);
}

/** Open the page; complaints fail the test. */
async function open(t, { hasClock, ...options } = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  if (hasClock) await page.clock.install();
  const complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    const isOurs = message.type() === "error" && !/Failed to load/.test(message.text());
    if (isOurs) complaints.push(message.text());
  });
  t.after(() => assert.deepEqual(complaints, []));
  await page.goto(`${station.adminUrl}/admin`);
  return page;
}

/** Open the page and show it a token. */
async function enter(t, options) {
  const page = await open(t, options);
  await page.getByLabel("Token").fill(token());
  await page.keyboard.press("Enter");
  await page.getByText("Live", { exact: true }).waitFor();
  return page;
}

/** From now on the page's time passes only when the test says so. */
const stopClock = (page) => page.clock.pauseAt(Date.now() + 1000);

test("a token that does not open the page is told, and nothing is kept of one that does", async (t) => {
  const page = await open(t);
  await page.getByLabel("Token").fill("none.of.ours");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("This token does not open the page").waitFor();

  await page.getByLabel("Token").fill(token());
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
  const kept = await page.evaluate(() => [
    document.cookie, localStorage.length, sessionStorage.length, document.querySelector("#token").value, location.href,
  ]);
  await page.getByRole("button", { name: "Sign out" }).click();

  assert.deepEqual(kept, ["", 0, 0, "", `${station.adminUrl}/admin`]);
  assert.ok(await page.getByLabel("Token").isVisible());
  assert.equal(await page.getByRole("row").count(), 0);
});

test("processes, transports and charts are shown", async (t) => {
  const page = await enter(t);
  const port = new URL(station.adminUrl).port;

  const row = page.getByRole("table", { name: "Processes" }).getByRole("row").filter({ hasText: `:${port}` });
  await until(() => row.textContent(), (text) => /websocket raw \d|raw \d|websocket \d/.test(text));
  const charts = page.locator("figure.chart");
  await until(() => charts.locator("path.line[d^=M]").count(), (count) => count === 6);

  assert.match(await row.textContent(), /follows/);
  assert.match(await page.getByRole("img", { name: /^Connections: \d/ }).getAttribute("aria-label"), /at most/);
});

test("the tree and the tail follow what is published", async (t) => {
  const page = await enter(t);
  const tree = page.getByRole("table", { name: "Channels" });
  await tree.getByRole("button", { name: "radiomeridian.news", exact: true }).click();
  const tail = page.getByRole("list", { name: "Tail of radiomeridian.news" });
  await tail.getByText("Two bridges, one song").waitFor();

  await station.publish("radiomeridian.news", [{ id: "a1", type: "article", title: "<b>Fresh</b> from the desk" }]);
  await tail.getByText("<b>Fresh</b> from the desk").waitFor();
  const row = tree.getByRole("row").filter({ has: page.getByRole("button", { name: "radiomeridian.news", exact: true }) });
  await until(() => row.textContent(), (text) => text.includes("<b>Fresh</b>"));

  assert.equal(await page.locator("main b:not(.was b)").count(), 0, "it is text");
  await station.remove("a1");
  await until(() => tail.getByText("from the desk").count(), (count) => count === 0);
});

test("a channel is found by a part of its name", async (t) => {
  const page = await enter(t);
  const rows = page.getByRole("table", { name: "Channels" }).getByRole("row").filter({ has: page.getByRole("button") });
  await until(() => rows.count(), (count) => count > 1);

  await page.getByLabel("Find a channel").fill("MERIDIAN.new");
  await until(() => rows.count(), (count) => count === 1);
  assert.match(await rows.textContent(), /radiomeridian\.news/);
  await page.getByLabel("Find a channel").fill("no such");
  await page.getByText("There is no such channel.").waitFor();
});

test("an editor approves by keyboard, and takes it back", async (t) => {
  await hold("q1", "Held for the editor");
  const page = await enter(t);
  const list = page.getByRole("list", { name: "Held items" });
  const approve = list.getByRole("button", { name: "Approve: Held for the editor" });

  await approve.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Approved: Held for the editor").waitFor();
  await until(() => approve.count(), (count) => count === 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await approve.waitFor();

  assert.deepEqual((await deeds("q1")).slice(0, 2), ["review", "approve"]);
  assert.equal((await ask("GET", "items/q1")).state, "review");
});

test("what is rejected can be brought back", async (t) => {
  await hold("q2", "Not for the air");
  const page = await enter(t);

  await page.getByRole("button", { name: "Reject: Not for the air" }).click();
  await page.getByRole("button", { name: /^Rejected [1-9]/ }).click();
  await page.getByRole("button", { name: "Back to review: Not for the air" }).click();
  await page.getByText("In the queue again: Not for the air").waitFor();

  assert.equal((await ask("GET", "items/q2")).state, "review");
});

test("a version that was changed meanwhile is not approved", async (t) => {
  await hold("q3", "As it was");
  const page = await enter(t);
  const approve = page.getByRole("button", { name: "Approve: As it was" });
  await approve.waitFor();
  await page.route("**/admin/api/queue*", (route) => route.abort());

  await ask("POST", "items/q3/approve");
  await ask("POST", "items/q3/review");
  await approve.click();

  await page.getByText(/^Not done: /).waitFor();
  assert.equal((await ask("GET", "items/q3")).state, "review");
});

test("an item is pinned, unpinned, and erased unless that is undone", async (t) => {
  await station.publish("radiomeridian.desk", [{ id: "p9", type: "post", content_text: "Pin me" }]);
  const page = await enter(t, { hasClock: true });
  await page.getByRole("button", { name: "radiomeridian.desk", exact: true }).click();

  await page.getByRole("button", { name: "Pin: Pin me" }).click();
  await page.getByRole("button", { name: "Unpin: Pin me" }).click();
  await page.getByRole("button", { name: "Pin: Pin me" }).waitFor();
  await stopClock(page);
  await page.getByRole("button", { name: "Remove: Pin me" }).click();
  await page.getByText("Erasing for good: Pin me").waitFor();
  await page.locator(".notice", { hasText: "Erasing" }).getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Remove: Pin me" }).click();
  await page.clock.runFor(1000);
  await page.getByText("is being erased").waitFor();
  assert.equal((await ask("GET", "items/p9")).state, "visible");
  await page.clock.fastForward(6000);
  await page.clock.resume();
  await until(() => page.getByRole("button", { name: "Pin: Pin me" }).count(), (count) => count === 0);
  await until(async () => (await ask("GET", "items/p9")).state, (state) => state === "removed");

  assert.deepEqual(await deeds("p9"), ["remove", "unpin", "pin"]);
});

test("who signs out before an item is erased leaves it as it is", async (t) => {
  await station.publish("radiomeridian.desk", [{ id: "p10", type: "post", content_text: "Leave me" }]);
  const page = await enter(t, { hasClock: true });
  await page.getByRole("button", { name: "radiomeridian.desk", exact: true }).click();

  await page.getByRole("button", { name: "Remove: Leave me" }).waitFor();
  await stopClock(page);
  await page.getByRole("button", { name: "Remove: Leave me" }).click();
  await page.getByText("Erasing for good: Leave me").waitFor();
  const asked = [];
  page.on("request", (request) => asked.push(request.method()));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.clock.fastForward(60000);

  assert.equal(await page.locator(".notice").count(), 0);
  assert.deepEqual(asked.filter((method) => method === "DELETE"), []);
  assert.equal((await ask("GET", "items/p10")).state, "visible");
});

test("a source is switched off and on, and the log tells who did it", async (t) => {
  await ask("POST", "sources/press/disable");
  const page = await enter(t);

  await page.getByRole("button", { name: "Enable press" }).click();
  await page.getByRole("button", { name: "Disable press" }).waitFor();

  const log = page.getByRole("table", { name: "Deeds" });
  await until(() => log.textContent(), (text) => /tests\s*enable\s*press/.test(text));
});

test("who is in a list by keyboard stays there when it is read again", async (t) => {
  await hold("q4", "Stay with me");
  const page = await enter(t);
  const approve = page.getByRole("button", { name: "Approve: Stay with me" });
  await approve.focus();

  await hold("q5", "Another one");
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByRole("button", { name: "Approve: Another one" }).waitFor();

  assert.ok(await approve.evaluate((node) => node === document.activeElement));
});

for (const [name, options] of Object.entries({
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { colorScheme: "light", viewport: { width: 390, height: 800 } },
})) {
  test(`axe finds nothing wrong before and after the token, ${name}`, async (t) => {
    await hold(`axe-${name}`, "Something to look at");
    await ask("POST", `sources/press/disable`);
    const page = await open(t, options);
    const before = await violations(page);
    await page.getByLabel("Token").fill(token());
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "radiomeridian.news", exact: true }).click();
    await page.getByRole("list", { name: /^Tail of/ }).getByRole("listitem").first().waitFor();
    await page.getByRole("button", { name: "Enable press" }).waitFor();
    await page.getByRole("button", { name: /^Approve/ }).first().waitFor();

    assert.deepEqual([before, await violations(page)], [[], []]);
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }));
    assert.ok(scroll <= width, "nothing sticks out at the side");
  });
}
