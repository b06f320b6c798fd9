import assert from "node:assert/strict";
import { test } from "node:test";

import { liftPlaying } from "../../web/src/on-air.js";

const ago = (minutes) => new Date(Date.now() - minutes * 60000).toISOString();
const track = (id, minutes, fields) => ({ id, type: "track", date: ago(minutes), ...fields });
const ids = (items) => items.map(({ id }) => id);

test("the newest track comes first, but for what is pinned", () => {
  const items = [{ id: "p", pinned: true, type: "post" }, { id: "q", type: "post" }, track("now", 1), track("before", 5)];

  const playing = liftPlaying(items);

  assert.equal(playing?.id, "now");
  assert.deepEqual(ids(items), ["p", "now", "q", "before"]);
});

for (const [why, old] of Object.entries({
  "has lasted for long": track("t", 30),
  "has come to its own end": track("t", 5, { duration: 180 }),
  "has begun at no time": track("t", 1, { started_at: "yesterday" }),
})) {
  test(`a track that ${why} stays where it is`, () => {
    const items = [{ id: "q", type: "post" }, old];

    assert.equal(liftPlaying(items), undefined);
    assert.deepEqual(ids(items), ["q", "t"]);
  });
}
