/** Which language to speak, and its few words that Intl doesn't know. */

import { LANGUAGE, LANGUAGES, NAMES, ROW } from "./widget-words.js";

/** @typedef {Record<string, string>} Texts by their names */

/**
 * Call back with the texts of a language: at once if this script carries them, else
 * when they are here. Those that it carries where we don't speak it or can't fetch it.
 * @param {string} tag e.g. `de-AT`
 * @param {(texts: Texts) => void} use
 */
export async function withTexts(tag, use) {
  const [language] = tag.split("-");
  let row = ROW;
  if (language !== LANGUAGE && LANGUAGES.includes(language)) {
    const words = new URL(`./words.${language}.js`, import.meta.url).href;
    row = await import(words).then(({ ROW }) => ROW, () => ROW);
  }
  const texts = row.split("|");
  use(Object.fromEntries(NAMES.map((name, index) => [name, texts[index]])));
}

/**
 * The tag as Intl takes it; pages write all sorts of things into `lang`.
 * @param {string | null | undefined} tag @param {string} otherwise
 */
export function usableLocale(tag, otherwise) {
  try {
    return `${new Intl.Locale(tag ?? "")}`;
  } catch {
    return otherwise; // not a language tag
  }
}
