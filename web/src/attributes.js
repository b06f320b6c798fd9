/** The attributes of the element: each is a property, and what is no good is the default. */

import { safeUrl } from "./safe.js";

const LAYOUTS = ["list", "compact", "cards", "ticker"];
/** The directory of this script: the service that a page loaded it from. */
const HOME = new URL(".", import.meta.url).href;

export class FeedAttributes extends HTMLElement {
  static observedAttributes = ["channel", "src", "backlog", "types", "layout", "lang"];

  /**
   * Register the element; a second copy of the script on a page is no error.
   * @param {string} [tag]
   */
  static define(tag = "feed-widget") {
    if (!customElements.get(tag)) customElements.define(tag, this);
  }

  /** The channel shown, with everything below it. */
  get channel() {
    return (this.getAttribute("channel") ?? "").trim().toLowerCase();
  }
  set channel(value) {
    this.setAttribute("channel", value);
  }

  /** Address of the service; where this script came from unless set. */
  get src() {
    const url = safeUrl(this.getAttribute("src") || HOME, document.baseURI) ?? HOME;
    return url.replace(/\/+$/, "");
  }
  set src(value) {
    this.setAttribute("src", value);
  }

  /** How many items to start with and to add by "Load more": 0 to 500, 20 unless set. */
  get backlog() {
    const count = parseInt(this.getAttribute("backlog") ?? "");
    return count >= 0 ? Math.min(count, 500) : 20;
  }
  set backlog(value) {
    this.setAttribute("backlog", String(value));
  }

  /** The types shown; none means all. @returns {string[]} */
  get types() {
    return (this.getAttribute("types") ?? "").split(/[\s,]+/).filter(Boolean);
  }
  set types(value) {
    this.setAttribute("types", `${value}`);
  }

  /** `list`, `compact`, `cards` or `ticker`. */
  get layout() {
    const layout = this.getAttribute("layout") ?? "";
    return LAYOUTS.includes(layout) ? layout : LAYOUTS[0];
  }
  set layout(value) {
    this.setAttribute("layout", value);
  }
}
