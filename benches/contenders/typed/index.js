// Hand-written JavaScript on one thread: byte scanners, interned keys, typed arrays. What an expert would write for each of these
// queries, and nothing else.
import { cold, collect } from '../../workloads/start.js';
import { grow } from '../../workloads/training.js';
import { Counts, drive, KEYS } from '../../workloads/w5.js';
import { W7 } from './bayes.js';
import { components, pagerank, triangles } from './graphs.js';
import { q1, q2, q5, q7, q8 } from './nexmark.js';
import { join, reduce, sort } from './rdd.js';
import { W3, W6 } from './tables.js';
import { kmeans, logistic } from './training.js';
import { W1, W2, W2d } from './trends.js';

async function W5({ events: { length, keys, times }, events }, clock) {
  const counts = new Int32Array((Math.floor(times[length - 1] / 1_000) + 1) * KEYS);
  clock.latencies = await drive(events, (from, to, visible) => {
    for (let i = from; i < to; i++) counts[Math.floor(times[i] / 1_000) * KEYS + keys[i]] += 1;
    visible(to);
  });
  const answer = new Counts();
  counts.forEach((n, at) => n > 0 && answer.set(Math.floor(at / KEYS), at % KEYS, n));
  return answer.columns();
}

export default () => ({
  runs: {
    W1,
    W2,
    W2d,
    W3,
    q1,
    q2,
    q5,
    q7,
    q8,
    W5,
    W6,
    W7,
    cold: cold.reference,
    collect: collect.reference,
    reduce,
    join,
    sort,
    pagerank,
    components,
    triangles,
    logistic,
    kmeans,
    forest: grow,
  },
});
