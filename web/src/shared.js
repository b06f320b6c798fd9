/** One connection per service and page, however many elements show its channels. */

import { FeedReader } from "./reader.js";

/** @type {Map<string, FeedReader>} */
const readers = new Map();

/** What a reader in a page has to know about it. */
export const inPage = { isHidden: () => document.hidden };

/** @param {string} url of the service */
export function sharedReader(url) {
  const reader = readers.get(url) ?? new FeedReader(url, inPage);
  readers.set(url, reader);
  return reader;
}
