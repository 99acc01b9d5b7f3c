import { Best, SLIDE_MS, WINDOW_MS } from '../../workloads/trends.js';

/** Counts and sums by hashtag for one slide; a window is two of them. */
class Pane {
  constructor() {
    this.number = -1;
    this.counts = new Int32Array(1 << 17);
    this.sums = new Float64Array(1 << 17);
    this.touched = new Int32Array(1 << 17);
    this.size = 0;
  }

  reset(number) {
    for (let n = 0; n < this.size; n++) this.counts[this.touched[n]] = this.sums[this.touched[n]] = 0;
    this.size = 0;
    this.number = number;
  }

  add(id, score) {
    if (this.counts[id]++ === 0) this.touched[this.size++] = id;
    this.sums[id] += score;
  }
}

export class Panes {
  constructor() {
    this.ring = Array.from({ length: 4 }, () => new Pane());
  }

  of(number) {
    const pane = this.ring[number & 3];
    if (pane.number !== number) pane.reset(number);
    return pane;
  }

  top(endMs, interner) {
    const last = endMs / SLIDE_MS - 1;
    const panes = [last - WINDOW_MS / SLIDE_MS + 1, last]
      .map((number) => this.ring[number & 3])
      .filter((pane, n) => pane.number === last - 1 + n);
    const best = new Best();
    panes.forEach((pane, n) => {
      const other = panes[1 - n];
      for (let k = 0; k < pane.size; k++) {
        const id = pane.touched[k];
        if (n === 1 && other?.counts[id]) continue;
        const count = pane.counts[id] + (other?.counts[id] ?? 0);
        best.add(count, () => [interner.name(id), count, (pane.sums[id] + (other?.sums[id] ?? 0)) / count]);
      }
    });
    return best.rows;
  }
}
