/** The items of one subscription in display order; a pure model, applied to by messages. */

/**
 * @typedef {{id: string, channel: string, rev: number, type: string, date: string,
 *   pinned?: boolean, removed?: boolean, [field: string]: any}} Item
 * @typedef {{change: "created" | "updated" | "removed", item: Item}} Change
 */

/** Enough to outlive every answer in flight; older removals cannot be overtaken. */
const TOMBSTONES = 1000;

/**
 * Newest first, equal dates by id: the order of every door.
 * Dates are ISO 8601 in UTC with milliseconds, so they compare as text.
 * @param {Pick<Item, "date" | "id">} a
 * @param {Pick<Item, "date" | "id">} b
 */
export function byDate(a, b) {
  return compare(b.date, a.date) || compare(b.id, a.id);
}

/**
 * The order on the page: pinned items above all others.
 * @param {Item} a
 * @param {Item} b
 */
export function byPlace(a, b) {
  return Number(Boolean(b.pinned)) - Number(Boolean(a.pinned)) || byDate(a, b);
}

/** @param {string} a @param {string} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

export class ItemList {
  /** @type {Item[]} */
  items = [];
  /** Older items exist below the end. */
  more = false;
  /** @type {string | undefined} the page below the end, if one is known */
  page;
  /** @type {Pick<Item, "date" | "id"> | undefined} how far down the list is without holes */
  #end;
  /** @type {Map<string, Item>} */
  #byId = new Map();
  /** @type {Map<string, number>} id to the rev of its removal */
  #removed = new Map();

  constructor(limit = 300) {
    /** May change at any time; what is too much goes with the next change. */
    this.limit = limit;
  }

  /**
   * Start again from a fresh backlog.
   * @param {Item[]} items @param {boolean} more @param {string} [page]
   */
  replace(items, more, page) {
    this.items = [];
    this.#byId.clear();
    this.#removed.clear();
    this.#end = undefined;
    this.append(items, more, page);
  }

  /**
   * Add an older page. What is already here in a newer rev stays as it is.
   * @param {Item[]} items @param {boolean} more @param {string} [page]
   */
  append(items, more, page) {
    this.more = false;
    for (const item of items) this.apply(item);
    if (this.more) return; // it overflowed: the page below is no longer ours
    this.more = more;
    this.page = page;
    this.#end = items.filter(({ pinned }) => !pinned).sort(byDate).at(-1) ?? this.#end;
  }

  /**
   * Apply one message; safe to repeat and to run out of order.
   * @param {Item} item
   * @returns {Change | undefined} what it changed, if anything
   */
  apply(item) {
    const known = this.#byId.get(item.id);
    if (item.rev <= (known?.rev ?? this.#removed.get(item.id) ?? -1)) return;
    if (known) this.#take(known);
    if (item.removed) this.#bury(item);
    if (item.removed || this.#isBelowEnd(item)) {
      return known && { change: "removed", item: known };
    }
    this.#removed.delete(item.id);
    this.#byId.set(item.id, item);
    this.items.splice(this.#place(item), 0, item);
    while (this.items.length > this.limit) this.#dropLast();
    return { change: known ? "updated" : "created", item };
  }

  /** @param {Item} item */
  #take(item) {
    this.items.splice(this.items.indexOf(item), 1);
    this.#byId.delete(item.id);
  }

  /** @param {Item} item */
  #bury(item) {
    this.#removed.delete(item.id);
    this.#removed.set(item.id, item.rev);
    if (this.#removed.size > TOMBSTONES) {
      this.#removed.delete(this.#removed.keys().next().value ?? "");
    }
  }

  /**
   * An item from below the end would leave a hole above itself; it comes with
   * its page.
   * @param {Item} item
   */
  #isBelowEnd(item) {
    return this.more && this.#end && !item.pinned && byDate(item, this.#end) > 0;
  }

  /** @param {Item} item */
  #place(item) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byPlace(this.items[middle], item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #dropLast() {
    const last = /** @type {Item} */ (this.items.pop());
    this.#byId.delete(last.id);
    this.more = true;
    this.page = undefined;
    this.#end = this.items.at(-1);
  }
}
