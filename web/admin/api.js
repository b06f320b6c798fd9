/** The JSON doors of the admin listener; the token is kept here and nowhere else. */

/** A service that needs longer is not well, and that has to be seen. */
const TIMEOUT_MS = 10000;

/** What a door answers, as it describes it. @typedef {Record<string, any>} Answer */

export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} text */
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }

  /** The token is none, or not any more. */
  get isOfToken() {
    return this.status === 401 || this.status === 403;
  }
}

export class Api {
  #token;

  /** @param {string} token */
  constructor(token) {
    this.#token = token;
  }

  /** @param {string} path below `/admin/api/` @param {Record<string, string | number>} [query] */
  get(path, query = {}) {
    return this.#ask("GET", path, query);
  }

  /** @param {string} path @param {Record<string, string | number>} [query] */
  post(path, query = {}) {
    return this.#ask("POST", path, query);
  }

  /** @param {string} path */
  remove(path) {
    return this.#ask("DELETE", path, {});
  }

  /** @param {string} method @param {string} path @param {Record<string, any>} query */
  async #ask(method, path, query) {
    const asked = String(new URLSearchParams(query));
    const response = await fetch(`/admin/api/${path}${asked && `?${asked}`}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}` },
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => {
      throw new Error("the service does not answer");
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const { code = "internal", text = response.statusText } = answer.error ?? {};
    throw new Refused(response.status, code, text);
  }
}
