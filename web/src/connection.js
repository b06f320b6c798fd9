/** One connection that comes back: tries, waits, watches the line, never subscribes. */

import { Carrier } from "./carrier.js";

/**
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "stopped"} State
 * @typedef {{state(state: State): void, open(): void, lost(): void,
 *   message(message: any): void, renew(): Promise<boolean>}} ConnectionEvents
 * @typedef {import("./environment.js").Environment} Environment
 */

/** Close codes of the service, by what they ask of us. */
const DRAINING = 3001;
const TOO_SLOW = 3002;
const POLICY = 3003;
const EXPIRED = 3004;

/** A draining server is replaced meanwhile; its clients spread over this long. */
const DRAIN_SPREAD_MS = 10000;
/** A connection shorter than this proves nothing; the back-off goes on growing. */
const STABLE_MS = 5000;

export class Connection {
  /** @type {State} */
  state = "idle";
  /** @type {Carrier | undefined} */
  #carrier;
  #tries = 0;
  #openedAt = 0;
  #heardAt = 0;
  #probedAt = 0;
  #plainWorked = false;
  /** @type {any} the retry timer or the watch timer, never both */
  #timer;
  #env;
  #url;
  #on;

  /**
   * @param {string} url
   * @param {Environment} env
   * @param {ConnectionEvents} on
   */
  constructor(url, env, on) {
    this.#url = url;
    this.#env = env;
    this.#on = on;
  }

  /** Connect unless already open or on the way; ends any wait. */
  open() {
    if (this.state === "open" || this.state === "connecting") return;
    this.#env.clearTimeout(this.#timer);
    this.#become("connecting");
    // Once the WebSocket has worked here, a single failure is the network's.
    const fallBack = !this.#plainWorked || this.#tries > 1;
    const events = {
      open: () => this.#opened(),
      message: (/** @type {string} */ text) => this.#heard(text),
      close: (/** @type {number} */ code) => this.#lost(code),
    };
    this.#carrier = new Carrier(this.#env, this.#url, events, fallBack);
  }

  /** Close for good, until `open` is called. */
  close() {
    this.#drop();
    this.#become("idle");
  }

  /** The network or the reader came back: connect now, or see if the line is alive. */
  wake() {
    if (this.state === "waiting") this.open();
    else if (this.state === "open") this.#probe();
  }

  /** @param {object} message */
  send(message) {
    this.#carrier?.send(JSON.stringify(message));
  }

  /** @param {State} state */
  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#on.state(state);
  }

  #opened() {
    this.#plainWorked ||= Boolean(this.#carrier?.isPlain);
    this.#openedAt = this.#heardAt = this.#env.now();
    this.#become("open");
    this.#on.open();
    this.#watch();
  }

  /** @param {string} text */
  #heard(text) {
    this.#heardAt = this.#env.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // not ours; the next message may be
    }
    this.#on.message(message);
  }

  /** A quiet line is asked; one that doesn't answer is dead, whatever TCP thinks. */
  #watch() {
    const { heartbeat } = this.#env;
    this.#env.clearTimeout(this.#timer);
    this.#timer = this.#env.setTimeout(() => {
      const now = this.#env.now();
      const asked = this.#probedAt > this.#heardAt;
      if (asked && now - this.#probedAt >= 1.5 * heartbeat) return this.#lost(1006);
      if (!asked && now - this.#heardAt >= heartbeat) this.#probe();
      this.#watch();
    }, heartbeat / 2);
  }

  #probe() {
    this.#probedAt = this.#env.now();
    this.send({ msg: "ping" });
  }

  #drop() {
    this.#env.clearTimeout(this.#timer);
    const carrier = this.#carrier;
    this.#carrier = undefined;
    carrier?.close();
    if (carrier) this.#on.lost();
  }

  /** @param {number} code */
  async #lost(code) {
    const stable = this.state === "open" && this.#env.now() - this.#openedAt >= STABLE_MS;
    this.#tries = stable ? 0 : this.#tries + 1;
    this.#drop();
    if (code === POLICY) return this.#become("stopped");
    this.#become("waiting");
    if (code === EXPIRED && !(await this.#on.renew())) {
      return this.state === "waiting" && this.#become("stopped");
    }
    if (this.state === "waiting") this.#retryIn(this.#pause(code, stable));
  }

  /** @param {number} code @param {boolean} stable */
  #pause(code, stable) {
    if (code === TOO_SLOW && stable) return 0;
    const wait = this.#env.backoff(this.#tries);
    return code === DRAINING ? wait + this.#env.random() * DRAIN_SPREAD_MS : wait;
  }

  /** @param {number} delay */
  #retryIn(delay) {
    this.#timer = this.#env.setTimeout(() => {
      // A page nobody looks at can wait; `wake` brings it back.
      if (!this.#env.isHidden()) this.open();
    }, delay);
  }
}
