/** The keys of a feed, after the authoring practices of WAI-ARIA. */

/**
 * Where a key leads: Page Down and Page Up go from article to article, Control + Home
 * and End leave the feed on either side.
 * @param {KeyboardEvent} event @param {HTMLElement[]} articles
 * @param {HTMLElement} before @param {HTMLElement} after
 * @returns {HTMLElement | undefined}
 */
export function targetOf({ key, ctrlKey, metaKey, target }, articles, before, after) {
  const here = articles.findIndex((article) => article.contains(/** @type {Node} */ (target)));
  const isOut = ctrlKey || metaKey;
  if (key === "PageDown") return articles[here + 1];
  if (key === "PageUp") return articles[here - 1];
  if (key === "Home" && isOut) return before;
  if (key === "End" && isOut) return after;
}
