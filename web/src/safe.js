/** The door for content from outside: addresses and HTML are checked once more here. */

import { h } from "./dom.js";

/** Content of strangers: no opener, no referrer, no vote for search engines. */
const REL = "noopener noreferrer nofollow ugc";

/** What may stay; other elements give way to their content. */
const ALLOWED = new Set(
  "P BR B STRONG I EM U S DEL CODE PRE BLOCKQUOTE UL OL LI SUB SUP HR".split(" "),
);
/** What goes with all that is in it. */
const DROPPED = new Set(
  ("SCRIPT STYLE TEMPLATE IFRAME OBJECT EMBED NOSCRIPT TITLE TEXTAREA SELECT BUTTON " +
    "AUDIO VIDEO CANVAS SVG MATH").split(" "),
);
/** Deeper than any text a person wrote. */
const MAX_DEPTH = 24;

/**
 * Return the absolute http(s) address, or undefined for anything else.
 * @param {unknown} value
 * @param {string} [base]
 */
export function safeUrl(value, base) {
  if (typeof value !== "string" || !URL.canParse(value, base)) return;
  const { protocol, href } = new URL(value, base);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}

/**
 * A link, or a plain span where the address is no good.
 * @param {unknown} url
 * @param {Record<string, unknown>} attributes
 * @param {...any} children
 */
export function link(url, attributes, ...children) {
  const href = safeUrl(url);
  if (!href) return h("span", attributes, ...children);
  return h("a", { href, rel: REL, target: "_blank", ...attributes }, ...children);
}

/** @type {{createHTML(html: string): any} | null | undefined} */
let policy;

/**
 * Rebuild sanitised HTML from an inert document, element by element. Returns
 * undefined where the page's Trusted Types forbid our policy: use the text then.
 * @param {string} html
 * @returns {DocumentFragment | undefined}
 */
export function richText(html) {
  const trusted = trustedHTML(html);
  if (trusted === undefined) return;
  const { body } = new DOMParser().parseFromString(trusted, "text/html");
  const fragment = document.createDocumentFragment();
  copy(body, fragment, 0);
  return fragment;
}

/** @param {string} html */
function trustedHTML(html) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  if (!types) return html;
  try {
    // What it lets through is only ever parsed in a document without scripts.
    policy ??= types.createPolicy("feed-widget", { createHTML: (/** @type {string} */ text) => text });
  } catch {
    policy = null;
  }
  return policy?.createHTML(html);
}

/** @param {Node} from @param {Node} to @param {number} depth */
function copy(from, to, depth) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.appendChild(new Text(node.nodeValue ?? ""));
    if (!(node instanceof Element) || DROPPED.has(node.nodeName.toUpperCase())) continue;
    const kept = depth < MAX_DEPTH && twin(node);
    copy(node, kept ? to.appendChild(kept) : to, depth + 1);
  }
}

/** @param {Element} element */
function twin(element) {
  if (element.nodeName === "A") return link(element.getAttribute("href"), {});
  return ALLOWED.has(element.nodeName) && h(element.nodeName);
}
