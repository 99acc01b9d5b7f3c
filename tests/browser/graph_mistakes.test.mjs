// What goes wrong with graphs, and says so; and ids of 64 bits, strict pages, tables and files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage, PRIVATE_FILES } from './harness.mjs';

const page = browser();

test('what GraphX requires is required, in its words', async () => {
  const said = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { Graph, GraphGenerators, PartitionStrategy } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[1]').create();
    const sc = spark.sparkContext;
    const graph = Graph.fromEdgeTuples(sc.parallelize([[1, 2]]), 0);
    const calls = {
      tolerance: () => graph.pageRank(-1),
      iterations: () => graph.staticPageRank(0),
      probability: () => graph.pageRank(0.1, 2),
      components: () => graph.connectedComponents(0),
      strong: () => graph.stronglyConnectedComponents(0),
      labels: () => graph.labelPropagation(0),
      sources: () => graph.staticParallelPersonalizedPageRank([], 3),
      pregel: () =>
        graph.pregel(
          0,
          (_, attr) => attr,
          () => [],
          (a) => a,
          { maxIterations: 0 },
        ),
      neighbours: () => graph.collectNeighborIds('Both'),
      strategy: () => graph.partitionBy('EdgePartition3D'),
      named: () => PartitionStrategy.fromString('x'),
      parts: () => graph.partitionBy('EdgePartition2D', 0),
      rmat: () => GraphGenerators.rmatGraph(sc, 4, 100),
      landmark: () => graph.shortestPaths([0.5]),
      unsafe: () => graph.personalizedPageRank(2 ** 53, 0.1),
      columns: () => Graph.fromEdgeColumns(sc, Int32Array.of(1), Int32Array.of(1, 2), 0),
      column: () => Graph.fromEdgeColumns(sc, [1], Int32Array.of(1), 0),
      part: () => Graph.fromEdgeColumns(sc, Float64Array.of(0.5), Int32Array.of(1), 0),
      rows: () => Graph.fromEdges([[1, 2, 3]], 0),
      free: () => graph.mapVertices((id) => id + calls.length),
    };
    const found = {};
    for (const [name, call] of Object.entries(calls)) {
      try {
        call();
        found[name] = 'nothing';
      } catch (error) {
        found[name] = `${error.name} ${error.condition} ${error.message}`;
      }
    }
    await spark.stop();
    return found;
  });
  const expected = {
    tolerance: /^IllegalArgumentException .* requirement failed: Tolerance must be no less than 0, but got -1$/,
    iterations: /^IllegalArgumentException .* requirement failed: Number of iterations must be greater than 0, but got 0$/,
    probability: /requirement failed: Random reset probability must belong to \[0, 1\], but got 2$/,
    components: /requirement failed: Maximum of iterations must be greater than 0, but got 0$/,
    strong: /requirement failed: Number of iterations must be greater than 0, but got 0$/,
    labels: /requirement failed: Maximum of steps must be greater than 0, but got 0$/,
    sources: /requirement failed: The list of sources must be non-empty, but got \[\]$/,
    pregel: /requirement failed: Maximum number of iterations must be greater than 0, but got 0$/,
    neighbours: /It doesn't make sense to collect neighbor ids without a direction\. \(EdgeDirection\.Both is not supported/,
    strategy: /^IllegalArgumentException RIVULET_PARTITION_STRATEGY Invalid PartitionStrategy: EdgePartition3D/,
    named: /^IllegalArgumentException RIVULET_PARTITION_STRATEGY Invalid PartitionStrategy: x/,
    parts: /RIVULET_PARTITIONS .*the number of partitions \(0\)/,
    rmat: /numEdges must be <= 4 but was 100$/,
    landmark: /^SparkTypeError RIVULET_VERTEX_ID 0\.5 cannot be the id of a vertex: an id is a whole number$/,
    unsafe: /^SparkTypeError RIVULET_VERTEX_ID 9007199254740992 cannot be the id of a vertex: .*give a bigint$/,
    columns: /^SparkTypeError RIVULET_EDGE .*1 sources and 2 destinations$/,
    column: /^SparkTypeError RIVULET_DATASET .*an Int32Array or a Float64Array$/,
    part: /^SparkTypeError RIVULET_VERTEX_ID 0\.5/,
    rows: /^SparkTypeError RIVULET_DATASET Graph\.fromEdges takes datasets/,
    free: /^SparkTypeError RIVULET_FREE_VARIABLE mapVertices: .*`calls`/,
  };
  for (const [name, words] of Object.entries(expected)) assert.match(said[name], words, name);
  assert.deepEqual(Object.keys(said).sort(), Object.keys(expected).sort());
});

