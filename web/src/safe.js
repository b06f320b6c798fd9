/** The door for content from outside: addresses and HTML are checked once more here. */

import { h } from "./dom.js";

/** Content of strangers: no opener, no referrer, no vote for search engines. */
const REL = "noopener noreferrer nofollow ugc";

/** What may stay; of other elements the content does, as text or what may stay. */
const ALLOWED = /^(P|BR|B|STRONG|I|EM|U|S|DEL|CODE|PRE|BLOCKQUOTE|UL|OL|LI|SUB|SUP|HR)$/;
/**
 * Return the absolute http(s) address, or undefined for anything else.
 * @param {unknown} value
 * @param {string} [base]
 */
export function safeUrl(value, base) {
  if (typeof value !== "string" || !URL.canParse(value, base)) return;
  const { protocol, href } = new URL(value, base);
  return /^https?:$/.test(protocol) ? href : undefined;
}

/**
 * A link, or a plain span where the address is no good.
 * @param {unknown} url
 * @param {string} names classes, each with its dot
 * @param {...any} children
 */
export function link(url, names, ...children) {
  const href = safeUrl(url);
  if (!href) return h(`span${names}`, {}, ...children);
  return h(`a${names}`, { href, rel: REL, target: "_blank" }, ...children);
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
  const types = /** @type {any} */ (globalThis).trustedTypes;
  try {
    // What it lets through is only ever parsed in a document without scripts.
    policy ??= types?.createPolicy("feed-widget", { createHTML: (/** @type {string} */ text) => text });
    const trusted = policy ? policy.createHTML(html) : html;
    const { body } = new DOMParser().parseFromString(trusted, "text/html");
    return copy(body, document.createDocumentFragment());
  } catch {
    return; // the page forbids it
  }
}

/**
 * @template {Node} T
 * @param {Node} from @param {T} to
 */
function copy(from, to) {
  for (const node of from.childNodes) {
    const name = node.nodeName;
    if (node instanceof Text) to.appendChild(new Text(node.data));
    else {
      const href = name === "A" && /** @type {Element} */ (node).getAttribute("href");
      const twin = href ? link(href, "") : ALLOWED.test(name) && h(name);
      copy(node, twin ? to.appendChild(twin) : to);
    }
  }
  return to;
}
