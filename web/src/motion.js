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
 * Let what came in above roll out, instead of pushing all below with a jolt.
 * @param {HTMLElement} feed @param {number} by pixels
 */
export function slide(feed, by) {
  if (by <= 0 || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const clipPath = [`inset(${by}px -9px 0)`, "inset(0 -9px)"];
  feed.animate({ transform: [`translateY(${-by}px)`, "none"], clipPath }, 300);
}
