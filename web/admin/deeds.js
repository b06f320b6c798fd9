/** What an operator does to items and sources, each with the deed that takes it back. */

import { GRACE_MS } from "./notices.js";
import { nameOf } from "./words.js";

/**
 * Deed: how it is told, what undoes it, and its address if that is another.
 * @type {Record<string, [told: string, back?: string, address?: string]>}
 */
const DEEDS = {
  approve: ["Approved", "review"],
  reject: ["Rejected", "review"],
  review: ["In the queue again", undefined],
  hold: ["Held for review", "approve", "review"],
  pin: ["Pinned", "unpin"],
  unpin: ["Unpinned", "pin"],
  disable: ["Disabled", "enable"],
  enable: ["Enabled", "disable"],
};

export class Deeds {
  #api;
  #notices;
  #changed;
  /** Items that are about to be erased, and what waits for it. @type {Map<string, any>} */
  leaving = new Map();

  /**
   * @param {import("./api.js").Api} api @param {import("./notices.js").Notices} notices
   * @param {() => void} changed called after each deed, and after each that failed
   */
  constructor(api, notices, changed) {
    this.#api = api;
    this.#notices = notices;
    this.#changed = changed;
  }

  /**
   * @param {any} item @param {string} deed
   * @param {Record<string, number>} [query] the `version` that was looked at
   */
  item(item, deed, query = {}) {
    return this.#do(`items/${encodeURIComponent(item.id)}`, deed, nameOf(item), query);
  }

  /** @param {string} name @param {string} deed */
  source(name, deed) {
    return this.#do(`sources/${encodeURIComponent(name)}`, deed, name, {});
  }

  /** Erase the item, unless that is taken back in time. @param {any} item */
  remove(item) {
    if (this.leaving.has(item.id)) return;
    const stay = async () => {
      clearTimeout(this.leaving.get(item.id));
      this.leaving.delete(item.id);
      this.#changed();
    };
    const erase = async () => {
      await this.#try(() => this.#api.remove(`items/${encodeURIComponent(item.id)}`));
      stay();
    };
    this.leaving.set(item.id, setTimeout(erase, GRACE_MS));
    this.#notices.tell(`Erasing for good: ${nameOf(item)}`, stay, { forMs: GRACE_MS });
    this.#changed();
  }

  /** Leave everything as it is now. */
  stop() {
    this.leaving.forEach((timer) => clearTimeout(timer));
    this.leaving.clear();
  }

  /** @param {string} path @param {string} deed @param {string} name @param {Record<string, number>} query */
  async #do(path, deed, name, query) {
    const [told, back, address = deed] = DEEDS[deed];
    const isDone = await this.#try(() => this.#api.post(`${path}/${address}`, query));
    const undo = back ? () => this.#do(path, back, name, {}) : undefined;
    if (isDone) this.#notices.tell(`${told}: ${name}`, undo);
    this.#changed();
  }

  /** @param {() => Promise<unknown>} act */
  async #try(act) {
    try {
      await act();
      return true;
    } catch (error) {
      this.#notices.tell(`Not done: ${/** @type {Error} */ (error).message}`, undefined, { isTrouble: true });
      return false;
    }
  }
}
