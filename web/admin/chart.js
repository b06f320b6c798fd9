/** A line over the last hour, as a small picture with its newest figure in words. */

import { el, svg } from "./dom.js";

const WIDTH = 300;
const HEIGHT = 72;
const HOUR_MS = 3600000;
/** So many steps without a sample are a gap. */
const GAP = 3;
/** A service that has just begun has a short past, drawn as wide as a long one. */
const LEAST_MS = 60000;

/** @typedef {{at: number, value: number}} Point */

/** @param {string} title @param {(value: number) => string} told */
export function chart(title, told) {
  const now = el("strong", {}, "–");
  const most = el("span", { class: "most" });
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "line" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": title }, area, line);
  const node = el("figure", { class: "chart" }, el("figcaption", {}, el("span", {}, title), now, most), picture);
  /** @param {Point[]} points @param {number} stepMs */
  const show = (points, stepMs) => {
    const top = Math.max(...points.map(({ value }) => value), 1e-9);
    const newest = points.at(-1)?.at ?? 0;
    // What is missing at the end is shown as missing, but for the step under way.
    const end = Date.now() - newest < GAP * stepMs ? newest : Date.now();
    const spanMs = Math.min(HOUR_MS, Math.max(LEAST_MS, end - (points[0]?.at ?? end)));
    const x = (/** @type {number} */ at) => WIDTH * (1 - (end - at) / spanMs);
    const y = (/** @type {number} */ value) => HEIGHT - 2 - (HEIGHT - 6) * (value / top);
    const runs = unbroken(points, stepMs);
    const ways = runs.map((run) => run.map(({ at, value }) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`));
    line.setAttribute("d", ways.map((way) => `M${way.join("L")}${way.length === 1 ? "h1" : ""}`).join(""));
    area.setAttribute("d", runs.map((run, at) => `M${x(run[0].at).toFixed(1)} ${HEIGHT}L${ways[at].join("L")}L${x(lastOf(run).at).toFixed(1)} ${HEIGHT}Z`).join(""));
    const last = points.at(-1);
    now.textContent = last ? told(last.value) : "–";
    most.textContent = points.length ? `at most ${told(Math.max(0, top === 1e-9 ? 0 : top))} in the last hour` : "no samples yet";
    picture.setAttribute("aria-label", `${title}: ${now.textContent}, ${most.textContent}`);
  };
  return { node, show };
}

/** @param {Point[]} run never an empty one */
const lastOf = (run) => run[run.length - 1];

/**
 * Where samples are missing nothing is drawn: a gap is not a zero.
 * @param {Point[]} points @param {number} stepMs
 */
function unbroken(points, stepMs) {
  /** @type {Point[][]} */
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run && point.at - lastOf(run).at < GAP * stepMs) run.push(point);
    else runs.push([point]);
  }
  return runs;
}
