/** Building DOM from data: elements, attributes and text, never markup. */

/**
 * @param {string} selector a tag and its classes, as `p.meta`; each class is a part too
 * @param {Record<string, unknown>} [attributes] null, undefined and false leave one out
 * @param {...any} children nodes and texts; what is empty is left out
 * @returns {HTMLElement}
 */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...names] = selector.split(".");
  const element = document.createElement(tag);
  if (names.length) element.setAttribute("part", (element.className = names.join(" ")));
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(Boolean));
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
    else if (!known.isEqualNode(node)) known.replaceWith(node);
  });
  for (const node of nodes.slice(fresh.length)) node.remove();
}
