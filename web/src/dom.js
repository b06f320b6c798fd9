/** Building DOM from data: elements, attributes and text, never markup. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] null, undefined and false leave one out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value || value === 0) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * Make `old` look like `fresh` and touch only what differs, so that focus, a
 * playing sound and loaded pictures survive an edit.
 * @param {Element} old
 * @param {Node[]} fresh
 */
export function patch(old, fresh) {
  const nodes = [...old.childNodes];
  fresh.forEach((node, index) => {
    const known = nodes[index];
    if (!known) old.append(node);
    else if (!isSame(known, node)) known.replaceWith(node);
  });
  for (const node of nodes.slice(fresh.length)) node.remove();
}

/** @param {any} known @param {any} node */
function isSame(known, node) {
  const key = known.dataset?.keep;
  return key ? key === node.dataset?.keep : known.isEqualNode(node);
}
