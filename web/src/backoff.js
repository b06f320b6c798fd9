/** How long to wait before the next try; pure functions of tries and chance. */

/**
 * Exponential back-off with full jitter: thousands of pages that lose one server
 * at the same moment must not come back at the same moment.
 * @param {() => number} random in [0, 1)
 * @param {{first?: number, cap?: number}} [bounds] milliseconds
 * @returns {(tries: number) => number} milliseconds to wait after `tries` failures
 */
export function fullJitter(random, { first = 1000, cap = 30000 } = {}) {
  return (tries) => random() * Math.min(cap, first * 2 ** Math.min(tries, 16));
}
