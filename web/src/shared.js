/** One client per service and page, however many elements show its channels. */

import { FeedClient } from "./client.js";

/** @type {Map<string, FeedClient>} */
const clients = new Map();

/** @param {string} url of the service */
export function sharedClient(url) {
  const client = clients.get(url) ?? new FeedClient(url, { isHidden: () => document.hidden });
  clients.set(url, client);
  return client;
}
