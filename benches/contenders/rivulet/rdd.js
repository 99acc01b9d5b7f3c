// The jobs as RDDs: functions travel to the executors as text, and what they use is bound to them.
import { asFile, checked, counted, look, MODULUS, ordered, TOP } from '../../workloads/rdd.js';

const PARTS = 4;

export const rddsOf = (session) => ({
  async wordcount({ words }, clock) {
    const counts = session.spark.sparkContext
      .textFile(asFile(words, clock), PARTS)
      .flatMap((line) => line.split(' '))
      .map((word) => [word, 1])
      .reduceByKey((a, b) => a + b, PARTS)
      .cache();
    const top = await counts.top(TOP, ([, n]) => n);
    const distinct = await counts.count();
    await counts.unpersist();
    return counted(
      distinct,
      top.map(([, n]) => n),
    );
  },

  async reduce({ sizes: { pairs, keys } }) {
    const [count, check] = await session.spark.sparkContext
      .range(0, pairs, 1, PARTS)
      .map((i, { keys }) => [(Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) % keys, i % 100], { keys })
      .reduceByKey((a, b) => a + b, PARTS)
      .aggregate(
        [0, 0],
        ([n, check], [key, sum], { MODULUS }) => [n + 1, (check + key * sum) % MODULUS],
        ([n, a], [m, b], { MODULUS }) => [n + m, (a + b) % MODULUS],
        { MODULUS },
      );
    return checked(count, check);
  },

  async join({ sizes: { left, right } }) {
    const sc = session.spark.sparkContext;
    const many = sc.range(0, left, 1, PARTS).map((i, { right }) => [(Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) % right, i], { right });
    const few = sc.range(0, right, 1, PARTS).map((i) => [i, i * 3]);
    const [count, check] = await many.join(few, PARTS).aggregate(
      [0, 0],
      ([n, check], [, [value, other]], { MODULUS }) => [n + 1, (check + value + other) % MODULUS],
      ([n, a], [m, b], { MODULUS }) => [n + m, (a + b) % MODULUS],
      { MODULUS },
    );
    return checked(count, check);
  },

  async sort({ sizes: { numbers } }) {
    return ordered(
      await session.spark.sparkContext
        .range(0, numbers, 1, PARTS)
        .map((i) => (Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0) / 7)
        .sortBy((x) => x, true, PARTS)
        .mapPartitions(look)
        .collect(),
    );
  },
});
