// What GraphX answers beside its goldens: ranks from several vertices, few supersteps, directions of Pregel, generators; and factors.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { same } from './graph_operations.js';
import { browser, inPage, ROOT } from './harness.mjs';

const page = browser();
const read = (path) => JSON.parse(readFileSync(join(ROOT, 'tests/goldens', path), 'utf8'));
const { graphs, generators } = read('graphx_library/cases.json');

test('the library and Pregel answer as GraphX does, also after few supersteps and in every direction', async () => {
  const files = Object.keys(graphs).map((name) => ({ name, ...read(`graphx/${name}.json`), sources: graphs[name].sources }));
  const results = await inPage(
    page,
    async (files) => {
      const { SparkSession } = await import('rivulet');
      const graphx = await import('rivulet/graph');
      const { graphOf } = await import('/tests/graph_operations.js');
      const spark = await SparkSession.builder.master('local[2]').create();
      const plain = (value) => (ArrayBuffer.isView(value) ? [...value].map((n) => (Number.isNaN(n) ? 'NaN' : n)) : value);
      const rows = async ({ vertices }) => (await vertices.collect()).map(([id, value]) => [id, plain(value)]).sort((a, b) => a[0] - b[0]);
      const all = {};
      for (const file of files) {
        const graph = graphOf(graphx, spark.sparkContext, file);
        const { sources } = file;
        // Spark's own variant for several sources answers otherwise than its variant for each of them, which this is held to.
        const [together, alone] = [graph.staticParallelPersonalizedPageRank(sources, 5), []];
        for (const source of sources) alone.push(await rows(graph.staticPersonalizedPageRank(source, 5)));
        const columns = (await rows(together)).map(([, ranks], i) => ranks.map((rank, k) => [rank, alone[k][i][1]]));
        const found = {
          together: columns,
          static_personalized_5: await rows(graph.staticPersonalizedPageRank(sources[0], 5)),
          edges_of_rank: (await graph.staticPageRank(3).edges.collect())
            .map(({ srcId, dstId, attr }) => [srcId, dstId, attr])
            .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
          collect_neighbors_in: (await graph.collectNeighbors('In').collect())
            .map(([id, list]) => [id, list.sort((a, b) => a[0] - b[0] || a[1] - b[1])])
            .sort((a, b) => a[0] - b[0]),
        };
        for (const k of [1, 2]) {
          found[`connected_components_${k}`] = await rows(graph.connectedComponents(k));
          found[`strongly_connected_components_${k}`] = await rows(graph.stronglyConnectedComponents(k));
          found[`label_propagation_${k}`] = await rows(graph.labelPropagation(k));
        }
        for (const activeDirection of ['Either', 'Out', 'In', 'Both']) {
          const ended = graph
            .mapVertices(() => 0)
            .pregel(
              1,
              (_, attr, message) => attr * 2 + message,
              (t) => [[t.dstId, (t.srcAttr % 1000) + 1], ...(t.attr > 3 ? [[t.srcId, 1]] : [])],
              (a, b) => a + b,
              { maxIterations: 4, activeDirection },
            );
          found[`pregel_${activeDirection.toLowerCase()}`] = await rows(ended);
        }
        all[file.name] = found;
      }
      await spark.stop();
      return all;
    },
    files,
  );
  let compared = 0;
  for (const { together } of Object.values(results))
    for (const [rank, alone] of together.flat()) assert.ok(same(rank, alone, 1e-9), `${rank} ${alone}`);
  for (const [name, operations] of Object.entries(graphs)) {
    for (const [operation, expected] of Object.entries(operations)) {
      if (operation === 'sources' || operation === 'parallel_personalized_5') continue;
      const got = results[name][operation];
      assert.ok(same(got, expected, 1e-9), `${name} ${operation}\n  ${JSON.stringify(expected)}\n  ${JSON.stringify(got)}`);
      compared += 1;
    }
  }
  assert.equal(compared, 13 * Object.keys(graphs).length);
});

test('generators make the graphs that GraphX makes', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { GraphGenerators } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const edges = async (graph) => (await graph.edges.collect()).map(({ srcId, dstId, attr }) => [srcId, dstId, attr]);
    const vertices = async (graph) => (await graph.vertices.collect()).sort((a, b) => a[0] - b[0]);
    const logNormal = GraphGenerators.logNormalGraph(sc, 30, 2, 1.0, 0.7, 7);
    const [grid, star] = [GraphGenerators.gridGraph(sc, 3, 2), GraphGenerators.starGraph(sc, 5)];
    const rmat = async (seed) => edges(GraphGenerators.rmatGraph(sc, 50, 200, seed));
    const [one, again, other] = [await rmat(3), await rmat(3), await rmat(4)];
    const result = {
      log_normal_vertices: await vertices(logNormal),
      log_normal_edges: (await edges(logNormal)).map(([src, dst]) => [src, dst]),
      grid_edges: await edges(grid),
      grid_vertices: await vertices(grid),
      star_edges: await edges(star),
      star_vertices: await vertices(star),
      rmat: { one, again, other },
    };
    await spark.stop();
    return result;
  });
  const { rmat, ...exact } = found;
  const texts = (rows) => rows.map((row) => JSON.stringify(row)).sort();
  for (const [name, rows] of Object.entries(exact)) assert.deepEqual(texts(rows), texts(generators[name]), name);
  assert.deepEqual(texts(rmat.one), texts(rmat.again));
  assert.notDeepEqual(texts(rmat.one), texts(rmat.other));
  assert.equal(new Set(texts(rmat.one)).size, 200);
  assert.ok(rmat.one.every(([src, dst]) => src < 64 && dst < 64));
});

test('factors of ratings come closer to them with every round, and are the same in any partitioning', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { Graph } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').create();
    const ratings = Array.from({ length: 200 }, (_, i) => [i % 20, 100 + ((i * 7) % 13), 1 + ((i * i) % 5)]);
    const learn = async (parts, maxIters) => {
      const graph = Graph.fromEdges(spark.sparkContext.parallelize(ratings, parts), null);
      const conf = { rank: 4, maxIters, minVal: 0, maxVal: 5, gamma1: 0.007, gamma2: 0.007, gamma6: 0.005, gamma7: 0.015 };
      const [learned, mean] = await graph.svdPlusPlus(conf);
      const rows = (await learned.vertices.collect()).sort((a, b) => a[0] - b[0]);
      const error = rows.filter(([id]) => id >= 100).reduce((sum, [, [, , , squares]]) => sum + squares, 0);
      return { error, mean, first: rows[0][1][2], width: rows[0][1][0].length };
    };
    const result = [await learn(1, 2), await learn(3, 2), await learn(2, 20)];
    await spark.stop();
    return result;
  });
  const [one, three, many] = found;
  assert.ok(Math.abs(one.error - three.error) < 1e-9 * one.error && Math.abs(one.first - three.first) < 1e-12);
  assert.ok(many.error < one.error, `${many.error} ${one.error}`);
  const mean = Array.from({ length: 200 }, (_, i) => 1 + ((i * i) % 5)).reduce((a, b) => a + b) / 200;
  assert.ok(Math.abs(one.mean - mean) < 1e-12 && one.width === 4);
});
