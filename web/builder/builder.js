/** The builder's page: what is chosen becomes a live widget and the snippets for it. */

/** What the page has. @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ (document.querySelector("form"));
const stage = byId("stage");
const said = byId("said");
const { base } = document.body.dataset;
/** @type {Record<string, string>} */
const USUAL = { backlog: "20", layout: "list", theme: "auto" };
/** Long enough that a name is not looked for letter by letter. */
const TYPING_MS = 400;

/** @typedef {Record<string, string>} Choices */

/** A field of the form. @param {string} name */
const field = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** What is chosen and not as usual, under the names of attributes. @returns {Choices} */
function choices() {
  const data = new FormData(form);
  const boxes = form.querySelectorAll("[name=types]");
  const types = data.getAll("types");
  const chosen = {
    channel: String(data.get("channel")).trim().toLowerCase(),
    backlog: String(data.get("backlog")),
    layout: String(data.get("layout")),
    types: types.length < boxes.length ? types.join(" ") : "",
    theme: String(data.get("theme")),
    lang: String(data.get("lang")),
    accent: data.has("own") ? String(data.get("accent")) : "",
  };
  const isTold = (/** @type {[string, string]} */ [name, value]) => value && value !== USUAL[name];
  return Object.fromEntries(Object.entries(chosen).filter(isTold));
}

/** A value inside of double quotes. @param {string} text */
const quoted = (text) => text.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** @param {Choices} choices */
function frameAddress({ channel, ...rest }) {
  const query = new URLSearchParams(rest);
  if (rest.accent) query.set("accent", rest.accent.slice(1));
  const asked = String(query);
  return `${base}/embed/${encodeURIComponent(channel)}${asked && `?${asked}`}`;
}

/** The element's attributes, and what else it takes: the theme and accent are styles. @param {Choices} choices */
function snippet({ theme, accent, channel, ...rest }) {
  const attributes = Object.entries({ channel, ...rest });
  const told = attributes.map(([name, value]) => ` ${name}="${quoted(value)}"`).join("");
  const ground = theme && `color-scheme: ${theme}; background: Canvas; color: CanvasText`;
  const styles = [ground, accent && `--feed-accent: ${accent}`];
  const style = styles.filter(Boolean).join("; ");
  // In one language the words come with the script; English is in the plain one.
  const script = rest.lang && rest.lang !== "en" ? `widget.${rest.lang}.js` : "widget.js";
  return `<script type="module" src="${base}/${script}"></script>
<feed-widget${told}${style && ` style="${style}"`}>
  <a href="${base}/embed/${quoted(encodeURIComponent(channel))}">${quoted(channel)}</a>
</feed-widget>`;
}

function show() {
  const chosen = choices();
  const { channel = "" } = chosen;
  const address = frameAddress({ ...chosen, channel });
  const query = new URLSearchParams({ url: address, format: "json" });
  const texts = {
    snippet: snippet({ ...chosen, channel }),
    frame: `<iframe src="${quoted(address)}"
  title="${quoted(channel)}" width="600" height="800" loading="lazy"
  style="border:0;max-width:100%"></iframe>`,
    link: address,
    oembed: `${base}/oembed?${query}`,
  };
  for (const [id, text] of Object.entries(texts)) byId(id).textContent = text;
  preview(chosen);
}

/** One element, whose attributes follow the choices. */
const widget = document.createElement("feed-widget");
stage.append(widget);

/** @param {Choices} choices */
function preview({ theme = "", accent = "", ...attributes }) {
  stage.dataset.theme = theme;
  widget.style.setProperty("--feed-accent", accent);
  for (const name of ["channel", "backlog", "layout", "types", "lang"]) {
    if (attributes[name]) widget.setAttribute(name, attributes[name]);
    else widget.removeAttribute(name);
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(show, TYPING_MS);
});
form.addEventListener("change", () => show());
form.addEventListener("submit", (event) => event.preventDefault());
field("accent").addEventListener("input", () => (field("own").checked = true));

/** @type {NodeListOf<HTMLElement>} */
const copies = document.querySelectorAll(".copy");
for (const button of copies) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId(button.dataset.of ?? "").textContent ?? "");
    button.textContent = "Copied";
    said.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
      said.textContent = "";
    }, 2000);
  });
}

const asked = new URLSearchParams(location.search).get("channel");
if (asked) field("channel").value = asked;
show();
