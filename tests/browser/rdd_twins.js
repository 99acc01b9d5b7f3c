// The goldens of tests/goldens/rdd in Rivulet's own API: each case's Python code, translated by hand. A case gets the context,
// the session and its input datasets, and gives what the golden calls `result`.

const sorted = (values) => values.slice().sort(order);
const order = (a, b) => {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) if (order(a[i], b[i])) return order(a[i], b[i]);
    return a.length - b.length;
  }
  if (a === null || b === null) return (a !== null) - (b !== null);
  return a < b ? -1 : a > b ? 1 : 0;
};
/** As Python sorts by `repr`. */
const byText = (values) => values.slice().sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
const add = (a, b) => a + b;
const identity = (x) => x;

/** Twins that need the engine, and not only datasets. */
export const NEEDS_ENGINE = new Set([
  'hash_functions',
  ...['bigint', 'boolean', 'date', 'double', 'int', 'string', 'timestamp'].map((type) => `df_repartition_${type}`),
]);

/** Where DataFrame's `repartition(n, column)` puts each value, and its hash. */
const placed =
  (type) =>
  async ({ spark, golden }) => {
    const counts = Object.keys(golden.result[0].partition).map(Number);
    const texts = golden.result.map(({ value }, i) => ({ i, text: value === null ? null : String(value) }));
    const values = spark.createDataFrame(texts, 'i INT, text STRING').selectExpr('i', `CAST(text AS ${type}) AS v`);
    const rows = (df, f) => df.collect().then((found) => found.forEach((row) => f(golden.result[row.i], row)));
    const out = new Map(golden.result.map((row) => [row, { value: row.value, partition: {} }]));
    await rows(values.selectExpr('i', 'hash(v) AS h'), (of, { h }) => {
      out.get(of).hash = h;
    });
    for (const n of counts)
      await rows(values.repartition(n, 'v').selectExpr('i', 'spark_partition_id() AS p'), (of, { p }) => {
        out.get(of).partition[n] = p;
      });
    return [...out.values()];
  };

/** `toDebugString` as the goldens tell it: class by class, and whether a wide edge is before it. */
const lineage = (rdd) => {
  const lines = rdd
    .toDebugString()
    .split('\n')
    .map((line) => [line.includes('+-(') ? 'shuffle' : 'narrow', /(\w+)\[\d+\]/.exec(line)[1]]);
  return { shuffleBoundaries: boundaries(rdd), numPartitions: rdd.getNumPartitions(), lineage: lines };
};
const boundaries = (rdd) => rdd.toDebugString().split('+-(').length - 1;
/** PySpark joins and cogroups by one shuffle of the union, each value with the number of its side; here, as on the JVM, each side moves. */
const groupedAsPython = (...rdds) =>
  rdds
    .map((rdd, i) => rdd.mapValues((v, { i }) => [i, v], { i }))
    .reduce((a, b) => a.union(b))
    .groupByKey();

