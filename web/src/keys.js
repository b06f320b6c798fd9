/** The keys of a feed, after the authoring practices of WAI-ARIA. */

/**
 * Page Down and Page Up go from article to article, Control + Home and End leave
 * the feed on either side.
 * @param {HTMLElement} feed
 * @param {() => HTMLElement[]} articles
 * @param {HTMLElement} before @param {HTMLElement} after
 */
export function onFeedKeys(feed, articles, before, after) {
  feed.addEventListener("keydown", (event) => {
    const target = targetOf(event, articles(), before, after);
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
}

/**
 * @param {KeyboardEvent} event @param {HTMLElement[]} articles
 * @param {HTMLElement} before @param {HTMLElement} after
 */
function targetOf(event, articles, before, after) {
  const here = articles.findIndex((article) => article.contains(/** @type {Node} */ (event.target)));
  const isOut = event.ctrlKey || event.metaKey;
  if (event.key === "PageDown") return articles[here + 1];
  if (event.key === "PageUp") return articles[here - 1];
  if (event.key === "Home" && isOut) return before;
  if (event.key === "End" && isOut) return after;
}
