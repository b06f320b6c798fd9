import assert from "node:assert/strict";
import { test } from "node:test";

import { idsOf, item, live, makeWorld, openWith, settle, subscribed } from "./world.js";

const FIRST = { items: [item("a")], cursor: "c1" };

test("it opens the raw WebSocket and subscribes with what was wished for", async () => {
  const { client, socket } = makeWorld();

  client.subscribe("Radio.News ", { backlog: 5, types: ["post", "event"] });
  await socket().open();

  assert.equal(socket().url, "wss://feed.example/live/websocket");
  assert.deepEqual(socket().take(), [
    { msg: "subscribe", id: 1, channel: "radio.news", backlog: 5, types: ["event", "post"] },
  ]);
});

test("the backlog comes first, then each change with what it is", async () => {
  const world = makeWorld();
  const heard = [];
  const news = await openWith(world, "radio.news", {}, FIRST, {
    replace: (items) => heard.push(items.map(({ id }) => id)),
    change: ({ change, item: { id }, backfill }) => heard.push([change, id, backfill]),
  });

  await world.socket().say(
    live("created", item("b"), "c2"),
    live("created", item("old", { date: "2020-01-01T00:00:00.000Z" }), "c3", { backfill: true }),
    live("updated", item("a", { rev: 2 }), "c4"),
    live("removed", { id: "b", channel: "radio.news", rev: 2, removed: true }, "c5"),
  );

  assert.deepEqual(heard, [
    ["a"],
    ["created", "b", false],
    ["created", "old", true],
    ["updated", "a", false],
    ["removed", "b", false],
  ]);
  assert.deepEqual(idsOf(news), ["a", "old"]);
});

test("one message reaches every subscription that covers it, and no other", async () => {
  const world = makeWorld();
  const { client, socket } = world;
  const all = client.subscribe("radio");
  const news = client.subscribe("radio.*.news");
  const events = client.subscribe("radio.artist", { types: ["event"] });
  const other = client.subscribe("radio.other");
  await socket().open();
  for (const { id, channel } of socket().take()) await socket().say(subscribed(id, channel));

  await socket().say(live("created", item("x", { channel: "radio.artist.news" }), "c1"));

  assert.deepEqual([all, news, events, other].map(idsOf), [["x"], ["x"], [], []]);
});

test("a live message that overtakes a backlog is put on top of it", async () => {
  const { client, socket } = makeWorld();
  const news = client.subscribe("radio.news");
  await socket().open();
  const [{ id }] = socket().take();

  await socket().say(live("updated", item("a", { rev: 2 }), "c9"));
  await socket().say(subscribed(id, "radio.news", { items: [item("a")], cursor: "c8" }));

  assert.equal(news.items[0].rev, 2);
});

test("after a break it resumes from the newest live message", async () => {
  const world = makeWorld();
  await openWith(world, "radio.news", {}, FIRST);
  await world.socket().say(live("created", item("b"), "c2"));

  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();

  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket().take()[0].since, "c2");
});

test("a live message moves on every subscription that is live, not one still loading", async () => {
  const world = makeWorld();
  const { client, clock, socket } = world;
  await openWith(world, "radio.news", {}, FIRST);
  client.subscribe("radio.artist");
  await settle();
  socket().take();
  await socket().say(live("created", item("b"), "c2"));

  await socket().drop();
  await clock.pass(2000);
  await socket().open();

  const since = Object.fromEntries(socket().take().map((each) => [each.channel, each.since]));
  assert.deepEqual(since, { "radio.news": "c2", "radio.artist": undefined });
});

test("a resumed answer is applied as changes", async () => {
  const world = makeWorld();
  const changes = [];
  const news = await openWith(world, "radio.news", {}, FIRST, {
    change: ({ change, item: { id } }) => changes.push([change, id]),
  });
  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();
  const [{ id }] = world.socket().take();

  const gone = { id: "a", channel: "radio.news", rev: 2, removed: true };
  const answer = { items: [gone, item("b")], cursor: "c7", resumed: true };
  await world.socket().say(subscribed(id, "radio.news", answer));

  assert.deepEqual(changes, [["removed", "a"], ["created", "b"]]);
  assert.deepEqual(idsOf(news), ["b"]);
});

test("an answer that could not resume replaces everything", async () => {
  const world = makeWorld();
  const news = await openWith(world, "radio.news", {}, FIRST);
  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();
  const [{ id }] = world.socket().take();

  await world.socket().say(subscribed(id, "radio.news", { items: [item("z")], cursor: "c9" }));

  assert.deepEqual(idsOf(news), ["z"]);
});

test("a reset holds live messages back until the new backlog is here", async () => {
  const world = makeWorld();
  const news = await openWith(world, "radio.news", {}, FIRST);

  await world.socket().say({ msg: "reset", channel: "radio.news" });
  await world.socket().say(live("created", item("n", { rev: 1 }), "d2"));
  const before = idsOf(news);
  await world.socket().say(
    subscribed(undefined, "radio.news", { items: [item("m")], cursor: "d1" }),
  );

  assert.deepEqual(before, ["a"]);
  assert.deepEqual(idsOf(news), ["n", "m"]);
});

test("a break after a reset asks for a fresh backlog", async () => {
  const world = makeWorld();
  await openWith(world, "radio.news", {}, FIRST);
  await world.socket().say({ msg: "reset", channel: "radio.news" });

  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();

  assert.equal(world.socket().take()[0].since, undefined);
});

