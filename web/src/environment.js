/** What the client takes from its surroundings; tests bring their own. */

import { fullJitter } from "./backoff.js";

/**
 * @typedef {object} Environment
 * @property {any} WebSocket the constructor
 * @property {(url: string) => Promise<any>} loadSockJS
 * @property {(callback: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random
 * @property {() => number} now milliseconds, of any clock
 * @property {(tries: number) => number} backoff
 * @property {number} heartbeat how long a line may be quiet, in milliseconds
 * @property {() => boolean} isHidden nobody is looking: don't reconnect
 * @property {EventTarget | undefined} events where `online` and `visibilitychange` arrive
 */

/** @returns {Environment} */
export const surroundings = () => ({
  WebSocket: globalThis.WebSocket,
  loadSockJS,
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  random: Math.random,
  now: () => performance.now(),
  backoff: fullJitter(Math.random),
  heartbeat: 25000,
  isHidden: () => false,
  events: "document" in globalThis ? globalThis : undefined,
});

/** @param {string} url */
async function loadSockJS(url) {
  // An older build for browsers: it leaves its constructor on the global object.
  await import(/* webpackIgnore: true */ `${url}/sockjs.min.js`);
  return /** @type {any} */ (globalThis).SockJS;
}
