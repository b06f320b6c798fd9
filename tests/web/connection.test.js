import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeSocket, item, live, makeWorld, openWith, settle, subscribed } from "./world.js";

const FIRST = { items: [item("a")], cursor: "c1" };

async function opened(environment) {
  const world = makeWorld(environment);
  world.states = [];
  world.client.on("state", (state) => world.states.push(state));
  await openWith(world, "radio.news", {}, FIRST);
  await world.clock.pass(6000);
  return world;
}

test("going away: it reconnects after the back-off", async () => {
  const { client, clock, socket, sockets, states } = await opened();

  await socket().drop(3000);
  await clock.pass(999);
  const early = sockets.length;
  await clock.pass(1);

  assert.equal(early, 1);
  assert.equal(sockets.length, 2);
  assert.deepEqual(states, ["connecting", "open", "waiting", "connecting"]);
  assert.equal(client.state, "connecting");
});

test("draining: the wait is spread over the whole drain", async () => {
  const { clock, socket, sockets } = await opened();

  await socket().drop(3001);
  await clock.pass(5999);
  const early = sockets.length;
  await clock.pass(1);

  assert.deepEqual([early, sockets.length], [1, 2]);
});

test("too slow: it resumes at once", async () => {
  const { clock, socket, sockets } = await opened();

  await socket().drop(3002);
  await clock.pass(0);
  await socket().open();

  assert.equal(sockets.length, 2);
  assert.equal(socket().take()[0].since, "c1");
});

test("too slow again and again: it backs off", async () => {
  const { clock, socket, sockets } = await opened();
  await socket().drop(3002);
  await clock.pass(0);
  await socket().open();

  await socket().drop(3002);
  await clock.pass(1999);

  assert.equal(sockets.length, 2);
});

test("policy: it stops", async () => {
  const { client, clock, socket, sockets } = await opened();

  await socket().drop(3003);
  await clock.pass(600000);

  assert.equal(client.state, "stopped");
  assert.equal(sockets.length, 1);
});

test("expired: it comes back with a new token", async () => {
  const { clock, socket } = await opened({ getToken: async () => "fresh" });
  const tokens = [];

  await socket().drop(3004);
  await clock.pass(1000);
  await socket().open();
  tokens.push(socket().take()[0].token);

  assert.deepEqual(tokens, ["fresh"]);
});

test("expired without a new token: it comes back for what is public", async () => {
  const { client, clock, socket } = await opened({ getToken: async () => undefined });
  client.subscribe("radio.news");

  await socket().drop(3004);
  await clock.pass(1000);
  await socket().open();

  assert.deepEqual(socket().take().map(({ msg }) => msg), ["subscribe"]);
});

test("told twice that its token is over, it asks for one new token", async () => {
  let asked = 0;
  const { clock, socket } = await opened({ getToken: async () => `token ${++asked}` });

  await socket().say({ msg: "error", code: "expired", text: "channel: the rights no longer cover it" });
  await socket().drop(3004);
  await clock.pass(1000);
  await socket().open();

  assert.deepEqual(socket().take().map(({ token }) => token), ["token 2"]);
});

test("failed tries wait longer each time, a stable connection starts afresh", async () => {
  const waits = [];
  const { clock, socket } = await opened({
    backoff: (tries) => (waits.push(tries), 1000),
  });

  await socket().drop();
  await clock.pass(1000);
  await socket().drop();
  await clock.pass(1000);
  await socket().open();
  await clock.pass(6000);
  await socket().drop();

  assert.deepEqual(waits, [0, 1, 0]);
});

test("a quiet line is asked, and one that doesn't answer is left", async () => {
  const { client, clock, socket } = await opened();
  const quiet = socket();

  await clock.pass(30000);
  const asked = quiet.sent.at(-1);
  await clock.pass(40000);

  assert.deepEqual(asked, { msg: "ping" });
  assert.equal(quiet.isClosed, true);
  assert.notEqual(client.state, "open");
});

test("a quiet line that answers stays", async () => {
  const { client, clock, socket, sockets } = await opened();

  for (let round = 0; round < 5; round++) {
    await clock.pass(30000);
    await socket().say({ msg: "pong" });
  }

  assert.equal(client.state, "open");
  assert.equal(sockets.length, 1);
});

test("back online: it connects at once", async () => {
  const events = new EventTarget();
  const { socket, sockets } = await opened({ events, backoff: () => 30000 });
  await socket().drop();

  events.dispatchEvent(new Event("online"));
  await settle();

  assert.equal(sockets.length, 2);
});

test("a hidden page waits until somebody looks", async () => {
  const events = new EventTarget();
  let isHidden = true;
  const { clock, socket, sockets } = await opened({ events, isHidden: () => isHidden });
  await socket().drop();
  await clock.pass(600000);
  const whileHidden = sockets.length;

  isHidden = false;
  events.dispatchEvent(new Event("visibilitychange"));
  await settle();

  assert.deepEqual([whileHidden, sockets.length], [1, 2]);
});

test("a WebSocket that doesn't open within three seconds makes way for SockJS", async () => {
  const carriers = [];
  class SockJS extends FakeSocket {
    constructor(url) {
      super(url);
      carriers.push(this);
    }
  }
  const { client, clock, socket } = makeWorld({ loadSockJS: async () => SockJS });
  client.subscribe("radio.news");
  const slow = socket();

  await clock.pass(3000);
  await carriers[0].open();

  assert.equal(slow.isClosed, true);
  assert.equal(carriers[0].url, "https://feed.example/live");
  assert.equal(carriers[0].take()[0].msg, "subscribe");
});

test("a WebSocket that the page forbids makes way for SockJS", async () => {
  let loaded = 0;
  const { client, clock } = makeWorld({
    WebSocket: class {
      constructor() {
        throw new DOMException("refused", "SecurityError");
      }
    },
    loadSockJS: async () => (loaded++, FakeSocket),
  });

  client.subscribe("radio.news");
  await clock.pass(0);

  assert.equal(loaded, 1);
});

test("what is not JSON does no harm", async () => {
  const { client, socket } = await opened();

  socket().onmessage({ data: "<html>" });
  socket().onmessage({ data: "null" });
  await socket().say(live("created", item("b"), "c2"));

  assert.equal(client.state, "open");
});

test("close ends everything", async () => {
  const { client, clock, socket, sockets } = await opened();

  client.close();
  await clock.pass(600000);

  assert.equal(client.state, "idle");
  assert.equal(socket().isClosed, true);
  assert.equal(sockets.length, 1);
});

test("a lost answer to subscribe is asked for again on the next connection", async () => {
  const world = makeWorld();
  world.client.subscribe("radio.news");
  await world.socket().open();
  await world.socket().drop();
  await world.clock.pass(2000);
  await world.socket().open();

  const [{ id }] = world.socket().take();
  await world.socket().say(subscribed(id, "radio.news"));

  assert.equal(world.client.state, "open");
});
