import { SparkError, SparkTypeError } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import type { StorageLevel } from '../rdd/job_plan.js';
import type { RddNode } from '../rdd/node.js';
import { RDD } from '../rdd/rdd.js';
import type { AnyRemote, Bound, RemoteWith as Fn } from '../rdd/remote.js';
import { checkRemote } from '../rdd/remote.js';
import type { Edge, EdgeTriplet } from '../rdd/task/graph/edges.js';
import { idOf, type VertexId } from '../rdd/task/graph/ids.js';
import { checkMaxIterations } from './checks.js';
import { type PregelParts, runPregel } from './iterate.js';
import { Library } from './library.js';
import { EdgeDirection, type PartitionStrategy, strategyName, TripletFields } from './names.js';
import { byVertices, idPlacement, mergedMessages, stepNode, type UserCall } from './nodes.js';
import { routing, Structure } from './structure.js';

/** A triplet that can send messages to its ends (`EdgeContext`). */
export interface EdgeContext<VD, ED, A> extends EdgeTriplet<VD, ED> {
  /** Sends a message to the vertex where the edge begins. */
  sendToSrc(message: A): void;
  /** Sends a message to the vertex where the edge ends. */
  sendToDst(message: A): void;
  /** Returns the triplet alone. */
  toEdgeTriplet(): EdgeTriplet<VD, ED>;
}

/** A row that is an edge: an object, or `[source, destination, attribute]`. */
export type EdgeRow<ED> = Edge<ED> | readonly [src: VertexId, dst: VertexId, attr: ED];

/** A dataset whose rows are of this type, or of a narrower one. */
export type Rows<T> = Pick<RDD<T>, 'collect'>;

/** How {@link Graph.pregel} runs. */
export interface PregelOptions<B extends Bound = Bound> {
  /** The most supersteps; without it, until no message is sent. */
  maxIterations?: number;
  /** Which edges may send: those with an end, or the ends, that got a message in the superstep before. */
  activeDirection?: EdgeDirection;
  /** Values that the functions need; they come as the last argument. */
  bound?: B;
}

/**
 * A graph with attributes at its vertices and edges (GraphX's `Graph`). Ids are whole numbers of 64 bits; attributes are any
 * JavaScript values that can travel. Functions run in the executors, by the rules of {@link RDD}. All methods but those that return
 * a promise describe work.
 * @example
 * ```ts
 * const follows = sc.parallelize<[number, number, string]>([[1, 2, 'likes'], [2, 3, 'likes'], [3, 1, 'knows']]);
 * const graph = Graph.fromEdges(follows, 0);
 * const ranks = await graph.pageRank(0.001).vertices.collectAsMap();
 * ranks.get(1); // → 1
 * ```
 */
export class Graph<VD, ED> extends Library<VD, ED> {
  /** The vertices: pairs of id and attribute, placed by the hash of the id. */
  readonly vertices: RDD<[VertexId, VD]>;
  /** The edges, in each partition in the order of their sources and destinations. */
  readonly edges: RDD<Edge<ED>>;
  /** @internal */
  readonly context: SparkContext;
  /** @internal */
  readonly structure: Structure;

  /** @internal */
  constructor(context: SparkContext, vertices: RddNode, edges: RddNode, structure = new Structure(context, vertices, edges)) {
    super();
    this.context = context;
    this.vertices = new RDD<[VertexId, VD]>(context, vertices);
    this.edges = new RDD<Edge<ED>>(context, edges);
    this.structure = structure;
  }

  // Making graphs.

