/** `<feed-widget>`: one channel of a feed service, live, on any page. */

import { everyTick } from "./clock.js";
import { FeedView } from "./feed-view.js";
import { Held } from "./held.js";
import { Lifeline } from "./lifeline.js";
import { directionOf, usableLocale, withTexts } from "./locale.js";
import { poll } from "./poller.js";
import { safeUrl } from "./safe.js";
import { sharedClient } from "./shared.js";
import css from "./style.css";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./subscription.js").ItemChange} ItemChange
 */

const LAYOUTS = ["list", "cards", "ticker"];
/** More would be slow on a phone; older items have their own pages. */
const MAX_ITEMS = 300;
/** The directory of this script: the service that a page loaded it from. */
const HOME = new URL(".", import.meta.url).href;
/** Change on the wire to the event's name. */
const EVENTS = { created: "feed-item", updated: "feed-update", removed: "feed-remove" };

/** @type {CSSStyleSheet | undefined} one for all elements of the page */
let sheet;

function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}

export class FeedWidget extends HTMLElement {
  static observedAttributes = ["channel", "src", "backlog", "types", "layout", "lang"];

  /**
   * Register the element; a second copy of the script on a page is no error.
   * @param {string} [tag] @param {CustomElementRegistry} [registry]
   */
  static define(tag = "feed-widget", registry = customElements) {
    if (!registry.get(tag)) registry.define(tag, this);
  }

  #view;
  /** @type {any} what `subscribe` returned */
  #subscription;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {import("./render.js").Context | undefined} until the words are here */
  #context;
  #lifeline = new Lifeline(() => this.#poll(), () => this.#draw());
  #held = new Held();
  /** @type {Set<string>} new or changed since the page was last drawn */
  #fresh = new Set();
  #isPaused = false;
  #isDrawing = false;
  #isRestarting = false;
  #hasBacklog = false;
  #isRefused = false;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [styles()];
    this.#view = new FeedView(shadow, {
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
    if (old === value || !this.isConnected) return;
    if (name === "lang") return this.#localize();
    if (name === "layout") return this.#draw();
    if (this.#isRestarting) return;
    this.#isRestarting = true; // several attributes set in one turn restart once
    queueMicrotask(() => {
      this.#isRestarting = false;
      this.#stop();
      this.#start();
    });
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
    const count = Number.parseInt(this.getAttribute("backlog") ?? "", 10);
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
    this.setAttribute("types", value.join(" "));
  }

  /** `list`, `cards` or `ticker`. */
  get layout() {
    const layout = this.getAttribute("layout") ?? "";
    return LAYOUTS.includes(layout) ? layout : LAYOUTS[0];
  }
  set layout(value) {
    this.setAttribute("layout", value);
  }

  /** Collect what is new behind a button instead of showing it. */
  pause() {
    this.#isPaused = true;
    this.#draw();
  }

  /** Show what was collected and go on. */
  resume() {
    this.#isPaused = false;
    this.#release(false);
  }

