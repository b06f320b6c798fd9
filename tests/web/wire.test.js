import assert from "node:assert/strict";
import { test } from "node:test";

import { golden, goldenNames } from "./wire.js";
import { idsOf, makeWorld } from "./world.js";

const CHANNEL = "radiostation.artist";

/** A client that has asked as `client-subscribe` does. */
async function asked(handlers) {
  const world = makeWorld();
  const wishes = { backlog: 20, types: ["post", "event"] };
  world.subscription = world.client.subscribe(CHANNEL, wishes, handlers);
  await world.socket().open();
  return world;
}

async function answered(handlers) {
  const world = await asked(handlers);
  await world.socket().say(golden("server-subscribed"));
  world.socket().take();
  return world;
}

test("subscribe is sent as the wire has it", async () => {
  const { socket } = await asked();

  assert.deepEqual(socket().take(), [golden("client-subscribe")]);
});

test("subscribed is understood", async () => {
  const { subscription } = await answered();

  const { items, more } = golden("server-subscribed");
  assert.deepEqual(subscription.items, items);
  assert.equal(subscription.more, more);
});

test("a resuming subscribe is sent with the cursor", async () => {
  const { clock, socket } = await answered();

  await socket().drop();
  await clock.pass(2000);
  await socket().open();

  const { types } = golden("client-subscribe");
  assert.deepEqual(socket().take(), [{ ...golden("client-subscribe-since"), types }]);
});

test("subscribed after a reset is understood", async () => {
  const { socket, subscription } = await answered();

  await socket().say(golden("server-reset"), golden("server-subscribed-after-reset"));

  assert.deepEqual(subscription.items, golden("server-subscribed-after-reset").items);
});

test("items created, updated and removed are understood", async () => {
  const changes = [];
  const { socket, subscription } = await answered({
    change: ({ change, item: { id } }) => changes.push([change, id]),
  });

  await socket().say(golden("server-item-updated"));
  await socket().say({
    ...golden("server-item-removed"),
    item: { ...golden("server-item-removed").item, id: golden("server-item-updated").item.id },
  });

  const { id } = golden("server-item-updated").item;
  assert.deepEqual(changes, [["updated", id], ["removed", id]]);
  assert.equal(idsOf(subscription).length, 1);
});

test("a backfilled item is marked as such", async () => {
  const marks = [];
  const { socket } = await answered({ change: ({ backfill }) => marks.push(backfill) });
  const message = golden("server-item-backfill");

  await socket().say({ ...message, item: { ...message.item, id: "another" } });

  assert.deepEqual(marks, [true]);
});

test("backlog, publish, auth and unsubscribe are sent and answered as the wire has it", async () => {
  const { client, clock, socket, subscription } = await answered();
  const settled = [
    client.publish("radiostation.artist.news", golden("client-publish").item),
    client.auth(golden("client-auth").token),
    subscription.loadMore(50),
  ];
  await clock.pass(0);
  subscription.stop();

  const sent = Object.fromEntries(socket().take().map((each) => [each.msg, each]));
  // The first page is asked for with what is here already, so that it joins on.
  const limit = 50 + golden("server-subscribed").items.length;
  const { types } = golden("client-subscribe");
  for (const [request, answer, changed] of [
    ["publish", "published", {}],
    ["auth", "authenticated", {}],
    ["backlog", "backlog", { limit, types }],
  ]) {
    const { id } = sent[request];
    assert.deepEqual(sent[request], { ...golden(`client-${request}`), ...changed, id });
    await socket().say({ ...golden(`server-${answer}`), id });
  }

  const [published] = await Promise.all(settled);
  assert.equal(published.item_id, "note-1");
  assert.equal(sent.unsubscribe.channel, golden("client-unsubscribe").channel);
});

for (const name of goldenNames("server-error-")) {
  test(`${name} reaches whoever asked, or everybody`, async () => {
    const heard = [];
    const { client, socket } = await answered();
    client.on("error", ({ code }) => heard.push(code));
    const published = client.publish("radiostation.artist.news", {}).catch(({ code }) => {
      heard.push(code);
    });
    await new Promise(setImmediate);
    const { id } = socket().take()[0];
    const message = golden(name);

    await socket().say(message.id === undefined ? message : { ...message, id });
    if (message.id !== undefined) await published;

    assert.deepEqual(heard, [message.code]);
  });
}
