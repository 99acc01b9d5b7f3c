// The targets that the project has set itself, against what was measured.

const [R1, R2] = ['rivulet-1', 'rivulet-2'];
const LIBRARIES = ['duckdb', 'rxjs', 'perspective'];
const GRAPHS = ['pagerank', 'components', 'triangles'];
const TRAINING = ['logistic', 'kmeans', 'forest'];
const GRAPH_LIBRARIES = ['graphology', 'ngraph'];
const TRENDS_AND_WINDOWS = ['W2', 'W2d', 'q1', 'q2', 'q5', 'q7', 'q8'];

/** A target is a value that must be at least, or at most, a limit. */
const atLeast = (number, what, value, limit, unit = '×') => ({ number, what, value, limit, unit, reached: value >= limit, sign: '≥' });
const atMost = (number, what, value, limit, unit = '×') => ({ number, what, value, limit, unit, reached: value <= limit, sign: '≤' });

/** Graphs: in the tab all load the same arrays, and all of their time counts; GraphX loads a file, so of both only what comes after does. */
function graphs(figures, id) {
  const ofTyped = (contender) => 1 / figures.ratio(id, contender, 'typed');
  const afterLoading = (contender) => figures.part(id, contender, 'run');
  return [
    ...GRAPH_LIBRARIES.map((library) => atLeast(9, `${id}, 1 executor, faster than ${library}`, figures.ratio(id, R1, library), 1)),
    ...[R1, R2].map((one) => atLeast(9, `${id}, ${one}, loaded, faster than GraphX`, afterLoading('graphx') / afterLoading(one), 1)),
    atMost(9, `${id}, 1 executor, of the time of typed JavaScript`, ofTyped(R1), 2),
    atMost(9, `${id}, 2 executors, of the time of typed JavaScript`, ofTyped(R2), 1),
  ];
}

/**
 * Training: of ml.js all of its time counts, by row; of PySpark all of it, and only what comes after its rows are in its cache. Rivulet makes
 * its vectors after that.
 */
function training(figures, id) {
  const fit = (contender) => figures.part(id, contender, 'fit');
  return [
    atLeast(10, `training, ${id}, 1 executor, faster than ml.js`, figures.ratio(id, R1, 'mljs'), 10),
    ...[R1, R2].flatMap((one) => [
      atLeast(10, `training, ${id}, ${one}, faster than PySpark`, figures.ratio(id, one, 'pyspark'), 1),
      atLeast(10, `training, ${id}, ${one}, loaded, faster than PySpark`, fit('pyspark') / fit(one), 1),
    ]),
  ];
}

function all(figures) {
  const faster = (id, contender, other) => figures.ratio(id, contender, other);
  const slower = (id, contender, other) => 1 / figures.ratio(id, contender, other);
  const fastest = Math.min(...LIBRARIES.map((id) => figures.seconds('W1', id)).filter(Number.isFinite));
  return [
    atMost(1, 'W1, 1 executor, of the time of typed JavaScript', slower('W1', R1, 'typed'), 1.1),
    atMost(1, 'W1, 2 executors, of the time of typed JavaScript', slower('W1', R2, 'typed'), 0.75),
    atLeast(1, 'W1, 1 executor, faster than the fastest library', fastest / figures.seconds('W1', R1), 6),
    ...TRENDS_AND_WINDOWS.map((id) => atLeast(2, `${id}, 1 executor, faster than duckdb`, faster(id, R1, 'duckdb'), 3)),
    ...TRENDS_AND_WINDOWS.map((id) => atLeast(2, `${id}, 1 executor, faster than rxjs`, faster(id, R1, 'rxjs'), 1)),
    ...['W1', 'W2', 'q5', 'q7'].map((id) => atLeast(2, `${id}, 2 executors, faster than one`, faster(id, R2, R1), 1.5)),
    ...['W3', 'W6'].map((id) => atLeast(3, `${id}, 1 executor, faster than duckdb`, faster(id, R1, 'duckdb'), 1)),
    atMost(3, 'W3, 1 executor, peak memory', figures.of('W3', R1, ({ peakBytes }) => peakBytes) / 1e6, 700, 'MB'),
    ...[R1, R2].flatMap((id) => [
      atMost(4, `W5, ${id}, p50`, figures.latency('W5', id, 'p50'), 1.2, 'ms'),
      atMost(4, `W5, ${id}, p99`, figures.latency('W5', id, 'p99'), 5, 'ms'),
    ]),
    ...[R1, R2].flatMap((id) => [
      atMost(8, `W8, ${id}, p50`, figures.latency('W8', id, 'p50'), 1, 'ms'),
      atMost(8, `W8, ${id}, p99`, figures.latency('W8', id, 'p99'), 5, 'ms'),
      atMost(8, `W8k, ${id}, p99`, figures.latency('W8k', id, 'p99'), 10, 'ms'),
      atMost(8, `W8m, ${id}, p99`, figures.latency('W8m', id, 'p99'), 25, 'ms'),
    ]),
    atMost(4, 'micro-batch without rows', figures.part('empty', R1, 'empty') * 1_000, 0.5, 'ms'),
    ...['train', 'score'].flatMap((part) => {
      const of = (id) => figures.part('W7', id, part) / figures.part('W7', 'typed', part);
      return [
        atMost(5, `W7 ${part}, 1 executor, of the time of typed JavaScript`, of(R1), 1.5),
        atMost(5, `W7 ${part}, 2 executors, of the time of typed JavaScript`, of(R2), 1),
      ];
    }),
    atMost(6, 'cold start, 1 executor, of the time of Perspective', slower('cold', R1, 'perspective'), 1),
    atMost(6, 'collect() of 90,000 × 4', figures.seconds('collect', R1) * 1_000, 45, 'ms'),
    ...['wordcount', 'reduce', 'join', 'sort'].map((id) =>
      atLeast(7, `RDD ${id}, 2 executors, faster than idiomatic JavaScript`, faster(id, R2, 'map'), 1.5),
    ),
    ...GRAPHS.flatMap((id) => graphs(figures, id)),
    ...TRAINING.flatMap((id) => training(figures, id)),
  ];
}

/** Returns the targets that the measured rounds decide: `{ number, what, reached, verdict }`. */
export function targets(figures) {
  return all(figures)
    .filter(({ value }) => Number.isFinite(value))
    .map(({ value, limit, unit, sign, reached, ...target }) => {
      const missed = Math.abs(value / limit - 1) * 100;
      const verdict = reached ? 'reached' : `MISSED by ${missed.toFixed(0)} %`;
      return { ...target, reached, verdict: `${value.toFixed(2)} ${unit} (${sign} ${limit}): ${verdict}` };
    });
}
