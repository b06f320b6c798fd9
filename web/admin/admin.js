/** The operator's page: a token is shown, and then everything is kept current. */

import { FeedClient } from "../src/client.js";
import { Api } from "./api.js";
import { channels } from "./channels.js";
import { Deeds } from "./deeds.js";
import { Notices } from "./notices.js";
import { overview } from "./overview.js";
import { queue } from "./queue.js";
import { audit, sources } from "./records.js";
import { number } from "./words.js";

/** How often each part is read again; what is live comes by itself. */
const OFTEN_MS = 5000;
const NOW_AND_THEN_MS = 10000;

/** What the page has. @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @typedef {import("./api.js").Refused} Refused */
const notices = new Notices(byId("notices"));
const door = byId("door");
const trouble = byId("trouble");
const state = byId("state");

/** @param {string} name */
const place = (name) => /** @type {Element} */ (byId(name).querySelector(".body"));
/** @param {string} name @returns {(value: number) => void} */
const count = (name) => (value) => {
  byId(`${name}-count`).textContent = value ? number(value) : "";
};

/** @param {boolean} isOpen */
function open(isOpen) {
  door.hidden = isOpen;
  /** @type {NodeListOf<HTMLElement>} */
  const sections = document.querySelectorAll("main section");
  for (const node of [byId("nav"), byId("leave"), ...sections]) node.hidden = !isOpen;
}

/** Whose page it is from the first token to the last. */
class Desk {
  /** @type {ReturnType<typeof setInterval>[]} */
  #timers = [];
  #end = new AbortController();

  /** @param {string} token one that is taken */
  constructor(token) {
    const api = new Api(token);
    const client = (this.client = new FeedClient(location.origin, { getToken: async () => token }));
    const deeds = (this.deeds = new Deeds(api, notices, () => this.#again()));
    this.overview = overview(place("overview"), api);
    this.queue = queue(place("queue"), api, deeds, count("queue"));
    this.channels = channels(place("channels"), api, deeds, client);
    this.sources = sources(place("sources"), api, deeds, count("sources"));
    this.audit = audit(place("audit"), api);
    client.on("state", () => this.#tell());
  }

  /** Read all of it now, and keep reading. */
  start() {
    this.#every(OFTEN_MS, () => Promise.all([this.#readState(), this.queue.read()]));
    const rest = [this.overview.readHistory, this.channels.read, this.sources.read, this.audit.read];
    this.#every(NOW_AND_THEN_MS, () => Promise.all(rest.map((read) => read())));
    document.addEventListener("visibilitychange", () => document.hidden || this.#again(), this.#end);
  }

  stop() {
    this.#end.abort();
    this.#timers.forEach(clearInterval);
    this.client.close();
    this.deeds.stop();
    notices.clear();
    for (const section of document.querySelectorAll("main section .body")) section.replaceChildren();
    state.textContent = "";
  }

  #again() {
    this.channels.show();
    this.#try(() => Promise.all([this.queue.read(), this.sources.read(), this.audit.read()]));
  }

  /** @param {number} ms @param {() => Promise<unknown>} read */
  #every(ms, read) {
    this.#try(read);
    this.#timers.push(setInterval(() => document.hidden || this.#try(read), ms));
  }

  /** @param {() => Promise<unknown>} read */
  async #try(read) {
    try {
      await read();
    } catch (failure) {
      const error = /** @type {Refused} */ (failure);
      if (this.#end.signal.aborted) return;
      if (error.isOfToken) return leave(`The token is not taken any more: ${error.message}`);
      state.textContent = `Out of date: ${error.message}`;
      state.className = "state bad";
    }
  }

  async #readState() {
    const { behind } = await this.overview.read();
    this.behind = behind.length;
    this.#tell();
  }

  #tell() {
    const isLive = this.client.state === "open";
    const isWell = isLive && !this.behind;
    state.className = `state ${isWell ? "good" : "bad"}`;
    const text = this.behind ? "The relay is behind" : isLive ? "Live" : "Not live";
    if (state.textContent !== text) state.textContent = text;
  }
}

/** @type {Desk | undefined} */
let desk;

/** @param {string} [why] */
function leave(why = "") {
  desk?.stop();
  desk = undefined;
  open(false);
  trouble.textContent = why;
  byId("token").focus();
}

door.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("token"));
  const token = field.value.trim();
  field.value = "";
  trouble.textContent = "";
  try {
    await new Api(token).get("processes");
    desk?.stop();
    desk = new Desk(token);
    desk.start();
    open(true);
    byId("overview-title").focus();
  } catch (failure) {
    const error = /** @type {Refused} */ (failure);
    leave(error.isOfToken ? `This token does not open the page: ${error.message}` : `Not opened: ${error.message}`);
  }
});
byId("leave").addEventListener("click", () => leave());
