/** All subscriptions of one channel, as the one subscription the service sees. */

/**
 * @typedef {import("./subscription.js").Subscription} Subscription
 * @typedef {import("./item-list.js").Item} Item
 */

export class Interest {
  /** @type {Set<Subscription>} */
  members = new Set();
  /** @type {"new" | "loading" | "live" | "refused"} on the present connection */
  state = "new";
  /** @type {string | undefined} how far the members have seen everything */
  cursor;
  /** @type {number | undefined} the subscribe request whose answer counts */
  request;
  /** Refusals in a row. */
  tries = 0;
  /** What the service was last asked for. @type {{types?: string[], backlog: number}} */
  #asked = { backlog: 0 };

  /** @param {string} channel */
  constructor(channel) {
    this.channel = channel;
  }

  /** The types that satisfy every member; undefined means all. */
  get types() {
    const types = new Set();
    for (const member of this.members) {
      if (!member.types) return undefined;
      for (const type of member.types) types.add(type);
    }
    return [...types].sort();
  }

  get backlog() {
    return Math.max(...[...this.members].map((member) => member.backlog));
  }

  /** A member wants types that the running subscription doesn't bring. */
  get isTooNarrow() {
    const asked = this.#asked.types;
    if (!asked) return false;
    return !this.types || this.types.some((type) => !asked.includes(type));
  }

  /** The message that subscribes, or resumes, on a connection. */
  subscribe() {
    const { channel, backlog, types, cursor } = this;
    this.state = "loading";
    this.#asked = { types, backlog };
    return { msg: "subscribe", channel, backlog, types, since: cursor };
  }

  /**
   * @param {{items: Item[], cursor: string, resumed?: boolean, more?: boolean}} answer
   * @returns {Subscription[]} the members that need a backlog of their own
   */
  answered({ items, cursor, resumed, more }) {
    this.state = "live";
    this.cursor = cursor;
    this.tries = 0;
    if (resumed) {
      for (const member of this.members) for (const item of items) member.apply(item);
      return [...this.members].filter((member) => member.isLoading);
    }
    return [...this.members].filter((member) => {
      const fits = this.#fits(member);
      if (fits) this.#give(member, items, Boolean(more));
      else member.startAgain();
      return !fits;
    });
  }

  /** The answer holds what this member asked for. @param {Subscription} member */
  #fits({ types, backlog }) {
    const asked = this.#asked;
    return String(types) === String(asked.types) && backlog <= asked.backlog;
  }

  /** @param {Subscription} member @param {Item[]} items @param {boolean} more */
  #give(member, items, more) {
    const own = items.slice(0, member.backlog);
    member.replace(own, more || own.length < items.length);
  }

  /** The service lost the thread; a new backlog follows on its own. */
  reset() {
    this.state = "loading";
    this.cursor = undefined;
    for (const member of this.members) member.startAgain();
  }
}
