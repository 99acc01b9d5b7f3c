import type { Algorithm } from '../rdd/job_plan.js';
import { RDD } from '../rdd/rdd.js';
import { idOf, type VertexId } from '../rdd/task/graph/ids.js';
import { checkIterations, checkMaxIterations, checkResetProb, checkTolerance, require } from './checks.js';
import type { Graph } from './graph.js';
import { runAlgorithm } from './iterate.js';
import { stepNode } from './nodes.js';

/** Parameters of {@link Library.svdPlusPlus} (`SVDPlusPlus.Conf`). */
export interface SvdPlusPlusConf {
  /** Length of the factors. */
  rank: number;
  /** How often the factors are made better. */
  maxIters: number;
  /** The lowest rating. */
  minVal: number;
  /** The highest rating. */
  maxVal: number;
  /** How fast biases are learnt. */
  gamma1: number;
  /** How fast factors are learnt. */
  gamma2: number;
  /** How strongly biases are held small. */
  gamma6: number;
  /** How strongly factors are held small. */
  gamma7: number;
  /** Where the first factors come from; Spark's are others each time. */
  seed?: number;
}

/** The factors of a vertex, its bias, and its norm (a user) or the sum of its squared errors (an item). */
export type SvdPlusPlusVertex = [p: Float64Array, y: Float64Array, bias: number, normOrError: number];

/** An id as plans say it: 64 bits are more than JSON's numbers have. */
const said = (id: VertexId) => idOf(id).toString();

/** GraphX's library: algorithms that the engine runs itself, over columns. Each runs when its result is first needed. */
export abstract class Library<VD, ED> {
  /** The graph itself. @internal */
  protected abstract get graph(): Graph<VD, ED>;

