/** Making nodes: whatever comes from outside becomes text, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * @param {string} tag @param {Record<string, any>} attributes those that begin with
 *   `on` are listeners @param {Child[]} children
 */
export function el(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** @param {string} tag @param {Record<string, any>} attributes @param {Child[]} children */
export function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} T
 * @param {T} node @param {Record<string, any>} attributes @param {Child[]} children
 */
function dress(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const one of children) if (one !== false && one != null) node.append(one instanceof Node ? one : String(one));
  return node;
}

/** Where each container's nodes are, by key. @type {WeakMap<Element, Map<string, {text: string, node: Element}>>} */
const known = new WeakMap();

/**
 * Make the container show the models, in order. A node whose model has not changed is
 * kept, and one that takes another's place takes its focus: nobody who is in the list
 * by keyboard is thrown out when it is read again.
 * @template T
 * @param {Element} container @param {T[]} models
 * @param {(model: T) => string} keyOf @param {(model: T) => Element} make
 */
export function keyed(container, models, keyOf, make) {
  const before = known.get(container) ?? new Map();
  const after = new Map();
  for (const model of models) {
    const key = keyOf(model);
    const text = JSON.stringify(model);
    const old = before.get(key);
    const node = old?.text === text ? old.node : make(model);
    if (old && old.node !== node) handOver(old.node, node);
    after.set(key, { text, node });
  }
  for (const [key, { node }] of before) if (!after.has(key)) node.remove();
  let place = container.firstElementChild;
  for (const { node } of after.values()) {
    if (place && node === place) place = place.nextElementSibling;
    else container.insertBefore(node, place);
  }
  known.set(container, after);
}

const FOCUSABLE = "button, a[href], input, select, [tabindex]";

/** @param {Element} old @param {Element} node */
function handOver(old, node) {
  const at = [...old.querySelectorAll(FOCUSABLE)].findIndex((one) => one === document.activeElement);
  old.replaceWith(node);
  /** @type {NodeListOf<HTMLElement>} */
  const able = node.querySelectorAll(FOCUSABLE);
  if (at >= 0) able[at]?.focus();
}

/**
 * A table whose rows are `keyed`; on a phone each cell is told by its column.
 * @param {string} label @param {string[]} columns
 */
export function table(label, columns) {
  const head = columns.map((name) => el("th", { scope: "col" }, name));
  const body = el("tbody", { role: "rowgroup" });
  const node = el("table", { "aria-label": label, role: "table" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)), body);
  for (const one of head) one.setAttribute("role", "columnheader");
  /** @param {Child[]} cells */
  const row = (...cells) => el("tr", { role: "row" }, ...cells.map((cell, at) => el("td", { role: "cell", "data-of": columns[at] }, cell)));
  return { node, body, row };
}

/** @param {string} name @param {() => void} act @param {Record<string, string | number>} [more] */
export const button = (name, act, more = {}) => el("button", { type: "button", onclick: act, ...more }, name);
