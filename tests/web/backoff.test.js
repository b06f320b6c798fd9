import assert from "node:assert/strict";
import { test } from "node:test";

import { fullJitter } from "../../web/src/backoff.js";

test("the wait is anywhere between nothing and a bound that doubles", () => {
  const longest = fullJitter(() => 1);
  const shortest = fullJitter(() => 0);

  assert.deepEqual([0, 1, 2, 5, 99].map(longest), [1000, 2000, 4000, 30000, 30000]);
  assert.equal(shortest(7), 0);
});
