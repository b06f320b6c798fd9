import assert from "node:assert/strict";
import { test } from "node:test";
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const DIST = new URL("../../../web/dist/", import.meta.url);

/** What a page pays for the element with its client, in bytes of gzip, in one request. */
const WIDGET = 12 * 1024;
/** The element for pages that have tokens. */
const PRIVATE = 13 * 1024;
/** The client alone, which can also publish. */
const CLIENT = 4 * 1024;

const sizeOf = async (file) => gzipSync(await readFile(new URL(file, DIST)), { level: 9 }).length;

test("the widget is within its budget in every language", async () => {
  const files = (await readdir(DIST)).filter((name) => /^widget(\.\w+)?\.js$/.test(name));
  const sizes = await Promise.all(files.map(async (file) => [file, await sizeOf(file)]));

  assert.ok(files.length >= 1 + 12, `${files}`);
  assert.deepEqual(sizes.filter(([, size]) => size > WIDGET), []);
});

for (const [file, budget] of [["client.js", CLIENT], ["private.js", PRIVATE]]) {
  test(`${file} is within its budget`, async () => {
    const size = await sizeOf(file);

    assert.ok(size <= budget, `${size} bytes`);
  });
}

test("what the widget is made of names no other host", async () => {
  const text = await readFile(new URL("widget.js", DIST), "utf8");

  assert.deepEqual(text.match(/https?:\/\/[a-z]/g) ?? [], []);
});
