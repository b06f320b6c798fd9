import assert from "node:assert/strict";
import { test } from "node:test";

import { usableLocale, withTexts } from "../../web/src/locale.js";
import { LANGUAGES, NAMES, ROWS, WIDGET_NAMES } from "../../web/src/words.js";

const textsFor = (tag) => new Promise((resolve) => withTexts(tag, resolve));

test("every language has every text, and a place for the number", () => {
  assert.ok(LANGUAGES.length >= 12);
  for (const language of LANGUAGES) {
    const texts = ROWS[language].split("|");
    assert.equal(texts.length, NAMES.length, language);
    assert.ok(texts.every(Boolean), language);
    assert.match(texts[0], /\{n\}/, language);
  }
});

test("the widget says only what there is a word for", () => {
  assert.deepEqual(WIDGET_NAMES.filter((name) => !NAMES.includes(name)), []);
});

test("its own language is spoken at once, another when its words are here", async () => {
  const heard = [];
  withTexts("en-GB", ({ more }) => heard.push(more));

  assert.deepEqual(heard, ["Load more"]);
  // Only a build has a file for each language; without it the widget goes on in its own.
  assert.equal((await textsFor("de-AT")).more, "Load more");
  assert.equal((await textsFor("xx")).more, "Load more");
  assert.equal((await textsFor("constructor")).more, "Load more");
});

test("what pages write into lang is used if it is a tag", () => {
  assert.equal(usableLocale("pt-br", "en"), "pt-BR");
  assert.deepEqual(["not a tag", "", null].map((tag) => usableLocale(tag, "en")), ["en", "en", "en"]);
});
