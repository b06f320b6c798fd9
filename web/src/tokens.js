/** Tokens that the page's own site gives to who is signed in there. */

import { fullJitter } from "./backoff.js";

/** @typedef {() => Promise<string | undefined>} TokenSource */

/** Together half a minute: a site that is restarting is back by then. */
const MAX_TRIES = 5;

const backoff = fullJitter(Math.random);
/** @type {Map<string, TokenSource>} */
const sources = new Map();

/** What asks `url` for tokens; the same for the same address. @param {string} url */
export function tokensFrom(url) {
  const source = sources.get(url) ?? (() => fetchToken(url));
  sources.set(url, source);
  return source;
}

/**
 * The `token` of the JSON that the site answers. A site in trouble is asked again; one
 * that says no has signed the reader out.
 * @param {string} url @param {number} [tries]
 * @returns {Promise<string | undefined>}
 */
async function fetchToken(url, tries = 0) {
  const answer = await fetch(url, { cache: "no-store" }).catch(() => undefined);
  if (answer?.ok) return (await answer.json()).token;
  if ((answer && answer.status < 500) || tries === MAX_TRIES) return;
  await new Promise((done) => setTimeout(done, backoff(tries)));
  return fetchToken(url, tries + 1);
}
