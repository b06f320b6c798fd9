import assert from "node:assert/strict";
import { test } from "node:test";

import { item, makeWorld, openWith } from "./world.js";

async function refusedWith(error, environment) {
  const world = makeWorld(environment);
  world.errors = [];
  world.client.subscribe("radio.news", {}, { error: ({ code }) => world.errors.push(code) });
  await world.socket().open();
  const [{ id }] = world.socket().take().filter(({ msg }) => msg === "subscribe");
  await world.socket().say({ msg: "error", id, text: "", ...error });
  return world;
}

for (const code of ["bad_channel", "forbidden", "too_many", "bad_message"]) {
  test(`${code} is told and not tried again`, async () => {
    const { clock, errors, socket } = await refusedWith({ code });

    await clock.pass(20000);

    assert.deepEqual(errors, [code]);
    assert.deepEqual(socket().take(), []);
  });
}

test("unavailable is tried again when the service says", async () => {
  const { clock, socket } = await refusedWith({ code: "unavailable", retry_after: 7 });

  await clock.pass(6999);
  const early = socket().take();
  await clock.pass(1);

  assert.deepEqual(early, []);
  assert.equal(socket().take()[0].msg, "subscribe");
});

test("rate_limited without advice is tried again after the back-off", async () => {
  const { clock, socket } = await refusedWith({ code: "rate_limited" });

  await clock.pass(2000);

  assert.equal(socket().take()[0].msg, "subscribe");
});

test("what was forbidden is asked for again with a token", async () => {
  const { client, socket } = await refusedWith({ code: "forbidden" });

  const shown = client.auth("key");
  const [{ msg, id, token }] = socket().take();
  await socket().say({ msg: "authenticated", id, expires: null });
  await shown;

  assert.deepEqual([msg, token], ["auth", "key"]);
  assert.equal(socket().take()[0].msg, "subscribe");
});

test("the token is shown before anything is subscribed", async () => {
  const { client, socket } = makeWorld({ getToken: async () => "key" });
  client.subscribe("radio.staff");
  await socket().open();

  const first = socket().take();
  await socket().say({ msg: "authenticated", id: first[0].id, expires: null });

  assert.deepEqual(first.map(({ msg }) => msg), ["auth"]);
  assert.equal(socket().take()[0].msg, "subscribe");
});

test("a token that isn't taken leaves what is public", async () => {
  const { client, socket } = makeWorld({ getToken: async () => "bad" });
  const errors = [];
  client.on("error", ({ code }) => errors.push(code));
  client.subscribe("radio.news");
  await socket().open();

  const [{ id }] = socket().take();
  await socket().say({ msg: "error", id, code: "unauthorized", text: "" });

  assert.deepEqual(errors, ["unauthorized"]);
  assert.equal(socket().take()[0].msg, "subscribe");
});

test("an expired token is replaced and everything asked for again", async () => {
  const world = makeWorld({ getToken: async () => "fresh" });
  world.client.subscribe("radio.news");
  await world.socket().open();
  await world.socket().say({ msg: "authenticated", id: world.socket().take()[0].id });
  const [{ id }] = world.socket().take();
  const answer = { items: [item("a")], cursor: "c1", resumed: false, more: false };
  await world.socket().say({ msg: "subscribed", id, channel: "radio.news", ...answer });

  await world.socket().say({ msg: "error", code: "expired", text: "token: expired" });
  const [auth] = world.socket().take();
  await world.socket().say({ msg: "authenticated", id: auth.id });

  assert.equal(auth.token, "fresh");
  assert.equal(world.socket().take()[0].since, "c1");
});

test("publish resolves with the answer and rejects with the error", async () => {
  const world = makeWorld();
  await openWith(world, "radio.news", {}, {});

  const good = world.client.publish("radio.news", { id: "n", type: "post" });
  const bad = assert.rejects(world.client.publish("radio.staff", { type: "post" }), {
    name: "FeedError",
    code: "forbidden",
  });
  await world.clock.pass(0);
  const [first, second] = world.socket().take();
  const published = { msg: "published", id: first.id, item_id: "n", status: "created", rev: 1 };
  await world.socket().say(published, { msg: "error", id: second.id, code: "forbidden" });

  assert.equal((await good).status, "created");
  await bad;
});

test("publish rejects when the connection breaks before the answer", async () => {
  const world = makeWorld();
  await openWith(world, "radio.news", {}, {});

  const lost = assert.rejects(world.client.publish("radio.news", {}), { code: "unavailable" });
  await world.clock.pass(0);
  await world.socket().drop();

  await lost;
});

test("publish rejects when there is no connection in time", async () => {
  const { client, clock } = makeWorld();

  const lost = assert.rejects(client.publish("radio.news", {}), { code: "unavailable" });
  await clock.pass(10000);

  await lost;
});
