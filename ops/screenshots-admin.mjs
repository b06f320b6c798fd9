/** Photograph the operator's page on a day with something to do. */

import { createRequire } from "node:module";
import { join } from "node:path";

import { token } from "../tests/web/browser/station.js";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const { WebSocket } = require("ws");

const PICTURES = {
  admin: { viewport: { width: 1360, height: 900 } },
  "admin-dark": { viewport: { width: 1360, height: 900 }, colorScheme: "dark" },
  "admin-narrow": { viewport: { width: 390, height: 844 } },
};
const LISTENERS = 40;
// Long enough for some samples, which are ten seconds apart.
const SONGS = 8;
const SONG_MS = 6000;
const SETTLE_MS = 1500;

/** @typedef {import("../tests/web/browser/station.js").Station} Station */

/** @param {Station} station @param {string} method @param {string} path */
function ask(station, method, path) {
  return fetch(`${station.adminUrl}/admin/api/${path}`, { method, headers: { Authorization: `Bearer ${token()}` } });
}

/** Items for the editor, and one that is pinned. @param {Station} station */
async function prepare(station) {
  await station.publish("radiomeridian.desk", [
    { id: "d1", type: "article", title: "Harbour master resigns", url: "https://example.org/harbour",
      content_text: "The harbour master has resigned, two people say. To be confirmed before it goes out." },
    { id: "d2", type: "post", content_text: "First reports of a power cut on the east side." },
  ]);
  for (const deed of ["items/d1/review", "items/d2/review", "items/n1/pin", "sources/press/disable"]) {
    await ask(station, "POST", deed);
  }
}

/** Listeners, and what they hear. @param {Station} station @returns {Promise<() => void>} their end */
async function listen(station) {
  const address = `${station.url.replace("http", "ws")}/live/websocket`;
  const sockets = Array.from({ length: LISTENERS }, (_, at) => {
    const socket = new WebSocket(address);
    const channel = at % 3 ? "radiomeridian" : "radiomeridian.news";
    socket.on("open", () => socket.send(JSON.stringify({ msg: "subscribe", id: 1, channel, backlog: 1 })));
    return socket;
  });
  for (let song = 0; song < SONGS; song += 1) {
    const items = Array.from({ length: 2 + (song % 4) }, (_, at) => ({
      id: `song-${song}-${at}`, type: "track", title: `Low Water, part ${song + 1}`, artist: "The Lanterns",
    }));
    await station.publish("radiomeridian.onair", items);
    await new Promise((done) => setTimeout(done, SONG_MS));
  }
  return () => sockets.forEach((socket) => socket.close());
}

/** @param {import("playwright-core").Browser} browser @param {Station} station @param {string} folder */
export async function photographAdmin(browser, station, folder) {
  await prepare(station);
  const stop = await listen(station);
  for (const [name, options] of Object.entries(PICTURES)) {
    const page = await browser.newPage({ colorScheme: "light", reducedMotion: "reduce", ...options });
    await page.goto(`${station.adminUrl}/admin`);
    await page.getByLabel("Token").fill(token());
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "radiomeridian.news", exact: true }).click();
    await page.getByRole("list", { name: /^Tail/ }).getByRole("listitem").first().waitFor();
    await page.evaluate(() => scrollTo(0, 0));
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    await page.close();
  }
  stop();
}
