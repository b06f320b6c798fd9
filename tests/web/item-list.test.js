import assert from "node:assert/strict";
import { test } from "node:test";

import { byPlace, ItemList } from "../../web/src/item-list.js";
import { item } from "./world.js";

const at = (minute) => `2026-11-20T12:${String(minute).padStart(2, "0")}:00.000Z`;
const ids = (list) => list.items.map(({ id }) => id);

function listOf(items, { more = false, page, limit } = {}) {
  const list = new ItemList(limit);
  list.replace(items, more, page);
  return list;
}

test("items are newest first, equal dates by id, pinned ones above all", () => {
  const list = listOf([item("a", { date: at(1) }), item("c", { date: at(2) })]);

  list.apply(item("b", { date: at(2) }));
  list.apply(item("old", { date: at(0), pinned: true }));

  assert.deepEqual(ids(list), ["old", "c", "b", "a"]);
});

test("an older rev changes nothing, a newer one replaces in place", () => {
  const list = listOf([item("a", { rev: 2 })]);

  assert.equal(list.apply(item("a", { rev: 1 })), undefined);
  assert.equal(list.apply(item("a", { rev: 2 })), undefined);
  assert.equal(list.apply(item("a", { rev: 3 })).change, "updated");
  assert.equal(list.items[0].rev, 3);
});

test("a removed item stays out when an older answer still has it", () => {
  const list = listOf([item("a"), item("b")]);

  const change = list.apply({ id: "a", channel: "radio.news", rev: 2, removed: true });
  list.append([item("a"), item("0")], false);

  assert.equal(change.change, "removed");
  assert.equal(change.item.type, "post");
  assert.deepEqual(ids(list), ["b", "0"]);
});

test("an item published again after its removal comes back", () => {
  const list = listOf([item("a")]);

  list.apply({ id: "a", channel: "radio.news", rev: 2, removed: true });
  const change = list.apply(item("a", { rev: 3 }));

  assert.equal(change.change, "created");
});

test("an item from below the end waits for its page", () => {
  const list = listOf([item("b", { date: at(5) })], { more: true, page: "p1" });

  assert.equal(list.apply(item("a", { date: at(1) })), undefined);
  list.append([item("a", { date: at(1) })], false);

  assert.deepEqual(ids(list), ["b", "a"]);
});

test("a pinned item is shown however old it is", () => {
  const list = listOf([item("b", { date: at(5) })], { more: true });

  list.apply(item("a", { date: at(1), pinned: true }));

  assert.deepEqual(ids(list), ["a", "b"]);
});

test("the end stays where the page begins when the last item goes", () => {
  const list = listOf([item("c", { date: at(9) }), item("b", { date: at(5) })], { more: true });

  list.apply({ id: "b", channel: "radio.news", rev: 2, removed: true });
  const change = list.apply(item("n", { date: at(7) }));

  assert.equal(change.change, "created");
  assert.deepEqual(ids(list), ["c", "n"]);
});

test("an update that sinks an item below the end takes it off the list", () => {
  const list = listOf([item("c", { date: at(9) }), item("b", { date: at(5) })], { more: true });

  const change = list.apply(item("c", { date: at(1), rev: 2 }));

  assert.equal(change.change, "removed");
  assert.deepEqual(ids(list), ["b"]);
});

test("beyond its limit the list drops the oldest and forgets the page", () => {
  const list = listOf([item("a", { date: at(1) }), item("b", { date: at(2) })], {
    limit: 2,
    more: true,
    page: "p1",
  });

  list.apply(item("c", { date: at(3) }));

  assert.deepEqual(ids(list), ["c", "b"]);
  assert.equal(list.more, true);
  assert.equal(list.page, undefined);
});

test("a fresh backlog replaces everything, removals too", () => {
  const list = listOf([item("a")]);

  list.apply({ id: "a", channel: "radio.news", rev: 9, removed: true });
  list.replace([item("a", { rev: 2 })], false);

  assert.deepEqual(ids(list), ["a"]);
});

/** A small generator, so that a failing seed can be run again. */
function chance(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

/** The life of a few items in commit order. */
function history(pick) {
  const revs = new Map();
  return Array.from({ length: 40 }, () => {
    const id = `i${pick(8)}`;
    const rev = (revs.get(id) ?? 0) + 1;
    revs.set(id, rev);
    if (pick(4) === 0) return { id, channel: "radio.news", rev, removed: true };
    return item(id, { rev, date: at(pick(20)), pinned: pick(9) === 0 });
  });
}

test("any order with any repetition ends in the same list", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const pick = chance(seed);
    const messages = history(pick);
    const newest = new Map(messages.map((message) => [message.id, message]));
    const expected = [...newest.values()].filter(({ removed }) => !removed).sort(byPlace);
    const shuffled = [...messages, ...messages.slice(pick(40))]
      .map((message) => [pick(1e9), message])
      .sort(([a], [b]) => a - b)
      .map(([, message]) => message);
    const list = new ItemList();

    for (const message of shuffled) list.apply(message);

    assert.deepEqual(list.items, expected, `seed ${seed}`);
  }
});
