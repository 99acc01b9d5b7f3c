// A random forest of two classes as PLANET and Spark grow it: values become bins once, and a tree grows level by level from histograms.
import { random } from './random.js';

const SAMPLED = 10_000;

/** Returns the upper ends of at most `bins` bins with about as many of a sample's values each. */
function splitsOf(column, bins) {
  const stride = Math.max(1, Math.floor(column.length / SAMPLED));
  const sample = Float64Array.from({ length: Math.floor(column.length / stride) }, (_, i) => column[i * stride]).sort();
  const splits = Array.from({ length: bins - 1 }, (_, b) => sample[Math.floor(((b + 1) * sample.length) / bins)]);
  return Float64Array.from(new Set(splits));
}

/** Returns the bin of a value: the first whose upper end is not below it. */
function binOf(splits, value) {
  let [low, high] = [0, splits.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (splits[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How often a row is drawn for a tree: Poisson's distribution with mean 1, by a number below 1. */
function timesDrawn(uniform) {
  let [times, chance, sum] = [0, Math.exp(-1), Math.exp(-1)];
  while (uniform > sum && times < 12) {
    times += 1;
    chance /= times;
    sum += chance;
  }
  return times;
}

/** How mixed `ones` of `all` are, times all: Gini's impurity of two classes. */
const mixture = (ones, all) => (all === 0 ? 0 : (2 * ones * (all - ones)) / all);

export class Forest {
  /** Grows `trees` trees of that `depth` from columns of numbers and labels of 0 and 1. */
  constructor(columns, labels, { trees, depth, bins, seed }) {
    this.draw = random(seed);
    this.bins = bins;
    this.labels = Uint8Array.from(labels);
    this.binned = columns.map((column) => {
      const splits = splitsOf(column, bins);
      return Uint8Array.from(column, (value) => binOf(splits, value));
    });
    this.wanted = Math.ceil(Math.sqrt(columns.length));
    this.trees = Array.from({ length: trees }, () => this.#grow(depth));
  }

  /** Returns a tree as nodes of a heap: `features[n]` and `ends[n]` decide at node n, whose children are 2n + 1 and 2n + 2. */
  #grow(depth) {
    const { draw, labels } = this;
    const count = labels.length;
    const times = Uint8Array.from({ length: count }, () => timesDrawn(draw(2 ** 31) / 2 ** 31));
    const nodes = new Uint8Array(count);
    const size = 2 ** (depth + 1) - 1;
    const tree = { features: new Int16Array(size).fill(-1), ends: new Uint8Array(size), chances: new Float64Array(size) };
    for (let level = 0; level <= depth; level++) {
      this.#count(tree, nodes, times, level);
      if (level === depth) break;
      const [first, width] = [2 ** level - 1, 2 ** level];
      const drawn = Array.from({ length: width }, () => this.#features());
      const sums = this.#histograms(drawn, nodes, times, first);
      drawn.forEach((features, n) => this.#split(tree, first + n, features, sums[n]));
      for (let row = 0; row < count; row++) nodes[row] = this.#below(tree, nodes[row], row);
    }
    return tree;
  }

  #below({ features, ends }, node, row) {
    const feature = features[node];
    return feature < 0 ? node : 2 * node + (this.binned[feature][row] <= ends[node] ? 1 : 2);
  }

  /** Notes how likely a row at each node of a level is a 1. */
  #count({ chances }, nodes, times, level) {
    const [first, width] = [2 ** level - 1, 2 ** level];
    const [ones, all] = [new Float64Array(width), new Float64Array(width)];
    for (let row = 0; row < nodes.length; row++) {
      const n = nodes[row] - first;
      if (n < 0) continue;
      all[n] += times[row];
      ones[n] += times[row] * this.labels[row];
    }
    for (let n = 0; n < width; n++) if (all[n] > 0) chances[first + n] = ones[n] / all[n];
  }

  /** Draws the features that may decide at a node. */
  #features() {
    const drawn = new Set();
    while (drawn.size < this.wanted) drawn.add(this.draw(this.binned.length));
    return [...drawn];
  }

  /** Returns by node, drawn feature and bin how many rows there are, and how many of them are 1. */
  #histograms(drawn, nodes, times, first) {
    const { binned, labels, bins } = this;
    const sums = drawn.map((features) => new Int32Array(features.length * bins * 2));
    for (let row = 0; row < nodes.length; row++) {
      const n = nodes[row] - first;
      const weight = times[row];
      if (n < 0 || weight === 0) continue;
      const [features, own] = [drawn[n], sums[n]];
      const one = labels[row] * weight;
      for (let f = 0; f < features.length; f++) {
        const at = (f * bins + binned[features[f]][row]) * 2;
        own[at] += weight;
        own[at + 1] += one;
      }
    }
    return sums;
  }

  /** Decides at a node by the feature and bin that leave the least mixture, if any leaves less than there is. */
  #split({ features: deciding, ends }, node, features, sums) {
    const { bins } = this;
    let least = Infinity;
    features.forEach((feature, f) => {
      let [all, ones] = [0, 0];
      for (let b = 0; b < bins; b++) {
        all += sums[(f * bins + b) * 2];
        ones += sums[(f * bins + b) * 2 + 1];
      }
      least = Math.min(least, mixture(ones, all));
      let [left, leftOnes] = [0, 0];
      for (let b = 0; b < bins - 1; b++) {
        left += sums[(f * bins + b) * 2];
        leftOnes += sums[(f * bins + b) * 2 + 1];
        if (left === 0 || left === all) continue;
        const mixed = mixture(leftOnes, left) + mixture(ones - leftOnes, all - left);
        if (mixed >= least) continue;
        least = mixed;
        [deciding[node], ends[node]] = [feature, b];
      }
    });
  }

  /** Returns the label of a row that it has learnt from. */
  predict(row) {
    let sum = 0;
    for (const tree of this.trees) {
      let node = 0;
      for (let next = this.#below(tree, 0, row); next !== node; next = this.#below(tree, node, row)) node = next;
      sum += tree.chances[node];
    }
    return sum > this.trees.length / 2 ? 1 : 0;
  }
}
