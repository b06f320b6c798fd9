/** The way round: the backlog over HTTP while there is no live connection. */

const INTERVAL_MS = 30000;

/**
 * Fetch at once and then every half minute, until the returned undo is called.
 * @param {string} url
 * @param {(items: import("./item-list.js").Item[], more: boolean) => void} show
 */
export function poll(url, show) {
  const abort = new AbortController();
  const once = async () => {
    const response = await fetch(url, { signal: abort.signal, credentials: "omit" });
    // A channel that is not there is an empty one.
    const { items, next } = response.status === 404 ? { items: [], next: null } : await response.json();
    if (items) show(items, next !== null);
  };
  const ignore = () => {}; // the next round may do better
  once().catch(ignore);
  const timer = setInterval(() => once().catch(ignore), INTERVAL_MS);
  return () => {
    clearInterval(timer);
    abort.abort();
  };
}
