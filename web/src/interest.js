/** All subscriptions of one channel, as the one subscription the service sees. */

/**
 * @typedef {import("./subscription.js").Subscription} Subscription
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {{backlog: number, types?: string[]}} Asked
 */

export class Interest {
  /** @type {Set<Subscription>} */
  members = new Set();
  /** @type {"new" | "loading" | "live" | "refused"} on the present connection */
  state = "new";
  /** @type {string | undefined} how far the members have seen everything */
  cursor;
  /** What the service was last asked for; a new object each time. @type {Asked} */
  asked = { backlog: 0 };
  /** Refusals in a row. */
  tries = 0;

  /** @param {string} channel */
  constructor(channel) {
    this.channel = channel;
  }

  /** What satisfies every member; no types means all. @returns {Asked} */
  get wish() {
    const members = [...this.members];
    const types = members.every((member) => member.types)
      ? [...new Set(members.flatMap((member) => member.types ?? []))].sort()
      : undefined;
    return { backlog: Math.max(...members.map((member) => member.backlog)), types };
  }

  /** The running subscription doesn't bring the types that the members want. */
  get isTooNarrow() {
    return this.asked.types && `${this.asked.types}` !== `${this.wish.types}`;
  }

  /**
   * @param {{items: Item[], cursor: string, resumed?: boolean, more?: boolean}} answer
   * the members that don't fit it need a backlog of their own
   */
  answered({ items, cursor, resumed, more }) {
    this.state = "live";
    this.cursor = cursor;
    this.tries = 0;
    for (const member of this.members) {
      const own = items.slice(0, member.backlog);
      if (resumed) for (const item of items) member.apply(item);
      else if (member.fits(this.asked)) member.replace(own, Boolean(more) || own.length < items.length);
      else member.startAgain();
    }
  }

  /** The service lost the thread; a new backlog follows on its own. */
  reset() {
    this.state = "loading";
    this.cursor = undefined;
    for (const member of this.members) member.startAgain();
  }
}
