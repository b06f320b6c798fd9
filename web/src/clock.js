/** One timer for everything on the page that ages. */

const TICK_MS = 20000;

/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

/**
 * Call `listener` every tick until the returned undo is called.
 * @param {() => void} listener
 */
export function everyTick(listener) {
  listeners.add(listener);
  timer ??= setInterval(() => listeners.forEach((each) => each()), TICK_MS);
  return () => listeners.delete(listener);
}