  /**
   * Makes a graph of vertices `[id, attribute]` and edges. Vertices that only edges name get `defaultVertexAttr`; of vertices that
   * are given twice, one counts. There are as many partitions of vertices as `vertices` has, and as many of edges as `edges` has.
   */
  static create<VD, ED>(
    vertices: Rows<readonly [VertexId, VD]>,
    edges: Rows<EdgeRow<ED>>,
    defaultVertexAttr: VD = null as VD,
  ): Graph<VD, ED> {
    const [given, rows] = [datasetOf(vertices, 'Graph.create'), datasetOf(edges, 'Graph.create')];
    const { context, definition } = given;
    const own = stepNode(context, 'EdgeRDD', [rows.definition], { step: 'edges', method: 'Graph.create' });
    return Graph.#of<VD, ED>(context, definition, own, defaultVertexAttr, definition.partitions);
  }

  /** Makes a graph of edges; each vertex that they name gets `defaultValue`. */
  static fromEdges<VD, ED>(edges: Rows<EdgeRow<ED>>, defaultValue: VD): Graph<VD, ED> {
    const { context, definition } = datasetOf(edges, 'Graph.fromEdges');
    const own = stepNode(context, 'EdgeRDD', [definition], { step: 'edges', method: 'Graph.fromEdges' });
    return Graph.#of<VD, ED>(context, undefined, own, defaultValue, own.partitions);
  }

  /**
   * Makes a graph of pairs of ids; each edge gets 1, and each vertex `defaultValue`. With a strategy, edges are placed by it, and
   * those between the same vertices become one, which counts them.
   */
  static fromEdgeTuples<VD>(
    rawEdges: Rows<readonly [VertexId, VertexId]>,
    defaultValue: VD,
    uniqueEdges?: PartitionStrategy | string,
  ): Graph<VD, number> {
    const { context, definition } = datasetOf(rawEdges, 'Graph.fromEdgeTuples');
    const own = stepNode(context, 'EdgeRDD', [definition], { step: 'tuples', method: 'Graph.fromEdgeTuples' });
    return Graph.ofEdges<VD, number>(context, own, defaultValue, uniqueEdges);
  }

  /**
   * Makes a graph of edges in two columns, sources and destinations, which stay columns on their way into the engine; each edge gets 1,
   * each vertex `defaultValue`. Throws a SparkTypeError for columns of different lengths, and for numbers that are not ids.
   * @example
   * ```ts
   * const graph = Graph.fromEdgeColumns(sc, Int32Array.of(1, 2), Int32Array.of(2, 3), 0);
   * await graph.numVertices(); // → 3
   * ```
   */
  static fromEdgeColumns<VD>(
    sc: SparkContext,
    src: Int32Array | Float64Array,
    dst: Int32Array | Float64Array,
    defaultValue: VD,
    numSlices = sc.defaultParallelism,
  ): Graph<VD, number> {
    const method = 'Graph.fromEdgeColumns';
    const columns = [src, dst].map((column) => {
      if (column instanceof Int32Array) return column;
      if (!(column instanceof Float64Array))
        throw new SparkTypeError(`${method}: a column is an Int32Array or a Float64Array`, { condition: 'RIVULET_DATASET' });
      return column.map((id) => idOf(id) as number);
    }) as [Int32Array, Int32Array];
    if (src.length !== dst.length)
      throw new SparkTypeError(`${method}: there are ${src.length} sources and ${dst.length} destinations`, { condition: 'RIVULET_EDGE' });
    const pairs = sc.columnPairs(...columns, numSlices);
    const own = stepNode(sc, 'EdgeRDD', [pairs], { step: 'tuples', method });
    return Graph.ofEdges<VD, number>(sc, own, defaultValue);
  }

  /** Makes a graph of a dataset of edges that are in order. @internal */
  static ofEdges<VD, ED>(context: SparkContext, edges: RddNode, defaultValue: VD, unique?: PartitionStrategy | string): Graph<VD, ED> {
    const graph = Graph.#of<VD, ED>(context, undefined, edges, defaultValue, edges.partitions);
    return unique === undefined ? graph : graph.partitionBy(unique).#grouped(undefined, undefined);
  }

  /** Makes a graph of datasets of pairs and of edges. @internal */
  static ofNodes<VD, ED>(context: SparkContext, vertices: RddNode, edges: RddNode): Graph<VD, ED> {
    return Graph.#of<VD, ED>(context, vertices, edges, null as VD, vertices.partitions);
  }

