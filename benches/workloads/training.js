// Training: 200,000 rows of 100 features, which lie around ten centres, with a label that leans on some of them. A logistic regression
// (20 steps of L-BFGS, a penalty on squares), k-means (k = 10, 10 steps from random rows) and a random forest (20 trees, depth 5,
// 32 bins) learn from them. A lap each: to have the rows where they are learnt from, and to have the model. What a model is worth is
// counted after the clock has stopped.
import { buffers, stream } from './arrow.js';
import { Forest } from './forest.js';
import { minimize } from './lbfgs.js';
import { random } from './random.js';

export const FEATURES = 100;
export const NAMES = Array.from({ length: FEATURES }, (_, j) => `f${j}`);
export const LOGISTIC = { steps: 20, penalty: 0.01 };
export const K_MEANS = { k: 10, steps: 10, seed: 5 };
export const FOREST = { trees: 20, depth: 5, bins: 32, seed: 5 };
const ROWS_PER_BATCH = 10_000;
/** How many features the label leans on; the one after them does so by a threshold. */
const LEANED_ON = 8;

/** Columns `label` and `f0` to `f99`, all of doubles. */
const points = {
  name: 'points',
  rows: (scale) => Math.round(200_000 * scale),
  *batches(scale) {
    const draw = random(23);
    // Three uniform numbers look normal enough, and are the same on every machine, which logarithms need not be.
    const noise = () => (draw(2 ** 31) + draw(2 ** 31) + draw(2 ** 31)) / 2 ** 30 - 3;
    const centres = Array.from({ length: K_MEANS.k }, () => NAMES.map(() => 0.6 * (draw(2_001) / 1_000 - 1)));
    for (let left = this.rows(scale); left > 0; left -= ROWS_PER_BATCH) {
      const length = Math.min(left, ROWS_PER_BATCH);
      const columns = NAMES.map(() => new Float64Array(length));
      const label = new Float64Array(length);
      for (let i = 0; i < length; i++) {
        const centre = centres[draw(K_MEANS.k)];
        let lean = noise();
        for (let j = 0; j < FEATURES; j++) {
          const x = centre[j] + noise();
          columns[j][i] = x;
          if (j < LEANED_ON) lean += (j % 2 === 0 ? 0.8 : -0.5) * x;
          else if (j === LEANED_ON) lean += x > 0.5 ? 1.2 : -0.4;
        }
        label[i] = lean > 0 ? 1 : 0;
      }
      yield stream({ label: ['double', label], ...Object.fromEntries(NAMES.map((name, j) => [name, ['double', columns[j]]])) });
    }
  },
};

/** Returns the record batches of the rows: `{ length, labels, columns }` as typed arrays. */
export const tables = ({ points }) =>
  points.flatMap(buffers).map((batch) => ({
    length: batch.length,
    labels: batch.label.values.subarray(0, batch.length),
    columns: NAMES.map((name) => batch[name].values.subarray(0, batch.length)),
  }));

/** Returns rows as arrays of numbers, with their labels: the first `most` of them. */
export function rowsOf(inputs, most = Infinity) {
  const [rows, labels] = [[], []];
  for (const { length, labels: own, columns } of tables(inputs)) {
    for (let i = 0; i < length && rows.length < most; i++) {
      rows.push(columns.map((column) => column[i]));
      labels.push(own[i]);
    }
  }
  return { rows, labels };
}

const ACCURACY = 'accuracy';
/** The share of rows whose label is predicted, by how many there are of each pair of both. */
export const accuracyOf = (pairs) => {
  let [right, all] = [0, 0];
  for (const { label, prediction, count } of pairs) {
    all += count;
    if (label === prediction) right += count;
  }
  return { [ACCURACY]: [right / all] };
};

/** The same of predictions. */
export const accuracy = (labels, predict) =>
  accuracyOf(Array.from(labels, (label, row) => ({ label, prediction: predict(row), count: 1 })));

/** A regression's answer: its coefficients, and what they are worth. */
export const regression = (coefficients, intercept, worth) => ({
  coefficients: { feature: [...NAMES, 'intercept'], value: [...coefficients, intercept] },
  worth,
});

/** What rows cost on average: the squared distance to the nearest centre. */
export const costOf = (sum, rows) => ({ cost: [sum / rows] });

const dot = (row, weights) => row.reduce((sum, x, j) => sum + x * weights[j], weights[FEATURES]);

