// The jobs of benches/rdd.mjs in the page: as RDDs, and as a JavaScript programmer writes them for one thread. Each makes its
// own data (of the word count: reads it), so that the clock sees the same work everywhere, and gives the same facts.

/** Whole numbers spread over 32 bits; the same arithmetic in rdd_pyspark.py. */
const mixed = (i) => Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0;

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
    for (let i = 0; i < pairs; i++) {
      const key = mixed(i) % keys;
      sums.set(key, (sums.get(key) ?? 0) + (i % 100));
    }
    let check = 0;
    for (const [key, sum] of sums) check = (check + key * sum) % 1_000_003;
    return [sums.size, check];
  },
  join({ left, right }) {
    const a = Array.from({ length: left }, (_, i) => [mixed(i) % right, i]);
    const b = Array.from({ length: right }, (_, i) => [i, i * 3]);
    const byKey = Map.groupBy(b, ([key]) => key);
    const joined = a.flatMap(([key, value]) => (byKey.get(key) ?? []).map(([, other]) => [key, [value, other]]));
    let check = 0;
    for (const [, [value, other]] of joined) check = (check + value + other) % 1_000_003;
    return [joined.length, check];
  },
  sort({ numbers }) {
    const values = Array.from({ length: numbers }, (_, i) => mixed(i) / 7);
    values.sort((a, b) => a - b);
    let check = 0;
    values.forEach((x, i) => { if (i % 1000 === 0) check = (check + Math.floor(x)) % 1_000_003; });
    return [values.length, values[0], values.at(-1), check];
  },
};

export const rdds = {
  async wordcount(sc, { blob, parts }) {
    const counts = sc.textFile(blob, parts).flatMap((line) => line.split(' ')).map((word) => [word, 1]).reduceByKey((a, b) => a + b, parts).cache();
    const top = await counts.top(10, ([, n]) => n);
    return [await counts.count(), top.map(([, n]) => n)];
  },
  async reduce(sc, { pairs, keys, parts }) {
    const sums = sc.range(0, pairs, 1, parts).map((i, { keys }) => [(Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) % keys, i % 100], { keys })
      .reduceByKey((a, b) => a + b, parts);
    return sums.aggregate([0, 0], ([n, check], [key, sum]) => [n + 1, (check + key * sum) % 1_000_003], ([n, a], [m, b]) => [n + m, (a + b) % 1_000_003]);
  },
  async join(sc, { left, right, parts }) {
    const a = sc.range(0, left, 1, parts).map((i, { right }) => [(Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) % right, i], { right });
    const b = sc.range(0, right, 1, parts).map((i) => [i, i * 3]);
    return a.join(b, parts)
      .aggregate([0, 0], ([n, check], [, [value, other]]) => [n + 1, (check + value + other) % 1_000_003], ([n, a], [m, b]) => [n + m, (a + b) % 1_000_003]);
  },
  async sort(sc, { numbers, parts }) {
    const sorted = sc.range(0, numbers, 1, parts).map((i) => (Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) / 7).sortBy((x) => x, true, parts).cache();
    // Ranges are in order: where each begins follows from how long those before it are.
    const lengths = await sorted.mapPartitions((rows) => { let n = 0; for (const _ of rows) n++; return [n]; }).collect();
    const starts = lengths.map((_, p) => lengths.slice(0, p).reduce((a, b) => a + b, 0));
    const facts = await sorted.mapPartitionsWithIndex((p, rows, { starts }) => {
      let [at, check, first, last] = [starts[p], 0, undefined, undefined];
      for (const x of rows) {
        if (at++ % 1000 === 0) check = (check + Math.floor(x)) % 1_000_003;
        first ??= x;
        last = x;
      }
      return [[first, last, check]];
    }, { starts }).collect();
    return [lengths.reduce((a, b) => a + b, 0), facts[0][0], facts.at(-1)[1], facts.reduce((sum, [, , check]) => (sum + check) % 1_000_003, 0)];
  },
};
