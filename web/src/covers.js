/** Channel matching, the same rule as the server's: itself and all below it. */

/**
 * Claim that a subscription to `pattern` receives items of `channel`.
 * `*` in the pattern stands for exactly one segment.
 * @param {string} pattern
 * @param {string} channel
 */
export function covers(pattern, channel) {
  const wanted = pattern.split(".");
  const given = channel.split(".");
  return (
    wanted.length <= given.length &&
    wanted.every((segment, index) => segment === "*" || segment === given[index])
  );
}
