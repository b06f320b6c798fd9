/** Numbers, times and items as words. */

const MINUTE_MS = 60000;
const numbers = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [["day", 1440], ["hour", 60], ["minute", 1]];

/** @param {number} value */
export const number = (value) => numbers.format(value);

/** @param {number} bytes */
export const megabytes = (bytes) => (bytes ? `${number(bytes / 1e6)} MB` : "unknown");

/** How far from now. @param {string | null | undefined} instant */
export function ago(instant) {
  if (!instant) return "never";
  const minutes = (Date.parse(instant) - Date.now()) / MINUTE_MS;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(minutes) >= size) ?? UNITS[2];
  const count = Math.round(minutes / size);
  return count ? relative.format(count, unit) : "now";
}

/** @param {string | null | undefined} instant */
export const exactly = (instant) => (instant ? moment.format(new Date(instant)) : "");

/** What an item is called: its title, or how its text begins. @param {any} item */
export function nameOf(item) {
  if (!item) return "";
  const text = item.title || item.content_text || item.summary || strip(item.content_html ?? "") || item.id;
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}

/** Only to be read as text: what is left is not markup that anything trusts. @param {string} html */
const strip = (html) => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
