// W6: a join of 1,000,000 facts with 100,000 dimensions on an integer key, with the load of both; one fact in ten has no partner.
import { arrays, stream } from './arrow.js';
import { random } from './random.js';

const DIMENSIONS = 100_000;
/** Keys are those numbers that leave a remainder of 3; facts without a partner leave 1. */
const STRIDE = 7;

const facts = {
  name: 'facts',
  rows: (scale) => Math.round(1_000_000 * scale),
  *batches(scale) {
    const draw = random(8);
    const length = this.rows(scale);
    const k = Int32Array.from({ length }, () => (draw(10) === 0 ? 1 : 3) + STRIDE * draw(DIMENSIONS));
    yield stream({ k: ['int', k], v: ['double', Float64Array.from({ length }, () => draw(1_000) / 4)] });
  },
};

const dimensions = {
  name: 'dimensions',
  rows: () => DIMENSIONS,
  *batches() {
    const draw = random(9);
    const k = Int32Array.from({ length: DIMENSIONS }, (_, i) => 3 + STRIDE * i);
    for (let i = k.length - 1; i > 0; i--) {
      const other = draw(i + 1);
      [k[i], k[other]] = [k[other], k[i]];
    }
    yield stream({ k: ['int', k], w: ['double', Float64Array.from(k, () => draw(1_000) / 8)] });
  },
};

function reference({ facts, dimensions }, clock) {
  const [{ k, v, length }, other] = [arrays(facts[0], ['k', 'v']), arrays(dimensions[0], ['k', 'w'])];
  clock?.lap('load');
  const weights = new Map();
  other.k.forEach((key, i) => weights.set(key, other.w[i]));
  let [n, sum] = [0, 0];
  for (let i = 0; i < length; i++) {
    const weight = weights.get(k[i]);
    if (weight === undefined) continue;
    n += 1;
    sum += v[i] * weight;
  }
  return { n: [n], sum: [sum] };
}

export const W6 = { title: 'join, with load', inputs: { facts, dimensions }, rows: facts.rows, keys: [], reference };