  static #of<VD, ED>(
    context: SparkContext,
    given: RddNode | undefined,
    edges: RddNode,
    defaultValue: VD,
    partitions: number,
  ): Graph<VD, ED> {
    const by = { t: 'id', partitions } as const;
    const named = { of: routing(context, edges), by };
    const none = given ?? context.fromPartitions(Array.from({ length: partitions }, () => [])).definition;
    const vertices = stepNode(
      context,
      'VertexRDD',
      [given ? byVertices(none, partitions) : none, named],
      { step: 'vertices', method: 'vertices', value: [defaultValue] },
      idPlacement(partitions),
    );
    return new Graph<VD, ED>(context, vertices, edges, new Structure(context, vertices, edges, !given));
  }

  // What it has.

  /** The edges with the attributes of both ends. */
  get triplets(): RDD<EdgeTriplet<VD, ED>> {
    return new RDD<EdgeTriplet<VD, ED>>(this.context, this.tripletNode(TripletFields.All));
  }
  /** Returns the number of vertices. */
  numVertices(): Promise<number> {
    return this.vertices.count();
  }
  /** Returns the number of edges. */
  numEdges(): Promise<number> {
    return this.edges.count();
  }

  /** The edges with the attributes of the ends that are asked for. @internal */
  tripletNode({ useSrc, useDst }: TripletFields): RddNode {
    const as = (useSrc ? 1 : 0) | (useDst ? 2 : 0);
    const { context, structure, partitions } = this;
    const edges = this.edges.definition;
    const to = edges.partitions;
    const none = context.fromPartitions(Array.from({ length: to }, () => [])).definition;
    const method = 'triplets';
    if (as === 0) return stepNode(context, 'Triplets', [edges, none], { step: 'triplets', method, options: { as } });
    const shipped = stepNode(
      context,
      'ShippedVertices',
      [this.vertices.definition, { of: structure.routing, by: { t: 'id', partitions } }],
      { step: 'ship', method, options: { as } },
    );
    return stepNode(context, 'Triplets', [edges, { of: shipped, by: { t: 'hash', partitions: to } }], {
      step: 'triplets',
      method,
      options: { as },
    });
  }

  /** Partitions of the vertices. @internal */
  get partitions(): number {
    return this.vertices.definition.partitions;
  }

  // Attributes.

  /**
   * Maps the attribute of each vertex.
   * @example
   * ```ts
   * const graph = Graph.fromEdgeTuples(sc.parallelize([[1, 2]] as [number, number][]), 'a');
   * (await graph.mapVertices((id, attr) => attr + id).vertices.collect()).sort(); // → [[1, 'a1'], [2, 'a2']]
   * ```
   */
  mapVertices<VD2, B extends Bound = Bound>(f: Fn<[id: VertexId, attr: VD], VD2, B>, bound?: B): Graph<VD2, ED> {
    return this.#withVertices<VD2>(this.#vertexStep('mapVertices', [this.vertices.definition], [{ f, bound }], 'mapVertices'));
  }
  /** Maps the attribute of each edge. */
  mapEdges<ED2, B extends Bound = Bound>(f: Fn<[edge: Edge<ED>], ED2, B>, bound?: B): Graph<VD, ED2> {
    return this.#withEdges<ED2>(this.#edgeStep('mapEdges', [this.edges.definition], [{ f, bound }], 'mapEdges'));
  }
  /** Maps the attribute of each edge by the attributes of both ends, as far as `tripletFields` asks for them. */
  mapTriplets<ED2, B extends Bound = Bound>(
    f: Fn<[triplet: EdgeTriplet<VD, ED>], ED2, B>,
    tripletFields: TripletFields = TripletFields.All,
    bound?: B,
  ): Graph<VD, ED2> {
    return this.#withEdges<ED2>(this.#edgeStep('mapEdges', [this.tripletNode(tripletFields)], [{ f, bound }], 'mapTriplets'));
  }
  /** Changes the vertices that `table` has a value for: `f(id, attribute, value)`. Others stay as they are. */
  joinVertices<U, B extends Bound = Bound>(
    table: Rows<readonly [VertexId, U]>,
    f: Fn<[id: VertexId, attr: VD, value: U], VD, B>,
    bound?: B,
  ): Graph<VD, ED> {
    return this.#withVertices<VD>(this.#joined(datasetOf(table, 'joinVertices').definition, 'kept', [{ f, bound }], 'joinVertices'));
  }
  /** Maps the attribute of each vertex by a value that `other` has for it, or undefined: `f(id, attribute, value)`. */
  outerJoinVertices<U, VD2, B extends Bound = Bound>(
    other: Rows<readonly [VertexId, U]>,
    f: Fn<[id: VertexId, attr: VD, value: U | undefined], VD2, B>,
    bound?: B,
  ): Graph<VD2, ED> {
    return this.#withVertices<VD2>(
      this.#joined(datasetOf(other, 'outerJoinVertices').definition, 'outer', [{ f, bound }], 'outerJoinVertices'),
    );
  }

  #joined(other: RddNode, kind: string, calls: UserCall[] | undefined, method: string): RddNode {
    const parents = [this.vertices.definition, byVertices(other, this.partitions)];
    return this.#vertexStep('joinVertices', parents, calls, method, { kind });
  }
  #vertexStep(
    step: 'mapVertices' | 'joinVertices' | 'filterVertices',
    parents: Parameters<typeof stepNode>[2],
    calls: UserCall[] | undefined,
    method: string,
    options?: unknown,
  ): RddNode {
    checkCalls(calls, method);
    const placement = idPlacement(this.partitions);
    return stepNode(this.context, 'VertexRDD', parents, { step, method, ...(calls && { calls }), options }, placement);
  }
  #edgeStep(
    step: 'mapEdges' | 'filterEdges' | 'groupEdges' | 'reverse' | 'withoutLoops' | 'maskEdges' | 'sorted' | 'weights',
    parents: Parameters<typeof stepNode>[2],
    calls: UserCall[] | undefined,
    method: string,
  ): RddNode {
    checkCalls(calls, method);
    return stepNode(this.context, 'EdgeRDD', parents, { step, method, ...(calls && { calls }) });
  }
  #withVertices<VD2>(vertices: RddNode): Graph<VD2, ED> {
    return new Graph<VD2, ED>(this.context, vertices, this.edges.definition, this.structure);
  }
  #withEdges<ED2>(edges: RddNode): Graph<VD, ED2> {
    return new Graph<VD, ED2>(this.context, this.vertices.definition, edges, this.structure);
  }
  /** A graph with the same structure, and other attributes of its vertices. @internal */
  withVertices<VD2>(vertices: RddNode): Graph<VD2, ED> {
    return this.#withVertices<VD2>(vertices);
  }

  // Structure.

  /** Turns each edge round. */
  reverse(): Graph<VD, ED> {
    return new Graph<VD, ED>(
      this.context,
      this.vertices.definition,
      this.#edgeStep('reverse', [this.edges.definition], undefined, 'reverse'),
    );
  }
  /**
   * Keeps the vertices for which `vpred(id, attribute)` is truthy, and the edges between such vertices for which `epred(triplet)` is.
   * The predicates may be named: `subgraph({ vpred })`.
   */
  subgraph<B extends Bound = Bound>(
    epred?: Fn<[triplet: EdgeTriplet<VD, ED>], unknown, B> | Predicates<VD, ED, B>,
    vpred?: Fn<[id: VertexId, attr: VD], unknown, B>,
    bound?: B,
  ): Graph<VD, ED> {
    const named: Predicates<VD, ED, B> = isNamed<VD, ED, B>(epred) ? epred : ({ epred, vpred } as Predicates<VD, ED, B>);
    const [ofEdge, ofVertex] = [
      { f: named.epred as AnyRemote | undefined, bound: named.bound ?? bound },
      { f: named.vpred as AnyRemote | undefined, bound: named.bound ?? bound },
    ];
    const { vertices } = this;
    const kept = named.vpred ? this.#vertexStep('filterVertices', [vertices.definition], [ofVertex], 'subgraph') : vertices.definition;
    const edges = this.#edgeStep('filterEdges', [this.tripletNode(TripletFields.All)], [ofEdge, ofVertex], 'subgraph');
    return new Graph<VD, ED>(this.context, kept, edges);
  }
  /** Keeps the vertices and edges that `other` has, too, with this graph's attributes. Its edges must be placed as this graph's are. */
  mask<VD2, ED2>(other: Graph<VD2, ED2>): Graph<VD, ED> {
    const vertices = this.#joined(other.vertices.definition, 'inner', undefined, 'mask');
    const edges = this.#edgeStep('maskEdges', [this.edges.definition, other.edges.definition], undefined, 'mask');
    return new Graph<VD, ED>(this.context, vertices, edges);
  }
  /**
   * Merges the edges between the same two vertices, in the same direction, that are in one partition: place them by
   * {@link partitionBy} first.
   */
  groupEdges<B extends Bound = Bound>(merge: Fn<[a: ED, b: ED], ED, B>, bound?: B): Graph<VD, ED> {
    return this.#grouped(merge as AnyRemote, bound);
  }
  #grouped(merge: AnyRemote | undefined, bound: Bound | undefined): Graph<VD, ED> {
    const edges = this.#edgeStep('groupEdges', [this.edges.definition], merge && [{ f: merge, bound }], 'groupEdges');
    return new Graph<VD, ED>(this.context, this.vertices.definition, edges);
  }
  /** Removes the edges from a vertex to itself. */
  removeSelfEdges(): Graph<VD, ED> {
    const edges = this.#edgeStep('withoutLoops', [this.edges.definition], undefined, 'removeSelfEdges');
    return new Graph<VD, ED>(this.context, this.vertices.definition, edges);
  }
  /** Places the edges by a strategy of GraphX, in as many partitions as before or in `numPartitions`. */
  partitionBy(partitionStrategy: PartitionStrategy | string, numPartitions = this.edges.definition.partitions): Graph<VD, ED> {
    const strategy = strategyName(partitionStrategy);
    if (!Number.isInteger(numPartitions) || numPartitions <= 0)
      throw new SparkError(`partitionBy: the number of partitions (${numPartitions}) must be a positive whole number`, {
        condition: 'RIVULET_PARTITIONS',
      });
    const by = { t: 'cut', partitions: numPartitions, strategy } as const;
    const edges = this.#edgeStep('sorted', [{ of: this.edges.definition, by }], undefined, 'partitionBy');
    return new Graph<VD, ED>(this.context, this.vertices.definition, edges);
  }

  // Messages.

  /**
   * Sends messages along the edges and merges those of each vertex: `sendMsg` is called with each triplet and may call its
   * `sendToSrc(message)` and `sendToDst(message)`. Returns the vertices that got any. Attributes that `tripletFields` does not ask
   * for are undefined.
   * @example
   * ```ts
   * const graph = Graph.fromEdgeTuples(sc.parallelize([[1, 2], [3, 2]] as [number, number][]), 5);
   * const sums = graph.aggregateMessages<number>((edge) => edge.sendToDst(edge.srcAttr), (a, b) => a + b, TripletFields.Src);
   * await sums.collect(); // → [[2, 10]]
   * ```
   */
  aggregateMessages<A, B extends Bound = Bound>(
    sendMsg: Fn<[edge: EdgeContext<VD, ED, A>], unknown, B>,
    mergeMsg: Fn<[a: A, b: A], A, B>,
    tripletFields: TripletFields = TripletFields.All,
    bound?: B,
  ): RDD<[VertexId, A]> {
    const method = 'aggregateMessages';
    const send = { f: sendMsg as AnyRemote, bound };
    checkCalls([send, { f: mergeMsg as AnyRemote, bound }], method);
    const messages = stepNode(this.context, 'Messages', [this.tripletNode(tripletFields)], { step: 'send', method, calls: [send] });
    const merged = mergedMessages(
      this.context,
      messages,
      this.partitions,
      (plan) => ({ t: 'reduce', merge: plan.call(mergeMsg as AnyRemote, method, bound) }),
      true,
    );
    return new RDD<[VertexId, A]>(this.context, merged);
  }
  /** Returns, for each vertex, the ids of its neighbours in a direction, one per edge. */
  collectNeighborIds(edgeDirection: EdgeDirection): RDD<[VertexId, VertexId[]]> {
    return this.#neighbors<VertexId>(edgeDirection, false, 'collectNeighborIds');
  }
  /** Returns, for each vertex, its neighbours in a direction with their attributes, one per edge. */
  collectNeighbors(edgeDirection: EdgeDirection): RDD<[VertexId, [VertexId, VD][]]> {
    return this.#neighbors<[VertexId, VD]>(edgeDirection, true, 'collectNeighbors');
  }
  #neighbors<N>(direction: EdgeDirection, attrs: boolean, method: string): RDD<[VertexId, N[]]> {
    if (!(direction in EdgeDirection) || direction === 'Both') {
      const either = '(EdgeDirection.Both is not supported; use EdgeDirection.Either instead.)';
      const why =
        method === 'collectNeighborIds'
          ? `It doesn't make sense to collect neighbor ids without a direction. ${either}`
          : 'collectEdges does not support EdgeDirection.Both. Use EdgeDirection.Either instead.';
      const named = direction === 'Both' ? why : `${method}: ${String(direction)} is not a direction: In, Out and Either are`;
      throw new SparkError(named, { condition: 'RIVULET_EDGE_DIRECTION' });
    }
    const options = { incoming: direction !== 'Out', outgoing: direction !== 'In', attrs };
    const triplets = attrs ? this.tripletNode(TripletFields.All) : this.edges.definition;
    const found = stepNode(this.context, 'Neighbors', [triplets], { step: 'neighbors', method, options });
    const lists = mergedMessages(this.context, found, this.partitions, () => ({ t: 'group' }), false);
    return new RDD<[VertexId, N[]]>(this.context, this.#joined(lists, 'lists', undefined, method));
  }
  /**
   * Runs a program at all vertices at once, superstep after superstep (`Pregel`): `vprog(id, attribute, message)` returns a vertex's
   * new attribute, for `initialMsg` first; `sendMsg(triplet)` returns messages `[id, message]` to ends of the triplet; `mergeMsg` makes
   * one of two. It ends when no message is sent. The supersteps run when a result is first needed, in the executors.
   * @example
   * ```ts
   * const roads = sc.parallelize<[number, number, number]>([[1, 2, 7], [2, 3, 1], [1, 3, 9]]);
   * const distances = Graph.fromEdges(roads, 0)
   *   .mapVertices((id) => (id === 1 ? 0 : Infinity))
   *   .pregel<number>(
   *     Infinity,
   *     (_, known, found) => Math.min(known, found),
   *     (t) => (t.srcAttr + t.attr < t.dstAttr ? [[t.dstId, t.srcAttr + t.attr]] : []),
   *     (a, b) => Math.min(a, b),
   *   );
   * (await distances.vertices.collectAsMap()).get(3); // → 8
   * ```
   */
  pregel<A, B extends Bound = Bound>(
    initialMsg: A,
    vprog: Fn<[id: VertexId, attr: VD, message: A], VD, B>,
    sendMsg: Fn<[triplet: EdgeTriplet<VD, ED>], Iterable<readonly [VertexId, A]> | null | undefined, B>,
    mergeMsg: Fn<[a: A, b: A], A, B>,
    options: PregelOptions<B> = {},
  ): Graph<VD, ED> {
    const { maxIterations, activeDirection = 'Either', bound } = options;
    const [program, send, merge] = [vprog, sendMsg, mergeMsg].map((f) => ({ f: f as AnyRemote, bound })) as [UserCall, UserCall, UserCall];
    checkCalls([program, send, merge], 'pregel');
    if (!(activeDirection in EdgeDirection))
      throw new SparkError(`pregel: ${String(activeDirection)} is not a direction: ${Object.keys(EdgeDirection).join(', ')} are`, {
        condition: 'RIVULET_EDGE_DIRECTION',
      });
    const limit = checkMaxIterations(maxIterations);
    const parts: PregelParts = { initialMsg, program, send, merge, direction: activeDirection, limit };
    return this.#withVertices<VD>(runPregel(this.structure, this.vertices.definition, this.edges.definition, parts));
  }

  // Keeping.

  /** Keeps vertices and edges in the executors once they are computed, as {@link RDD.persist} does. */
  persist(level: StorageLevel = 'MEMORY_ONLY'): this {
    this.vertices.persist(level);
    this.edges.persist(level);
    return this;
  }
  /** Keeps vertices and edges in memory. */
  cache(): this {
    return this.persist();
  }
  /** Frees what is kept of it. */
  unpersist(): this {
    this.vertices.unpersist();
    this.edges.unpersist();
    return this;
  }
  /** Frees what is kept of its vertices. */
  unpersistVertices(): this {
    this.vertices.unpersist();
    return this;
  }
  /** Marks vertices and edges to be written into the checkpoint directory by the next job over them, as {@link RDD.checkpoint} does. */
  checkpoint(): void {
    this.vertices.checkpoint();
    this.edges.checkpoint();
  }
  /** Returns whether both were written by {@link checkpoint}. */
  isCheckpointed(): boolean {
    return this.vertices.isCheckpointed() && this.edges.isCheckpointed();
  }

  /** The graph of the vertices that edges name. @internal */
  onlyEdges(): Graph<null, ED> {
    return Graph.#of<null, ED>(this.context, undefined, this.edges.definition, null, this.edges.definition.partitions);
  }
  protected override get graph(): Graph<VD, ED> {
    return this;
  }
  /** The edges with 1 / out-degree of where they begin as their attribute. @internal */
  weighted<VD2>(vertices: RddNode, outDegrees: RDD<[VertexId, number]>): Graph<VD2, number> {
    const counted = this.#withVertices<number>(this.#joined(outDegrees.definition, 'zero', undefined, 'pageRank'));
    const edges = counted.#edgeStep('weights', [counted.tripletNode(TripletFields.Src)], undefined, 'pageRank');
    return new Graph<VD2, number>(this.context, vertices, edges, this.structure);
  }
}

/** Predicates of {@link Graph.subgraph} by name. */
export interface Predicates<VD, ED, B extends Bound = Bound> {
  epred?: Fn<[triplet: EdgeTriplet<VD, ED>], unknown, B>;
  vpred?: Fn<[id: VertexId, attr: VD], unknown, B>;
  bound?: B;
}

function datasetOf(rows: Rows<unknown>, method: string): RDD<unknown> {
  if (rows instanceof RDD) return rows;
  throw new SparkTypeError(`${method} takes datasets (sc.parallelize(…)), got ${rows === null ? 'null' : typeof rows}`, {
    condition: 'RIVULET_DATASET',
  });
}

function isNamed<VD, ED, B extends Bound>(given: unknown): given is Predicates<VD, ED, B> {
  return typeof given === 'object' && given !== null && ('epred' in given || 'vpred' in given);
}

function checkCalls(calls: readonly UserCall[] | undefined, method: string): void {
  for (const { f, bound } of calls ?? []) if (f) checkRemote(f, method, bound);
}
