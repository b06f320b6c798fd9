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
    if (state === "open") this.stop();
    else
      this.#timer ??= setTimeout(() => {
        this.isDown = true;
        this.#stopPolling = this.#poll();
        this.#changed();
      }, TROUBLE_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#stopPolling?.();
    this.#timer = this.#stopPolling = undefined;
    if (this.isDown) this.#changed();
    this.isDown = false;
  }
}
