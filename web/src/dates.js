/** Instants as people read them; all words come from Intl. */

/** Formatters are slow to make; a page needs one per language, zone and use. */
/** @type {Map<string, any>} */
const formatters = new Map();

/**
 * @param {"DateTimeFormat" | "RelativeTimeFormat"} kind
 * @param {string} locale @param {any} options
 * @returns {any}
 */
function formatter(kind, locale, options) {
  const key = kind + locale + JSON.stringify(options);
  if (formatters.size > 200) formatters.clear();
  if (!formatters.has(key)) formatters.set(key, new Intl[kind](locale, options));
  return formatters.get(key);
}

/**
 * @param {number} at in milliseconds @param {string} locale
 * @param {Intl.DateTimeFormatOptions} options
 * @returns {string}
 */
function show(at, locale, options) {
  try {
    return formatter("DateTimeFormat", locale, options).format(at);
  } catch {
    return show(at, locale, { ...options, timeZone: "UTC" }); // an unknown zone
  }
}

/**
 * "5 minutes ago" within a week, else the date.
 * @param {number} at @param {number} now both in milliseconds
 * @param {string} locale
 */
export function relative(at, now, locale) {
  const minutes = (at - now) / 60000;
  const size = Math.abs(minutes);
  if (size >= 10080) {
    const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
    return show(at, locale, { day: "numeric", month: "short", year: isThisYear ? undefined : "numeric" });
  }
  const words = formatter("RelativeTimeFormat", locale, { numeric: "auto", style: "short" });
  if (size < 1) return words.format(0, "second");
  if (size < 60) return words.format(Math.trunc(minutes), "minute");
  if (size < 1440) return words.format(Math.trunc(minutes / 60), "hour");
  return words.format(Math.trunc(minutes / 1440), "day");
}

/** @param {number} at @param {string} locale */
export const full = (at, locale) => show(at, locale, { dateStyle: "full", timeStyle: "short" });

/**
 * The parts of an event's time as it reads on the clock of its place, with the
 * zone's name; on the reader's own clock where no place is known.
 * @param {string} iso @param {string | undefined} zone @param {string} locale
 */
export function placeTime(iso, zone, locale) {
  const at = Date.parse(iso);
  if (!at) return;
  /** @param {Intl.DateTimeFormatOptions} options */
  const part = (options) => show(at, locale, { timeZone: zone, ...options });
  return {
    day: part({ day: "numeric" }),
    month: part({ month: "short" }),
    date: part({ weekday: "short", day: "numeric", month: "short" }),
    time: part({ hour: "numeric", minute: "2-digit", timeZoneName: zone ? "short" : undefined }),
  };
}
