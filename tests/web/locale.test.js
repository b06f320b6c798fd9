import assert from "node:assert/strict";
import { test } from "node:test";

import { directionOf, NAMES, usableLocale, withTexts } from "../../web/src/locale.js";
import { ROWS } from "../../web/src/words.js";

const textsFor = (tag) => new Promise((resolve) => withTexts(tag, resolve));

test("every language has every text, and a place for the number", async () => {
  assert.ok(Object.keys(ROWS).length >= 11, "with English twelve");
  for (const language of Object.keys(ROWS)) {
    const texts = ROWS[language].split("|");
    assert.equal(texts.length, NAMES.length, language);
    assert.ok(texts.every(Boolean), language);
    assert.match(texts[0], /\{n\}/, language);
  }
});

test("a regional tag speaks its language, an unknown one English", async () => {
  assert.equal((await textsFor("de-AT")).resume, "Fortsetzen");
  assert.equal((await textsFor("xx")).resume, "Resume");
  assert.equal((await textsFor("constructor")).resume, "Resume");
});

test("the first usable tag wins over what pages write into lang", () => {
  assert.equal(usableLocale("not a tag", "", "pt-br"), "pt-BR");
  assert.equal(usableLocale("_", null), "en");
});

test("scripts that run from right to left are known", () => {
  assert.deepEqual(["ar-EG", "he", "en"].map(directionOf), ["rtl", "rtl", "ltr"]);
});