  /** Add older items at the end. Resolves to whether there were any. */
  async loadMore() {
    const { more } = this.#view;
    more.setAttribute("aria-disabled", "true");
    try {
      return Boolean(await this.#subscription?.loadMore(this.backlog));
    } catch {
      return false; // the connection broke; the button is still there
    } finally {
      more.removeAttribute("aria-disabled");
    }
  }

  #start() {
    const { channel, backlog, types, src } = this;
    this.#localize();
    if (!channel) return;
    const client = sharedClient(src);
    const wishes = { backlog, types, limit: Math.max(MAX_ITEMS, backlog) };
    this.#subscription = client.subscribe(channel, wishes, {
      replace: (items) => this.#replaced(items),
      change: (change) => this.#changed(change),
      error: (error) => this.#refused(error),
    });
    const watch = (/** @type {import("./connection.js").State} */ state) => {
      this.#lifeline.watch(state);
      this.#tell("feed-state", { state });
    };
    // Captured, because the page may scroll in any of its boxes.
    const scrolled = () => this.#recheck();
    document.addEventListener("scroll", scrolled, { capture: true, passive: true });
    this.#undo.push(
      this.#subscription,
      client.on("state", watch),
      everyTick(() => this.#tick()),
      () => document.removeEventListener("scroll", scrolled, { capture: true }),
    );
    watch(client.state);
  }

  #localize() {
    const around = this.closest("[lang]")?.getAttribute("lang");
    const locale = usableLocale(this.getAttribute("lang"), around, navigator.language);
    withTexts(locale, (texts) => {
      this.#context = { locale, texts, base: `${this.src}/` };
      this.#draw();
    });
  }

  #stop() {
    this.#undo.splice(0).forEach((undo) => undo());
    this.#lifeline.stop();
    this.#held.release();
    this.#subscription = undefined;
    this.#hasBacklog = this.#isRefused = false;
  }

  #poll() {
    const { channel, src, backlog, types } = this;
    const limit = Math.max(backlog, this.#items.length);
    const query = new URLSearchParams({ limit: String(limit) });
    if (types.length) query.set("types", types.join());
    const url = `${src}/api/channels/${encodeURIComponent(channel)}/items?${query}`;
    return poll(url, (items, more) => this.#subscription?.replace(items, more));
  }

  /** @returns {Item[]} */
  get #items() {
    return this.#subscription?.items ?? [];
  }

  /** The page must not move: the reader is busy, or something is held back already. */
  get #mustHold() {
    return this.#isPaused || !this.#held.isEmpty || this.#view.isInUse(this);
  }

  /** @param {Item[]} items */
  #replaced(items) {
    if (this.#hasBacklog && this.#mustHold) {
      const shown = items.findIndex((item) => this.#view.has(item.id));
      for (const { id } of items.slice(0, Math.max(shown, 0))) this.#held.add(id, true);
    }
    this.#hasBacklog = true;
    this.#isRefused = false;
    this.#draw();
  }

  /** @param {ItemChange} change */
  #changed({ change, item, backfill }) {
    if (change === "removed") this.#held.drop(item.id);
    else if (change === "created" && this.#mustHold) this.#held.add(item.id, !backfill);
    else if (!backfill) this.#fresh.add(item.id);
    if (change === "created" && !backfill) this.#view.announce();
    this.#tell(EVENTS[change], { item, backfill });
    this.#draw();
  }

  /** @param {import("./errors.js").FeedError} error */
  #refused(error) {
    this.#isRefused = !error.isTemporary;
    this.#tell("feed-state", { state: "refused", code: error.code });
    this.#draw();
  }

  /** Show what is held. @param {boolean} isAsked the reader pressed the button */
  #release(isAsked) {
    const ids = this.#held.release();
    for (const id of ids) this.#fresh.add(id);
    this.#show();
    if (isAsked) this.#view.goToTop(this);
  }

  /** The reader left or is back at the top: nothing speaks against showing it. */
  #recheck() {
    if (this.#held.isEmpty || this.#isPaused) return;
    requestAnimationFrame(() => {
      const isFree = !this.#held.isEmpty && !this.#isPaused && !this.#view.isInUse(this);
      if (isFree) this.#release(false);
    });
  }

  #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true; // however many messages a frame brings, one drawing
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#show();
    });
  }

  #show() {
    if (!this.#context) return;
    const items = this.#items.filter((item) => !this.#held.has(item.id));
    this.#view.show(items, this.#context, {
      more: Boolean(this.#subscription?.more),
      fresh: this.#fresh,
    });
    this.#view.frame(this.#context, {
      layout: this.layout,
      dir: this.hasAttribute("lang") ? directionOf(this.#context.locale) : "",
      waiting: this.#held.count,
      isPaused: this.#isPaused,
      isLoading: !this.#hasBacklog,
      isRefused: this.#isRefused,
      isDown: this.#lifeline.isDown,
    });
    this.#fresh.clear();
    this.#tick();
  }

  #tick() {
    if (this.#context) this.#view.tick(this.#context.locale, Date.now());
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
