/** A small scripted feed service: the built files, the wire of the service, and faults at will. */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname } from "node:path";

import { covers } from "../../../web/src/covers.js";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const { WebSocketServer } = require("ws");

const DIST = new URL("../../../web/dist/", import.meta.url);
const TYPES = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
  ".map": "application/json",
};
const newestFirst = (a, b) => (a.date < b.date || (a.date === b.date && a.id < b.id) ? 1 : -1);

export class Service {
  items = new Map();
  pages = new Map();
  requests = [];
  #sockets = new Set();
  #position = 0;
  #isDown = false;

  /** Listen on a free port; `service.url` is its address. */
  static async start() {
    const service = new Service();
    service.http = createServer((request, response) => service.#answer(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    service.http.on("upgrade", (request, socket, head) => {
      if (service.#isDown || request.url !== "/live/websocket") return socket.destroy();
      sockets.handleUpgrade(request, socket, head, (webSocket) => service.#accept(webSocket));
    });
    await new Promise((done) => service.http.listen(0, "127.0.0.1", done));
    service.url = `http://127.0.0.1:${service.http.address().port}`;
    return service;
  }

  async stop() {
    this.breakAll();
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }

  /** Serve a page of its own at `path`. */
  page(path, html, headers = {}) {
    this.pages.set(path, { html, headers });
    return this.url + path;
  }

  /** Store an item and tell everyone; `quietly` only stores. */
  put(item, { quietly = false, backfill } = {}) {
    const known = this.items.get(item.id);
    const rev = (known?.rev ?? 0) + 1;
    const date = item.date ?? new Date().toISOString();
    const stored = { type: "post", ...known, ...item, date, rev, at: ++this.#position };
    this.items.set(item.id, stored);
    if (!quietly) this.#tell(known ? "updated" : "created", stored, backfill);
  }

  remove(id) {
    const { channel, rev } = this.items.get(id);
    const gone = { id, channel, rev: rev + 1, removed: true, at: ++this.#position };
    this.items.set(id, gone);
    this.#tell("removed", gone);
  }

  /** Cut all connections; while down, none is accepted. */
  breakAll({ down = false } = {}) {
    this.#isDown = down;
    for (const socket of this.#sockets) socket.terminate();
  }

  comeBack() {
    this.#isDown = false;
  }

  get connections() {
    return this.#sockets.size;
  }

  #tell(change, { at, ...item }, backfill) {
    const text = JSON.stringify({ msg: "item", change, backfill, item, cursor: String(at) });
    for (const socket of this.#sockets) {
      const matches = [...socket.channels].some((channel) => covers(channel, item.channel));
      if (matches) socket.send(text);
    }
  }

  #accept(socket) {
    socket.channels = new Set();
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("message", (data) => {
      const request = JSON.parse(data);
      this.requests.push(request);
      const answer = this[`on_${request.msg}`]?.(request, socket);
      socket.send(JSON.stringify({ id: request.id, channel: request.channel, ...answer }));
    });
  }

  on_ping() {
    return { msg: "pong" };
  }

  on_subscribe({ channel, backlog = 20, types, since }, socket) {
    socket.channels.add(channel);
    const cursor = String(this.#position);
    if (since !== undefined) {
      const items = this.#select(channel, types, true)
        .filter((item) => item.at > Number(since))
        .sort((a, b) => a.at - b.at);
      return { msg: "subscribed", resumed: true, more: false, cursor, items: items.map(bare) };
    }
    const all = this.#select(channel, types);
    const items = all.slice(0, backlog).map(bare);
    return { msg: "subscribed", resumed: false, more: all.length > items.length, cursor, items };
  }

  on_unsubscribe({ channel }, socket) {
    socket.channels.delete(channel);
    return { msg: "unsubscribed" };
  }

  on_backlog({ channel, types, limit = 20, before = "0" }) {
    const all = this.#select(channel, types);
    const end = Number(before) + limit;
    const items = all.slice(Number(before), end).map(bare);
    return { msg: "backlog", items, next: end < all.length ? String(end) : null };
  }

  #select(channel, types, withRemoved = false) {
    return [...this.items.values()]
      .filter((item) => covers(channel, item.channel) && (withRemoved || !item.removed))
      .filter((item) => item.removed || !types || types.includes(item.type))
      .sort(newestFirst);
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const api = /^\/api\/channels\/([^/]+)\/items$/.exec(pathname);
    if (api) return this.#answerItems(decodeURIComponent(api[1]), searchParams, response);
    const page = this.pages.get(pathname);
    if (page) {
      response.writeHead(200, { "Content-Type": TYPES[".html"], ...page.headers });
      return response.end(page.html);
    }
    const file = pathname === "/" ? "demo/index.html" : pathname.slice(1);
    try {
      const body = await readFile(new URL(file, DIST));
      const type = TYPES[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, "Access-Control-Allow-Origin": "*" });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  #answerItems(channel, query, response) {
    const items = this.#select(channel, query.get("types")?.split(","));
    if (!items.length) return response.writeHead(404).end();
    const shown = items.slice(0, Number(query.get("limit") ?? 20)).map(bare);
    const next = shown.length < items.length ? String(shown.length) : null;
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ items: shown, next, cursor: String(this.#position) }));
  }
}

/** What the wire shows of a stored item. */
const bare = ({ at, ...item }) => item;
