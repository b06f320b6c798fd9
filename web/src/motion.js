/** What moves, briefly, unless the reader asked for calm. */

export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Mark what is new or changed. @param {HTMLElement} node @param {boolean} isNew */
export function appear(node, isNew) {
  if (isCalm()) return;
  const glow = "color-mix(in srgb, var(--_accent) 14%, transparent)";
  node.animate([{ backgroundColor: glow }, {}], { duration: 2400, easing: "ease-out" });
  if (!isNew) return;
  const start = { opacity: 0, transform: "translateY(-0.6rem)" };
  node.animate([start, {}], { duration: 320, easing: "cubic-bezier(.2,.8,.3,1)" });
}

/**
 * Take a node out; until it is gone it is inert.
 * @param {HTMLElement} node
 */
export function collapse(node) {
  if (isCalm() || document.hidden) return node.remove();
  node.inert = true;
  const size = { height: `${node.offsetHeight}px`, opacity: 1, overflow: "hidden" };
  const gone = { height: 0, opacity: 0, overflow: "hidden", paddingBlock: 0, marginBlock: 0 };
  const motion = node.animate([size, gone], { duration: 240, easing: "ease-in-out" });
  motion.onfinish = () => node.remove();
}
