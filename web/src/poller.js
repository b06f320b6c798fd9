/** The way round: the backlog over HTTP while there is no live connection. */

const INTERVAL_MS = 30000;

/**
 * Fetch at once and then every half minute, until the returned undo is called.
 * @param {(options: RequestInit) => Promise<Response>} request
 * @param {(items: import("./item-list.js").Item[], more: boolean) => void} show
 */
export function poll(request, show) {
  const abort = new AbortController();
  const once = async () => {
    const response = await request({ signal: abort.signal, credentials: "omit" });
    const { items, next } = await response.json();
    if (items) show(items, next !== null);
  };
  const attempt = () => once().catch(() => {}); // the next round may do better
  attempt();
  const timer = setInterval(attempt, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    abort.abort();
  };
}
