/** What the service says no with. */

/** Codes after which the same request may succeed later. */
const TEMPORARY = ["unavailable", "rate_limited", "internal"];

export class FeedError extends Error {
  name = "FeedError";

  /**
   * @param {string} code as on the wire
   * @param {string} [text] @param {number} [retryAfter] seconds, if the service says
   */
  constructor(code, text, retryAfter) {
    super(text || code);
    this.code = code;
    this.retryAfter = retryAfter;
  }

  get isTemporary() {
    return TEMPORARY.includes(this.code);
  }
}
