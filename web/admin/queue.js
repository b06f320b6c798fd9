/** What is held: looked at, and shown or not. */

import { button, el, keyed } from "./dom.js";
import { ago, exactly, nameOf, number } from "./words.js";

/** @type {Record<string, string>} */
const REASONS = { review: "Review", embargo: "Embargo", delay: "Delay", rejected: "Rejected" };
const PAGE = 20;

/**
 * @param {Element} place @param {import("./api.js").Api} api @param {import("./deeds.js").Deeds} deeds
 * @param {(waiting: number) => void} tell how many wait for an editor
 */
export function queue(place, api, deeds, tell) {
  let reason = "review";
  let pages = 1;
  const tabs = el("div", { class: "choices", role: "group", "aria-label": "Held for" });
  const list = el("ul", { class: "cards", "aria-label": "Held items" });
  const empty = el("p", { class: "help", hidden: true }, "Nothing is held for this reason.");
  const more = button("Show more", () => {
    pages += 1;
    read();
  }, { hidden: "" });
  place.append(tabs, list, empty, more);

  const choose = (/** @type {string} */ name) => {
    reason = name;
    pages = 1;
    read();
  };
  const tab = (/** @type {{name: string, count: number, isChosen: boolean}} */ { name, count, isChosen }) =>
    button(`${REASONS[name]} ${number(count)}`, () => choose(name), { "aria-pressed": String(isChosen) });

  const card = (/** @type {import("./api.js").Answer} */ { isLeaving, item, shown, held, version }) => {
    const name = nameOf(item);
    /** @param {string} label @param {() => void} run */
    const act = (label, run, more = {}) => button(label, run, { "aria-label": `${label}: ${name}`, ...more });
    const until = held.until && `, until ${exactly(held.until)}`;
    const acts = isLeaving ? [el("em", {}, "is being erased")] : [
      reason === "review" && act("Approve", () => deeds.item(item, "approve", { version }), { class: "strong" }),
      reason === "rejected" ? act("Back to review", () => deeds.item(item, "review")) : act("Reject", () => deeds.item(item, "reject", { version })),
      act("Remove", () => deeds.remove(item), { class: "danger" }),
    ];
    return el("li", { class: "card" },
      el("h3", {}, name),
      el("p", { class: "help" }, `${item.type} in ${item.channel}${item.source ? ` from ${item.source}` : ""}, held `,
        el("time", { datetime: held.since, title: exactly(held.since) }, ago(held.since)), until),
      item.title && item.content_text && el("p", {}, item.content_text.slice(0, 600)),
      item.url && el("p", { class: "help" }, item.url),
      shown && el("p", { class: "was" }, el("b", {}, "Readers see: "), nameOf(shown)),
      el("div", { class: "acts" }, ...acts));
  };

  async function read() {
    const asked = reason;
    const found = await api.get("queue", { reason: asked, limit: PAGE * pages });
    if (asked !== reason) return; // another one was chosen meanwhile
    const models = Object.keys(REASONS).map((name) => ({ name, count: found.counts[name] ?? 0, isChosen: name === asked }));
    keyed(tabs, models, ({ name }) => name, tab);
    const items = found.items.map((/** @type {import("./api.js").Answer} */ one) => ({ ...one, isLeaving: deeds.leaving.has(one.id) }));
    keyed(list, items, ({ id }) => id, card);
    empty.hidden = items.length > 0;
    more.hidden = !found.next;
    tell(found.counts.review ?? 0);
  }

  return { read };
}