  #run<V>(algorithm: Algorithm, limit: number | null): Graph<V, ED> {
    return this.graph.withVertices<V>(runAlgorithm(this.graph.structure, algorithm, limit));
  }
  #degrees(incoming: boolean, outgoing: boolean): RDD<[VertexId, number]> {
    const { structure, context } = this.graph;
    const node = runAlgorithm(structure, { name: 'degrees', in: incoming, out: outgoing }, 0);
    return new RDD<[VertexId, number]>(context, node);
  }

  /** How many edges end at each vertex; without the vertices where none does. */
  get inDegrees(): RDD<[VertexId, number]> {
    return this.#degrees(true, false);
  }
  /** How many edges begin at each vertex; without the vertices where none does. */
  get outDegrees(): RDD<[VertexId, number]> {
    return this.#degrees(false, true);
  }
  /** How many edges each vertex has; without the vertices that have none. A loop counts twice. */
  get degrees(): RDD<[VertexId, number]> {
    return this.#degrees(true, true);
  }

  #ranked<V>(algorithm: Algorithm, limit: number | null): Graph<V, number> {
    const { graph } = this;
    return graph.weighted<V>(runAlgorithm(graph.structure, algorithm, limit), this.outDegrees);
  }
  /**
   * Ranks vertices until no rank changes by more than `tol` (`PageRank.runUntilConvergence`). Ranks sum up to the number of vertices;
   * the edges of the result have the share of the rank of their source that goes along them.
   */
  pageRank(tol: number, resetProb = 0.15): Graph<number, number> {
    checkTolerance(tol);
    checkResetProb(resetProb);
    return this.#ranked<number>({ name: 'pageRank', tol, resetProb, source: null }, null);
  }
  /** Ranks vertices as seen from one of them, until no rank changes by more than `tol`. Ranks sum up to 1. */
  personalizedPageRank(src: VertexId, tol: number, resetProb = 0.15): Graph<number, number> {
    checkTolerance(tol);
    checkResetProb(resetProb);
    return this.#ranked<number>({ name: 'pageRank', tol, resetProb, source: said(src) }, null);
  }
  /** Ranks vertices by `numIter` supersteps (`PageRank.run`). */
  staticPageRank(numIter: number, resetProb = 0.15): Graph<number, number> {
    checkIterations(numIter);
    checkResetProb(resetProb);
    return this.#ranked<number>({ name: 'staticPageRank', resetProb, source: null }, numIter);
  }
  /** Ranks vertices as seen from one of them, by `numIter` supersteps. */
  staticPersonalizedPageRank(src: VertexId, numIter: number, resetProb = 0.15): Graph<number, number> {
    checkIterations(numIter);
    checkResetProb(resetProb);
    return this.#ranked<number>({ name: 'staticPageRank', resetProb, source: said(src) }, numIter);
  }
  /** Ranks vertices as seen from each of several, by `numIter` supersteps: the attribute has a rank for each of `sources`. */
  staticParallelPersonalizedPageRank(sources: readonly VertexId[], numIter: number, resetProb = 0.15): Graph<Float64Array, number> {
    checkIterations(numIter);
    checkResetProb(resetProb);
    require(sources.length > 0, `The list of sources must be non-empty, but got [${sources.join(',')}]`);
    return this.#ranked<Float64Array>({ name: 'parallelPersonalizedPageRank', resetProb, sources: sources.map(said) }, numIter);
  }
  /** Labels each vertex with the lowest id of those that it is connected with, in any direction (`ConnectedComponents`). */
  connectedComponents(maxIterations?: number): Graph<VertexId, ED> {
    if (maxIterations !== undefined) require(maxIterations > 0, `Maximum of iterations must be greater than 0, but got ${maxIterations}`);
    const limit = checkMaxIterations(maxIterations);
    return this.#run<VertexId>({ name: 'connectedComponents', isLimited: limit !== null }, limit);
  }
  /** Labels each vertex with the lowest id of its strongly connected component, as far as `numIter` rounds find them. */
  stronglyConnectedComponents(numIter: number): Graph<VertexId, ED> {
    checkIterations(numIter);
    return this.#run<VertexId>({ name: 'stronglyConnectedComponents', numIter: Math.min(numIter, 2 ** 31 - 1) }, null);
  }
  /** Counts the triangles that each vertex is in, whatever the directions of their edges; loops and doubled edges do not count. */
  triangleCount(): Graph<number, ED> {
    return this.#run<number>({ name: 'triangleCount' }, 3);
  }
  /** Finds communities by `maxSteps` supersteps: a vertex takes the label that most of its neighbours have (`LabelPropagation`). */
  labelPropagation(maxSteps: number): Graph<VertexId, ED> {
    require(Number.isInteger(maxSteps) && maxSteps > 0, `Maximum of steps must be greater than 0, but got ${maxSteps}`);
    return this.#run<VertexId>({ name: 'labelPropagation' }, maxSteps);
  }
  /** Maps each vertex to its distances, along the edges, to each of `landmarks` that it reaches (`ShortestPaths`). */
  shortestPaths(landmarks: readonly VertexId[]): Graph<Map<VertexId, number>, ED> {
    return this.#run<Map<VertexId, number>>({ name: 'shortestPaths', landmarks: [...new Set(landmarks.map(said))] }, null);
  }
  /**
   * Learns factors of ratings, which are the attributes of edges from users to items (`SVDPlusPlus`; Koren 2008). Returns the graph
   * with the factors, and the mean rating.
   */
  async svdPlusPlus(conf: SvdPlusPlusConf): Promise<[Graph<SvdPlusPlusVertex, ED>, number]> {
    const { rank, maxIters, minVal, maxVal, seed = 42 } = conf;
    require(Number.isInteger(rank) && rank > 0, `Rank must be greater than 0, but got ${rank}`);
    require(Number.isInteger(maxIters) && maxIters > 0, `Maximum of iterations must be greater than 0, but got ${maxIters}`);
    require(maxVal > minVal, `MaxVal must be greater than MinVal, but got {maxVal: ${maxVal}, minVal: ${minVal}}`);
    const rated = this.graph.onlyEdges();
    const { context, structure } = rated;
    const ratings = stepNode(context, 'Ratings', [rated.edges.definition], { step: 'edgeAttrs', method: 'svdPlusPlus' });
    const mean = await new RDD<number>(context, ratings).mean();
    const algorithm = { ...conf, name: 'svdPlusPlus', seed };
    const vertices = runAlgorithm(structure, algorithm, 2 * maxIters + 2, true);
    return [rated.withVertices<SvdPlusPlusVertex>(vertices), mean];
  }
}
