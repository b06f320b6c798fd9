/** Pieces that several types of item share. */

import { full, relative } from "./dates.js";
import { h } from "./dom.js";
import { link, richText, safeUrl } from "./safe.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./render.js").Context} Context
 */

/** Beyond this a mosaic is a smear; the rest is where the post is. */
const MAX_PICTURES = 4;

/**
 * A line of the item's own words, in whatever direction they run.
 * @param {string} selector @param {any} text @param {Item} [item] whose language it is
 */
export const line = (selector, text, item) => text && h(selector, { dir: "auto", lang: item?.language }, text);

/** No heading: where this page's outline is at, nobody tells us. @param {Item} item */
export const title = (item) => line("p.title", item.title && link(item.url, "", item.title), item);

/** A time that ages; the clock rewrites its text. @param {Item} item @param {Context} context */
export function moment(item, { locale }) {
  const datetime = item.started_at ?? item.date_published ?? item.date;
  const at = Date.parse(datetime);
  return at && h("time.time", { datetime, title: full(at, locale) }, relative(at, Date.now(), locale));
}

/** @param {Item} item @param {Context} context */
export function byline(item, context) {
  const author = item.authors?.[0] ?? {};
  const name = String(author.name || item.channel);
  const avatar = safeUrl(author.avatar, context.base);
  return h(
    "div.byline",
    {},
    h("span.avatar", { "aria-hidden": "true" }, avatar ? picture(avatar) : [...name.trim()][0]?.toUpperCase()),
    line("bdi.name", link(author.url, "", name)),
    link(item.url, ".when", moment(item, context)),
  );
}

/** @param {Item} item */
export function prose(item) {
  const rich = item.content_html && richText(item.content_html);
  return line(rich ? "div.prose.text" : "div.prose.plain.text", rich || item.content_text || item.summary, item);
}

/**
 * @param {string} src
 * @param {{alt?: string, width?: number, height?: number}} [picture] as the item describes it
 */
export const picture = (src, { alt = "", width, height } = {}) =>
  h("img.image", { src, alt, width, height, loading: "lazy", referrerpolicy: "no-referrer" });

/** @param {Item} item @param {Context} context @param {number} [most] */
export function media(item, { base }, most = MAX_PICTURES) {
  /** @type {HTMLElement[]} */
  const all = (item.attachments ?? []).flatMap((/** @type {any} */ it) => {
    const src = safeUrl(it?.url, base);
    const [kind] = /^(image|video|audio)/.exec(it?.mime_type) ?? [];
    if (!src || !kind) return [];
    const { width, height, alt = it.title } = it;
    if (kind === "image") return picture(src, { alt, width, height });
    const label = alt ?? item.title;
    return h(`${kind}.${kind}`, { src, width, height, "aria-label": label, controls: true, preload: "none" });
  });
  const shown = all.slice(0, most);
  return shown.length && h(`div.media.n${shown.length}`, {}, ...shown);
}
