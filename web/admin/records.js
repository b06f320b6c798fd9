/** The sources of ingest with their switch, and the audit log. */

import { button, el, keyed, table } from "./dom.js";
import { ago, exactly, number } from "./words.js";

/** @typedef {import("./api.js").Answer} Answer */

/** Of these nobody has to look after. */
const GOOD = ["ok", "waiting", "disabled"];
const PAGE = 20;

/**
 * @param {Element} place @param {import("./api.js").Api} api @param {import("./deeds.js").Deeds} deeds
 * @param {(ailing: number) => void} tell how many sources are not well
 */
export function sources(place, api, deeds, tell) {
  const list = table("Sources", ["Source", "Health", "Next run", "Last item", "Today", "Failures", "Switch"]);
  const empty = el("p", { class: "help", hidden: true }, "Ingest has not run any source yet.");
  place.append(el("div", { class: "scroll" }, list.node), empty);

  const row = (/** @type {Answer} */ one) => {
    const deed = one.disabled_by ? "enable" : "disable";
    const label = one.disabled_by ? "Enable" : "Disable";
    const isLate = one.next_due && Date.parse(one.next_due) < Date.now();
    const next = one.disabled_by ? "never" : one.running ? "runs now" : `${isLate ? "was due " : ""}${ago(one.next_due)}`;
    return list.row(
      el("span", {}, one.source, one.channel && el("small", {}, ` ${one.channel}`)),
      el("span", { class: one.disabled_by ? "" : GOOD.includes(one.standing) ? "good" : "bad" }, one.standing, one.why && el("small", {}, ` ${one.why}`)),
      el("span", { title: exactly(one.next_due) }, next),
      el("span", { title: exactly(one.last_item_at) }, ago(one.last_item_at)),
      el("span", {}, number(one.items_today), el("small", {}, ` usually ${number(one.items_usual ?? 0)}`)),
      number(one.failures),
      button(label, () => deeds.source(one.source, deed), { "aria-label": `${label} ${one.source}` }),
    );
  };

  return {
    async read() {
      const { sources: found } = await api.get("sources");
      list.node.hidden = !found.length;
      empty.hidden = found.length > 0;
      const isAiling = (/** @type {Answer} */ { standing }) => !GOOD.includes(standing);
      const ailing = found.filter(isAiling);
      // Whoever looks at them wants to see these first.
      keyed(list.body, [...ailing, ...found.filter((/** @type {Answer} */ one) => !isAiling(one))], ({ source }) => source, row);
      tell(ailing.length);
    },
  };
}

/** @param {Element} place @param {import("./api.js").Api} api */
export function audit(place, api) {
  let pages = 1;
  const list = table("Deeds", ["When", "Who", "Deed", "What"]);
  const empty = el("p", { class: "help", hidden: true }, "Nobody has done anything yet.");
  const more = button("Show more", () => {
    pages += 1;
    read();
  }, { hidden: "" });
  place.append(list.node, empty, more);

  const row = (/** @type {Answer} */ { at, who, deed, item, channel, source }) =>
    list.row(
      el("time", { datetime: at, title: exactly(at) }, ago(at)),
      who,
      deed,
      el("span", {}, item ?? source ?? "", channel && el("small", {}, ` ${channel}`)),
    );

  async function read() {
    const { entries, next } = await api.get("audit", { limit: PAGE * pages });
    keyed(list.body, entries, ({ at, who, deed, item = "", source = "" }) => [at, who, deed, item, source].join(" "), row);
    list.node.hidden = !entries.length;
    empty.hidden = entries.length > 0;
    more.hidden = !next;
  }

  return { read };
}