test("a refused cursor leads to a fresh backlog", async () => {
  const world = makeWorld();
  await openWith(world, "radio.news", {}, FIRST);
  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();
  const [{ id }] = world.socket().take();

  await world.socket().say({ msg: "error", id, code: "bad_cursor", text: "since: no" });

  const [again] = world.socket().take();
  assert.equal(again.msg, "subscribe");
  assert.equal(again.since, undefined);
});

test("the answer to a request of an earlier connection is ignored", async () => {
  const world = makeWorld();
  const news = world.client.subscribe("radio.news");
  await world.socket().open();
  const [{ id }] = world.socket().take();
  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();

  await world.socket().say(subscribed(id, "radio.news", { items: [item("ghost")] }));

  assert.deepEqual(idsOf(news), []);
});

test("pages of older items are asked for once with what is here, then by their token", async () => {
  const world = makeWorld();
  const first = { items: [item("c"), item("b")], more: true, cursor: "c1" };
  const news = await openWith(world, "radio.news", { backlog: 2 }, first);

  const page = news.loadMore(1);
  const [request] = world.socket().take();
  const items = [item("c"), item("b"), item("a")];
  await world.socket().say({ msg: "backlog", id: request.id, items, next: "p3" });
  await page;
  news.loadMore(1);

  assert.deepEqual([request.limit, request.before], [3, undefined]);
  assert.deepEqual(idsOf(news), ["c", "b", "a"]);
  assert.equal(world.socket().take()[0].before, "p3");
});

test("subscriptions of one channel share what they can", async () => {
  const { client, socket } = makeWorld();
  const short = client.subscribe("radio.news", { backlog: 1 });
  const long = client.subscribe("radio.news", { backlog: 2 });
  await socket().open();
  const requests = socket().take();

  await socket().say(
    subscribed(requests[0].id, "radio.news", { items: [item("b"), item("a")], cursor: "c" }),
  );

  assert.equal(requests.length, 1);
  assert.equal(requests[0].backlog, 2);
  assert.deepEqual([idsOf(short), idsOf(long)], [["b"], ["b", "a"]]);
  assert.equal(short.more, true);
});

test("what a page has rendered already is not asked for again", async () => {
  const { client, socket } = makeWorld();
  const start = { items: [item("a")], next: null, cursor: "c1" };

  const both = [1, 2].map(() => client.subscribe("radio.news", { start }));
  await socket().open();

  assert.deepEqual(both.map(idsOf), [["a"], ["a"]]);
  assert.deepEqual(socket().take().map(({ since }) => since), ["c1"]);
});

test("a rendered page that others have moved on from is fetched anew", async () => {
  const world = makeWorld();
  const { client, socket } = world;
  await openWith(world, "radio.news", {}, FIRST);
  await socket().say(live("removed", { id: "a", channel: "radio.news", rev: 2, removed: true }, "c2"));
  const start = { items: [item("a")], next: null, cursor: "c1" };

  const late = client.subscribe("radio.news", { start });
  await settle();
  const [request] = socket().take();
  await socket().say({ msg: "backlog", id: request.id, items: [], next: null });

  assert.equal(request.msg, "backlog");
  assert.deepEqual(idsOf(late), []);
});

test("a subscription with other types loads a backlog of its own", async () => {
  const { client, socket } = makeWorld();
  client.subscribe("radio.news", { backlog: 1 });
  const events = client.subscribe("radio.news", { backlog: 1, types: ["event"] });
  await socket().open();
  const [{ id, types }] = socket().take();
  await socket().say(subscribed(id, "radio.news", { items: [item("b")], more: true }));
  const [request] = socket().take();

  await socket().say(live("created", item("f", { type: "event" }), "c2"));
  const items = [item("e", { type: "event" })];
  await socket().say({ msg: "backlog", id: request.id, items, next: null });

  assert.equal(types, undefined);
  assert.deepEqual([request.msg, request.limit, request.types], ["backlog", 1, ["event"]]);
  assert.deepEqual(idsOf(events), ["f", "e"]);
});

test("a wider wish subscribes again from where the channel stands", async () => {
  const world = makeWorld();
  await openWith(world, "radio.news", { types: ["post"] }, FIRST);

  world.client.subscribe("radio.news");
  await settle();

  const requests = world.socket().take();
  assert.deepEqual(requests.map(({ msg }) => msg), ["unsubscribe", "subscribe"]);
  assert.equal(requests[1].since, "c1");
  assert.equal(requests[1].types, undefined);
});

test("an item that becomes a type not asked for is taken off", async () => {
  const world = makeWorld();
  const posts = await openWith(world, "radio.news", { types: ["post"] }, FIRST);

  await world.socket().say(live("updated", item("a", { rev: 2, type: "article" }), "c2"));

  assert.deepEqual(idsOf(posts), []);
});

test("the undo of the last subscription unsubscribes and later closes", async () => {
  const world = makeWorld();
  const undo = await openWith(world, "radio.news", {}, FIRST);

  undo.stop();
  const [request] = world.socket().take();
  await world.clock.pass(3000);

  assert.deepEqual(request, { msg: "unsubscribe", channel: "radio.news" });
  assert.equal(world.client.state, "idle");
  assert.equal(world.socket().isClosed, true);
});
