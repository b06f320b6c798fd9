/** The door for pages whose readers are signed in: the element shows private channels too. */

import { FeedClient } from "./client.js";
import { FeedWidget } from "./feed-widget.js";
import { safeUrl } from "./safe.js";
import { inPage } from "./shared.js";
import { tokensFrom } from "./tokens.js";

/** @typedef {import("./tokens.js").TokenSource} TokenSource */

/** A connection has the rights of one token. @type {Map<TokenSource, Map<string, FeedClient>>} */
const clients = new Map();

/** @param {string} url of the service @param {TokenSource} getToken */
function sharedClient(url, getToken) {
  const ofSource = clients.get(getToken) ?? new Map();
  clients.set(getToken, ofSource);
  const client = ofSource.get(url) ?? new FeedClient(url, { ...inPage, getToken });
  ofSource.set(url, client);
  return client;
}

export class PrivateWidget extends FeedWidget {
  static observedAttributes = [...FeedWidget.observedAttributes, "token-src"];

  /** @type {TokenSource | undefined} */
  #tokenSource;

  connectedCallback() {
    // A page may have set it before this script was there.
    if (Object.hasOwn(this, "tokenSource")) {
      const { tokenSource } = this;
      delete (/** @type {any} */ (this).tokenSource);
      this.#tokenSource = tokenSource;
    }
    super.connectedCallback();
  }

  /** Where the page's own site gives tokens, as `{"token": "…"}`. */
  get tokenSrc() {
    return this.getAttribute("token-src") ?? "";
  }
  set tokenSrc(value) {
    this.setAttribute("token-src", value);
  }

  /** What gives the first token and, whenever one has expired, the next. @returns {TokenSource | undefined} */
  get tokenSource() {
    const url = safeUrl(this.getAttribute("token-src"), document.baseURI);
    return this.#tokenSource ?? (url ? tokensFrom(url) : undefined);
  }
  set tokenSource(source) {
    this.#tokenSource = source;
    this.restart();
  }

  get reader() {
    return this.#client ?? super.reader;
  }

  get #client() {
    const source = this.tokenSource;
    return source && sharedClient(this.src, source);
  }

  /** @param {string} url @param {RequestInit} options */
  request(url, options) {
    return this.#client?.fetch(url, options) ?? super.request(url, options);
  }
}

PrivateWidget.define();
