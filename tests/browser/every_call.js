// Calls of every public method that no example of the documentation has: each once, with what it answers let go of.

/** All comparisons, orders and parts of columns, in one query. */
async function columns({ spark, F }) {
  const rows = spark.createDataFrame([{ a: 1, b: 2.5, s: 'abc', st: { x: 1, y: 2 }, list: [1, 2] }]);
  const { a, b, s, st, list } = Object.fromEntries(['a', 'b', 's', 'st', 'list'].map((name) => [name, F.col(name)]));
  const both = a.bitwiseAND(1).bitwiseOR(2).bitwiseXOR(3);
  const numbers = [a.divide(2), a.pow(2), a.negate(), both, s.tryCast('int'), s.substr(1, 2), a.between(0, 2), a.isin(1, 2)];
  const truths = [a.neq(2), a.leq(2), a.eqNullSafe(null), a.isNull().or(b.isNaN()), s.like('a%'), s.rlike('b'), s.ilike('A%')];
  const parts = [s.endsWith('c'), s.contains('b'), st.getField('x'), list.getItem(0), st.withField('z', F.lit(1)), st.dropFields('y')];
  await rows.select(...[...numbers, ...truths, ...parts].map((column, i) => column.alias(`c${i}`))).collect();
  await rows.select(a.name('named')).collect();
  await rows.select(F.when(a.gt(5), 1).when(a.gt(0), 2).otherwise(3).alias('w')).collect();
  await rows.orderBy(a.asc(), a.ascNullsFirst(), a.ascNullsLast(), a.descNullsFirst(), a.descNullsLast()).collect();
}

function types({ parseType }) {
  for (const text of ['int', 'decimal(10,2)', 'map<string,int>']) {
    const type = parseType(text);
    for (const name of ['toString', 'simpleString', 'jsonValue', 'toDDL']) type[name]?.('c');
  }
}

async function tables({ spark, F, people, windows: Window }) {
  const two = spark.range(6).toDF('n').withColumnRenamed('n', 'm').withColumnsRenamed({ m: 'n' });
  const named = two.alias('t');
  const sets = [
    two.unionAll(two),
    two.unionByName(two),
    two.intersect(two),
    two.intersectAll(two),
    two.except(two),
    two.exceptAll(two),
    two.subtract(two),
  ];
  const shapes = [
    two.repartition(3),
    two.coalesce(1),
    two.hint('broadcast'),
    two.to('n BIGINT'),
    two.offset(2),
    two.sample(0.5, { seed: 1 }),
    two.sample(1.5, { withReplacement: true, seed: 1 }),
    two.withMetadata('n', { unit: 'm' }),
    two.toDF('k').withColumn('v', F.col('k')).transpose(),
    await two.checkpoint(),
    await two.localCheckpoint(false),
  ];
  const orders = [two.sort('n'), two.sortWithinPartitions('n'), named.select(named.col('n')), two.crossJoin(two.limit(1).toDF('k'))];
  for (const df of [...sets, ...shapes, ...orders, two.describe(), two.summary('count')]) await df.count();
  await people.rollup('name').avg('age').collect();
  await people.cube('name').mean('age').collect();
  await people.groupBy('name').min('age').collect();
  await people.groupBy('name').max('age').collect();
  const spec = Window.partitionBy('name').orderBy('age');
  await people.select(F.sum('age').over(spec.rowsBetween(-1, 0)), F.sum('age').over(spec.rangeBetween(-1, 0))).collect();
  await people.na.replace(new Map([['Ada', 'ada']])).collect();
  await two.head();
  await two.tail(1);
  await two.isEmpty();
  await two.persist();
  await two.count();
  await two.unpersist();
  await two.cache();
  for (const ask of ['storageLevel', 'semanticHash', 'isLocal', 'inputFiles']) await two[ask]();
  await two.sameSemantics(named);
  await two.unpersist();
  await two.createTempView('every_call');
  await spark.catalog.listTables();
  await spark.catalog.tableExists('every_call');
  await spark.catalog.dropTempView('every_call');
  await spark.catalog.clearCache();
  await spark.conf.getAll();
  await spark.conf.set('spark.every.call', '1');
  await spark.conf.unset('spark.every.call');
  const endless = spark
    .range(10 ** 12)
    .filter(F.col('id').lt(0))
    .count();
  endless.catch(() => {});
  // An operation that has not begun cannot be interrupted.
  while ((await spark.interruptAll()).length === 0) await new Promise((go) => setTimeout(go, 5));
  await endless.catch(() => {});
}

