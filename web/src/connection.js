/** One connection that comes back: tries, waits, watches the line, never subscribes. */

import { openCarrier } from "./carrier.js";

/**
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "stopped"} State
 * @typedef {{state(state: State): void, open(): void, lost(): void,
 *   message(message: any): void}} ConnectionEvents
 * @typedef {{readonly state: State, open(): void, close(): void, wake(): void,
 *   send(message: object): void}} Connection
 */

/** Close codes of the service, by what they ask of us. */
const DRAINING = 3001;
const TOO_SLOW = 3002;
const POLICY = 3003;

/** A draining server is replaced meanwhile; its clients spread over this long. */
const DRAIN_SPREAD_MS = 10000;
/** When there is reason to doubt the line, it has this long to answer. */
const PROBE_MS = 5000;
/** A connection shorter than this proves nothing; the back-off goes on growing. */
const STABLE_MS = 5000;

/**
 * @param {string} url
 * @param {import("./environment.js").Environment} env
 * @param {ConnectionEvents} on
 * @returns {Connection}
 */
export function connection(url, env, on) {
  /** @type {State} */
  let state = "idle";
  /** @type {import("./carrier.js").Carrier | undefined} */
  let carrier;
  let tries = 0;
  let openedAt = 0;
  let heardAt = 0;
  /** The line was quiet, and has been asked whether it lives. */
  let isAsked = false;
  let plainWorked = false;
  /** @type {any} the retry timer or the watch timer, never both */
  let timer;

  /** @param {State} next */
  const become = (next) => {
    if (next === state) return;
    state = next;
    on.state(state);
  };
  /** @param {() => void} callback @param {number} ms */
  const later = (callback, ms) => {
    env.clearTimeout(timer);
    timer = env.setTimeout(callback, ms);
  };
  /** Connect unless already open or on the way; ends any wait. */
  const open = () => {
    if (state === "open" || state === "connecting") return;
    env.clearTimeout(timer);
    become("connecting");
    // Once the WebSocket has worked here, a single failure is the network's.
    carrier = openCarrier(env, url, { open: opened, message: heard, close: lost }, !plainWorked || tries > 1);
  };
  /** @param {object} message */
  const send = (message) => carrier?.send(JSON.stringify(message));
  /** @param {number} [patience] */
  const probe = (patience) => {
    isAsked = true;
    send({ msg: "ping" });
    watch(patience);
  };
  /** A quiet line is asked; one that doesn't answer is dead, whatever TCP thinks. */
  const watch = (patience = env.heartbeat) =>
    later(() => {
      if (isAsked) lost(1006);
      else if (env.now() - heardAt >= env.heartbeat) probe();
      else watch();
    }, patience);
  /** @param {boolean} isPlain */
  const opened = (isPlain) => {
    plainWorked ||= isPlain;
    isAsked = false;
    openedAt = heardAt = env.now();
    become("open");
    on.open();
    watch();
  };
  /** @param {string} text */
  const heard = (text) => {
    heardAt = env.now();
    isAsked = false;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // not ours; the next message may be
    }
    on.message(message);
  };
  const drop = () => {
    env.clearTimeout(timer);
    const dropped = carrier;
    carrier = undefined;
    dropped?.close();
    if (dropped) on.lost();
  };
  /** @param {number} code */
  const lost = (code) => {
    const isStable = state === "open" && env.now() - openedAt >= STABLE_MS;
    tries = isStable ? 0 : tries + 1;
    drop();
    if (code === POLICY) return become("stopped");
    become("waiting");
    const spread = code === DRAINING ? env.random() * DRAIN_SPREAD_MS : 0;
    const pause = code === TOO_SLOW && isStable ? 0 : env.backoff(tries) + spread;
    // A page nobody looks at can wait; `wake` brings it back.
    later(() => env.isHidden() || open(), pause);
  };

  return {
    get state() {
      return state;
    },
    open,
    send,
    /** Close for good, until `open` is called. */
    close() {
      drop();
      become("idle");
    },
    /** The network or the reader came back: connect now, or see if the line is alive. */
    wake() {
      if (state === "waiting") open();
      else if (state === "open") probe(PROBE_MS);
    },
  };
}
