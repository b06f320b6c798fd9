/** Which language to speak, and its few words that Intl doesn't know. */

export const NAMES = (
  "new pause resume more empty loading reconnecting refused now cancelled postponed " +
  "rescheduled online allDay tba doors tickets play sensitive repost reply pinned feed"
).split(" ");

const ENGLISH =
  "{n} new|Pause|Resume|Load more|Nothing here yet|Loading…|Reconnecting…|This feed is not available|Now playing|Cancelled|Postponed|Rescheduled|Moved online|All day|Time to be announced|Doors|Tickets|Play|Sensitive content|Reposted|Reply|Pinned|Live feed";

/**
 * @typedef {Record<string, string>} Texts by the names above
 */

/** @param {string} row @returns {Texts} */
const textsOf = (row) => {
  const texts = row.split("|");
  return Object.fromEntries(NAMES.map((name, index) => [name, texts[index]]));
};

/**
 * Call back with the texts for a language tag: at once for English, else when the
 * words are here. English where we don't speak the language or can't fetch it.
 * @param {string} tag e.g. `de-AT`
 * @param {(texts: Texts) => void} use
 */
export async function withTexts(tag, use) {
  const language = tag.split("-")[0];
  if (language === "en") return use(textsOf(ENGLISH));
  let row;
  try {
    const { ROWS } = await import(`${new URL("./words.js", import.meta.url)}`);
    row = Object.hasOwn(ROWS, language) && ROWS[language];
  } catch {
    row = undefined;
  }
  use(textsOf(row || ENGLISH));
}

/**
 * The first tag that Intl accepts; pages write all sorts of things into `lang`.
 * @param {...(string | null | undefined)} tags
 */
export function usableLocale(...tags) {
  for (const tag of tags) {
    try {
      if (tag) return Intl.getCanonicalLocales(tag)[0];
    } catch {
      continue; // not a language tag
    }
  }
  return "en";
}

const RTL = new Set(["ar", "he", "fa", "ur"]);

/** @param {string} tag */
export const directionOf = (tag) => (RTL.has(tag.split("-")[0]) ? "rtl" : "ltr");
