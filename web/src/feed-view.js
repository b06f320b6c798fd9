/** The shadow DOM of one element: shows a list of items and moves as little as it can. */

import { relative } from "./dates.js";
import { h, patch } from "./dom.js";
import { targetOf } from "./keys.js";
import { calm, slide } from "./motion.js";
import { render } from "./render.js";
import { fillTemplate } from "./template.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./render.js").Context} Context
 * @typedef {{node: HTMLElement, rev: number, context?: Context}} Entry
 * @typedef {{release(): void, toggle(): void, loadMore(): void}} Actions
 * @typedef {{layout: string, label: string, items: Item[], first: number,
 *   size: number, more: boolean, fresh: Set<string>, playing: Item | undefined,
 *   waiting: number, isPaused: boolean, isLoading: boolean, isDown: boolean}} Frame
 *   all that is on the page: `items` of the `size` known, from the `first` on
 */

/** More than these are in no window. */
const MAX_SEEN = 16;
/** When more than these come at once, nobody looks at each. */
const MAX_LIT = 3;
/** Screen readers hear one sum of what a busy second brought. */
const ANNOUNCE_MS = 1000;

export class FeedView {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #host;
  #shadow;
  #isDown = false;
  #news = 0;
  /** The time for the next change: what moves jolts if it is moved on. @type {Promise<unknown> | undefined} */
  still;
  /** What stood around adopted articles, until they are shown. @type {Element[]} */
  #rest = [];

  /** @param {HTMLElement} host @param {ShadowRoot} shadow @param {Actions} actions */
  constructor(host, shadow, actions) {
    this.#host = host;
    this.#shadow = shadow;
    this.status = h("p.status", { role: "status" });
    this.pause = button("pause", actions.toggle);
    this.pill = button("pill", actions.release);
    this.feed = h("div.feed", { role: "feed", tabindex: -1 });
    this.slot = h("slot");
    this.empty = h("p.empty");
    this.more = button("more", actions.loadMore);
    this.end = h("span", { tabindex: -1 });
    this.root = h(
      "div.root",
      {},
      h("div.bar", {}, this.status, this.pause),
      h("div.float", {}, this.pill),
      this.feed,
      this.slot,
      h("slot", { name: "empty" }, this.empty),
      this.more,
      this.end,
    );
    this.feed.onkeydown = (event) => {
      const target = targetOf(event, this.articles, this.pause, this.end);
      if (!target) return;
      event.preventDefault();
      target.focus();
    };
    // Pictures that don't load leave no torn frame behind.
    const torn = (/** @type {any} */ { target }) => (target.hidden = target.localName === "img");
    shadow.addEventListener("error", torn, true);
    shadow.append(this.root);
  }

  /** @returns {HTMLElement[]} */
  get articles() {
    return /** @type {any} */ ([...this.feed.children]);
  }

  /** @returns {HTMLElement | null} */
  get #focused() {
    return /** @type {HTMLElement | null} */ (this.#shadow.activeElement);
  }

  /** It is on the page. @param {Item} item */
  has({ id }) {
    return this.#entries.has(id);
  }

  /** Show what the service has rendered, as it is. @param {import("./handover.js").Given} given */
  adopt({ rendered, rest }) {
    this.#rest = rest;
    for (const { node, item } of rendered) this.#entries.set(item.id, { node, rev: item.rev });
  }

