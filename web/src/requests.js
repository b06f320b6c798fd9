/** Requests on the way and the answers they wait for. */

import { FeedError } from "./errors.js";

/** @typedef {{resolve: (answer: any) => void, reject: (error: FeedError) => void}} Waiting */

/** More unanswered requests than this is a bug of the page. */
const MAX_OPEN = 200;

export class Requests {
  /** @type {Map<unknown, Waiting>} */
  #open = new Map();
  /** Ids never repeat, so a late answer can't be taken for another's. */
  #lastId = 0;
  #write;

  /** @param {(message: object) => void} write */
  constructor(write) {
    this.#write = write;
  }

  get size() {
    return this.#open.size;
  }

  /**
   * @param {object} message
   * @param {Waiting} waiting
   * @returns {number} the request's id
   */
  send(message, waiting) {
    const id = ++this.#lastId;
    if (this.size >= MAX_OPEN) {
      queueMicrotask(() => waiting.reject(new FeedError("too_many", "too many open requests")));
      return id;
    }
    this.#open.set(id, waiting);
    this.#write({ ...message, id });
    return id;
  }

  /** @param {object} message @returns {Promise<any>} the answer */
  ask(message) {
    return new Promise((resolve, reject) => this.send(message, { resolve, reject }));
  }

  /**
   * @param {unknown} id
   * @param {any} outcome the answer or a FeedError
   * @returns {boolean} whether somebody waited for it
   */
  settle(id, outcome) {
    const waiting = this.#open.get(id);
    if (!waiting) return false;
    this.#open.delete(id);
    if (outcome instanceof FeedError) waiting.reject(outcome);
    else waiting.resolve(outcome);
    return true;
  }

  /** The connection is gone; whether the service has done it nobody knows. */
  abandon() {
    for (const id of [...this.#open.keys()]) {
      this.settle(id, new FeedError("unavailable", "connection lost"));
    }
  }
}
