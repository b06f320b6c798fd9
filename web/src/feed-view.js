/** The shadow DOM of one element: shows a list of items and moves as little as it can. */

import { h, patch } from "./dom.js";
import { relative } from "./dates.js";
import { onFeedKeys } from "./keys.js";
import { appear, collapse, isCalm } from "./motion.js";
import { render } from "./render.js";
import { endOf } from "./render-audio.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./render.js").Context} Context
 * @typedef {{node: HTMLElement, item: Item, context: Context}} Entry
 * @typedef {{release(): void, toggle(): void, loadMore(): void}} Actions
 * @typedef {{layout: string, dir: string, waiting: number, isPaused: boolean,
 *   isLoading: boolean, isRefused: boolean, isDown: boolean}} Frame
 */

/** Screen readers hear one sum of what a busy second brought. */
const ANNOUNCE_MS = 1000;

let lastId = 0;

export class FeedView {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #shadow;
  #isDown = false;
  #news = 0;
  /** @type {Record<string, string>} */
  #texts = { new: "" };

  /** @param {ShadowRoot} shadow @param {Actions} actions */
  constructor(shadow, actions) {
    this.#shadow = shadow;
    this.status = h("p", { role: "status", class: "status", part: "status" });
    this.pause = button("pause", actions.toggle);
    this.pill = button("pill", actions.release);
    this.pill.hidden = true;
    this.feed = h("div", { role: "feed", class: "feed", part: "feed", tabindex: -1 });
    this.empty = h("p", { class: "empty", part: "empty" });
    this.more = button("more", actions.loadMore);
    this.more.hidden = true;
    this.end = h("span", { tabindex: -1 });
    this.slot = h("slot");
    /** @type {HTMLElement} */
    this.root = h(
      "div",
      { class: "root", part: "root" },
      h("div", { class: "bar", part: "bar" }, this.status, this.pause),
      h("div", { class: "float" }, this.pill),
      this.feed,
      this.slot,
      this.empty,
      this.more,
      this.end,
    );
    onFeedKeys(this.feed, () => this.articles, this.pause, this.end);
    shadow.append(this.root);
  }

  /** @returns {HTMLElement[]} */
  get articles() {
    return [...this.feed.children].flatMap((child) =>
      child instanceof HTMLElement && !child.inert ? [child] : [],
    );
  }

  /** @returns {HTMLElement | null} */
  get focused() {
    return /** @type {HTMLElement | null} */ (this.#shadow.activeElement);
  }

  /** Ids on the page. @param {string} id */
  has(id) {
    return this.#entries.has(id);
  }

  /**
   * Show exactly these items in this order.
   * @param {Item[]} items
   * @param {Context} context a new object when words or language changed
   * @param {{more: boolean, fresh: Set<string>}} how `fresh` ones are shown to be new
   */
  show(items, context, { more, fresh }) {
    const focused = this.focused;
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, entry] of this.#entries) if (!wanted.has(id)) this.#remove(id, entry);
    /** @type {HTMLElement | null} */
    let below = null;
    for (let index = items.length - 1; index >= 0; index--) {
      const node = this.#article(items[index], context, fresh.has(items[index].id));
      node.setAttribute("aria-posinset", String(index + 1));
      node.setAttribute("aria-setsize", String(more ? -1 : items.length));
      if (staying(node.nextElementSibling) !== below || !node.isConnected) {
        this.feed.insertBefore(node, below);
      }
      below = node;
    }
    if (focused?.isConnected && focused !== this.focused) focused.focus({ preventScroll: true });
    if (!more && this.focused === this.more) this.end.focus({ preventScroll: true });
    this.more.hidden = !more;
  }

