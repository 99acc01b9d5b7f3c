// What W1 and W2 ask: after every micro-batch the 20 most frequent hashtags of the newest complete window of ten minutes that
// slides by five, with how often each came and its mean score. A window is complete once its end has been reached.

export const SLIDE_MS = 5 * 60_000;
export const WINDOW_MS = 10 * 60_000;
export const TOP = 20;
export const BATCHES = 100;
export const START_MS = Date.UTC(2024, 0, 1);
/** Event time of all data. */
export const SPAN_MS = 500 * 60_000;
export const TAGS = 50_000;

/** Columns of an answer that name its rows. */
export const keys = ['update', 'rank', 'hashtag'];

/** Returns the end of the newest window that is complete when `maxMs` is the largest event time seen. */
export const completeEnd = (maxMs) => Math.floor(maxMs / SLIDE_MS) * SLIDE_MS;

/** Orders rows [hashtag, count, mean]: the most frequent first, ties by name. */
export const byRank = (a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);

/** Keeps the first rows by rank; a row is made only if its count can be among them. */
export class Best {
  rows = [];

  add(count, makeRow) {
    const { rows } = this;
    if (rows.length === TOP && count < rows[TOP - 1][1]) return;
    const row = makeRow();
    let at = rows.length;
    while (at > 0 && byRank(row, rows[at - 1]) < 0) at--;
    rows.splice(at, 0, row);
    if (rows.length > TOP) rows.pop();
  }
}

/** The answers after each micro-batch, as columns. */
export class Answers {
  columns = { update: [], rank: [], hashtag: [], count: [], mean: [] };
  #updates = 0;

  add(rows) {
    const { update, rank, hashtag, count, mean } = this.columns;
    rows.forEach((row, at) => {
      update.push(this.#updates);
      rank.push(at);
      hashtag.push(row[0]);
      count.push(row[1]);
      mean.push(row[2]);
    });
    this.#updates += 1;
  }
}

/** Counts and sums by pane of five minutes, as maps: a window is two panes. */
export class Panes {
  panes = new Map();
  maxMs = 0;

  see(ms) {
    if (ms > this.maxMs) this.maxMs = ms;
  }

  add(ms, hashtag, score) {
    this.see(ms);
    const start = ms - (ms % SLIDE_MS);
    let pane = this.panes.get(start);
    if (!pane) this.panes.set(start, (pane = new Map()));
    const entry = pane.get(hashtag);
    if (entry) {
      entry.count += 1;
      entry.sum += score;
    } else pane.set(hashtag, { count: 1, sum: score });
  }

  /** Returns the ranked rows of the newest complete window; drops panes that no later window needs. */
  top() {
    const end = completeEnd(this.maxMs);
    const window = new Map();
    for (let start = end - WINDOW_MS; start < end; start += SLIDE_MS) {
      for (const [hashtag, { count, sum }] of this.panes.get(start) ?? []) {
        const entry = window.get(hashtag);
        window.set(hashtag, entry ? { count: entry.count + count, sum: entry.sum + sum } : { count, sum });
      }
    }
    for (const start of this.panes.keys()) if (start < end - SLIDE_MS) this.panes.delete(start);
    return [...window]
      .map(([hashtag, { count, sum }]) => [hashtag, count, sum / count])
      .sort(byRank)
      .slice(0, TOP);
  }
}
