import assert from "node:assert/strict";
import { test } from "node:test";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const DIST = new URL("../../../web/dist/", import.meta.url);

/** What a page pays, in bytes of gzip: the element with its client, the client alone. */
const BUDGET = { "widget.js": 15 * 1024, "client.js": 5 * 1024 };

for (const [file, budget] of Object.entries(BUDGET)) {
  test(`${file} is within its budget of ${budget} bytes`, async () => {
    const size = gzipSync(await readFile(new URL(file, DIST)), { level: 9 }).length;

    assert.ok(size <= budget, `${file} has ${size} bytes`);
  });
}
