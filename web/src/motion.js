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

/**
 * Let nodes that were pushed down go there, instead of being there with a jolt.
 * @param {HTMLElement[]} nodes @param {number} by pixels
 */
export function slide(nodes, by) {
  if (!(by > 0) || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const transform = [`translateY(${-by}px)`, "none"];
  for (const node of nodes) node.animate({ transform }, 300);
}
