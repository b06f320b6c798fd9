/** The surroundings of a client under test: a clock, chance and sockets that obey. */

import { FeedClient } from "../../web/src/client.js";

/** Time that stands still until told to pass. */
export class Clock {
  now = 0;
  #timers = new Map();
  #lastId = 0;

  setTimeout = (callback, ms) => {
    this.#timers.set(++this.#lastId, { at: this.now + ms, callback });
    return this.#lastId;
  };

  clearTimeout = (id) => void this.#timers.delete(id);

  /** Let `ms` pass, run what is due in order, and let promises settle. */
  async pass(ms) {
    const end = this.now + ms;
    await settle();
    for (let due = this.#next(end); due; due = this.#next(end)) {
      const [id, { at, callback }] = due;
      this.#timers.delete(id);
      this.now = at;
      callback();
      await settle();
    }
    this.now = end;
  }

  #next(end) {
    const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
    return due.sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

/** Let every promise that can settle do so. */
export const settle = () => new Promise((done) => setImmediate(done));

/** The browser's side of a socket; the test plays the service. */
export class FakeSocket {
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  /** What was sent since the last call, without pings. */
  take() {
    return this.sent.splice(0).filter(({ msg }) => msg !== "ping");
  }

  async open() {
    this.onopen?.();
    await settle();
  }

  async say(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
    await settle();
  }

  async drop(code = 1006) {
    this.onclose?.({ code });
    await settle();
  }
}

/** A client whose sockets, clock and chance the test holds. */
export function makeWorld(environment = {}) {
  const clock = new Clock();
  const sockets = [];
  class WebSocket extends FakeSocket {
    constructor(url) {
      super(url);
      sockets.push(this);
    }
  }
  const client = new FeedClient("https://feed.example/", {
    WebSocket,
    loadSockJS: () => Promise.reject(new Error("not here")),
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
    now: () => clock.now,
    random: () => 0.5,
    backoff: (tries) => 1000 * (tries + 1),
    events: undefined,
    ...environment,
  });
  return { client, clock, sockets, socket: () => sockets.at(-1) };
}

/** An item of the wire. */
export function item(id, fields = {}) {
  const date = "2026-11-20T12:00:00.000Z";
  return { id, channel: "radio.news", type: "post", date, rev: 1, ...fields };
}

/** Subscribe, open the socket and give the answer. */
export async function openWith(world, channel, wishes, answer, handlers) {
  const subscription = world.client.subscribe(channel, wishes, handlers);
  await world.socket().open();
  const [{ id }] = world.socket().take();
  await world.socket().say(subscribed(id, channel, answer));
  return subscription;
}

export function subscribed(id, channel, answer = {}) {
  const empty = { items: [], cursor: "c0", resumed: false, more: false };
  return { msg: "subscribed", id, channel, ...empty, ...answer };
}

export function live(change, changed, cursor, fields = {}) {
  return { msg: "item", change, item: changed, cursor, ...fields };
}

export const idsOf = (subscription) => subscription.items.map(({ id }) => id);
