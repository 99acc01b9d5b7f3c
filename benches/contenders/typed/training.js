// Logistic regression over columns, k-means over rows, both in typed arrays.
import { minimize } from '../../workloads/lbfgs.js';
import { accuracy, costOf, FEATURES, K_MEANS, LOGISTIC, penalized, regression, starts, tables } from '../../workloads/training.js';

/** Sets `margins` to the sums of columns times weights. */
function weigh({ length, columns }, weights, margins) {
  margins.fill(weights[FEATURES], 0, length);
  for (let j = 0; j < FEATURES; j++) {
    const [column, weight] = [columns[j], weights[j]];
    for (let i = 0; i < length; i++) margins[i] += weight * column[i];
  }
}

export function logistic(inputs, clock) {
  const batches = tables(inputs);
  const count = batches.reduce((sum, { length }) => sum + length, 0);
  const margins = new Float64Array(Math.max(...batches.map(({ length }) => length)));
  clock.lap('load');
  const loss = (weights) => {
    const gradient = new Array(FEATURES + 1).fill(0);
    let total = 0;
    for (const batch of batches) {
      const { length, labels, columns } = batch;
      weigh(batch, weights, margins);
      for (let i = 0; i < length; i++) {
        const margin = margins[i];
        const small = Math.exp(-Math.abs(margin));
        total += Math.log1p(small) + Math.max(margin, 0) - labels[i] * margin;
        // From here on it is the slope.
        margins[i] = (margin > 0 ? 1 : small) / (1 + small) - labels[i];
        gradient[FEATURES] += margins[i];
      }
      for (let j = 0; j < FEATURES; j++) {
        const column = columns[j];
        let sum = 0;
        for (let i = 0; i < length; i++) sum += margins[i] * column[i];
        gradient[j] += sum;
      }
    }
    return penalized(total, gradient, weights, count);
  };
  const weights = minimize(loss, new Array(FEATURES + 1).fill(0), LOGISTIC.steps);
  clock.lap('fit');
  return () => {
    const labels = batches.flatMap((batch) => [...batch.labels]);
    const predictions = batches.flatMap((batch) => {
      weigh(batch, weights, margins);
      return Array.from(margins.subarray(0, batch.length), (margin) => (margin > 0 ? 1 : 0));
    });
    return regression(
      weights.slice(0, FEATURES),
      weights[FEATURES],
      accuracy(labels, (i) => predictions[i]),
    );
  };
}

/** Returns all rows, one after the other. */
function laid(batches, count) {
  const rows = new Float64Array(count * FEATURES);
  let first = 0;
  for (const { length, columns } of batches) {
    for (let j = 0; j < FEATURES; j++) for (let i = 0, column = columns[j]; i < length; i++) rows[(first + i) * FEATURES + j] = column[i];
    first += length;
  }
  return rows;
}

const CENTRES = K_MEANS.k * FEATURES;

/** Calls `take(row, centre, distance)` with the nearest centre of each row; both go by where their values begin. */
function eachNearest(rows, centres, take) {
  for (let at = 0; at < rows.length; at += FEATURES) {
    let [best, least] = [0, Infinity];
    for (let from = 0; from < CENTRES; from += FEATURES) {
      // Two sums do not wait for each other.
      let [even, odd] = [0, 0];
      for (let j = 0; j < FEATURES; j += 2) {
        const a = rows[at + j] - centres[from + j];
        const b = rows[at + j + 1] - centres[from + j + 1];
        even += a * a;
        odd += b * b;
      }
      if (even + odd < least) {
        least = even + odd;
        best = from;
      }
    }
    take(at, best, least);
  }
}

export function kmeans(inputs, clock) {
  const batches = tables(inputs);
  const count = batches.reduce((sum, { length }) => sum + length, 0);
  const rows = laid(batches, count);
  clock.lap('load');
  const centres = new Float64Array(CENTRES);
  starts(count).forEach((row, c) => centres.set(rows.subarray(row * FEATURES, (row + 1) * FEATURES), c * FEATURES));
  for (let step = 0; step < K_MEANS.steps; step++) {
    const sums = new Float64Array(CENTRES);
    const counts = new Int32Array(K_MEANS.k);
    eachNearest(rows, centres, (row, centre) => {
      counts[centre / FEATURES] += 1;
      for (let j = 0; j < FEATURES; j++) sums[centre + j] += rows[row + j];
    });
    for (let at = 0; at < CENTRES; at++) {
      const own = counts[Math.floor(at / FEATURES)];
      if (own > 0) centres[at] = sums[at] / own;
    }
  }
  clock.lap('fit');
  return () => {
    let cost = 0;
    eachNearest(rows, centres, (_row, _centre, distance) => {
      cost += distance;
    });
    return costOf(cost, count);
  };
}
