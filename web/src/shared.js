/** One connection per service and page, however many elements show its channels. */

import { FeedReader } from "./reader.js";

/** @type {Map<string, FeedReader>} */
const readers = new Map();

/** @param {string} url of the service */
export function sharedReader(url) {
  const reader = readers.get(url) ?? new FeedReader(url, { isHidden: () => document.hidden });
  readers.set(url, reader);
  return reader;
}
