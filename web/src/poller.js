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
    try {
      const response = await fetch(url, { signal: abort.signal, credentials: "omit" });
      if (response.status === 404) return show([], false); // the channel is empty
      if (!response.ok) return;
      const { items, next } = await response.json();
      if (!abort.signal.aborted) show(items, next !== null);
    } catch {
      return; // the next round may do better
    }
  };
  once();
  const timer = setInterval(once, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    abort.abort();
  };
}