export const TWINS = {
  hash_functions: async ({ spark, golden }) => {
    const columns = golden.result.map(({ expr }) => [`hash(${expr})`, `xxhash64(${expr})`]);
    const rows = [];
    // A few at a time: a plan of hundreds of columns is no query.
    for (let at = 0; at < columns.length; at += 20) {
      const some = columns.slice(at, at + 20);
      const [row] = await spark
        .range(1)
        .selectExpr(...some.flatMap(([h, x], n) => [`${h} AS h${n}`, `CAST(${x} AS STRING) AS x${n}`]))
        .collect();
      rows.push(...some.map((_, n) => ({ hash: row[`h${n}`], xxhash64: row[`x${n}`] })));
    }
    return golden.result.map((expected, n) => ({ ...expected, ...rows[n] }));
  },
  ...Object.fromEntries(
    ['bigint', 'boolean', 'date', 'double', 'int', 'string', 'timestamp'].map((type) => [`df_repartition_${type}`, placed(type)]),
  ),
  hash_partitioner_jvm: async ({ sc, HashPartitioner, golden }) => {
    const out = [];
    for (const { type, value, partition } of golden.result) {
      const key = type === 'long' && typeof value === 'string' ? BigInt(value) : value;
      const keys = type === 'double' ? 'double' : 'any';
      const found = {};
      for (const n of Object.keys(partition)) {
        const by = new HashPartitioner(Number(n), keys);
        // The rows of a dataset go where the partitioner says.
        const parts = await sc
          .parallelize([[key, 0]], 1)
          .partitionBy(by)
          .glom()
          .collect();
        found[n] = parts.findIndex((part) => part.length === 1);
        if (found[n] !== by.getPartition(key)) throw new Error(`${key} is in ${found[n]}`);
      }
      out.push({ type, value, hashCode: HashPartitioner.hashCode(key, keys), partition: found });
    }
    return out;
  },
  parallelize_slices: async ({ sc }) => {
    const out = [];
    for (const size of [10, 0, 3]) {
      for (const n of [1, 2, 3, 4, 7, 12]) {
        const values = Array.from({ length: size }, (_, i) => i);
        // PySpark slices a list of batches.
        const batch = Math.max(1, Math.min(Math.floor(size / n), 1024));
        const batches = Array.from({ length: Math.ceil(size / batch) }, (_, i) => values.slice(i * batch, (i + 1) * batch));
        out.push({
          size,
          n,
          scala: await sc.parallelize(values, n).glom().collect(),
          pyspark_list: await sc
            .parallelize(batches, n)
            .flatMap((rows) => rows)
            .glom()
            .collect(),
          pyspark_range: await sc.range(0, size, 1, n).glom().collect(),
        });
      }
    }
    return out;
  },
  to_debug_string_jvm: ({ sc }) => {
    const x = sc.parallelize(
      [
        ['a', 1],
        ['b', 2],
        ['a', 3],
      ],
      3,
    );
    const y = sc.parallelize(
      [
        ['a', 4],
        ['c', 5],
      ],
      2,
    );
    // JavaPairRDD turns the values of these over once more.
    const java = (rdd) => rdd.mapValues((v) => v);
    const chains = {
      parallelize: x,
      groupByKey: java(x.groupByKey()),
      join: x.join(y),
      leftOuterJoin: java(x.leftOuterJoin(y)),
      cogroup: java(x.cogroup(y)),
      subtractByKey: x.subtractByKey(y, 3),
      distinct: x.keys().distinct(3),
      sortByKey: x.sortByKey(true, 2),
      union: x.union(y),
      intersection: x.keys().intersection(y.keys()),
      subtract: x.keys().subtract(y.keys(), 3),
      cartesian: x.cartesian(y),
      coalesce: x.coalesce(2),
      repartition: x.repartition(5),
      groupByKey_join: java(x.groupByKey()).join(java(y.groupByKey())),
      union_groupByKey_sortByKey: java(x.union(y).groupByKey()).sortByKey(true, 2),
      partitionBy_groupByKey: java(x.partitionBy(3).groupByKey()),
      zipWithIndex: x.zipWithIndex(),
    };
    return Object.fromEntries(Object.entries(chains).map(([name, rdd]) => [name, lineage(rdd)]));
  },
  to_debug_string_pyspark: ({ data: { x, y } }) => {
    const d = (rdd) => [boundaries(rdd), rdd.getNumPartitions()];
    const r1 = x.reduceByKey(add);
    return {
      map: d(x.map(identity)),
      reduceByKey: d(r1),
      reduceByKey_mapValues_reduceByKey: d(r1.mapValues(identity).reduceByKey(add)),
      reduceByKey_map_reduceByKey: d(r1.map(identity).reduceByKey(add)),
      join: d(groupedAsPython(x, y)),
      join_copartitioned: d(x.partitionBy(2).join(y.partitionBy(2), 2)),
      distinct: d(x.distinct()),
      sortByKey: d(x.sortByKey()),
      repartition: d(x.repartition(2)),
      coalesce: d(x.coalesce(2)),
      union_reduceByKey: d(x.union(y).reduceByKey(add)),
      cartesian: d(x.cartesian(y)),
      zipWithIndex: d(x.zipWithIndex()),
      groupByKey: d(x.groupByKey()),
      cogroup_three: d(groupedAsPython(x, y, x)),
      word_count_sorted: d(r1.sortBy((t) => t[1])),
    };
  },
  aggregateByKey: ({ data: { x } }) =>
    x
      .aggregateByKey(
        [0, 0, -1000],
        (c, v) => [c[0] + v, c[1] + 1, Math.max(c[2], v)],
        (a, b) => [a[0] + b[0], a[1] + b[1], Math.max(a[2], b[2])],
      )
      .collect(),
  cartesian: async ({ data: { x, y } }) => {
    const c = x.cartesian(y);
    return [await c.collect(), c.getNumPartitions()];
  },
  coalesce_repartition: async ({ data: { x } }) => [
    x.getNumPartitions(),
    await x.coalesce(2).glom().collect(),
    x.coalesce(20).getNumPartitions(),
    x.coalesce(20, true).getNumPartitions(),
    x.repartition(4).getNumPartitions(),
    sorted(await x.repartition(2).collect()),
    await x.coalesce(1).glom().collect(),
  ],
  cogroup: ({ data: { x, y } }) =>
    x
      .cogroup(y)
      .mapValues((t) => t.map((values) => values.sort((a, b) => a - b)))
      .collect(),
  combineByKey: ({ data: { x } }) =>
    x
      .combineByKey(
        (v) => [v],
        (c, v) => [...c, v],
        (a, b) => [...a, ...b],
      )
      .mapValues((values) => values.sort((a, b) => a - b))
      .collect(),
  countByKey_countByValue_lookup: async ({ data: { x } }) => [
    sorted([...(await x.countByKey())]),
    sorted([
      ...(await x
        .values()
        .map((v) => ((v % 3) + 3) % 3)
        .countByValue()),
    ]),
    sorted(await x.lookup('b')),
    await x.lookup('nope'),
  ],
  distinct_union: async ({ data: { x, y } }) => {
    const u = x.union(y);
    return [sorted(await x.distinct().collect()), await u.collect(), u.getNumPartitions(), await u.glom().collect()];
  },
  foldByKey: ({ data: { x } }) => x.foldByKey(10, add).collect(),
  glom_filter_empty: ({ data: { x } }) =>
    x
      .filter((v) => v > 8)
      .glom()
      .collect(),
  groupByKey: ({ data: { x } }) =>
    x
      .groupByKey()
      .mapValues((values) => values.sort((a, b) => a - b))
      .collect(),
  histogram: async ({ sc, data: { x } }) => [
    await x.histogram(4),
    await x.histogram([-5, 0, 2.5, 10]),
    await sc.parallelize([1, 1, 1]).histogram(2),
    await sc.parallelize([1, 2, 3, 4]).histogram(3),
  ],
  intersection_subtract: async ({ data: { x, y } }) => [sorted(await x.intersection(y).collect()), sorted(await x.subtract(y).collect())],
  join: ({ data: { x, y } }) => x.join(y).collect(),
  keys_values_mapValues: async ({ data: { x } }) => [
    await x.keys().collect(),
    await x.values().collect(),
    await x.mapValues((v) => v * 2).collect(),
    await x.flatMapValues((v) => Array.from({ length: ((v % 3) + 3) % 3 }, (_, i) => i)).collect(),
    await x.keyBy((t) => ((t[1] % 2) + 2) % 2).collect(),
  ],
  leftOuterJoin: ({ data: { x, y } }) => x.leftOuterJoin(y).collect(),
  mapPartitionsWithIndex: ({ data: { x } }) =>
    x
      .mapPartitionsWithIndex((i, rows) => {
        const all = [...rows];
        return [[i, all.length, all.reduce((a, b) => a + b, 0)]];
      })
      .collect(),
  partitionBy_custom: async ({ data: { x } }) =>
    (
      await x
        .partitionBy(3, (k) => k * 1)
        .glom()
        .collect()
    ).map(sorted),
  range_slices: async ({ sc }) => [
    await sc.range(0, 10, 1, 3).glom().collect(),
    await sc.range(10, -11, -3, 4).glom().collect(),
    await sc.range(7, undefined, 1, 4).glom().collect(),
  ],
  reduceByKey: ({ data: { x } }) => x.reduceByKey(add).collect(),
  reduce_fold_aggregate: async ({ data: { x } }) => [
    await x.reduce(add),
    await x.fold(5, add),
    await x.aggregate(
      [1, 0],
      (c, v) => [c[0] + v, c[1] + 1],
      (a, b) => [a[0] + b[0], a[1] + b[1]],
    ),
    await x.sum(),
    await x.max(),
    await x.min(),
    await x.count(),
    await x.first(),
    await x.take(4),
    await x.isEmpty(),
  ],
  rightOuterJoin_fullOuterJoin: async ({ data: { x, y } }) => [
    ['right', byText(await x.rightOuterJoin(y).collect())],
    ['full', byText(await x.fullOuterJoin(y).collect())],
  ],
  sortBy: async ({ data: { x } }) => [
    await x.sortBy((v) => ((v % 5) + 5) % 5).collect(),
    await x.sortBy(identity, false, 2).glom().collect(),
  ],
  sortByKey_3: ({ data: { x } }) =>
    x
      .sortByKey(true, 3)
      .map((t) => t[0])
      .glom()
      .collect(),
  sortByKey_4: ({ data: { x } }) =>
    x
      .sortByKey(true, 4)
      .map((t) => t[0])
      .glom()
      .collect(),
  stats: async ({ sc, data: { x } }) => {
    const s = await x.stats();
    const e = await sc.parallelize([], 2).stats();
    return [
      s.count,
      s.mean(),
      s.stdev(),
      s.max,
      s.min,
      s.sum(),
      s.variance(),
      s.sampleStdev(),
      s.sampleVariance(),
      e.count,
      e.mean(),
      e.stdev(),
      e.max,
      e.min,
    ];
  },
  subtractByKey: ({ data: { x, y } }) => x.subtractByKey(y).collect(),
  take_ordered_top: async ({ data: { x } }) => [
    await x.takeOrdered(5),
    await x.top(3),
    await x.takeOrdered(4, (v) => -v),
    await x.top(3, (v) => [((v % 7) + 7) % 7, v]),
    await x.takeOrdered(0),
    await x.takeOrdered(100),
  ],
  tree_reduce_aggregate: async ({ data: { x } }) => {
    const out = [];
    for (const depth of [1, 2, 3]) out.push(await x.treeReduce(add, depth));
    for (const depth of [1, 2, 3])
      out.push(
        await x.treeAggregate(
          [0, 0],
          (c, v) => [c[0] + v, c[1] + 1],
          (a, b) => [a[0] + b[0], a[1] + b[1]],
          depth,
        ),
      );
    return out;
  },
  word_count: ({ data: { x } }) =>
    x
      .flatMap((line) => line.split(' '))
      .map((word) => [word, 1])
      .reduceByKey(add)
      .sortBy((t) => [-t[1], t[0]])
      .collect(),
  zip: ({ data: { x } }) => x.zip(x.map((v) => v * v)).collect(),
  zip_with_index: async ({ data: { x } }) => [await x.zipWithIndex().collect(), await x.zipWithUniqueId().collect()],
};

