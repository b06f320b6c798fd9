/** The golden messages: one file a message, read by the Python tests too. */

import { readdirSync, readFileSync } from "node:fs";

const DIRECTORY = new URL("../wire/", import.meta.url);

/** The message of one file, e.g. `server-item-created`. */
export function golden(name) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, DIRECTORY), "utf8")).message;
}

/** The names of all files whose name starts so. */
export function goldenNames(start) {
  return readdirSync(DIRECTORY)
    .filter((name) => name.startsWith(start) && name.endsWith(".json"))
    .map((name) => name.slice(0, -5));
}
