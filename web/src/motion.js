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
 * Let a node that was pushed away go there, instead of being there with a jolt.
 * @param {HTMLElement} node @param {number} by pixels, down
 */
export function slide(node, by) {
  if (!by || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  node.animate({ transform: [`translateY(${-by}px)`, "none"] }, 300);
}
