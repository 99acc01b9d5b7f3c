// The jobs of benches/rdd.mjs in the page: as RDDs, and as a JavaScript programmer writes them for one thread. Each makes its
// own data (of the word count: reads it), so that the clock sees the same work everywhere, and gives the same facts.

/** Whole numbers spread over 32 bits; the same arithmetic in rdd_pyspark.py. */
const mixed = (i) => Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0;

/** A sorted run: first, last, length, whether it ascends, and a checksum that knows no order. */
function look(rows) {
  let [first, last, count, ascends, check] = [undefined, -Infinity, 0, true, 0];
  for (const x of rows) {
    if (count++ === 0) first = x;
    if (x < last) ascends = false;
    check += Math.floor(x) % 1000;
    last = x;
  }
  return count > 0 ? [[first, last, count, ascends, check]] : [];
}

/** The same of runs one after the other. */
const ordered = (runs) => [
  runs[0][0],
  runs.at(-1)[1],
  runs.reduce((sum, run) => sum + run[2], 0),
  runs.every(([first, , , ascends], i) => ascends && (i === 0 || runs[i - 1][1] <= first)),
  runs.reduce((sum, run) => sum + run[4], 0),
];

/** As arrays of pairs and the methods of arrays say it. */
export const plain = {
  async wordcount({ blob }) {
    const counts = new Map();
    for (const line of (await blob.text()).split('\n')) {
      if (line === '') continue;
      for (const word of line.split(' ')) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    return [counts.size, [...counts.values()].sort((a, b) => b - a).slice(0, 10)];
  },
  reduce({ pairs, keys }) {
    const sums = new Map();
    for (const [key, value] of Array.from({ length: pairs }, (_, i) => [mixed(i) % keys, i % 100]))
      sums.set(key, (sums.get(key) ?? 0) + value);
    let check = 0;
    for (const [key, sum] of sums) check = (check + key * sum) % 1_000_003;
    return [sums.size, check];
  },
  join({ left, right }) {
    const pairs = Array.from({ length: left }, (_, i) => [mixed(i) % right, i]);
    const byKey = Map.groupBy(
      Array.from({ length: right }, (_, i) => [i, i * 3]),
      ([key]) => key,
    );
    const joined = pairs.flatMap(([key, value]) => (byKey.get(key) ?? []).map(([, other]) => [key, [value, other]]));
    return [joined.length, joined.reduce((check, [, [value, other]]) => (check + value + other) % 1_000_003, 0)];
  },
  sort({ numbers }) {
    const values = Array.from({ length: numbers }, (_, i) => mixed(i) / 7);
    values.sort((a, b) => a - b);
    return ordered(look(values));
  },
};

/** By hand for just this result: nothing is made that a loop can do without. */
export const tuned = {
  wordcount: plain.wordcount,
  reduce({ pairs, keys }) {
    const sums = new Map();
    for (let i = 0; i < pairs; i++) {
      const key = mixed(i) % keys;
      sums.set(key, (sums.get(key) ?? 0) + (i % 100));
    }
    let check = 0;
    for (const [key, sum] of sums) check = (check + key * sum) % 1_000_003;
    return [sums.size, check];
  },
  join({ left, right }) {
    const byKey = Map.groupBy(
      Array.from({ length: right }, (_, i) => [i, i * 3]),
      ([key]) => key,
    );
    let [joined, check] = [0, 0];
    for (let i = 0; i < left; i++) {
      for (const [, other] of byKey.get(mixed(i) % right) ?? []) {
        joined += 1;
        check = (check + i + other) % 1_000_003;
      }
    }
    return [joined, check];
  },
  sort({ numbers }) {
    return ordered(look(Float64Array.from({ length: numbers }, (_, i) => mixed(i) / 7).sort()));
  },
};

export const rdds = {
  async wordcount(sc, { blob, parts }) {
    const counts = sc
      .textFile(blob, parts)
      .flatMap((line) => line.split(' '))
      .map((word) => [word, 1])
      .reduceByKey((a, b) => a + b, parts)
      .cache();
    const top = await counts.top(10, ([, n]) => n);
    return [await counts.count(), top.map(([, n]) => n)];
  },
  async reduce(sc, { pairs, keys, parts }) {
    const sums = sc
      .range(0, pairs, 1, parts)
      .map((i, { keys }) => [(Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) % keys, i % 100], { keys })
      .reduceByKey((a, b) => a + b, parts);
    return sums.aggregate(
      [0, 0],
      ([n, check], [key, sum]) => [n + 1, (check + key * sum) % 1_000_003],
      ([n, a], [m, b]) => [n + m, (a + b) % 1_000_003],
    );
  },
  async join(sc, { left, right, parts }) {
    const a = sc.range(0, left, 1, parts).map((i, { right }) => [(Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) % right, i], { right });
    const b = sc.range(0, right, 1, parts).map((i) => [i, i * 3]);
    return a.join(b, parts).aggregate(
      [0, 0],
      ([n, check], [, [value, other]]) => [n + 1, (check + value + other) % 1_000_003],
      ([n, a], [m, b]) => [n + m, (a + b) % 1_000_003],
    );
  },
  async sort(sc, { numbers, parts }) {
    const values = sc.range(0, numbers, 1, parts).map((i) => (Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) / 7);
    return ordered(
      await values
        .sortBy((x) => x, true, parts)
        .mapPartitions(look)
        .collect(),
    );
  },
};
