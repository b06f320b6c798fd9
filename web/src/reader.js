/** The client of the realtime service: subscribe, resume, publish; no DOM. */

import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { surroundings } from "./environment.js";
import { FeedError } from "./errors.js";
import { Interest } from "./interest.js";
import { Login } from "./login.js";
import { Requests } from "./requests.js";
import { Subscription } from "./subscription.js";

export { FeedError };

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./subscription.js").Handlers} Handlers
 * @typedef {import("./subscription.js").Wishes} Wishes
 */

/** Elements that move in the page leave and return; the connection stays this long. */
const LINGER_MS = 3000;
/** A publisher is told within this time that there is no connection. */
const READY_TIMEOUT_MS = 10000;

export class FeedClient {
  /** @type {Map<string, Interest>} */
  #interests = new Map();
  #requests = new Requests((message) => this.#connection.send(message));
  #emitter = new Emitter();
  /** The connection is open and has shown its token. */
  #isReady = false;
  /** @type {(() => void)[]} those who wait for that */
  #waiting = [];
  /** @type {(() => void)[]} */
  #undo = [];
  #env;
  #login;
  #connection;

  /**
   * @param {string} url of the service, e.g. `https://feed.example.org`
   * @param {Partial<import("./environment.js").Environment>} [environment]
   */
  constructor(url, environment = {}) {
    this.url = url.replace(/\/+$/, "");
    this.#env = { ...surroundings(), ...environment };
    this.#login = new Login(this.#env.getToken);
    this.#connection = new Connection(this.url, this.#env, {
      state: (state) => this.#emitter.emit("state", state),
      open: () => this.#opened(),
      lost: () => this.#lost(),
      message: (message) => this.#received(message),
      renew: () => this.#login.renew(),
    });
    for (const name of ["online", "offline", "visibilitychange"]) {
      const wake = () => this.#env.isHidden() || this.#connection.wake();
      this.#env.events?.addEventListener(name, wake);
      this.#undo.push(() => this.#env.events?.removeEventListener(name, wake));
    }
  }

  /** @returns {import("./connection.js").State} */
  get state() {
    return this.#connection.state;
  }

  /**
   * `state` (a State), `error` (a FeedError that belongs to no request).
   * @param {"state" | "error"} name
   * @param {(detail: any) => void} handler
   */
  on(name, handler) {
    return this.#emitter.on(name, handler);
  }

  /**
   * Show a channel and everything below it. Returns its undo, which also carries
   * `items`, `more`, `loadMore(count)` and `replace(items, more)`.
   * @param {string} channel
   * @param {Wishes} [wishes]
   * @param {Handlers} [handlers]
   */
  subscribe(channel, wishes = {}, handlers = {}) {
    const name = channel.trim().toLowerCase();
    const member = new Subscription(name, wishes, handlers, (before, limit) =>
      this.#ask({ msg: "backlog", channel: name, limit, before, types: member.types }),
    );
    const interest = this.#interests.get(name) ?? new Interest(name);
    this.#interests.set(name, interest);
    interest.members.add(member);
    if (interest.state === "refused") interest.state = "new";
    this.#connection.open();
    // Elements of one page subscribe in one turn; they share what they can.
    queueMicrotask(() => this.#flush());
    return Object.defineProperties(() => this.#unsubscribe(interest, member), {
      items: { get: () => member.list.items },
      more: { get: () => member.list.more && !member.list.full },
      loadMore: { value: (/** @type {number} */ count) => member.loadMore(count) },
      replace: { value: member.replace.bind(member) },
    });
  }

  /**
   * Show a token, now and on every connection to come.
   * @param {string} token
   */
  async auth(token) {
    this.#login.token = token;
    this.#connection.open();
    if (this.#isReady) await this.#authenticate();
  }

  /**
   * Publish one item; needs a token with the right. Resolves when it is stored.
   * Rejects with `unavailable` when the connection breaks before the answer: with
   * an `id` of your own, publishing again is safe.
   * @param {string} channel @param {Partial<Item>} item
   * @returns {Promise<{item_id: string, status: string, rev: number}>}
   */
  async publish(channel, item) {
    await this.#ready();
    return this.#ask({ msg: "publish", channel, item });
  }

  /** End everything; the client can not be used again. */
  close() {
    this.#undo.splice(0).forEach((undo) => undo());
    this.#interests.clear();
    this.#connection.close();
  }

  /** @param {Interest} interest @param {Subscription} member */
  #unsubscribe(interest, member) {
    interest.members.delete(member);
    if (interest.members.size || this.#interests.get(interest.channel) !== interest) return;
    this.#interests.delete(interest.channel);
    if (this.#isReady) this.#connection.send({ msg: "unsubscribe", channel: interest.channel });
    this.#env.setTimeout(() => {
      if (!this.#interests.size && !this.#requests.size) this.#connection.close();
    }, LINGER_MS);
  }

  /** Bring the service's view of our interests up to date. */
  #flush() {
    if (!this.#isReady) return;
    for (const interest of this.#interests.values()) {
      if (interest.state === "new") this.#subscribe(interest);
      else if (interest.isTooNarrow && interest.state !== "refused") {
        this.#connection.send({ msg: "unsubscribe", channel: interest.channel });
        this.#subscribe(interest);
      } else if (interest.state === "live") {
        this.#load(interest, [...interest.members].filter((member) => member.isLoading));
      }
    }
  }

  /** @param {Interest} interest */
  #subscribe(interest) {
    const id = this.#requests.send(interest.subscribe(), {
      resolve: (answer) => this.#subscribed(interest, answer, id),
      reject: (error) => this.#refused(interest, error, id),
    });
    interest.request = id;
  }

  /** @param {Interest} interest @param {any} answer @param {number} [id] */
  #subscribed(interest, answer, id) {
    if (interest.request !== id && id !== undefined) return; // asked again since
    interest.request = undefined;
    this.#load(interest, interest.answered(answer));
    this.#flush();
  }

  /** @param {Interest} interest @param {Subscription[]} members */
  #load(interest, members) {
    for (const member of members) {
      member.load().catch((error) => {
        if (this.#isReady) this.#failed(interest, error);
      });
    }
  }

  /** @param {Interest} interest @param {FeedError} error @param {number} id */
  #refused(interest, error, id) {
    if (interest.request !== id) return;
    interest.request = undefined;
    interest.state = "refused";
    if (error.code === "bad_cursor" && interest.cursor) {
      interest.reset();
      interest.state = "new";
      return this.#flush();
    }
    this.#failed(interest, error);
  }

  /** @param {Interest} interest @param {FeedError} error */
  #failed(interest, error) {
    for (const member of interest.members) member.handlers.error?.(error);
    if (!error.isTemporary) return;
    const wait = error.retryAfter ?? this.#env.backoff(++interest.tries) / 1000;
    this.#env.setTimeout(() => {
      if (interest.state === "refused") interest.state = "new";
      this.#flush();
    }, wait * 1000);
  }

  async #opened() {
    try {
      await this.#authenticate();
    } catch (error) {
      this.#emitter.emit("error", error); // what is public can still be shown
    }
    if (this.state !== "open") return;
    this.#isReady = true;
    this.#waiting.splice(0).forEach((resolve) => resolve());
    this.#flush();
  }

  #lost() {
    this.#isReady = false;
    for (const interest of this.#interests.values()) {
      interest.state = "new";
      interest.request = undefined;
    }
    this.#requests.abandon();
  }

  async #authenticate() {
    await this.#login.show((message) => this.#requests.ask(message));
    for (const interest of this.#interests.values()) {
      if (interest.state === "refused") interest.state = "new";
    }
    this.#flush();
  }

  /** @param {any} message */
  #received(message) {
    switch (message?.msg) {
      case "item":
        return this.#deliver(message);
      case "reset":
        return this.#interests.get(message.channel)?.reset();
      case "error":
        return this.#failedRequest(message);
      case "subscribed":
        if (message.id == null) return this.#replaced(message);
    }
    this.#requests.settle(message?.id, message);
  }

  /** An answer nobody asked for: the new backlog after a reset. @param {any} message */
  #replaced(message) {
    const interest = this.#interests.get(message.channel);
    if (interest) this.#subscribed(interest, message);
  }

  /**
   * One message, however many subscriptions match. Live messages come in commit
   * order, so each moves every live subscription on: what came before it, if it
   * matched, was delivered before it. Subscriptions still loading stay where they are.
   * @param {{item: Item, cursor: string, backfill?: boolean}} message
   */
  #deliver({ item, cursor, backfill }) {
    for (const interest of this.#interests.values()) {
      if (interest.state === "live") interest.cursor = cursor;
      for (const member of interest.members) {
        member.apply(item, Boolean(backfill ?? item.backfill));
      }
    }
  }

  /** @param {{id?: number, code: string, text?: string, retry_after?: number}} message */
  #failedRequest({ id, code, text, retry_after: retryAfter }) {
    const error = new FeedError(code, text, retryAfter);
    if (this.#requests.settle(id, error)) return;
    this.#emitter.emit("error", error);
    if (code === "expired") this.#renewSession();
  }

  /** The service ended what the token no longer covers: ask for all of it again. */
  async #renewSession() {
    try {
      if (await this.#login.renew()) await this.#authenticate();
    } catch (error) {
      this.#emitter.emit("error", error);
    }
    for (const interest of this.#interests.values()) interest.state = "new";
    this.#flush();
  }

  /** @returns {Promise<void>} */
  #ready() {
    this.#connection.open();
    if (this.#isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      const late = () => reject(new FeedError("unavailable", "no connection"));
      this.#env.setTimeout(late, READY_TIMEOUT_MS);
    });
  }

  /** @param {object} message @returns {Promise<any>} the answer */
  async #ask(message) {
    if (!this.#isReady) throw new FeedError("unavailable", "no connection");
    return this.#requests.ask(message);
  }
}
