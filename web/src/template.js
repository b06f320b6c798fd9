/** A page's own look of an item: its `<template>`, filled with texts and addresses. */

import { safeUrl } from "./safe.js";

/**
 * Return copies of what the template for the item's type (`data-type`), or for all
 * types, has inside; undefined without one. `data-text`, `data-href` and `data-src`
 * name a field of the item, as `venue.name`.
 * @param {HTMLElement} host
 * @param {import("./item-list.js").Item} item
 * @param {string} base
 * @returns {Node[] | undefined}
 */
export function fillTemplate(host, item, base) {
  /** @type {NodeListOf<HTMLTemplateElement>} */
  const templates = host.querySelectorAll(":scope > template");
  const own = [...templates].find(({ dataset }) => (dataset.type ?? item.type) === item.type);
  const copy = own && document.importNode(own.content, true);
  for (const node of copy?.querySelectorAll("*") ?? []) {
    for (const [name, path = ""] of Object.entries(/** @type {HTMLElement} */ (node).dataset)) {
      const value = path.split(".").reduce((/** @type {any} */ of, field) => of?.[field], item);
      const url = /^(href|src)$/.test(name) && safeUrl(value, base);
      if (url) node.setAttribute(name, url);
      if (name === "text") node.textContent = value;
    }
  }
  return copy && [...copy.childNodes];
}
