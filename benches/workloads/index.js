// All workloads by name, in the order of the table.
//
// A workload has
//   title      what it is
//   inputs     data sets by name: `{ name, rows(scale), *batches(scale) }`, generated once on disk and loaded anew for each run
//   make       more inputs, which the page makes itself
//   rows       how many rows there are at a scale
//   keys       columns of the answer that name its rows, see harness/answer.js
//   reference  (inputs, clock) => answer, as a JavaScript programmer writes it; it is also the contender `map`. An answer may be a
//              function that returns it: it is called when the clock has stopped
//   definitions  references by name of those contenders that say in index.mjs that their library defines the answer so
//   partRows   how many rows each part of a run has at a scale: the table has rows by second of it
//   measures   what counts: seconds, if it is absent; `latency`, `cold` or `parts`

import { components, pagerank, triangles } from './graphs.js';
import { q1, q2, q5, q7, q8 } from './nexmark.js';
import { join, reduce, sort, wordcount } from './rdd.js';
import { cold, collect, empty } from './start.js';
import { forest, kmeans, logistic } from './training.js';
import { W1 } from './w1.js';
import { W2, W2d } from './w2.js';
import { W3 } from './w3.js';
import { W5 } from './w5.js';
import { W6 } from './w6.js';
import { W7 } from './w7.js';
import { W8, W8k, W8m } from './w8.js';

export const workloads = {
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
  W8,
  W8k,
  W8m,
  cold,
  collect,
  empty,
  wordcount,
  reduce,
  join,
  sort,
  pagerank,
  components,
  triangles,
  logistic,
  kmeans,
  forest,
};

/** Names that stand for several. */
export const groups = {
  W4: ['q1', 'q2', 'q5', 'q7', 'q8'],
  RDD: ['wordcount', 'reduce', 'join', 'sort'],
  graphs: ['pagerank', 'components', 'triangles'],
  training: ['logistic', 'kmeans', 'forest'],
};
