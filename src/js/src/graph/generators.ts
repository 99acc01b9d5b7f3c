import { IllegalArgumentException } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import type { VertexId } from '../rdd/task/graph/ids.js';
import { Graph } from './graph.js';
import { JavaRandom } from './random.js';

/** Probabilities of the quadrants, as GraphX has them. */
const QUADRANTS = [0.45, 0.15, 0.15] as const;

const seeded = (seed: number) => new JavaRandom(seed === -1 ? Math.floor(Math.random() * 2 ** 32) : seed);

/** Makes graphs (`GraphGenerators`). With a seed, the same graph each time; −1 is another one each time. */
export const GraphGenerators = {
  /**
   * Makes a graph whose out-degrees are log-normally distributed, and whose edges end anywhere: Spark's graph for the same seed. The
   * attribute of a vertex is its out-degree, that of an edge is 1.
   */
  logNormalGraph(sc: SparkContext, numVertices: number, numEParts = 0, mu = 4.0, sigma = 1.3, seed = -1): Graph<number, number> {
    const random = seeded(seed);
    const [first, second] = [random.nextInt(), random.nextInt()];
    const vertices: [VertexId, number][] = [];
    const edges: [VertexId, VertexId, number][] = [];
    for (let src = 0; src < numVertices; src++) {
      const own = seeded(first ^ src);
      let degree = numVertices;
      while (degree >= numVertices) degree = Math.exp(mu + sigma * own.nextGaussian());
      degree = Math.floor(degree);
      vertices.push([src, degree]);
      const ends = seeded(second ^ src);
      for (let i = 0; i < degree; i++) edges.push([src, ends.nextBelow(numVertices), 1]);
    }
    const parts = numEParts === 0 ? sc.defaultParallelism : numEParts;
    return Graph.create<number, number>(sc.parallelize(vertices, parts), sc.parallelize(edges, parts), 0);
  },
  /**
   * Makes a graph of `numEdges` different edges by recursive choice of quadrants (R-MAT). The number of vertices is rounded up to a power
   * of two. The attribute of a vertex is its out-degree, that of an edge is 1. Spark's has no seed: its graph is another one each time.
   */
  rmatGraph(sc: SparkContext, requestedNumVertices: number, numEdges: number, seed = -1): Graph<number, number> {
    const levels = Math.ceil(Math.log2(requestedNumVertices));
    const numVertices = 2 ** levels;
    const most = 2 ** (2 * (levels - 1));
    if (most < numEdges) throw new IllegalArgumentException(`numEdges must be <= ${most} but was ${numEdges}`);
    const random = seeded(seed);
    const found = new Set<number>();
    const edges: [VertexId, VertexId, number][] = [];
    const degrees = new Map<VertexId, number>();
    while (edges.length < numEdges) {
      let [src, dst] = [0, 0];
      for (let half = numVertices / 2; half >= 1; half /= 2) {
        const at = random.nextDouble();
        const [a, b, c] = QUADRANTS;
        if (at < a) continue;
        if (at < a + b || at >= a + b + c) src += half;
        if (at >= a + b) dst += half;
      }
      const key = src * numVertices + dst;
      if (found.has(key)) continue;
      found.add(key);
      edges.push([src, dst, 1]);
      degrees.set(src, (degrees.get(src) ?? 0) + 1);
    }
    return Graph.create<number, number>(sc.parallelize([...degrees]), sc.parallelize(edges), 0);
  },
  /** Makes a graph where every vertex but 0 has an edge to 0; all attributes are 1. */
  starGraph(sc: SparkContext, nverts: number): Graph<number, number> {
    const edges = Array.from({ length: Math.max(0, nverts - 1) }, (_, i): [VertexId, VertexId] => [i + 1, 0]);
    return Graph.fromEdgeTuples(sc.parallelize(edges), 1);
  },
  /** Makes a grid with edges to the right and down; the attribute of a vertex is its row and column, that of an edge is 1. */
  gridGraph(sc: SparkContext, rows: number, cols: number): Graph<[row: number, col: number], number> {
    const vertices: [VertexId, [number, number]][] = [];
    const edges: [VertexId, VertexId, number][] = [];
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        const id = row * cols + col;
        vertices.push([id, [row, col]]);
        if (row + 1 < rows) edges.push([id, id + cols, 1]);
        if (col + 1 < cols) edges.push([id, id + 1, 1]);
      }
    }
    return Graph.create<[number, number], number>(sc.parallelize(vertices), sc.parallelize(edges));
  },
};
