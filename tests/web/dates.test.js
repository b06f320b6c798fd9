import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, placeTime, relative } from "../../web/src/dates.js";

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

  assert.deepEqual([time.day, time.month, time.time], ["5", "Dec", "00:30"]);
});

test("a time without an offset is the clock's already", () => {
  const time = placeTime("2026-12-04T20:00:00", "America/New_York", "en-GB");

  assert.deepEqual([time.day, time.time], ["4", "20:00"]);
  assert.match(time.zone, /GMT-5|EST/);
});

test("a bare date stays that day in every zone", () => {
  assert.equal(placeTime("2026-12-04", "Pacific/Kiritimati", "en").day, "4");
});

test("an unknown zone and a broken date do no harm", () => {
  assert.equal(placeTime("2026-12-04T20:00:00Z", "Mars/Olympus", "en").month, "Dec");
  assert.equal(placeTime("soon", "Europe/Berlin", "en"), undefined);
});

test("durations read like a player's", () => {
  assert.deepEqual([9, 185, 3723].map(duration), ["0:09", "3:05", "1:02:03"]);
});