test('rows that are no edges or vertices, and functions that throw, fail the job with the record', async () => {
  const said = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { Graph } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').config('spark.task.maxFailures', 1).create();
    const sc = spark.sparkContext;
    const graph = Graph.fromEdges(sc.parallelize([[1, 2, 3]]), 'a');
    const throws = () => {
      throw new RangeError('too far');
    };
    const jobs = {
      edge: () => Graph.fromEdges(sc.parallelize(['x']), 0).edges.collect(),
      id: () => Graph.fromEdges(sc.parallelize([[1, 2.5, 0]]), 0).edges.collect(),
      large: () => Graph.create(sc.parallelize([[2n ** 63n, 0]]), sc.parallelize([])).vertices.collect(),
      text: () => Graph.create(sc.parallelize([['1', 0]]), sc.parallelize([])).vertices.collect(),
      vertices: () => graph.mapVertices(throws).vertices.collect(),
      edges: () => graph.mapEdges(throws).edges.collect(),
      triplets: () => graph.mapTriplets(throws).edges.collect(),
      subgraph: () => graph.subgraph({ vpred: throws }).vertices.collect(),
      send: () => graph.aggregateMessages(throws, (a) => a).collect(),
      merge: () =>
        Graph.fromEdges(
          sc.parallelize(
            [
              [1, 2, 3],
              [3, 2, 3],
            ],
            1,
          ),
          0,
        )
          .aggregateMessages((ctx) => ctx.sendToDst(1), throws)
          .collect(),
      join: () => graph.joinVertices(graph.degrees, throws).vertices.collect(),
      program: () =>
        graph
          .pregel(
            0,
            throws,
            () => [],
            (a) => a,
          )
          .vertices.collect(),
      message: () =>
        graph
          .pregel(
            0,
            (_, attr) => attr,
            () => [[7, 1]],
            (a) => a,
          )
          .vertices.collect(),
      notPair: () =>
        graph
          .pregel(
            0,
            (_, attr) => attr,
            () => [1],
            (a) => a,
          )
          .vertices.collect(),
      notList: () =>
        graph
          .pregel(
            0,
            (_, attr) => attr,
            () => 1,
            (a) => a,
          )
          .vertices.collect(),
      mask: () => {
        const other = Graph.fromEdges(sc.parallelize([[1, 2, 3]], 5), 'a');
        return graph.mask(other).edges.collect();
      },
      factors: async () =>
        (
          await Graph.fromEdges(sc.parallelize([[1, 2, 'x']]), 0).svdPlusPlus({
            rank: 2,
            maxIters: 1,
            minVal: 0,
            maxVal: 5,
            gamma1: 1,
            gamma2: 1,
            gamma6: 1,
            gamma7: 1,
          })
        )[0].vertices.collect(),
    };
    const found = {};
    for (const [name, job] of Object.entries(jobs)) {
      found[name] = await (async () => job())().then(
        (rows) => `nothing, but ${JSON.stringify(rows)}`,
        (error) => `${error.condition} ${error.message}`,
      );
    }
    // Nothing of that is in the way of what is right.
    found.after = JSON.stringify(await graph.vertices.collect());
    await spark.stop();
    return found;
  });
  const expected = {
    edge: /FAILED_EXECUTE_UDF.*"x" is not an edge/s,
    id: /FAILED_EXECUTE_UDF.*2\.5 cannot be the id of a vertex/s,
    large: /FAILED_EXECUTE_UDF.*an id has 64 bits/s,
    text: /FAILED_EXECUTE_UDF.*"1" cannot be the id of a vertex/s,
    vertices: /FAILED_EXECUTE_UDF.*too far.*mapVertices/s,
    edges: /FAILED_EXECUTE_UDF.*too far.*mapEdges/s,
    triplets: /FAILED_EXECUTE_UDF.*too far.*mapTriplets/s,
    subgraph: /FAILED_EXECUTE_UDF.*too far.*subgraph/s,
    send: /FAILED_EXECUTE_UDF.*too far.*aggregateMessages/s,
    merge: /FAILED_EXECUTE_UDF.*too far/s,
    join: /FAILED_EXECUTE_UDF.*too far.*joinVertices/s,
    program: /FAILED_EXECUTE_UDF.*too far.*pregel/s,
    message: /FAILED_EXECUTE_UDF.*a message goes to an end of its triplet, got \[7,1\]/s,
    notPair: /FAILED_EXECUTE_UDF.*a message is a pair \[id, message\], got 1/s,
    notList: /FAILED_EXECUTE_UDF.*must return an iterable, got number/s,
    mask: /RIVULET_ZIP_MISMATCH.*Can't zip RDDs with unequal numbers of partitions/s,
    factors: /the attribute "x" of an edge is not a number|NaN|number/s,
    after: /^\[\[/,
  };
  for (const [name, words] of Object.entries(expected)) assert.match(said[name], words, name);
});

