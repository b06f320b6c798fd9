/** How long to wait before the next try; a pure function of tries and chance. */

const FIRST_MS = 1000;
const MOST_MS = 30000;

/**
 * Exponential back-off with full jitter: thousands of pages that lose one server
 * at the same moment must not come back at the same moment.
 * @param {() => number} random in [0, 1)
 * @returns {(tries: number) => number} milliseconds to wait after `tries` failures
 */
export const fullJitter = (random) => (tries) => random() * Math.min(MOST_MS, FIRST_MS * 2 ** tries);
