/** The processes of the deployment, and the last hour of all of them. */

import { chart } from "./chart.js";
import { el, keyed, table } from "./dom.js";
import { ago, exactly, megabytes, number } from "./words.js";

/** Beyond this the change stream has a problem; two seconds are its clock's. */
const LATE_S = 5;

/**
 * Title, the field of a sample, how a value is told.
 * @type {[title: string, name: string, told: (value: number) => string][]}
 */
const CHARTS = [
  ["Connections", "connections", number],
  ["Messages to clients per second", "messages_per_s", number],
  ["Changes per second", "changes_per_s", number],
  ["Relay lag", "lag_s", (value) => `${number(value)} s`],
  ["Memory", "memory_bytes", megabytes],
  ["Processes", "processes", number],
];

/** @typedef {import("./api.js").Answer} Process one of the deployment, or a sample of all */

/** @param {Element} place @param {import("./api.js").Api} api */
export function overview(place, api) {
  const charts = CHARTS.map(([title, name, told]) => ({ name, ...chart(title, told) }));
  const list = table("Processes", ["Process", "State", "Lag", "Connections", "Transports", "Messages/s", "Changes/s", "Memory", "Since"]);
  place.append(el("div", { class: "charts" }, ...charts.map(({ node }) => node)), list.node);

  const row = (/** @type {Process} */ { isHere, ...one }) =>
    list.row(
      el("span", {}, one.process, isHere && el("small", {}, " shows this page")),
      el("span", { class: one.is_ready ? "good" : "bad" }, one.is_ready ? "follows" : "catching up"),
      el("span", { class: one.lag_s > LATE_S ? "bad" : "" }, `${number(one.lag_s)} s`),
      number(connections(one)),
      transports(one),
      number(one.messages_per_s),
      number(one.changes_per_s),
      megabytes(one.memory_bytes),
      el("time", { datetime: one.started_at, title: exactly(one.started_at) }, ago(one.started_at)),
    );

  return {
    async read() {
      const { here, processes } = await api.get("processes");
      const models = processes.map((/** @type {Process} */ { at, ...one }) => ({ ...one, isHere: one.process === here }));
      keyed(list.body, models, ({ process }) => process, row);
      return { behind: processes.filter((/** @type {Process} */ { is_ready: isReady, lag_s: lag }) => !isReady || lag > LATE_S) };
    },
    async readHistory() {
      const { step_s: step, samples } = await api.get("history");
      for (const { name, show } of charts) {
        show(samples.map((/** @type {Process} */ one) => ({ at: Date.parse(one.at), value: one[name] })), step * 1000);
      }
    },
  };
}

/** @param {Process} process @returns {number} */
const connections = ({ sessions, streams }) => Object.values(sessions).reduce((sum, one) => sum + one, streams);

/** @param {Process} process */
function transports({ sessions, streams }) {
  const all = Object.entries({ ...sessions, "event stream": streams }).filter(([, count]) => count);
  return all.map(([name, count]) => `${name.replaceAll("_", " ")} ${number(count)}`).join(", ") || "none";
}
