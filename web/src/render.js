/** Item to DOM, one function a type; each returns the blocks of one article. */

import { byline, media, moment, prose, title } from "./render-parts.js";
import { renderEvent } from "./render-event.js";
import { renderEpisode, renderTrack } from "./render-audio.js";
import { h } from "./dom.js";
import { link, safeUrl } from "./safe.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {{texts: Record<string, string>, locale: string, base: string}} Context
 *   words, language, and where relative addresses start
 */

/** @type {Record<string, (item: Item, context: Context) => any[]>} */
const RENDERERS = {
  post: renderPost,
  article: renderArticle,
  event: renderEvent,
  track: renderTrack,
  episode: renderEpisode,
};

/**
 * @param {Item} item
 * @param {Context} context
 * @returns {Node[]}
 */
export function render(item, context) {
  const renderer = Object.hasOwn(RENDERERS, item.type) ? RENDERERS[item.type] : renderPost;
  const pinned = item.pinned && h("p", { class: "flag", part: "flag" }, `📌 ${context.texts.pinned}`);
  return [pinned, ...renderer(item, context)].filter(Boolean);
}

/** @param {Item} item @param {Context} context */
function renderPost(item, context) {
  const { texts } = context;
  const note = item.repost_of ? texts.repost : item.in_reply_to ? texts.reply : "";
  const content = [
    item.title && title(item),
    prose(item),
    media(item, context),
    card(item, context),
  ].filter(Boolean);
  return [
    note && h("p", { class: "flag", part: "flag" }, `${item.repost_of ? "⟲" : "↩"} ${note}`),
    byline(item, context),
    ...(item.sensitive
      ? [h("details", {}, h("summary", {}, texts.sensitive), ...content)]
      : content),
  ];
}

/** The page that a post points to. @param {Item} item @param {Context} context */
function card(item, { base }) {
  const url = safeUrl(item.external_url, base);
  if (!url || url === item.url) return;
  const { host, pathname } = new URL(url);
  const path = pathname.length > 1 ? h("span", { class: "muted" }, pathname) : "";
  return link(url, { class: "card", part: "card", dir: "ltr" }, host.replace(/^www\./, ""), path);
}

/** @param {Item} item @param {Context} context */
function renderArticle(item, context) {
  const lead = item.summary || item.content_text;
  const names = (item.authors ?? []).map((/** @type {any} */ author) => author?.name);
  return [
    media(item, context, 1),
    item.tags?.[0] && h("p", { class: "kicker", part: "kicker", dir: "auto" }, String(item.tags[0])),
    title(item),
    lead && h("p", { class: "lead", part: "text", dir: "auto" }, lead),
    h(
      "footer",
      { class: "meta", part: "meta" },
      names.filter(Boolean).join(", "),
      moment(item.date_published ?? item.date, context),
    ),
  ];
}
