// All contenders by name, in the order of the table; `module` makes one of its `argument`. Which workloads a contender runs says its
// `runs`: functions (inputs, clock) => answer by workload. Those with `native` run outside of the browser, and only if they are named;
// those with `other` run the package that `--against` names, in place of this one. By workload a contender may have
//   tolerances   how far its answer may be from the reference's, if not as far as the workload says
//   definitions  by which of the workload's `definitions` its library answers, if not by its reference
//   most         how many rows it takes at most, the first ones: its seconds count as many times as these go into all rows

/** Gradients take a pass over the rows by step and class here, forests the square of the rows. */
const MLJS_ROWS = { logistic: 50_000, forest: 1_000 };

export const contenders = {
  typed: { name: 'JavaScript, typed arrays', module: 'typed/index.js' },
  map: { name: 'JavaScript, idiomatic', module: 'map.js' },
  duckdb: { name: 'duckdb-wasm 1.32 (eh)', module: 'duckdb/index.js' },
  rxjs: { name: 'rxjs 7.8', module: 'rxjs.js' },
  perspective: { name: 'Perspective 5.5', module: 'perspective.js' },
  wink: { name: 'wink-naive-bayes 2.2', module: 'wink.js' },
  graphology: { name: 'graphology 0.26', module: 'graphology.js', definitions: { pagerank: 'spread' } },
  ngraph: { name: 'ngraph.graph 20.1', module: 'ngraph.js', definitions: { pagerank: 'spread' } },
  mljs: {
    name: 'ml.js (npm)',
    module: 'mljs.js',
    argument: JSON.stringify(MLJS_ROWS),
    most: MLJS_ROWS,
    definitions: { logistic: 'accuracy' },
    // What goes down a gradient for 20 steps is not there yet; trees of few rows fit them better.
    tolerances: { logistic: 0.02, forest: 0.15 },
  },
  'rivulet-1': { name: 'Rivulet, 1 executor', module: 'rivulet/index.js', argument: 1 },
  'rivulet-2': { name: 'Rivulet, 2 executors', module: 'rivulet/index.js', argument: 2 },
  'other-1': { name: 'the other build, 1 executor', module: 'rivulet/index.js', argument: 1, other: true },
  'other-2': { name: 'the other build, 2 executors', module: 'rivulet/index.js', argument: 2, other: true },
  pyspark: {
    name: 'PySpark local[2], natively',
    native: ['W7', 'wordcount', 'reduce', 'join', 'sort', 'logistic', 'kmeans', 'forest'],
  },
  // Its hashes are its own: predictions differ here and there.
  sklearn: { name: 'scikit-learn, natively', native: ['W7', 'logistic', 'kmeans', 'forest'], tolerances: { W7: 0.02 } },
  graphx: { name: 'GraphX local[2], natively', native: ['pagerank', 'components', 'triangles'] },
  networkx: { name: 'NetworkX, natively', native: ['pagerank', 'components', 'triangles'], definitions: { pagerank: 'spread' } },
};
