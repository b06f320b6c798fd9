/** One reader's view of a channel: its filter, its list, its handlers. */

import { covers } from "./covers.js";
import { ItemList } from "./item-list.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {{change: "created" | "updated" | "removed", item: Item, backfill: boolean}} ItemChange
 * @typedef {{replace?(items: Item[]): void, change?(change: ItemChange): void,
 *   error?(error: import("./errors.js").FeedError): void}} Handlers
 * @typedef {{backlog?: number, types?: string[], limit?: number,
 *   start?: import("./handover.js").Start}} Wishes
 * @typedef {(before: string | undefined, limit: number) =>
 *   Promise<{items: Item[], next: string | null}>} FetchPage
 */

/** The largest page the service gives. */
const MAX_PAGE = 500;
/** Far more than arrives during one backlog; the newest changes win. */
const MAX_HELD = 1000;

export class Subscription {
  /** Stop showing the channel. @type {() => void} */
  stop = () => {};
  /** Holding back live messages until the first backlog is here. */
  isLoading = true;
  /** @type {{item: Item, backfill: boolean}[]} */
  #held = [];
  #isAsking = false;
  #fetchPage;

  /**
   * @param {string} channel
   * @param {Wishes} wishes
   * @param {Handlers} handlers
   * @param {FetchPage} fetchPage
   */
  constructor(channel, { backlog = 20, types, limit }, handlers, fetchPage) {
    this.channel = channel;
    this.backlog = backlog;
    this.types = types?.length ? [...types].sort() : undefined;
    this.handlers = handlers;
    this.list = new ItemList(limit);
    this.#fetchPage = fetchPage;
  }

  get items() {
    return this.list.items;
  }

  /** There are older ones, and there is room for them. */
  get more() {
    return this.list.more && this.items.length < this.list.limit;
  }

  /**
   * Live, or a change told by a resumed subscription.
   * @param {Item} item @param {boolean} [backfill]
   */
  apply(item, backfill = false) {
    if (!covers(this.channel, item.channel)) return;
    if (this.isLoading) return this.#hold(item, backfill);
    // Removals name no type, and an item may change into a type not asked for.
    const wanted = item.removed || !this.types || this.types.includes(item.type);
    const change = this.list.apply(wanted ? item : { ...item, removed: true });
    if (change) this.handlers.change?.({ ...change, backfill });
  }

  /** @param {Item} item @param {boolean} backfill */
  #hold(item, backfill) {
    this.#held.push({ item, backfill });
    if (this.#held.length > MAX_HELD) this.#held.shift();
  }

  /**
   * A fresh backlog replaces everything; what came meanwhile goes on top.
   * @param {Item[]} items @param {boolean} more @param {string} [page]
   */
  replace(items, more, page) {
    const held = this.#held;
    this.#held = [];
    this.isLoading = false;
    this.list.replace(items, more, page);
    this.handlers.replace?.(this.list.items);
    for (const { item, backfill } of held) this.apply(item, backfill);
  }

  /**
   * Begin with a page that is here already, unless the channel has moved on since it
   * was made: what happened in between would be missed.
   * @param {import("./handover.js").Start} start @param {{cursor?: string}} interest
   */
  startWith({ items, next, cursor }, interest) {
    interest.cursor ??= cursor;
    if (interest.cursor === cursor) this.replace(items, next !== null, next ?? undefined);
  }

  /** What was asked for is what this one wants. @param {import("./interest.js").Asked} asked */
  fits({ types, backlog }) {
    return `${this.types}` === `${types}` && this.backlog <= backlog;
  }

  /** Continuity is lost: hold back until the next backlog. */
  startAgain() {
    this.isLoading = true;
    this.#held = [];
  }

  /** The first backlog, asked for on its own because the answer of others doesn't fit. */
  async load() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const { items, next } = await this.#fetchPage(undefined, this.backlog);
      this.replace(items, next !== null, next ?? undefined);
    } finally {
      this.#isAsking = false;
    }
  }

  /**
   * Add older items below. Resolves to false when there are none, or no room.
   * @param {number} [count]
   */
  async loadMore(count = this.backlog || 20) {
    const { list } = this;
    if (this.isLoading || !this.more) return false;
    const { length } = list.items;
    let limit;
    do {
      // No page token yet: ask for what is here once more, and the token with it.
      limit = list.page ? count : Math.min(MAX_PAGE, length + count);
      const { items, next } = await this.#fetchPage(list.page, limit);
      list.append(items, next !== null, next ?? undefined);
    } while (limit === MAX_PAGE && this.more && list.items.length <= length);
    this.handlers.replace?.(list.items);
    return true;
  }
}
