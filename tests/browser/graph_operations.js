// The operations of the GraphX goldens (tests/goldens/graphx) in the client's words: graph → result as JSON. `x` is the client's part
// for graphs.

const plain = (value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);
const byId = async (dataset, map = plain) =>
  (await dataset.collect()).map(([id, value]) => [id, map(value)]).sort((a, b) => Number(a[0] - b[0]));
const ofEdges = async ({ edges }) => (await edges.collect()).map(({ srcId, dstId, attr }) => [srcId, dstId, attr]);
const sorted = (values) => values.sort((a, b) => Number(a - b));

/** Where a strategy puts each edge, by how the edges of the graph lie after it. */
async function places(graph, strategy, sizes, edges) {
  const all = [];
  for (const n of sizes) {
    const found = new Map();
    for (const [part, rows] of (await graph.partitionBy(strategy, n).edges.glom().collect()).entries())
      for (const { srcId, dstId } of rows) found.set(`${srcId} ${dstId}`, part);
    all.push(edges.map(([src, dst]) => found.get(`${src} ${dst}`)));
  }
  return all;
}

const OPERATIONS = {
  aggregate_messages_both: (g) =>
    byId(
      g.aggregateMessages(
        (ctx) => {
          ctx.sendToSrc(1);
          if (ctx.attr > 2) ctx.sendToDst(10);
        },
        (a, b) => a + b,
      ),
    ),
  aggregate_messages_sum: (g, _, x) =>
    byId(
      g.aggregateMessages(
        (ctx) => ctx.sendToDst(ctx.srcAttr + ctx.attr),
        (a, b) => a + b,
        x.TripletFields.Src,
      ),
    ),
  collect_neighbor_ids_either: (g, _, x) => byId(g.collectNeighborIds(x.EdgeDirection.Either), sorted),
  collect_neighbor_ids_out: (g, _, x) => byId(g.collectNeighborIds(x.EdgeDirection.Out), sorted),
  connected_components: (g) => byId(g.connectedComponents().vertices),
  counts: async (g) => [await g.numVertices(), await g.numEdges()],
  degrees: (g) => byId(g.degrees),
  group_edges: (g, { partitionStrategy }) => ofEdges(g.partitionBy(partitionStrategy).groupEdges((a, b) => a + b)),
  in_degrees: (g) => byId(g.inDegrees),
  join_vertices: (g) => byId(g.joinVertices(g.outDegrees, (id, attr, degree) => attr + 100 * degree).vertices),
  label_propagation_5: (g, { maxSteps }) => byId(g.labelPropagation(maxSteps).vertices),
  map_triplets: (g) => ofEdges(g.mapTriplets((t) => t.srcAttr + t.dstAttr + t.attr)),
  map_vertices: (g) => byId(g.mapVertices((id, attr) => attr * 2 + (id % 3)).vertices),
  mask: async (g) => {
    const masked = g.mask(g.subgraph({ vpred: (id, attr) => attr > 3 }));
    return [await masked.vertices.collect(), await ofEdges(masked)];
  },
  out_degrees: (g) => byId(g.outDegrees),
  outer_join_vertices: (g) => byId(g.outerJoinVertices(g.inDegrees, (id, attr, degree) => degree ?? 0).vertices),
  page_rank_tol: (g, { tol, resetProb }) => byId(g.pageRank(tol, resetProb).vertices),
  partition_canonical_random_vertex_cut: (g, { numParts }, _, edges) => places(g, 'CanonicalRandomVertexCut', numParts, edges),
  partition_edge_partition_1d: (g, { numParts }, x, edges) => places(g, x.PartitionStrategy.EdgePartition1D, numParts, edges),
  partition_edge_partition_2d: (g, { numParts }, x, edges) => places(g, x.PartitionStrategy.EdgePartition2D, numParts, edges),
  partition_random_vertex_cut: (g, { numParts }, x, edges) => places(g, x.PartitionStrategy.RandomVertexCut, numParts, edges),
  personalized_page_rank: (g, { source, tol }) => byId(g.personalizedPageRank(source, tol).vertices),
  pregel_sssp: (g, { source }) =>
    byId(
      g
        .mapVertices((id, _, b) => (id === b.source ? 0 : Infinity), { source })
        .pregel(
          Infinity,
          (_, known, found) => Math.min(known, found),
          (t) => (t.srcAttr + t.attr < t.dstAttr ? [[t.dstId, t.srcAttr + t.attr]] : []),
          (a, b) => Math.min(a, b),
        ).vertices,
    ),
  reverse_edges: (g) => ofEdges(g.reverse()),
  shortest_paths: (g, { landmarks }) => byId(g.shortestPaths(landmarks).vertices, (map) => [...map].sort((a, b) => a[0] - b[0])),
  static_page_rank_10: (g, { numIter, resetProb }) => byId(g.staticPageRank(numIter, resetProb).vertices),
  strongly_connected_components: (g, { numIter }) => byId(g.stronglyConnectedComponents(numIter).vertices),
  subgraph: async (g) => {
    const part = g.subgraph({ epred: (t) => t.attr > 0, vpred: (id, attr) => attr % 2 === 0 });
    return [await part.vertices.collect(), await ofEdges(part)];
  },
  triangle_count: (g) => byId(g.triangleCount().vertices),
  triplets: async (g) => (await g.triplets.collect()).map((t) => [t.srcId, t.srcAttr, t.dstId, t.dstAttr, t.attr]),
  vertices: (g) => byId(g.vertices),
};

/** The graph of a golden file, in as many partitions as Spark had it. */
export function graphOf(x, sc, { graph, edgePartitions, vertexPartitions }) {
  const vertices = sc.parallelize(graph.vertices, vertexPartitions);
  return x.Graph.create(vertices, sc.parallelize(graph.edges, edgePartitions), graph.defaultVertexAttr);
}

/** Runs cases of one file: the result of each, or the error. */
export async function runCases(x, sc, file) {
  const graph = graphOf(x, sc, file);
  const results = [];
  for (const { operation, params } of file.cases) {
    try {
      results.push({ result: await OPERATIONS[operation](graph, params, x, file.graph.edges) });
    } catch (error) {
      results.push({ error: `${error.name} ${error.condition}: ${error.message}` });
    }
  }
  return results;
}

/** Returns whether two results are one: numbers to a relative difference. */
export function same(actual, expected, tolerance) {
  if (Array.isArray(expected))
    return Array.isArray(actual) && actual.length === expected.length && expected.every((e, i) => same(actual[i], e, tolerance));
  if (typeof expected === 'number' && typeof actual === 'number')
    return actual === expected || Math.abs(actual - expected) <= tolerance * Math.max(Math.abs(actual), Math.abs(expected));
  return actual === expected;
}

const canonical = (value, order) => {
  const texts = (rows) => [...rows].map((row) => JSON.stringify(row)).sort();
  // A pair of vertices and edges, each in any order; or rows in any order.
  if (order === 'any') return value.length === 2 && Array.isArray(value[0]?.[0]) ? value.map(texts) : texts(value);
  return value;
};

/** What is wrong with a result; undefined if nothing is. */
export function difference({ order, result }, got) {
  if (got.error) return got.error;
  // Labels too: of equally frequent ones, Spark takes the first of a Scala map, and so does the engine.
  const [actual, expected] = [got.result, result];
  const tolerance = order.includes('relative') ? 1e-9 : 0;
  if (same(canonical(actual, order), canonical(expected, order), tolerance)) return undefined;
  return `expected ${JSON.stringify(expected).slice(0, 600)}\n  got      ${JSON.stringify(actual).slice(0, 600)}`;
}
