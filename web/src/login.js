/** The token of one client: kept, shown to the service, replaced when it expires. */

/** @typedef {import("./errors.js").FeedError} FeedError */

export class Login {
  /** @type {string | undefined} */
  token;
  #getToken;
  /** @type {Promise<boolean> | undefined} */
  #renewal;

  /** @param {(() => Promise<string | undefined>) | undefined} getToken */
  constructor(getToken) {
    this.#getToken = getToken;
  }

  /** Ask the page for a token, once at a time. Resolves to whether it had one. */
  renew() {
    return (this.#renewal ??= this.#renew());
  }

  async #renew() {
    try {
      this.token = await this.#getToken?.();
    } catch {
      this.token = undefined; // the page's own trouble; what is public still works
    }
    this.#renewal = undefined;
    return this.token !== undefined;
  }

  /** What says over HTTP who we are. @returns {Promise<Record<string, string>>} */
  async headers() {
    const hasToken = this.token || (await this.renew());
    return hasToken ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /**
   * Show the token, the page's newest if this one has expired. Nothing to show is no
   * error; a token that isn't taken is.
   * @param {(message: object) => Promise<any>} ask
   */
  async show(ask) {
    if (!this.token && !(await this.renew())) return;
    try {
      await ask({ msg: "auth", token: this.token });
    } catch (error) {
      const isExpired = /** @type {FeedError} */ (error).code === "expired";
      if (!isExpired || !(await this.renew())) throw error;
      await ask({ msg: "auth", token: this.token });
    }
  }
}