async function files({ spark, people }) {
  const names = people.select('name');
  await names.write.format('json').mode('overwrite').option('compression', 'none').options({}).save('every_call/saved');
  await names.write.mode('overwrite').json('every_call/json');
  await names.write.mode('overwrite').csv('every_call/csv');
  await names.write.mode('overwrite').text('every_call/text');
  await spark.read.text(new File(['a\nb\n'], 'a.txt')).count();
  const reads = [
    spark.readStream.schema('n INT').json(new File(['{"n":1}\n'], 'a.json')),
    spark.readStream.schema('n INT').csv(new File(['1\n'], 'a.csv')),
    spark.readStream.text(new File(['a\n'], 'a.txt')),
  ];
  for (const df of reads) {
    const query = await df.writeStream.format('noop').options({}).trigger({ availableNow: true }).start();
    await query.awaitTermination();
  }
}

async function queries({ spark, people }) {
  const { streams } = spark;
  const listener = { onQueryStarted() {}, onQueryProgress() {}, onQueryTerminated() {} };
  streams.addListener(listener);
  const { df, write } = spark.readStream.push({ schema: 'k STRING, n BIGINT', format: 'json' });
  const counted = df.groupByKey('k').mapGroupsWithState(
    (key, rows, state) => {
      const seen = (state.getOption() ?? 0) + [...rows].length;
      state.update(seen);
      return { k: key.k, seen };
    },
    { stateSchema: 'seen INT', outputSchema: 'k STRING, seen INT' },
  );
  const query = await counted.writeStream.format('noop').outputMode('update').start();
  await write('{"k":"a","n":1}\n');
  await query.processAllAvailable();
  for (const ask of ['status', 'lastProgress', 'explainString']) await query[ask]();
  await query.explain();
  await streams.get(query.id);
  await query.stop();
  await streams.awaitAnyTermination(10_000);
  await streams.resetTerminated();
  streams.removeListener(listener);
  spark.status.onExecutor(() => {})();
  await people.count();
}

async function datasets({ sc, StatCounter, HashPartitioner }) {
  const total = sc.accumulator(0);
  const shared = sc.broadcast([1, 2, 3]);
  total.add(1);
  await sc.parallelize([1, 2], 2).foreach((x, bound) => bound.total.add(x + bound.shared.value.length), { total, shared });
  total.reset();
  shared.destroy();
  const action = sc.parallelize([1, 2], 1).countAsync();
  action.cancel();
  await action.then(
    () => {},
    () => {},
  );
  const stats = StatCounter.of([[2, 1.5, 0.5, 1, 2]]);
  for (const name of ['mean', 'sum', 'variance', 'stdev', 'sampleVariance', 'sampleStdev', 'toString']) stats[name]();
  HashPartitioner.hashCode('a');
}

async function graphs({ spark, sc, graph: { Graph, GraphFrame } }) {
  const pairs = sc.parallelize(
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ],
    2,
  );
  const edges = [
    { srcId: 1, dstId: 2, attr: 1 },
    { srcId: 2, dstId: 3, attr: 2 },
    { srcId: 2, dstId: 3, attr: 3 },
    { srcId: 3, dstId: 3, attr: 4 },
  ];
  const graph = Graph.create(pairs, sc.parallelize(edges, 2), 'none').persist();
  const made = [
    graph.mapEdges((edge) => edge.attr + 1),
    graph.mapTriplets((triplet) => triplet.attr + 1),
    graph.joinVertices(sc.parallelize([[1, 'x']], 1), (_, attr, other) => attr + other),
    graph.outerJoinVertices(sc.parallelize([[1, 'x']], 1), (_, attr, other) => attr + (other ?? '')),
    graph.reverse(),
    graph.subgraph((triplet) => triplet.attr > 1),
    graph.mask(graph.reverse()),
    graph.partitionBy('EdgePartition1D').groupEdges((a, b) => a + b),
    graph.removeSelfEdges(),
  ];
  for (const one of made) await one.numEdges();
  await graph.collectNeighborIds('Either').collect();
  await graph.collectNeighbors('Out').collect();
  sc.setCheckpointDir('every_call/checkpoints');
  graph.checkpoint();
  graph.isCheckpointed();
  graph.unpersistVertices();
  graph.unpersist();
  graph.cache().unpersist();
  const nodes = spark.createDataFrame([{ id: 1 }, { id: 2 }], 'id BIGINT');
  const arcs = spark.createDataFrame([{ src: 1, dst: 2 }], 'src BIGINT, dst BIGINT');
  await new GraphFrame(nodes, arcs).toGraph().numEdges();
}

export const PARTS = [columns, types, tables, files, queries, datasets, graphs];

/** Makes every call. */
export async function everyCall(surroundings) {
  for (const part of PARTS) await part(surroundings);
}
