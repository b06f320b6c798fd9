/** Pieces that several types of item share. */

import { full, relative } from "./dates.js";
import { h } from "./dom.js";
import { link, richText, safeUrl } from "./safe.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./render.js").Context} Context
 */

/** Beyond this a mosaic is a smear; the rest is a number on the last picture. */
const MAX_PICTURES = 4;

/** @param {Item} item */
export function title(item) {
  const heading = { class: "title", part: "title", dir: "auto", lang: item.language };
  return h("h3", heading, link(item.url, {}, item.title));
}

/**
 * A time that ages; the clock rewrites its text.
 * @param {string} iso @param {Context} context @param {string} [url]
 */
export function moment(iso, { locale }, url) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return "";
  const attributes = { datetime: iso, title: full(at, locale), part: "time", "data-ages": true };
  const time = h("time", attributes, relative(at, Date.now(), locale));
  return url ? link(url, { class: "when" }, time) : time;
}

/** @param {Item} item @param {Context} context */
export function byline(item, context) {
  const author = item.authors?.[0] ?? {};
  const name = author.name || item.source || item.channel;
  return h(
    "header",
    { class: "byline", part: "byline" },
    avatar(name, author.avatar, context),
    link(author.url, { class: "name", part: "author", dir: "auto" }, name),
    moment(item.date_published ?? item.date, context, item.url),
  );
}

/** @param {string} name @param {unknown} url @param {Context} context */
function avatar(name, url, { base }) {
  const source = safeUrl(url, base);
  const hue = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  const tile = h("span", { class: `avatar hue${hue}`, part: "avatar", "aria-hidden": "true" });
  tile.append(source ? picture(source, "", {}) : [...name.trim()][0]?.toUpperCase() ?? "");
  return tile;
}

/** @param {Item} item */
export function prose(item) {
  const rich = item.content_html && richText(item.content_html);
  const text = item.content_text || item.summary;
  if (!rich && !text) return;
  const attributes = { class: rich ? "prose" : "prose plain", part: "text", dir: "auto" };
  return h("div", { ...attributes, lang: item.language }, rich || text);
}

/**
 * A picture that may fail to load without leaving a torn frame behind.
 * @param {string} src @param {string} alt @param {Record<string, unknown>} attributes
 */
export function picture(src, alt, attributes) {
  const fixed = { src, loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" };
  const image = h("img", { ...fixed, ...attributes });
  image.setAttribute("alt", alt);
  image.addEventListener("error", () => (image.hidden = true), { once: true });
  return image;
}

/**
 * @param {Item} item @param {Context} context @param {number} [most]
 */
export function media(item, { base }, most = MAX_PICTURES) {
  const all = (item.attachments ?? []).flatMap((/** @type {any} */ attachment) => {
    const src = safeUrl(attachment?.url, base);
    const kind = /^(image|video)\//.exec(attachment?.mime_type)?.[1];
    return src && kind ? [{ ...attachment, src, kind }] : [];
  });
  if (!all.length) return;
  const shown = all.slice(0, most);
  const rest = most > 1 ? all.length - shown.length : 0;
  return h(
    "div",
    { class: `media n${shown.length}`, part: "media", "data-rest": rest ? `+${rest}` : null },
    ...shown.map(frame),
  );
}

/** @param {any} attachment */
function frame({ src, kind, alt, title: name, width, height }) {
  const size = { width: Number(width) || null, height: Number(height) || null };
  if (kind === "image") return picture(src, alt || name || "", { part: "image", ...size });
  const keep = { "data-keep": src, controls: true, preload: "none", playsinline: true };
  return h("video", { src, "aria-label": alt || name, ...keep, ...size });
}
