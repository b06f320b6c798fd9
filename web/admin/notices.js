/** What was done, told for a while, with the way back. */

import { button, el } from "./dom.js";

const SHOWN_MS = 12000;
/** An erased item can't be brought back, so it is erased only after this. */
export const GRACE_MS = 6000;
const MAX_NOTICES = 4;

export class Notices {
  #place;

  /** @param {Element} place */
  constructor(place) {
    this.#place = place;
  }

  clear() {
    this.#place.replaceChildren();
  }

  /**
   * @param {string} text @param {(() => Promise<unknown>) | undefined} undo
   * @param {{forMs?: number, isTrouble?: boolean}} [options]
   * @returns {() => void} take it away
   */
  tell(text, undo, { forMs = SHOWN_MS, isTrouble = false } = {}) {
    const node = el("div", { class: isTrouble ? "notice trouble" : "notice" }, el("span", {}, text));
    const close = () => {
      clearTimeout(timer);
      node.remove();
    };
    const timer = setTimeout(close, forMs);
    const act = () => {
      close();
      undo?.();
    };
    if (undo) node.append(button("Undo", act));
    node.append(button("✕", close, { "aria-label": "Close", class: "close" }));
    this.#place.append(node);
    // The oldest go; what they tell of stays in the audit log.
    if (this.#place.childElementCount > MAX_NOTICES) this.#place.firstElementChild?.remove();
    return close;
  }
}
