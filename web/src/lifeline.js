/** Watches the live connection for one element: says when it's down, polls meanwhile. */

/** A hiccup shorter than this is nobody's business. */
const TROUBLE_MS = 5000;

export class Lifeline {
  isDown = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(() => void) | undefined} */
  #stopPolling;
  #poll;
  #changed;

  /**
   * @param {() => () => void} poll starts polling, returns its undo
   * @param {() => void} changed called when `isDown` has changed
   */
  constructor(poll, changed) {
    this.#poll = poll;
    this.#changed = changed;
  }

  /** @param {import("./connection.js").State} state */
  watch(state) {
    if (state === "open") this.#turn(false);
    else this.#timer ??= setTimeout(() => this.#turn(true), TROUBLE_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopPolling?.();
    this.#stopPolling = undefined;
  }

  /** @param {boolean} isDown */
  #turn(isDown) {
    if (!isDown) this.stop();
    if (isDown === this.isDown) return;
    this.isDown = isDown;
    if (isDown) this.#stopPolling = this.#poll();
    this.#changed();
  }
}
