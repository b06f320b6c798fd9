import assert from "node:assert/strict";
import { test } from "node:test";

import { covers } from "../../web/src/covers.js";

const CASES = [
  ["radio.artist", "radio.artist", true],
  ["radio.artist", "radio.artist.news", true],
  ["radio.artist", "radio.artistry", false],
  ["radio.artist", "radio", false],
  ["radio.*.news", "radio.artist.news", true],
  ["radio.*.news", "radio.artist.news.today", true],
  ["radio.*.news", "radio.news", false],
  ["radio.*.news", "radio.a.b.news", false],
  ["*", "radio.artist", true],
];

for (const [pattern, channel, expected] of CASES) {
  test(`${pattern} ${expected ? "covers" : "does not cover"} ${channel}`, () => {
    assert.equal(covers(pattern, channel), expected);
  });
}