/** Runs the twin of a golden; `unordered` results are compared as multisets by their text. */
export async function runTwin(spark, golden, { HashPartitioner } = {}) {
  const twin = TWINS[golden.id];
  if (!twin) throw new Error(`no twin of ${golden.id}`);
  const sc = spark.sparkContext;
  const data = Object.fromEntries(
    Object.entries(golden.inputs ?? {}).map(([name, { partitions }]) => [name, sc.fromPartitions(partitions)]),
  );
  return twin({ sc, spark, data, golden, HashPartitioner });
}

/** Where a result differs from the golden, in words; none when it is equal. */
export function difference(golden, result) {
  const close = (a, b, at) => {
    if (typeof a === 'number' && typeof b === 'string') b = Number(b);
    if (typeof a === 'number' && typeof b === 'number') {
      if (a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b)))
        return undefined;
      return `${at}: ${a} instead of ${b}`;
    }
    if (a !== null && b !== null && typeof a === 'object' && typeof b === 'object') {
      const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
      for (const key of keys) {
        const found = close(a[key], b[key], `${at}[${key}]`);
        if (found) return found;
      }
      return undefined;
    }
    return a === b ? undefined : `${at}: ${JSON.stringify(a)} instead of ${JSON.stringify(b)}`;
  };
  if (golden.ordered || !Array.isArray(golden.result)) {
    const found = close(result, golden.result, 'result');
    // The JVM's partitions, where they differ from PySpark's, are as good.
    return found && golden.jvmResult ? close(result, golden.jvmResult, 'result') : found;
  }
  const key = (row) => JSON.stringify(row);
  const arrange = (rows) => rows.slice().sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  return close(arrange(result), arrange(golden.result), 'sorted result');
}
