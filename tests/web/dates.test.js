import assert from "node:assert/strict";
import { test } from "node:test";

import { placeTime, relative } from "../../web/src/dates.js";

const NOW = Date.parse("2026-11-20T12:00:00.000Z");
const MINUTE = 60000;

test("recent times are relative, older ones are dates", () => {
  assert.equal(relative(NOW - 20000, NOW, "en"), "now");
  assert.equal(relative(NOW - 5 * MINUTE, NOW, "en"), "5 min. ago");
  assert.equal(relative(NOW - 3 * 60 * MINUTE, NOW, "de"), "vor 3 Std.");
  assert.equal(relative(NOW - 26 * 60 * MINUTE, NOW, "en"), "yesterday");
  assert.equal(relative(Date.parse("2026-10-02T12:00:00Z"), NOW, "en"), "Oct 2");
  assert.equal(relative(Date.parse("2019-10-02T12:00:00Z"), NOW, "en"), "Oct 2, 2019");
});

test("an instant is shown on the clock of its place", () => {
  const time = placeTime("2026-12-04T23:30:00.000Z", "Europe/Berlin", "en-GB");

  assert.deepEqual([time.day, time.month], ["5", "Dec"]);
  assert.match(time.time, /^0?0:30 (CET|GMT\+1)$/);
});

test("an unknown zone and a broken date do no harm", () => {
  assert.equal(placeTime("2026-12-04T20:00:00Z", "Mars/Olympus", "en").month, "Dec");
  assert.equal(placeTime("soon", "Europe/Berlin", "en"), undefined);
});