function regress(inputs, clock) {
  const { rows, labels } = rowsOf(inputs);
  clock?.lap('load');
  const loss = (weights) => {
    const gradient = new Array(FEATURES + 1).fill(0);
    let sum = 0;
    rows.forEach((row, i) => {
      const margin = dot(row, weights);
      sum += Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(margin, 0) - labels[i] * margin;
      const slope = 1 / (1 + Math.exp(-margin)) - labels[i];
      row.forEach((x, j) => {
        gradient[j] += slope * x;
      });
      gradient[FEATURES] += slope;
    });
    return penalized(sum, gradient, weights, rows.length);
  };
  const weights = minimize(loss, new Array(FEATURES + 1).fill(0), LOGISTIC.steps);
  clock?.lap('fit');
  const worth = () => accuracy(labels, (i) => (dot(rows[i], weights) > 0 ? 1 : 0));
  return () => regression(weights.slice(0, FEATURES), weights[FEATURES], worth());
}

/** Returns the mean loss and its gradient, with the penalty of coefficients; an intercept, the last weight, costs nothing. */
export function penalized(sum, gradient, weights, count) {
  let value = sum / count;
  for (let j = 0; j <= FEATURES; j++) {
    gradient[j] /= count;
    if (j === FEATURES) continue;
    gradient[j] += LOGISTIC.penalty * weights[j];
    value += (LOGISTIC.penalty * weights[j] * weights[j]) / 2;
  }
  return { value, gradient };
}

/** Returns the numbers of the rows that k-means begins with. */
export function starts(rows) {
  const draw = random(K_MEANS.seed);
  const chosen = new Set();
  while (chosen.size < K_MEANS.k) chosen.add(draw(rows));
  return [...chosen];
}

function cluster(inputs, clock) {
  const { rows } = rowsOf(inputs);
  clock?.lap('load');
  let centres = starts(rows.length).map((row) => rows[row]);
  const nearest = (row) => {
    let [best, least] = [0, Infinity];
    centres.forEach((centre, c) => {
      const distance = row.reduce((sum, x, j) => sum + (x - centre[j]) ** 2, 0);
      if (distance < least) [best, least] = [c, distance];
    });
    return [best, least];
  };
  for (let step = 0; step < K_MEANS.steps; step++) {
    const sums = centres.map((centre) => ({ count: 0, sum: centre.map(() => 0) }));
    for (const row of rows) {
      const own = sums[nearest(row)[0]];
      own.count += 1;
      row.forEach((x, j) => {
        own.sum[j] += x;
      });
    }
    centres = centres.map((centre, c) => (sums[c].count > 0 ? sums[c].sum.map((x) => x / sums[c].count) : centre));
  }
  clock?.lap('fit');
  return () =>
    costOf(
      rows.reduce((sum, row) => sum + nearest(row)[1], 0),
      rows.length,
    );
}

/** The forest as the reference has it, which is also how typed arrays have it. */
export function grow(inputs, clock) {
  const batches = tables(inputs);
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  const joined = (pick) => {
    const values = new Float64Array(length);
    let at = 0;
    for (const batch of batches) {
      values.set(pick(batch), at);
      at += batch.length;
    }
    return values;
  };
  const labels = joined((batch) => batch.labels);
  const columns = NAMES.map((_, j) => joined((batch) => batch.columns[j]));
  clock?.lap('load');
  const forest = new Forest(columns, labels, FOREST);
  clock?.lap('fit');
  return () => accuracy(labels, (row) => forest.predict(row));
}

const workload = (title, reference, extra) => ({
  title: `training, ${title}`,
  inputs: { points },
  rows: points.rows,
  partRows: (scale) => ({ load: points.rows(scale), fit: points.rows(scale) }),
  keys: ['feature'],
  reference,
  ...extra,
});
export const logistic = workload('logistic regression', regress, {
  // There is one minimum, and 20 steps of L-BFGS get close to it.
  tolerance: 1e-4,
  // What goes down the gradient, without a penalty and an intercept, is compared by its predictions.
  definitions: { [ACCURACY]: (inputs) => regress(inputs)().worth },
});
/** There are many local minima, of which another start finds another. */
export const kmeans = workload('k-means', cluster, { tolerance: 0.02 });
/** Each draws its own rows and features, and puts values into its own bins. */
export const forest = workload('random forest', grow, { tolerance: 0.04 });
