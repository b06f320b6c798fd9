/** Reading the realtime service: subscribe many channels over one connection, and resume. */

import { connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { surroundings } from "./environment.js";
import { FeedError } from "./errors.js";
import { Interest } from "./interest.js";
import { Subscription } from "./subscription.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./subscription.js").Handlers} Handlers
 * @typedef {import("./subscription.js").Wishes} Wishes
 * @typedef {{resolve(answer: any): void, reject(error: FeedError): void}} Request
 */

/** Elements that move in the page leave and return; the connection stays this long. */
const LINGER_MS = 3000;

/** Emits `state` (a State) and `error` (a FeedError that belongs to no request). */
export class FeedReader extends Emitter {
  /** @type {Map<string, Interest>} */
  #interests = new Map();
  /** On the way. @type {Map<unknown, Request>} */
  #requests = new Map();
  /** Ids never repeat, so a late answer can't be taken for another's. */
  #lastId = 0;
  #connection;
  #end = new AbortController();
  /** The connection is open and who we are has been said. */
  isReady = false;

  /**
   * @param {string} url of the service, e.g. `https://feed.example.org`
   * @param {Partial<import("./environment.js").Environment>} [environment]
   */
  constructor(url, environment = {}) {
    super();
    const env = (this.env = { ...surroundings(), ...environment });
    this.#connection = connection(url.replace(/\/+$/, ""), env, {
      state: (state) => this.emit("state", state),
      open: () => this.#opened(),
      lost: () => this.#lost(),
      message: (message) => this.#received(message),
    });
    const wake = () => env.isHidden() || this.#connection.wake();
    for (const name of ["online", "offline", "visibilitychange"]) {
      env.events?.addEventListener(name, wake, this.#end);
    }
  }

  /** @returns {import("./connection.js").State} */
  get state() {
    return this.#connection.state;
  }

  /**
   * Show a channel and everything below it, until the subscription's `stop()`.
   * @param {string} channel
   * @param {Wishes} [wishes]
   * @param {Handlers} [handlers]
   */
  subscribe(channel, wishes = {}, handlers = {}) {
    const name = channel.trim().toLowerCase();
    const interest = this.#interests.get(name) ?? new Interest(name);
    const member = new Subscription(name, wishes, handlers, (before, limit) =>
      this.ask({ msg: "backlog", channel: name, limit, before, types: member.types }),
    );
    member.stop = () => this.#unsubscribe(interest, member);
    if (wishes.start) member.startWith(wishes.start, interest);
    this.#interests.set(name, interest);
    interest.members.add(member);
    if (interest.state === "refused") interest.state = "new";
    this.open();
    // Elements of one page subscribe in one turn; they share what they can.
    queueMicrotask(() => this.flush());
    return member;
  }

  /** Connect, unless connected. */
  open() {
    this.#connection.open();
  }

  /** End everything; this reader can not be used again. */
  close() {
    this.#end.abort();
    this.#interests.clear();
    this.#connection.close();
  }

  /** Say who we are on a new connection: nobody. Those with a token show it here. */
  async greet() {}

  /**
   * @param {object} message
   * @param {boolean} [isReady] true for what comes first on a new connection
   * @returns {Promise<any>} the answer
   */
  async ask(message, isReady = this.isReady) {
    if (!isReady) throw new FeedError("unavailable", "no connection");
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#requests.set(id, { resolve, reject });
      this.#connection.send({ ...message, id });
    });
  }

  /** Ask again for everything, or for what was refused. @param {boolean} [onlyRefused] */
  askAgain(onlyRefused) {
    for (const interest of this.#interests.values()) {
      if (!onlyRefused || interest.state === "refused") interest.state = "new";
    }
    this.flush();
  }

  /** Bring the service's view of our interests up to date. */
  flush() {
    if (!this.isReady) return;
    for (const interest of this.#interests.values()) {
      const { state, channel } = interest;
      if (state === "new") this.#subscribe(interest);
      else if (interest.isTooNarrow && state !== "refused") {
        this.#connection.send({ msg: "unsubscribe", channel });
        this.#subscribe(interest);
      } else if (state === "live") this.#load(interest);
    }
  }

  /** @param {Interest} interest @param {Subscription} member */
  #unsubscribe(interest, member) {
    const { channel, members } = interest;
    members.delete(member);
    if (members.size || this.#interests.get(channel) !== interest) return;
    this.#interests.delete(channel);
    if (this.isReady) this.#connection.send({ msg: "unsubscribe", channel });
    this.env.setTimeout(() => {
      if (!this.#interests.size && !this.#requests.size) this.#connection.close();
    }, LINGER_MS);
  }

  /** @param {Interest} interest */
  async #subscribe(interest) {
    const { channel, cursor: since } = interest;
    const asked = (interest.asked = interest.wish);
    interest.state = "loading";
    try {
      const answer = await this.ask({ msg: "subscribe", channel, ...asked, since });
      if (interest.asked === asked) this.#subscribed(interest, answer);
    } catch (error) {
      if (interest.asked === asked) this.#refused(interest, /** @type {FeedError} */ (error));
    }
  }

  /** @param {Interest} interest @param {any} answer */
  #subscribed(interest, answer) {
    interest.answered(answer);
    this.flush();
  }

  /** Those whom the answer didn't fit ask on their own. @param {Interest} interest */
  #load(interest) {
    for (const member of interest.members) {
      if (member.isLoading) member.load().catch((error) => this.isReady && this.#failed(interest, error));
    }
  }

  /** @param {Interest} interest @param {FeedError} error */
  #refused(interest, error) {
    if (!this.isReady) return; // lost, and asked again on the next connection
    interest.state = "refused";
    if (error.code !== "bad_cursor" || !interest.cursor) return this.#failed(interest, error);
    interest.reset();
    interest.state = "new";
    this.flush();
  }

  /** @param {Interest} interest @param {FeedError} error */
  #failed(interest, error) {
    for (const member of interest.members) member.handlers.error?.(error);
    if (!error.isTemporary) return;
    const wait = error.retryAfter ?? this.env.backoff(++interest.tries) / 1000;
    this.env.setTimeout(() => {
      if (interest.state === "refused") interest.state = "new";
      this.flush();
    }, wait * 1000);
  }

  async #opened() {
    try {
      await this.greet();
    } catch (error) {
      this.emit("error", error); // what is public can still be shown
    }
    if (this.state !== "open") return;
    this.isReady = true;
    this.emit("ready");
    this.flush();
  }

  #lost() {
    this.isReady = false;
    this.askAgain();
    // Whether the service has done what was asked, nobody knows.
    for (const { reject } of this.#requests.values()) reject(new FeedError("unavailable", "connection lost"));
    this.#requests.clear();
  }

  /** @param {any} message */
  #received(message) {
    const { msg, id, channel } = message ?? {};
    const interest = this.#interests.get(channel);
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (msg === "item") this.#deliver(message);
    else if (msg === "error") this.#failedRequest(message, request);
    else if (request) request.resolve(message);
    else if (msg === "reset") interest?.reset();
    // An answer nobody asked for: the new backlog after a reset.
    else if (msg === "subscribed" && id == null && interest) this.#subscribed(interest, message);
  }

  /**
   * One message, however many subscriptions match. Live messages come in commit
   * order, so each moves every live subscription on: what came before it, if it
   * matched, was delivered before it. Subscriptions still loading stay where they are.
   * @param {{item: Item, cursor: string, backfill?: boolean}} message
   */
  #deliver({ item, cursor, backfill = item.backfill }) {
    for (const interest of this.#interests.values()) {
      if (interest.state === "live") interest.cursor = cursor;
      for (const member of interest.members) member.apply(item, Boolean(backfill));
    }
  }

  /**
   * @param {{code: string, text?: string, retry_after?: number}} message
   * @param {Request} [request]
   */
  #failedRequest({ code, text, retry_after: retryAfter }, request) {
    const error = new FeedError(code, text, retryAfter);
    if (request) request.reject(error);
    else this.emit("error", error);
  }
}