  /**
   * Everything around the items.
   * @param {Context} context @param {Frame} frame
   */
  frame({ texts, locale }, { layout, dir, waiting, isPaused, isLoading, isRefused, isDown }) {
    this.#texts = texts;
    this.root.className = `root ${layout}`;
    this.root.dir = dir;
    this.root.lang = locale;
    this.feed.ariaLabel = texts.feed;
    this.feed.ariaBusy = String(isLoading);
    write(this.pause, isPaused ? texts.resume : texts.pause);
    this.pause.classList.toggle("paused", isPaused);
    this.pill.hidden = waiting === 0;
    if (waiting) write(this.pill, newItems(texts, waiting));
    write(this.more, texts.more);
    this.slot.hidden = !isLoading && !isRefused;
    const nothing = isRefused ? texts.refused : isLoading ? texts.loading : texts.empty;
    write(this.empty, this.#entries.size ? "" : nothing);
    if (isDown !== this.#isDown) write(this.status, isDown ? texts.reconnecting : "");
    this.status.classList.toggle("trouble", isDown);
    this.#isDown = isDown;
  }

  /** One more new item; the status line says how many. */
  announce() {
    if (this.#news++) return;
    setTimeout(() => {
      if (!this.#isDown) write(this.status, newItems(this.#texts, this.#news));
      this.#news = 0;
    }, ANNOUNCE_MS);
  }

  /**
   * The reader is inside or has scrolled on: items must not move.
   * @param {HTMLElement} host
   */
  isInUse(host) {
    const { feed, focused } = this;
    if (focused && (feed.contains(focused) || focused === this.more)) return true;
    return (
      host.getBoundingClientRect().top < 0 ||
      [host, feed].some((box) => box.scrollTop > 0 || Math.abs(box.scrollLeft) > 0)
    );
  }

  /** Bring the newest into view and to the keyboard. @param {HTMLElement} host */
  goToTop(host) {
    const behavior = isCalm() ? "auto" : "smooth";
    for (const box of [host, this.feed]) box.scrollTo({ top: 0, left: 0, behavior });
    if (host.getBoundingClientRect().top < 0) host.scrollIntoView({ behavior });
    this.articles[0]?.focus({ preventScroll: true });
  }

  /** Let the times age. @param {string} locale @param {number} now */
  tick(locale, now) {
    for (const time of this.feed.querySelectorAll("time[data-ages]")) {
      const text = relative(Date.parse(time.getAttribute("datetime") ?? ""), now, locale);
      if (time.textContent !== text) time.textContent = text;
    }
    let isFirst = true;
    for (const { id, item } of this.articles.map((node) => this.#entryOf(node))) {
      if (item?.type !== "track") continue;
      this.#entries.get(id)?.node.classList.toggle("playing", isFirst && endOf(item) > now);
      isFirst = false;
    }
  }

  /** @param {HTMLElement} node */
  #entryOf(node) {
    const id = node.dataset.id ?? "";
    return { id, item: this.#entries.get(id)?.item };
  }

  /** @param {Item} item @param {Context} context @param {boolean} isFresh */
  #article(item, context, isFresh) {
    const known = this.#entries.get(item.id);
    if (known?.item.rev === item.rev && known.context === context) return known.node;
    const node = known?.node ?? h("article", { tabindex: 0, "data-id": item.id });
    node.className = `item ${item.type}`;
    node.setAttribute("part", `item ${item.type}`);
    this.#fill(node, render(item, context));
    this.#entries.set(item.id, { node, item, context });
    if (isFresh) appear(node, !known);
    return node;
  }

  /** @param {HTMLElement} node @param {Node[]} blocks */
  #fill(node, blocks) {
    const hadFocus = node.contains(this.focused) && this.focused !== node;
    const id = node.getAttribute("aria-labelledby") ?? `n${++lastId}`;
    const name = find(blocks, ".title, .name");
    if (name) name.id = id;
    node.setAttribute("aria-labelledby", id);
    patch(node, blocks);
    if (hadFocus && !node.contains(this.focused)) node.focus({ preventScroll: true });
  }

  /** @param {string} id @param {Entry} entry */
  #remove(id, { node }) {
    this.#entries.delete(id);
    if (node.contains(this.focused)) {
      const articles = this.articles;
      const at = articles.indexOf(node);
      (articles[at + 1] ?? articles[at - 1] ?? this.feed).focus({ preventScroll: true });
    }
    collapse(node);
  }
}

/** @param {Record<string, string>} texts @param {number} count */
const newItems = (texts, count) => texts.new.replace("{n}", String(count));

/** Touch the DOM only if the text differs. @param {HTMLElement} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Node[]} blocks @param {string} selector
 * @returns {Element | undefined} the first match in or among the blocks
 */
function find(blocks, selector) {
  const elements = blocks.filter((block) => block instanceof Element);
  for (const element of elements) {
    const found = element.matches(selector) ? element : element.querySelector(selector);
    if (found) return found;
  }
}

/** @param {string} name @param {() => void} act */
function button(name, act) {
  const element = h("button", { type: "button", class: name, part: name });
  element.addEventListener("click", act);
  return element;
}

/** The next sibling that isn't on its way out. @param {Element | null} node */
function staying(node) {
  while (node instanceof HTMLElement && node.inert) node = node.nextElementSibling;
  return node;
}
