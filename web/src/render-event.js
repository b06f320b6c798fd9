/** An event: a leaf of the calendar, then what, when, where and whether. */

import { placeTime } from "./dates.js";
import { h } from "./dom.js";
import { media, title } from "./render-parts.js";
import { link } from "./safe.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./render.js").Context} Context
 */

/** Status on the wire to the name of its word; what is scheduled needs none. */
const STATUS = {
  cancelled: "cancelled",
  postponed: "postponed",
  rescheduled: "rescheduled",
  moved_online: "online",
};

/** @param {Item} item @param {Context} context */
export function renderEvent(item, context) {
  const { texts, locale } = context;
  const time = placeTime(String(item.starts_at), item.timezone, locale);
  const status = Object.hasOwn(STATUS, item.status)
    ? STATUS[/** @type {keyof typeof STATUS} */ (item.status)]
    : undefined;
  return [
    time && leaf(item, time),
    h(
      "div",
      { class: "what", part: "event-details" },
      status && h("p", { class: `badge ${status}`, part: "badge" }, texts[status]),
      title(item),
      time && when(item, time, context),
      where(item.venue),
      performers(item),
      tickets(item, texts),
    ),
    media(item, context, 1),
  ];
}

/** @param {Item} item @param {NonNullable<ReturnType<typeof placeTime>>} time */
function leaf(item, { month, day }) {
  return h(
    "time",
    { class: "leaf", part: "date", datetime: item.starts_at, "aria-hidden": "true" },
    h("span", { class: "month" }, month),
    h("span", { class: "day" }, day),
  );
}

/**
 * @param {Item} item @param {NonNullable<ReturnType<typeof placeTime>>} time
 * @param {Context} context
 */
function when(item, time, { texts, locale }) {
  const hour = item.all_day ? texts.allDay : item.time_tba ? texts.tba : time.time;
  const doors = item.doors_at && placeTime(item.doors_at, item.timezone, locale);
  const old = item.previous_starts_at && placeTime(item.previous_starts_at, item.timezone, locale);
  const zone = item.all_day || item.time_tba ? "" : time.zone;
  return h(
    "p",
    { class: "meta", part: "when" },
    old && h("s", {}, old.date),
    h("time", { datetime: item.starts_at }, `${time.date} · ${hour} ${zone}`.trim()),
    doors && h("span", {}, `${texts.doors} ${doors.time}`),
  );
}

/** @param {any} venue */
function where(venue) {
  const place = [venue?.name, venue?.city].filter(Boolean);
  if (!place.length) return;
  return h("p", { class: "meta", part: "venue", dir: "auto" }, link(venue.url, {}, place.join(", ")));
}

/** @param {Item} item */
function performers(item) {
  const names = (item.performers ?? []).map((/** @type {any} */ each) => each?.name ?? each);
  const list = names.filter((/** @type {any} */ name) => typeof name === "string").join(" · ");
  return list && h("p", { class: "lead", part: "performers", dir: "auto" }, list);
}

/** @param {Item} item @param {Record<string, string>} texts */
function tickets(item, texts) {
  const url = item.offers?.find((/** @type {any} */ offer) => offer?.url)?.url;
  if (!url || item.status === "cancelled") return;
  return h("p", {}, link(url, { class: "button", part: "tickets" }, texts.tickets));
}
