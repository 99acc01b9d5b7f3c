// Cold start, rows to objects, and the cost of a micro-batch without rows.

const COLD_ROWS = 1_000;
const COLD_KEYS = 37;

/** 1,000 rows for the first query of a page. */
const coldRows = () => ({
  k: Int32Array.from({ length: COLD_ROWS }, (_, i) => (i * 7_919) % COLD_KEYS),
  v: Float64Array.from({ length: COLD_ROWS }, (_, i) => i / 4),
});

function grouped({ rows: { k, v } }) {
  const groups = new Map();
  k.forEach((key, i) => {
    const group = groups.get(key) ?? { k: key, n: 0, v: 0 };
    group.n += 1;
    group.v += v[i];
    groups.set(key, group);
  });
  return [...groups.values()];
}

/** From the navigation of a new browser to the first answer: 1,000 rows counted and summed by 37 keys. */
export const cold = {
  title: 'cold start',
  make: () => ({ rows: coldRows() }),
  rows: () => COLD_ROWS,
  measures: 'cold',
  keys: ['k'],
  reference: grouped,
};

export const COLLECTED = 90_000;
/** Columns of `collect` by row number, as SQL that all engines know. */
export const COLLECT_SQL = {
  id: 'CAST(id AS INT)',
  hashtag: "concat('#tag', CAST(id % 5000 AS STRING))",
  n: 'CAST(id % 97 AS INT)',
  score: 'CAST(id AS DOUBLE) / 8',
};

/** 90,000 rows of four columns as objects of the page; the query makes them of row numbers. */
export const collect = {
  title: '90,000 × 4 to objects',
  rows: () => COLLECTED,
  keys: ['id', 'hashtag'],
  reference: () => Array.from({ length: COLLECTED }, (_, id) => ({ id, hashtag: `#tag${id % 5_000}`, n: id % 97, score: id / 8 })),
};

export const MICRO_BATCHES = 300;

/** The median time of a micro-batch without rows, and of one with one row, from write() until all of it is done. */
export const empty = {
  title: 'micro-batch without rows',
  rows: () => MICRO_BATCHES,
  measures: 'parts',
  keys: [],
  reference: () => ({ n: [MICRO_BATCHES] }),
};
