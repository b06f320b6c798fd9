/** `<feed-widget>`: one channel of a feed service, live, on any page. */

import css from "./style.css";
import { FeedAttributes } from "./attributes.js";
import { everyTick } from "./clock.js";
import { FeedView } from "./feed-view.js";
import { Lifeline } from "./lifeline.js";
import { usableLocale, withTexts } from "./locale.js";
import { liftPlaying } from "./on-air.js";
import { poll } from "./poller.js";
import { sharedReader } from "./shared.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./subscription.js").ItemChange} ItemChange
 */

/** In the page at a time; more would be slow on a phone. */
const MAX_SHOWN = 100;
/** Kept for a reader who pages back, or whom new items must not disturb. */
const MAX_KEPT = 10000;
/** How many come back at a time when the reader scrolls up again. */
const STEP = 50;
/** Change on the wire to the event's name. */
const EVENTS = { created: "item", updated: "update", removed: "remove" };

/** @type {CSSStyleSheet | undefined} one for all elements of the page */
let sheet;

export class FeedWidget extends FeedAttributes {
  #view;
  /** @type {import("./subscription.js").Subscription | undefined} */
  #subscription;
  /** Ends what was started. @type {AbortController | undefined} */
  #end;
  /** @type {import("./render.js").Context | undefined} */
  #context;
  #lifeline = new Lifeline(() => this.#poll(), () => this.#draw());
  /** New items kept back while the reader is busy: id to whether it is announced. */
  /** @type {Map<string, boolean>} */
  #held = new Map();
  /** @type {Set<string>} new, changed or removed since the page was last drawn */
  #fresh = new Set();
  /** The first of the items in the page; those above it are out of sight. */
  #first = 0;
  /** The uppermost of all that may be shown, when the page was last drawn. */
  #top = "";
  #isPaused = false;
  #isDrawing = false;
  #isRestarting = false;
  #isLoading = true;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
    shadow.adoptedStyleSheets = [sheet];
    this.#view = new FeedView(this, shadow, {
      release: () => this.#release(true),
      toggle: () => (this.#isPaused ? this.resume() : this.pause()),
      loadMore: () => this.loadMore(),
    });
    shadow.addEventListener("focusout", () => this.#recheck());
  }

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#stop();
  }

  /** @param {string} name @param {string | null} old @param {string | null} value */
  attributeChangedCallback(name, old, value) {
    if (old === value || !this.#end) return;
    if (name === "lang" || name === "layout") this.#localize();
    else this.restart();
  }

  /** Begin anew: once, however much is set in one turn. */
  restart() {
    if (!this.#end || this.#isRestarting) return;
    this.#isRestarting = true;
    queueMicrotask(() => {
      this.#isRestarting = false;
      if (!this.#end) return;
      this.#stop();
      this.#start();
    });
  }

  /** Collect what is new behind a button instead of showing it. */
  pause() {
    this.#isPaused = true;
    this.#show();
  }

  /** Show what was collected and go on. */
  resume() {
    this.#isPaused = false;
    this.#release(false);
  }

  /** Add older items at the end. Resolves to whether there were any. */
  async loadMore() {
    const { more } = this.#view;
    const end = Math.min(this.#items.length, this.#first + this.#most);
    more.ariaDisabled = "true";
    try {
      this.#keep(MAX_KEPT);
      if (this.#items.length < end + this.backlog) await this.#subscription?.loadMore(this.backlog);
    } catch {
      return false; // the connection broke; the button is still there
    } finally {
      more.ariaDisabled = null;
    }
    const now = Math.min(this.#items.length, end + (this.backlog || 20));
    this.#first = Math.max(this.#first, now - this.#most);
    this.#draw();
    return now > end;
  }

  /**
   * What is here already, of those that are rendered by the service.
   * @returns {import("./handover.js").Given | undefined}
   */
  takeOver() {
    return undefined;
  }

  /**
   * The connection, shared with other elements; those with a token bring their own.
   * @returns {import("./reader.js").FeedReader}
   */
  get reader() {
    return sharedReader(this.src);
  }

  /**
   * Ask the service over HTTP.
   * @param {string} url @param {RequestInit} options
   */
  request(url, options) {
    return fetch(url, options);
  }

  /** @param {number} limit */
  #keep(limit) {
    if (this.#subscription) this.#subscription.list.limit = limit;
  }

  #start() {
    const { channel, backlog, types } = this;
    const { signal } = (this.#end = new AbortController());
    this.#localize();
    if (!channel) return;
    const { reader } = this;
    const given = this.takeOver();
    if (given) this.#view.adopt(given);
    const wishes = { backlog, types, limit: this.#most, start: given?.start };
    this.#subscription = reader.subscribe(channel, wishes, {
      replace: (items) => this.#replaced(items),
      change: (change) => this.#changed(change),
      error: (error) => this.#refused(error),
    });
    const watch = (/** @type {import("./connection.js").State} */ state) => {
      this.#lifeline.watch(state);
      this.#tell("state", { state });
    };
    // Captured, because the page may scroll in any of its boxes.
    document.addEventListener("scroll", () => this.#recheck(), { signal, capture: true });
    for (const undo of [reader.on("state", watch), everyTick(() => this.#age())]) {
      signal.addEventListener("abort", undo);
    }
    watch(reader.state);
  }

  #localize() {
    const around = this.closest("[lang]")?.getAttribute("lang");
    const locale = usableLocale(around, navigator.language);
    withTexts(locale, (texts) => {
      this.#context = { locale, texts, base: `${this.src}/` };
      this.#draw();
    });
  }

  #stop() {
    this.#end?.abort();
    this.#end = undefined;
    this.#lifeline.stop();
    this.#subscription?.stop();
    this.#held.clear();
    this.#subscription = undefined;
    this.#first = 0;
    this.#isLoading = true;
  }

  #poll() {
    const { channel, src, backlog, types } = this;
    const limit = Math.max(backlog, this.#items.length);
    const query = `limit=${limit}${types.length ? `&types=${types}` : ""}`;
    const url = `${src}/api/channels/${encodeURIComponent(channel)}/items?${query}`;
    const request = (/** @type {RequestInit} */ options) => this.request(url, options);
    return poll(request, (items, more) => this.#subscription?.replace(items, more));
  }

  /** @returns {Item[]} */
  get #items() {
    return this.#subscription?.items ?? [];
  }

  /** How many may be in the page. */
  get #most() {
    return Math.max(MAX_SHOWN, this.backlog);
  }

  /** The page must not move: the reader is busy, or something is held back already. */
  get #mustHold() {
    return this.#isPaused || this.#first > 0 || this.#held.size > 0 || this.#view.isInUse;
  }

  /** @param {Item[]} items */
  #replaced(items) {
    if (!this.#isLoading && this.#mustHold) {
      const shown = items.findIndex((item) => item.id === this.#top || this.#view.has(item));
      for (const { id } of items.slice(0, Math.max(shown, 0))) this.#held.set(id, true);
    }
    this.#isLoading = false;
    this.#draw();
  }

  /** @param {ItemChange} change */
  #changed({ change, item, backfill }) {
    const mustHold = this.#mustHold;
    // What the reader is looking at stays, however much comes in above it.
    this.#keep(mustHold ? MAX_KEPT : this.#most);
    if (change === "removed") this.#held.delete(item.id);
    if (change === "created" && mustHold) this.#held.set(item.id, !backfill);
    else if (!backfill && !document.hidden) this.#fresh.add(item.id);
    if (change === "created" && !backfill) this.#view.announce(this.#context);
    this.#tell(EVENTS[change], { item, backfill });
    this.#draw();
  }

  /** @param {import("./errors.js").FeedError} error */
  #refused({ isTemporary, code }) {
    if (!isTemporary) this.#isLoading = false;
    this.#tell("state", { state: "refused", code });
    this.#draw();
  }

  /** Show what is held. @param {boolean} isAsked the reader pressed the button */
  #release(isAsked) {
    for (const id of this.#held.keys()) this.#fresh.add(id);
    this.#held.clear();
    if (isAsked) this.#first = 0;
    this.#show();
    if (isAsked) this.#view.goToTop();
  }

  /** The reader has moved: back up to older pages, or to where nothing speaks against new items. */
  #recheck() {
    requestAnimationFrame(() => {
      if (this.#first && this.#view.topEdge > -innerHeight) {
        this.#first = Math.max(0, this.#first - STEP);
        this.#show();
      }
      const isFree = !this.#isPaused && !this.#first && !this.#view.isInUse;
      if (isFree && this.#held.size > 0) this.#release(false);
    });
  }

  async #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true; // however many messages come, one drawing
    await this.#view.still;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#show();
    });
  }

  #show() {
    const context = this.#context;
    if (!context) return;
    const items = this.#items.filter(({ id }) => !this.#held.has(id));
    this.#top = items[0]?.id;
    const playing = liftPlaying(items);
    const first = (this.#first = Math.min(this.#first, Math.max(0, items.length - this.#most)));
    const end = first + this.#most;
    const more = Boolean(this.#subscription?.more) || end < items.length;
    this.#view.show(context, {
      items: items.slice(first, end),
      first,
      size: more ? -1 : items.length,
      more,
      playing,
      fresh: this.#fresh,
      layout: this.layout,
      label: this.ariaLabel || this.channel,
      waiting: [...this.#held.values()].filter(Boolean).length,
      isPaused: this.#isPaused,
      isLoading: this.#isLoading,
      isDown: this.#lifeline.isDown,
    });
    this.#fresh.clear();
  }

  /** Times age, and what plays comes to its end. */
  #age() {
    if (this.#context) this.#view.tick(this.#context.locale, Date.now());
    this.#draw();
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`feed-${name}`, { detail, bubbles: true, composed: true }));
  }
}