  /**
   * Show exactly this.
   * @param {Context} context a new object when words or language changed
   * @param {Frame} frame
   */
  show(context, frame) {
    const { items, more } = frame;
    const focused = this.#focused;
    const seen = this.#seen;
    const places = () => seen.map((node) => node.offsetTop);
    const old = places();
    this.#showItems(context, frame);
    const moved = places().map((place, index) => place - old[index]); // all are read before one moves
    // Where the reader has scrolled, browsers keep the uppermost in its place.
    const kept = this.#isScrolled && seen[0]?.isConnected ? moved[0] : 0;
    this.still = Promise.all([calm(), ...seen.map((node, index) => slide(node, moved[index] - kept))]);
    this.#showFrame(context, frame);
    for (const node of this.#rest.splice(0)) node.remove();
    if (focused?.isConnected && focused !== this.#focused) focused.focus({ preventScroll: true });
    if (focused === this.more && !more) this.end.focus({ preventScroll: true });
  }

  /** @param {Context} context @param {Frame} frame */
  #showItems(context, { items, first, size, fresh, playing }) {
    const wanted = new Set(items.map(({ id }) => id));
    for (const [id, { node }] of this.#entries) {
      if (!wanted.has(id)) this.#remove(id, node);
    }
    /** @type {HTMLElement | null} */
    let below = null;
    for (let index = items.length; index--; ) {
      const item = items[index];
      const node = this.#article(item, context, fresh.size <= MAX_LIT && fresh.has(item.id));
      node.ariaPosInSet = `${first + index + 1}`;
      node.ariaSetSize = `${size}`;
      node.classList.toggle("playing", item === playing);
      if (node.parentNode !== this.feed || node.nextElementSibling !== below) this.feed.insertBefore(node, below);
      below = node;
    }
  }

  /** @param {Context} context @param {Frame} frame */
  #showFrame({ texts, locale }, { layout, label, items, more, waiting, isPaused, isLoading, isDown }) {
    const { root, feed, pause, pill } = this;
    root.className = `root ${layout}`;
    if (root.lang !== locale) root.lang = locale; // to set it restyles all that is inside
    feed.ariaLabel = label;
    feed.ariaBusy = `${isLoading}`;
    write(pause, texts.pause);
    pause.ariaPressed = `${isPaused}`;
    pill.hidden = !waiting;
    write(pill, newItems(texts, waiting));
    write(this.more, texts.more);
    this.more.hidden = !more;
    this.slot.hidden = !isLoading;
    this.empty.hidden = isLoading || items.length > 0;
    write(this.empty, texts.empty);
    if (isDown !== this.#isDown) write(this.status, isDown ? texts.reconnecting : "");
    this.status.classList.toggle("trouble", (this.#isDown = isDown));
  }

  /** One more new item; the status line says how many. @param {Context} [context] */
  announce(context) {
    if (this.#news++) return;
    setTimeout(() => {
      if (!this.#isDown && context) write(this.status, newItems(context.texts, this.#news));
      this.#news = 0;
    }, ANNOUNCE_MS);
  }

  /** The reader is inside or has scrolled on: items must not move. */
  get isInUse() {
    const { feed, more } = this;
    const focused = this.#focused;
    return (focused && (feed.contains(focused) || focused === more)) || this.#isScrolled;
  }

  get #isScrolled() {
    return this.topEdge < 0 || [this.#host, this.feed].some((box) => box.scrollTop > 0 || box.scrollLeft);
  }

  /** The articles in the window, and some below. */
  get #seen() {
    const edge = Math.max(this.topEdge, 0);
    const { articles } = this;
    const first = articles.findIndex((node) => node.getBoundingClientRect().bottom > edge);
    return articles.slice(first, first + MAX_SEEN);
  }

  /** Where the first item is, above (less than 0) or below the upper edge of the window. */
  get topEdge() {
    return this.#host.getBoundingClientRect().top;
  }

  /** Bring the newest into view and to the keyboard. */
  goToTop() {
    for (const box of [this.#host, this.feed]) box.scrollTop = box.scrollLeft = 0;
    if (this.topEdge < 0) this.#host.scrollIntoView();
    this.articles[0]?.focus({ preventScroll: true });
  }

  /** Let the times age. @param {string} locale @param {number} now */
  tick(locale, now) {
    for (const time of this.feed.querySelectorAll("time[title]")) {
      write(time, relative(Date.parse(time.getAttribute("datetime") ?? ""), now, locale));
    }
  }

  /** @param {Item} item @param {Context} context @param {boolean} isFresh */
  #article(item, context, isFresh) {
    const { id, rev, type } = item;
    const known = this.#entries.get(id);
    if (known?.rev === rev && (known.context ??= context) === context) return known.node;
    const node = known?.node ?? h("article", { tabindex: 0, "data-id": id });
    node.setAttribute("part", (node.className = `item ${type}`));
    node.classList.toggle("fresh", isFresh);
    this.#fill(node, fillTemplate(this.#host, item, context.base) ?? render(item, context));
    this.#entries.set(id, { node, rev, context });
    return node;
  }

  /** @param {HTMLElement} node @param {Node[]} blocks */
  #fill(node, blocks) {
    const hadFocus = node.contains(this.#focused) && this.#focused !== node;
    patch(node, blocks);
    node.ariaLabel = node.querySelector(".title, .name")?.textContent ?? null;
    if (hadFocus && !node.contains(this.#focused)) node.focus({ preventScroll: true });
  }

  /** @param {string} id @param {HTMLElement} node */
  #remove(id, node) {
    this.#entries.delete(id);
    if (node.contains(this.#focused)) {
      const articles = this.articles;
      const at = articles.indexOf(node);
      (articles[at + 1] ?? articles[at - 1] ?? this.feed).focus({ preventScroll: true });
    }
    node.remove();
  }
}

/** @param {Record<string, string>} texts @param {number} count */
const newItems = (texts, count) => texts.new.replace("{n}", `${count}`);

/** Touch the DOM only if the text differs. @param {Element} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {string} name @param {() => void} act */
function button(name, act) {
  const element = h(`button.${name}`, { type: "button" });
  element.onclick = act;
  return element;
}
