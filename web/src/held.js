/** New items kept back while the reader is busy; the page must not move under them. */

export class Held {
  /** @type {Map<string, boolean>} id to whether it is announced */
  #ids = new Map();

  get isEmpty() {
    return this.#ids.size === 0;
  }

  /** How many the reader is told of. */
  get count() {
    return [...this.#ids.values()].filter(Boolean).length;
  }

  /** @param {string} id @param {boolean} isAnnounced */
  add(id, isAnnounced) {
    this.#ids.set(id, isAnnounced);
  }

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /** @param {string} id */
  drop(id) {
    this.#ids.delete(id);
  }

  /** Give all back. @returns {string[]} their ids, as they came */
  release() {
    const ids = [...this.#ids.keys()];
    this.#ids.clear();
    return ids;
  }
}