test('ids of 64 bits stay exact in messages, Pregel, strategies and the library', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { Graph, PartitionStrategy } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const [a, b, c] = [2n ** 62n, 2n ** 62n + 1n, -(2n ** 63n)];
    const graph = Graph.create(
      sc.parallelize(
        [
          [a, 'a'],
          [7, 'lone'],
        ],
        2,
      ),
      sc.parallelize(
        [
          [a, b, 1],
          [b, c, 2],
          [BigInt(5), 6, 3],
        ],
        2,
      ),
      'new',
    );
    const texts = (rows) => rows.map((row) => row.flat().map(String).join(' ')).sort();
    const result = {
      vertices: texts(await graph.vertices.collect()),
      components: texts(await graph.connectedComponents().vertices.collect()),
      paths: texts((await graph.shortestPaths([c]).vertices.collect()).map(([id, map]) => [id, [...map].flat().join(' ')])),
      messages: texts(
        await graph
          .aggregateMessages(
            (ctx) => ctx.sendToDst(ctx.srcId),
            (x) => x,
          )
          .collect(),
      ),
      lowest: texts(
        await graph
          .mapVertices((id) => id)
          .pregel(
            2n ** 63n,
            (_, own, got) => [own, got][Number(got < own)],
            (t) => [...(t.srcAttr < t.dstAttr ? [[t.dstId, t.srcAttr]] : []), ...(t.dstAttr < t.srcAttr ? [[t.srcId, t.dstAttr]] : [])],
            (x, y) => [x, y][Number(y < x)],
          )
          .vertices.collect(),
      ),
      kinds: [...new Set((await graph.vertices.collect()).map(([id]) => typeof id))].sort(),
      part: PartitionStrategy.EdgePartition2D.getPartition(a, c, 7),
    };
    await spark.stop();
    return result;
  });
  const [a, b, c] = [2n ** 62n, 2n ** 62n + 1n, -(2n ** 63n)].map(String);
  assert.deepEqual(found.vertices, [`${a} a`, `${b} new`, `${c} new`, '5 new', '6 new', '7 lone'].sort());
  const lowest = [`${a} ${c}`, `${b} ${c}`, `${c} ${c}`, '5 5', '6 5', '7 7'].sort();
  assert.deepEqual(found.components, lowest);
  assert.deepEqual(found.lowest, lowest);
  assert.deepEqual(found.paths, [`${a} ${c} 2`, `${b} ${c} 1`, `${c} ${c} 0`, '5 ', '6 ', '7 '].sort());
  assert.deepEqual(found.messages, [`${b} ${a}`, `${c} ${b}`, '6 5'].sort());
  assert.deepEqual(found.kinds, ['bigint', 'number']);
  assert.ok(found.part >= 0 && found.part < 7);
});

