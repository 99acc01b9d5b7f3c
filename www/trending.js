/**
 * The page's picture of the trending query's result, kept up to date by micro-batches in update mode: for each window the
 * hashtags with count and mean score.
 */
export class TrendingStore {
  constructor(maxWindows = 500) {
    this.maxWindows = maxWindows;
    /** startMs → { startMs, endMs, tags: Map(hashtag → {hashtag, count, score}) } */
    this.windows = new Map();
  }

  /** Takes the rows of a batch; false if they lack the columns of a windowed ranking. */
  update(rows) {
    for (const row of rows) {
      const { window } = row;
      const hashtag = row.hashtag ?? row.word ?? row.key;
      const count = Number(row.tweets ?? row.count ?? row.n);
      if (!(window?.start instanceof Date) || typeof hashtag !== 'string' || Number.isNaN(count)) return false;
      const startMs = window.start.getTime();
      let entry = this.windows.get(startMs);
      if (!entry) this.windows.set(startMs, (entry = { startMs, endMs: window.end.getTime(), tags: new Map() }));
      entry.tags.set(hashtag, { hashtag, count, score: row.score ?? null });
    }
    this.#prune();
    return true;
  }

  #prune() {
    const extra = this.windows.size - this.maxWindows;
    if (extra <= 0) return;
    for (const startMs of [...this.windows.keys()].sort((a, b) => a - b).slice(0, extra)) this.windows.delete(startMs);
  }

  /** Windows, newest first. */
  newest(count = Infinity) {
    return [...this.windows.values()].sort((a, b) => b.startMs - a.startMs).slice(0, count);
  }

  /** The hashtags of a window, most frequent first, ties by name. */
  static ranking(entry, count = Infinity) {
    const tags = [...entry.tags.values()];
    tags.sort((a, b) => b.count - a.count || (a.hashtag < b.hashtag ? -1 : 1));
    return tags.slice(0, count);
  }

  /** Everything, as the model returns it. */
  rows() {
    return this.newest()
      .reverse()
      .flatMap((entry) =>
        TrendingStore.ranking(entry).map(({ hashtag, count, score }) => ({ startMs: entry.startMs, hashtag, count, score })),
      );
  }
}
