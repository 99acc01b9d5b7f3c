/**
 * What the trending query must give, in plain sequential JavaScript: tweets are taken in order, the watermark is the largest
 * event time so far less the delay, and what belongs only to windows before the watermark is dropped.
 *
 * The engine advances its watermark between micro-batches, not after every tweet. For this generator both agree: ordinary
 * tweets are never as late as the delay, late ones are always later than any batch is long.
 */
export function trendingModel(tweets, { windowMs = 600_000, slideMs = 300_000, delayMs = 600_000 } = {}) {
  const groups = new Map();
  let maxMs = -Infinity;
  let dropped = 0;
  for (const { text, createdAt, score } of tweets) {
    const timeMs = Date.parse(createdAt);
    const watermarkMs = maxMs - delayMs;
    maxMs = Math.max(maxMs, timeMs);
    const lastStartMs = Math.floor(timeMs / slideMs) * slideMs;
    for (const hashtag of text.split(' ').filter((word) => word.startsWith('#'))) {
      for (let startMs = lastStartMs; startMs > timeMs - windowMs; startMs -= slideMs) {
        if (startMs + windowMs <= watermarkMs) {
          dropped += 1;
          continue;
        }
        const key = `${startMs} ${hashtag}`;
        const group = groups.get(key) ?? { startMs, hashtag, count: 0, sum: 0 };
        groups.set(key, group);
        group.count += 1;
        group.sum += score;
      }
    }
  }
  const rows = [...groups.values()].map(({ startMs, hashtag, count, sum }) => ({ startMs, hashtag, count, score: sum / count }));
  rows.sort((a, b) => a.startMs - b.startMs || b.count - a.count || (a.hashtag < b.hashtag ? -1 : 1));
  return { rows, dropped };
}
