/** What carries the messages: a plain WebSocket or, where that can't open, SockJS. */

/**
 * @typedef {{open(): void, message(text: string): void, close(code: number): void}} CarrierEvents
 * @typedef {import("./environment.js").Environment} Environment
 */

/** A proxy that swallows upgrades answers never; this is how long we let it. */
const OPEN_TIMEOUT_MS = 3000;

export class Carrier {
  /** @type {{send(text: string): void, close(): void} | undefined} */
  #socket;
  #closed = false;
  /** The plain WebSocket opened; false while SockJS carries, or nothing yet. */
  isPlain = false;
  #env;
  #url;
  #on;

  /**
   * Open at once; `on` hears of `open` at most once and of `close` exactly once,
   * unless `close()` is called first.
   * @param {Environment} env
   * @param {string} url of the service, http or https
   * @param {CarrierEvents} on
   * @param {boolean} fallBack try SockJS when the WebSocket doesn't open
   */
  constructor(env, url, on, fallBack) {
    this.#env = env;
    this.#url = url;
    this.#on = on;
    const failed = () => (fallBack ? this.#openSockJS() : this.#end(1006));
    try {
      this.#openWebSocket(failed);
    } catch {
      failed(); // a content policy may forbid the WebSocket and allow the rest
    }
  }

  /** @param {string} text */
  send(text) {
    this.#socket?.send(text);
  }

  close() {
    this.#closed = true;
    this.#socket?.close();
  }

  /** @param {() => void} failed */
  #openWebSocket(failed) {
    const address = this.#url.replace(/^http/, "ws") + "/live/websocket";
    const socket = new this.#env.WebSocket(address);
    const giveUp = () => {
      socket.onopen = socket.onclose = null;
      socket.close();
      if (!this.#closed) failed();
    };
    const timer = this.#env.setTimeout(giveUp, OPEN_TIMEOUT_MS);
    this.#socket = socket;
    socket.onclose = () => {
      this.#env.clearTimeout(timer);
      giveUp();
    };
    socket.onopen = () => {
      this.#env.clearTimeout(timer);
      this.#attach(socket);
      this.isPlain = true;
      this.#on.open();
    };
  }

  async #openSockJS() {
    this.#socket = undefined;
    try {
      const SockJS = await this.#env.loadSockJS(this.#url);
      if (this.#closed) return;
      // Its default patience (about 0.6 s) pushes it down to polling too soon.
      const socket = new SockJS(`${this.#url}/live`, null, { timeout: 5000 });
      this.#socket = socket;
      this.#attach(socket);
      socket.onopen = () => this.#closed || this.#on.open();
    } catch {
      this.#end(1006);
    }
  }

  /** @param {any} socket */
  #attach(socket) {
    socket.onmessage = (/** @type {{data: string}} */ event) =>
      this.#closed || this.#on.message(event.data);
    socket.onclose = (/** @type {{code: number}} */ event) => this.#end(event.code);
  }

  /** @param {number} code */
  #end(code) {
    if (this.#closed) return;
    this.#closed = true;
    this.#on.close(code);
  }
}
