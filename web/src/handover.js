/** What the service has rendered into an element: the page of items, and its articles. */

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {{items: Item[], next: string | null, cursor: string}} Start
 *   a page of the backlog, as the API gives it, and where to go on from
 * @typedef {{start?: Start, rendered: {node: HTMLElement, item: Item}[], rest: Element[]}} Given
 *   `rest` is what stood around the articles
 */

/**
 * Take it, once: what is rendered stays as it is and need not be fetched again.
 * @param {HTMLElement} host
 * @returns {Given}
 */
export function handover(host) {
  const data = host.querySelector(":scope > script[type='application/json']");
  data?.remove();
  /** @type {Start | undefined} */
  const start = data ? JSON.parse(data.textContent ?? "") : undefined;
  const byId = new Map(start?.items.map((item) => [item.id, item]));
  /** @type {NodeListOf<HTMLElement>} */
  const nodes = host.querySelectorAll("article[data-id]");
  const rendered = [...nodes].flatMap((node) => {
    const item = byId.get(node.dataset.id ?? "");
    return item ? [{ node, item }] : [];
  });
  return { start, rendered, rest: [...host.children] };
}