test('a list of edges in a file, functions of modules, tables there and back, and a checkpoint', PRIVATE_FILES, async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { Graph, GraphFrame, GraphLoader } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const file = new Blob(['# from to\n2 1\n\n2\t3 ignored\n3  4\n']);
    const loaded = GraphLoader.edgeListFile(sc, file, true, 2);
    const bad = await GraphLoader.edgeListFile(sc, new Blob(['1\n']))
      .edges.collect()
      .catch((error) => error.message);
    const module = URL.createObjectURL(
      new Blob(['export const add = (a, b) => a + b; export const send = (ctx) => ctx.sendToDst(1);'], { type: 'text/javascript' }),
    );
    const counts = loaded.aggregateMessages({ module, export: 'send' }, { module, export: 'add' });
    const people = spark.createDataFrame(
      [
        { id: 1, name: 'Ada' },
        { id: 2, name: 'Bob' },
        { id: 3, name: 'Cleo' },
      ],
      'id BIGINT, name STRING',
    );
    const follows = spark.createDataFrame(
      [
        { src: 1, dst: 2, kind: 'f' },
        { src: 2, dst: 1, kind: 'g' },
        { src: 2, dst: 3, kind: 'h' },
        { src: 3, dst: 3, kind: 'i' },
      ],
      'src BIGINT, dst BIGINT, kind STRING',
    );
    const frame = new GraphFrame(people, follows);
    const paths = frame
      .find('(a)-[e]->(b); (b)-[]->(c); !(c)-[]->(a)')
      .selectExpr('a.name AS a', 'e.kind AS e', 'b.name AS b', 'c.name AS c');
    const loops = await frame.find('(a)-[]->(a)').selectExpr('a.name AS a').collect();
    const graph = frame.toGraph();
    const ranks = spark.createDataFrame(graph.staticPageRank(5).vertices, 'id BIGINT, rank DOUBLE');
    const best = await ranks.orderBy('id').select('id').collect();
    const names = await graph
      .mapVertices((id, row) => row.name)
      .triplets.map((t) => `${t.srcAttr} ${t.attr.kind} ${t.dstAttr}`)
      .collect();
    const motif = (() => {
      try {
        frame.find('(a)->(b)');
        return 'nothing';
      } catch (error) {
        return `${error.condition} ${error.message}`;
      }
    })();
    sc.setCheckpointDir('opfs:graphs');
    graph.persist();
    graph.checkpoint();
    await graph.numVertices();
    await graph.numEdges();
    const result = {
      edges: (await loaded.edges.collect()).map(({ srcId, dstId, attr }) => [srcId, dstId, attr]).sort(),
      vertices: (await loaded.vertices.collect()).sort((a, b) => a[0] - b[0]),
      bad,
      counts: (await counts.collect()).sort((a, b) => a[0] - b[0]),
      paths: await paths.orderBy('a', 'b', 'c').collect(),
      loops,
      best: best.map(({ id }) => id),
      names: names.sort(),
      motif,
      checkpointed: graph.isCheckpointed(),
      after: (await graph.connectedComponents().vertices.collect()).sort((a, b) => a[0] - b[0]),
    };
    await spark.stop();
    return result;
  });
  assert.deepEqual(found.edges, [
    [1, 2, 1],
    [2, 3, 1],
    [3, 4, 1],
  ]);
  assert.deepEqual(
    found.vertices,
    [1, 2, 3, 4].map((id) => [id, 1]),
  );
  assert.match(found.bad, /Invalid line: 1/);
  assert.deepEqual(found.counts, [
    [2, 1],
    [3, 1],
    [4, 1],
  ]);
  assert.deepEqual(found.paths, [
    { a: 'Ada', e: 'f', b: 'Bob', c: 'Ada' },
    { a: 'Ada', e: 'f', b: 'Bob', c: 'Cleo' },
    { a: 'Bob', e: 'g', b: 'Ada', c: 'Bob' },
    { a: 'Bob', e: 'h', b: 'Cleo', c: 'Cleo' },
  ]);
  assert.deepEqual(found.loops, [{ a: 'Cleo' }]);
  assert.deepEqual(found.best, [1, 2, 3]);
  assert.deepEqual(found.names, ['Ada f Bob', 'Bob g Ada', 'Bob h Cleo', 'Cleo i Cleo']);
  assert.match(found.motif, /^RIVULET_MOTIF .*"\(a\)->\(b\)"/);
  assert.equal(found.checkpointed, true);
  assert.deepEqual(found.after, [
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
});
