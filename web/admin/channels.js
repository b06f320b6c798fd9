/** The tree of channels, live, and the tail of one of them. */

import { button, el, keyed, table } from "./dom.js";
import { ago, exactly, nameOf, number } from "./words.js";

const TAIL = 20;
const KEPT = 60;
/** What came live; the next reading of the tree makes up for what is beyond. */
const MAX_NOTED = 2000;
/** What arrives in a burst is shown once, and what is typed is looked for once. */
const REST_MS = 300;

/** @typedef {import("./api.js").Answer} Row a channel of the tree */
/** @typedef {import("../src/item-list.js").Item} Item */

/** @param {string} channel */
const lineage = (channel) => channel.split(".").map((_, at, all) => all.slice(0, at + 1).join("."));
/** @param {Item} one @param {Item | null} than */
const isNewer = (one, than) => !than || one.date > than.date || (one.date === than.date && one.id >= than.id);

/**
 * @param {Element} place @param {import("./api.js").Api} api @param {import("./deeds.js").Deeds} deeds
 * @param {import("../src/client.js").FeedClient} client
 */
export function channels(place, api, deeds, client) {
  /** @type {Map<string, Row>} */
  let rows = new Map();
  let chosen = "";
  /** @type {import("../src/subscription.js").Subscription | undefined} */
  let tail;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  let typing = 0;

  const tree = table("Channels", ["Channel", "Items", "Subscribers", "Changes/min", "Last item"]);
  const find = /** @type {HTMLInputElement} */ (el("input", {
    id: "find", type: "search", autocapitalize: "none", spellcheck: "false",
    oninput: () => {
      clearTimeout(typing);
      // What fails is told when the whole page is read again.
      typing = setTimeout(() => read().catch(() => {}), REST_MS);
    },
  }));
  const more = el("p", { class: "help", hidden: true });
  const title = el("h3", { id: "tail-title", tabindex: "-1" }, "Tail");
  const hint = el("p", { class: "help" }, "Choose a channel to see its items as they come.");
  const list = el("ul", { class: "cards", "aria-labelledby": "tail-title" });
  place.append(el("div", { class: "split" },
    el("div", {}, el("p", { class: "find" }, el("label", { for: "find" }, "Find a channel"), find), el("div", { class: "scroll" }, tree.node), more),
    el("div", { class: "tail" }, title, hint, el("div", { class: "scroll" }, list))));

  const row = (/** @type {Row} */ { channel, items, subscribers, changes, last, isChosen }) => {
    const isPattern = channel.includes("*");
    const names = isPattern ? [channel] : channel.split(".");
    const open = button(names[names.length - 1], () => choose(channel), {
      class: "link", "aria-label": channel, "aria-pressed": String(isChosen), "data-depth": Math.min(names.length - 1, 5),
    });
    // Where there is no tree, or no room for one, each row says where it is.
    if (names.length > 1) open.prepend(el("span", { class: "above" }, `${names.slice(0, -1).join(".")}.`));
    return tree.row(open, isPattern ? "–" : number(items), number(subscribers), isPattern ? "–" : number(changes),
      last ? el("span", {}, el("time", { datetime: last.date, title: exactly(last.date) }, ago(last.date)), ` ${nameOf(last)}`) : "none");
  };
  const entry = (/** @type {Item} */ item) => {
    const name = nameOf(item);
    /** @param {string} label @param {() => void} run */
    const act = (label, run, more = {}) => button(label, run, { "aria-label": `${label}: ${name}`, ...more });
    const acts = item.isLeaving ? [el("em", {}, "is being erased")] : [
      item.pinned ? act("Unpin", () => deeds.item(item, "unpin")) : act("Pin", () => deeds.item(item, "pin")),
      act("Hold", () => deeds.item(item, "hold")),
      act("Remove", () => deeds.remove(item), { class: "danger" }),
    ];
    return el("li", { class: "card" },
      el("h4", {}, item.pinned && el("span", { class: "mark" }, "pinned "), name),
      el("p", { class: "help" }, `${item.type} in ${item.channel}${item.source ? ` from ${item.source}` : ""}, `,
        el("time", { datetime: item.date, title: exactly(item.date) }, ago(item.date)), `, revision ${item.rev}`),
      el("div", { class: "acts" }, ...acts));
  };

  const show = () => {
    resting ||= setTimeout(() => {
      resting = undefined;
      const models = [...rows.values()].map((/** @type {Row} */ one) => /** @type {Row} */ ({ ...one, isChosen: one.channel === chosen }));
      keyed(tree.body, models, ({ channel }) => channel, row);
      const items = tail?.items.map((one) => ({ ...one, isLeaving: deeds.leaving.has(one.id) })) ?? [];
      keyed(list, items, ({ id }) => id, entry);
    }, REST_MS);
  };

  /** @param {string} channel */
  function choose(channel) {
    tail?.stop();
    chosen = channel;
    title.textContent = `Tail of ${channel}`;
    hint.hidden = true;
    const trouble = (/** @type {Error} */ error) => {
      hint.hidden = false;
      hint.textContent = error.message;
    };
    tail = client.subscribe(channel, { backlog: TAIL, limit: KEPT }, { replace: show, change: show, error: trouble });
    show();
    // On a phone it is below the tree.
    title.scrollIntoView({ block: "nearest" });
  }

  const wanted = () => find.value.trim().toLowerCase();

  /** Move the last items on between two readings. @param {any} item */
  const note = (item) => {
    for (const channel of lineage(item.channel)) {
      if (!channel.includes(wanted())) continue;
      const known = rows.get(channel) ?? { channel, items: 0, subscribers: 0, changes: 0, last: null };
      if (isNewer(item, known.last)) rows.set(channel, { ...known, last: item });
    }
    show();
  };
  client.subscribe("*", { backlog: 0, limit: MAX_NOTED }, {
    change: ({ change, item }) => (change === "removed" ? show() : note(item)),
  });

  async function read() {
    const asked = wanted();
    const { channels: found, more: left } = await api.get("channels", asked ? { find: asked } : {});
    if (asked !== wanted()) return; // more was typed meanwhile
    rows = new Map(found.map((/** @type {Row} */ one) => [one.channel, one]));
    tree.node.classList.toggle("flat", asked !== "");
    more.hidden = !left && found.length > 0;
    more.textContent = left ? `and ${number(left)} more: find them by a part of their names` : "There is no such channel.";
    show();
  }

  return { read, show };
}
