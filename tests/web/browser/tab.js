/** A tab as readers have it: hidden while another one is in front. */

/**
 * Playwright lets each of its pages believe that it is in front, so these tabs are opened
 * behind its back.
 */
export class Tab {
  #session;
  #targetId;
  #sessionId;
  #lastId = 0;
  /** @type {Map<number, (answer: any) => void>} */
  #asked = new Map();

  constructor(session, targetId, sessionId) {
    this.#session = session;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
    session.on("Target.receivedMessageFromTarget", (event) => {
      if (event.sessionId !== sessionId) return;
      const { id, ...answer } = JSON.parse(event.message);
      this.#asked.get(id)?.(answer);
      this.#asked.delete(id);
    });
  }

  /** Open one in front of all others. @param {import("playwright-core").Browser} browser */
  static async open(browser, url = "about:blank") {
    const session = await browser.newBrowserCDPSession();
    const { targetId } = await session.send("Target.createTarget", { url });
    const { sessionId } = await session.send("Target.attachToTarget", { targetId, flatten: false });
    return new Tab(session, targetId, sessionId);
  }

  /** Ask the tab by the protocol of its developer tools. @param {string} method */
  async send(method, params = {}) {
    const id = ++this.#lastId;
    const answer = new Promise((done) => this.#asked.set(id, done));
    const message = JSON.stringify({ id, method, params });
    await this.#session.send("Target.sendMessageToTarget", { sessionId: this.#sessionId, message });
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** What `read` returns in the tab. @param {() => any} read */
  async evaluate(read) {
    const asked = { expression: `(${read})()`, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", asked);
    if (exceptionDetails) throw new Error(exceptionDetails.exception.description);
    return result.value;
  }

  async comeToFront() {
    await this.#session.send("Target.activateTarget", { targetId: this.#targetId });
  }

  async close() {
    await this.#session.send("Target.closeTarget", { targetId: this.#targetId });
    await this.#session.detach();
  }
}
