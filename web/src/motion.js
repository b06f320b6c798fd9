/** What moves, briefly; the style sheet knows how, and whether the reader asked for calm. */

const COLLAPSE_MS = 240;

/**
 * Take a node out; until it is gone it is inert.
 * @param {HTMLElement} node
 */
export function collapse(node) {
  node.inert = true;
  setTimeout(() => node.remove(), COLLAPSE_MS);
}
