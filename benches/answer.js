// What every contender must answer after each batch, in a form that can be compared.
export const SLIDE_MS = 5 * 60_000;
export const WINDOW_MS = 10 * 60_000;
export const TOP = 20;

/** End of the newest window that is complete when `maxMs` is the largest event time seen. */
export const completeEnd = (maxMs) => Math.floor(maxMs / SLIDE_MS) * SLIDE_MS;

/** Most frequent first; ties by name. Rows are [hashtag, count, mean score]. */
export const byRank = (a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);

/** Keeps a checksum of all answers and the last one. */
export class Answers {
  constructor() {
    this.answers = 0;
    this.counts = 0;
    this.scores = 0;
    this.names = 0;
    this.last = [];
  }

  add(rows) {
    this.answers += 1;
    this.last = rows;
    rows.forEach(([hashtag, count, score], rank) => {
      this.counts += (rank + 1) * count;
      this.scores += (rank + 1) * score;
      for (let at = 0; at < hashtag.length; at++) this.names += (rank + 1) * (at + 1) * hashtag.charCodeAt(at);
    });
  }
}

/** The first difference between two checksums, or null. */
export function difference(expected, actual) {
  for (const fact of ['answers', 'counts', 'names', 'scores']) {
    const [a, b] = [expected[fact], actual[fact]];
    if (Math.abs(a - b) > 1e-9 * Math.max(1, Math.abs(a))) return `${fact}: ${b} instead of ${a}`;
  }
  return null;
}
