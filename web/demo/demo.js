/** The station page's own script: where it is evening, the snippet, and whether we are live. */

/** @type {Record<string, string>} */
const STATES = {
  connecting: "Connecting",
  open: "Live: new items appear by themselves",
  waiting: "Reconnecting",
  stopped: "Not connected",
};

/** What the page has. @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Say at which longitude the sun says eight in the evening. */
function showEvening() {
  const now = new Date();
  const hours = now.getUTCHours() + now.getUTCMinutes() / 60;
  const east = Math.round(((20 - hours) * 15 + 540) % 360) - 180;
  const side = east < 0 ? "west" : "east";
  byId("evening").textContent =
    `Just now it is evening at ${Math.abs(east)}° ${side}.`;
}

showEvening();
setInterval(showEvening, 60000);

const live = byId("live");
byId("onair").addEventListener("feed-state", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const text = STATES[detail.state];
  if (!text) return;
  live.textContent = text;
  live.classList.toggle("open", detail.state === "open");
});

const code = byId("code");
code.textContent = (code.textContent ?? "").replace('src="', `src="${location.origin}`);

const copy = byId("copy");
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(code.textContent ?? "");
  copy.textContent = "Copied";
  setTimeout(() => (copy.textContent = "Copy"), 2000);
});
