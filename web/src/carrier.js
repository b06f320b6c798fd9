/** What carries the messages: a plain WebSocket or, where that can't open, SockJS. */

/**
 * @typedef {{open(isPlain: boolean): void, message(text: string): void,
 *   close(code: number): void}} CarrierEvents
 * @typedef {{send(text: string): void, close(): void}} Carrier
 */

/** A proxy that swallows upgrades answers never; this is how long we let it. */
const OPEN_TIMEOUT_MS = 3000;

/**
 * Open at once; `on` hears of `open` at most once, whether by plain WebSocket, and of
 * `close` exactly once, unless `close()` is called first.
 * @param {import("./environment.js").Environment} env
 * @param {string} url of the service, http or https
 * @param {CarrierEvents} on
 * @param {boolean} fallBack try SockJS when the WebSocket doesn't open
 * @returns {Carrier}
 */
export function openCarrier(env, url, on, fallBack) {
  /** @type {any} */
  let socket;
  let isOver = false;
  const end = ({ code = 1006 }) => {
    if (!isOver) on.close(code);
    isOver = true;
  };
  const attach = () => {
    socket.onmessage = (/** @type {{data: string}} */ { data }) => isOver || on.message(data);
    socket.onclose = end;
  };
  const failed = async () => {
    socket = undefined;
    if (!fallBack) return end({});
    try {
      const SockJS = await env.loadSockJS(url);
      if (isOver) return;
      // Its default patience (about 0.6 s) pushes it down to polling too soon.
      socket = new SockJS(`${url}/live`, null, { timeout: 5000 });
      attach();
      socket.onopen = () => isOver || on.open(false);
    } catch {
      end({});
    }
  };
  try {
    const plain = (socket = new env.WebSocket(`${url.replace(/^http/, "ws")}/live/websocket`));
    const giveUp = () => {
      env.clearTimeout(timer);
      plain.onopen = plain.onclose = null;
      plain.close();
      if (!isOver) failed();
    };
    const timer = env.setTimeout(giveUp, OPEN_TIMEOUT_MS);
    plain.onclose = giveUp;
    plain.onopen = () => {
      env.clearTimeout(timer);
      attach();
      on.open(true);
    };
  } catch {
    failed(); // a content policy may forbid the WebSocket and allow the rest
  }
  return {
    send: (text) => socket?.send(text),
    close() {
      isOver = true;
      socket?.close();
    },
  };
}
