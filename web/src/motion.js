/** What moves, briefly; the style sheet knows how, and whether the reader asked for calm. */

const MOVE_MS = 240;
/** However much comes, the page changes no more often. */
const CALM_MS = 400;

/** @returns {Promise<void>} until the page may change again */
export const calm = () => new Promise((done) => setTimeout(done, CALM_MS));

/**
 * Let a node that was pushed away go there, instead of being there with a jolt.
 * @param {HTMLElement} node @param {number} by pixels, down
 * @returns {Promise<unknown> | undefined} until it is there
 */
export function slide(node, by) {
  if (!by || matchMedia("(prefers-reduced-motion)").matches) return;
  return node.animate({ transform: [`translateY(${-by}px)`, "none"] }, MOVE_MS).finished;
}
