/** The client of the realtime service: read, show a token, publish; no DOM. */

import { FeedError } from "./errors.js";
import { Login } from "./login.js";
import { FeedReader } from "./reader.js";

export { FeedError };

/** @typedef {import("./item-list.js").Item} Item */
/** @typedef {import("./environment.js").Environment} Environment */

/** A publisher is told within this time that there is no connection. */
const READY_TIMEOUT_MS = 10000;

/** A reader who may have a token, and publish. */
export class FeedClient extends FeedReader {
  #login;
  #isRenewing = false;

  /**
   * @param {string} url of the service, e.g. `https://feed.example.org`
   * @param {Partial<Environment> & {getToken?: () => Promise<string | undefined>}} [environment]
   *   `getToken` gives the first token, and every later one when the service says that
   *   it has expired
   */
  constructor(url, { getToken, ...environment } = {}) {
    super(url, environment);
    this.#login = new Login(getToken);
    this.on("error", (error) => error.code === "expired" && this.#renewSession());
  }

  /**
   * Show a token, now and on every connection to come.
   * @param {string} token
   */
  async auth(token) {
    this.#login.token = token;
    this.open();
    if (this.isReady) await this.greet();
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
    return this.ask({ msg: "publish", channel, item });
  }

  /** Show the token, and ask again for what was refused without it. */
  async greet() {
    await this.#login.show((message) => this.ask(message, true));
    this.askAgain(true);
  }

  /**
   * Ask the service over HTTP as the same reader.
   * @param {string} url @param {RequestInit} [options]
   */
  async fetch(url, options) {
    const ask = async () => fetch(url, { ...options, headers: await this.#login.headers() });
    const response = await ask();
    return response.status === 401 && (await this.#login.renew()) ? ask() : response;
  }

  /** The service ended what the token no longer covers: ask for all of it again. */
  async #renewSession() {
    if (this.#isRenewing) return; // the new token has expired as well
    this.#isRenewing = true;
    try {
      if (await this.#login.renew()) await this.greet();
    } catch (error) {
      this.emit("error", error);
    } finally {
      this.#isRenewing = false;
    }
    this.askAgain();
  }

  /** @returns {Promise<void>} */
  #ready() {
    this.open();
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = this.on("ready", () => {
        stop();
        resolve();
      });
      this.env.setTimeout(() => {
        stop();
        reject(new FeedError("unavailable", "no connection"));
      }, READY_TIMEOUT_MS);
    });
  }
}
