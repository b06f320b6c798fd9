/** What sounds: the tracks of the programme and episodes to play. */

import { duration } from "./dates.js";
import { h } from "./dom.js";
import { moment, picture, prose, title } from "./render-parts.js";
import { safeUrl } from "./safe.js";

/**
 * @typedef {import("./item-list.js").Item} Item
 * @typedef {import("./render.js").Context} Context
 */

/**
 * The time from which a track no longer plays; stations that stop reporting
 * must not "play" it for hours.
 * @param {Item} item
 */
export function endOf(item) {
  const seconds = Number(item.duration) || 600;
  return Date.parse(item.started_at ?? item.date) + (seconds + 60) * 1000;
}

/** @param {Item} item @param {Context} context */
export function renderTrack(item, context) {
  const { texts, base } = context;
  const art = safeUrl(item.art, base);
  const bars = h("span", { class: "bars", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  return [
    h("div", { class: "art", part: "art" }, art ? picture(art, "", {}) : "♪"),
    h(
      "div",
      { class: "what", part: "track-details" },
      h("p", { class: "kicker now", part: "now" }, bars, texts.now),
      title(item),
      h("p", { class: "artist", part: "artist", dir: "auto" }, item.artist),
      item.album && h("p", { class: "meta album", part: "album", dir: "auto" }, item.album),
    ),
    moment(item.started_at ?? item.date, context),
  ];
}

/** @param {Item} item @param {Context} context */
export function renderEpisode(item, context) {
  const sound = item.attachments?.find((/** @type {any} */ each) => /^audio\//.test(each?.mime_type));
  const text = item.summary ? { ...item, content_html: undefined, content_text: item.summary } : item;
  return [
    h("p", { class: "meta", part: "meta" }, moment(item.date_published ?? item.date, context)),
    title(item),
    prose(text),
    sound && player(sound, context),
  ];
}

/**
 * A button until somebody wants to hear it: no request, no decoder, no clutter.
 * @param {any} sound @param {Context} context
 */
function player({ url, duration_in_seconds: seconds }, { texts, base }) {
  const src = safeUrl(url, base);
  if (!src) return;
  const length = seconds > 0 ? duration(seconds) : "";
  const button = h("button", { type: "button", class: "button", part: "play" }, `▶ ${texts.play}`);
  const box = h("div", { class: "player", part: "player", "data-keep": src }, button);
  if (length) box.append(h("span", { class: "muted" }, length));
  button.addEventListener("click", () => {
    const audio = /** @type {HTMLAudioElement} */ (h("audio", { src, controls: true, part: "audio" }));
    box.replaceChildren(audio);
    audio.focus();
    audio.play().catch(() => undefined); // the controls say what is wrong
  });
  return box;
}
