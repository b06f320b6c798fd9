/** Item to DOM, one function a type; each returns the blocks of one article. */

import { placeTime } from "./dates.js";
import { h } from "./dom.js";
import { byline, line, media, moment, picture, prose, title } from "./render-parts.js";
import { link, safeUrl } from "./safe.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {{texts: Record<string, string>, locale: string, base: string}} Context
 *   words, language, and where relative addresses start
 */

/** @type {Record<string, (item: Item, context: Context) => any[]>} */
const RENDERERS = { post, article, event, track, episode };

/**
 * @param {Item} item
 * @param {Context} context
 * @returns {Node[]}
 */
export function render(item, context) {
  const renderer = Object.hasOwn(RENDERERS, item.type) ? RENDERERS[item.type] : post;
  return [item.pinned && h("p.flag.pinned", {}, "📌"), ...renderer(item, context)].filter(Boolean);
}

/** @param {Item} item @param {Context} context */
function post(item, context) {
  const sign = item.repost_of ? "⟲" : item.in_reply_to && "↩";
  const content = [title(item), prose(item), media(item, context), card(item)].filter(Boolean);
  return [
    sign && h("p.flag", {}, sign),
    byline(item, context),
    ...(item.sensitive
      ? [h("details.sensitive", {}, h("summary", { dir: "auto" }, `⚠ ${item.summary ?? ""}`), ...content)]
      : content),
  ];
}

/** The page that a post points to. @param {Item} item */
function card(item) {
  const url = item.external_url;
  if (!safeUrl(url) || url === item.url) return;
  return link(url, ".card", new URL(url).host.replace("www.", ""));
}

/** @param {Item} item @param {Context} context */
function article(item, context) {
  const names = (item.authors ?? []).map((/** @type {any} */ author) => author?.name);
  return [
    media(item, context, 1),
    line("p.kicker", item.tags?.[0]),
    title(item),
    line("p.lead.text", item.summary || item.content_text, item),
    h("p.meta", {}, line("bdi", names.filter(Boolean).join(", ")), moment(item, context)),
  ];
}

/** @param {Item} item @param {Context} context */
function event(item, context) {
  const { starts_at: datetime, timezone, status, venue, offers = [] } = item;
  const { texts, locale, base } = context;
  /** @param {string} [iso] */
  const at = (iso) => placeTime(String(iso), timezone, locale);
  const [start, old] = [datetime, item.previous_starts_at].map(at);
  const badge = status === "moved_online" ? "Online" : texts[status];
  const hour = start && !item.all_day && !item.time_tba && ` · ${start.time}`;
  const tickets = offers.find((/** @type {any} */ offer) => offer?.url);
  const ics = `${base}feeds/${item.channel}.ics?id=${encodeURIComponent(item.id)}`;
  return [
    start && h("div.leaf.date", { "aria-hidden": "true" }, h("b.month", {}, start.month), h("b.day", {}, start.day)),
    h(
      "div.what",
      {},
      badge && h(`p.badge.${status}`, {}, badge),
      title(item),
      start &&
        h("p.meta.when", {}, old && h("s", {}, old.date), h("time", { datetime }, start.date, hour)),
      line("p.meta.venue", venue && link(venue.url, "", [venue.name, venue.city].filter(Boolean).join(", "))),
      status !== "cancelled" &&
        h(
          "p.actions",
          {},
          tickets && link(tickets.url, ".button.tickets", texts.tickets),
          link(ics, ".button.calendar", texts.calendar),
        ),
    ),
    media(item, context, 1),
  ];
}

/** @param {Item} item @param {Context} context */
function track(item, context) {
  const art = safeUrl(item.art, context.base);
  return [
    h("div.art", { "aria-hidden": "true" }, art ? picture(art) : "♪"),
    h(
      "div.what",
      {},
      h("p.kicker.now", {}, context.texts.now),
      title(item),
      line("p.artist", item.artist),
      line("p.meta.album", item.album),
    ),
    moment(item, context),
  ];
}

/** @param {Item} item @param {Context} context */
function episode(item, context) {
  return [
    h("p.meta", {}, moment(item, context)),
    title(item),
    item.summary ? line("p.prose.text", item.summary, item) : prose(item),
    media(item, context),
  ];
}
