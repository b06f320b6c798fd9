/** Instants and local times as people read them; all words come from Intl. */

/** Formatters are slow to make; a page needs one per language, zone and use. */
const formatters = new Map();

/**
 * @template T
 * @param {new (locale: string, options: any) => T} Kind
 * @param {string} locale @param {object} options
 * @returns {T}
 */
function formatter(Kind, locale, options) {
  const key = Kind.name + locale + JSON.stringify(options);
  if (formatters.size > 200) formatters.clear();
  if (!formatters.has(key)) formatters.set(key, new Kind(locale, options));
  return formatters.get(key);
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/**
 * "5 minutes ago" within a week, else the date.
 * @param {number} at @param {number} now both in milliseconds
 * @param {string} locale
 */
export function relative(at, now, locale) {
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) >= 7 * 86400) return day(at, now, locale);
  const words = formatter(Intl.RelativeTimeFormat, locale, { numeric: "auto", style: "short" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return words.format(0, "second");
}

/** @param {number} at @param {number} now @param {string} locale */
function day(at, now, locale) {
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const year = isThisYear ? undefined : "numeric";
  return formatter(Intl.DateTimeFormat, locale, { day: "numeric", month: "short", year }).format(at);
}

/** @param {number} at @param {string} locale */
export function full(at, locale) {
  return formatter(Intl.DateTimeFormat, locale, { dateStyle: "full", timeStyle: "short" }).format(at);
}

/**
 * The parts of an event's time as it reads on the clock of its place. An instant
 * is shown in its zone; a time without an offset already is the clock's.
 * @param {string} iso @param {string | undefined} zone @param {string} locale
 */
export function placeTime(iso, zone, locale) {
  const isWall = !/T.*(Z|[+-]\d\d:?\d\d)$/i.test(iso);
  const at = Date.parse(isWall ? (iso.includes("T") ? iso + "Z" : iso) : iso);
  if (Number.isNaN(at)) return;
  const timeZone = isWall ? "UTC" : zone;
  /** @param {object} options */
  const show = (options) => dateFormat(locale, { timeZone, ...options }).format(at);
  return {
    day: show({ day: "numeric" }),
    month: show({ month: "short" }),
    time: show({ timeStyle: "short" }),
    date: show({ weekday: "short", day: "numeric", month: "short" }),
    zone: zoneName(at, zone, locale),
  };
}

/** @param {string} locale @param {any} options */
function dateFormat(locale, options) {
  try {
    return formatter(Intl.DateTimeFormat, locale, options);
  } catch {
    return formatter(Intl.DateTimeFormat, locale, { ...options, timeZone: undefined });
  }
}

/**
 * The zone's short name, where the reader's own clock shows another time.
 * @param {number} at @param {string | undefined} timeZone @param {string} locale
 */
function zoneName(at, timeZone, locale) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!timeZone || timeZone === here) return "";
  const parts = dateFormat(locale, { timeZone, timeZoneName: "short" }).formatToParts(at);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/** "3:05" or "1:02:03". @param {number} seconds */
export function duration(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}
