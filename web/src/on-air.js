/** Which track plays, by its own word: nobody tells when it has ended. */

/** @typedef {import("./item-list.js").Item} Item */

/**
 * The time from which a track no longer plays; stations that stop reporting must not
 * "play" it for hours.
 * @param {Item} item
 */
const endOf = (item) => Date.parse(item.started_at ?? item.date) + ((item.duration || 600) + 60) * 1000;

/**
 * Move the track that plays up, below what is pinned.
 * @param {Item[]} items newest first
 * @returns {Item | undefined} the track
 */
export function liftPlaying(items) {
  const index = items.findIndex(({ type }) => type === "track");
  if (index < 0 || !(endOf(items[index]) > Date.now())) return; // a date that is none is no end
  const [playing] = items.splice(index, 1);
  items.splice(items.filter(({ pinned }) => pinned).length, 0, playing);
  return playing;
}
