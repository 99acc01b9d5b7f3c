import type { SparkContext } from '../rdd/context.js';
import type { EngineStep, Partitioner } from '../rdd/job_plan.js';
import type { RddNode } from '../rdd/node.js';
import { idPlacement, stepNode } from './nodes.js';

/**
 * What graphs with the same vertices and edges share, whatever their attributes are: which partition of edges names which
 * vertices, and the engine's structure. Each is made when it is first needed, and kept in the executors.
 */
export class Structure {
  #routing: RddNode | undefined;
  #engine: RddNode | undefined;
  #pregel: { edges: RddNode; routing: RddNode } | undefined;

  constructor(
    readonly context: SparkContext,
    /** Some vertices with these ids. */
    private readonly vertices: RddNode,
    /** Some edges between them. */
    private readonly edges: RddNode,
    /** Whether the edges name all vertices. */
    private readonly isNamed = false,
  ) {}

  /** How many partitions the vertices have. */
  get partitions(): number {
    return this.vertices.partitions;
  }

  /** Pairs of id and `[partition of edges, 1 | 2]`, not yet by id: which partitions name which vertices. */
  get routing(): RddNode {
    return (this.#routing ??= routing(this.context, this.edges));
  }

  /** The structure of the engine's algorithms, with the attributes of edges as doubles only where `values` says so. */
  engine(values: boolean): RddNode {
    if (values) return this.#makeEngine(true);
    return (this.#engine ??= this.#makeEngine(false));
  }

  #makeEngine(values: boolean): RddNode {
    const { partitions, context } = this;
    const step = (name: string, parents: RddNode[], wide: boolean[], engine: EngineStep, write: (Partitioner | null)[]) =>
      kept(
        context,
        context.node({
          name: [name],
          kind: 'zip',
          parents,
          partitions,
          wide,
          op: () => ({ t: 'engine', step: engine }),
          write: () => write.map((partitioner) => partitioner && { partitioner }),
        }),
      );
    const ends: Partitioner = { t: 'ends', partitions, values };
    const adjacency = this.isNamed
      ? step('GraphAdjacency', [this.edges], [true], { t: 'adjacency' }, [ends])
      : step('GraphAdjacency', [this.edges, this.vertices], [true, true], { t: 'adjacency' }, [ends, { t: 'ids', partitions }]);
    return step('GraphStructure', [adjacency, adjacency], [false, true], { t: 'routed' }, [null, { t: 'whole', partitions }]);
  }

  /** Edges by where they end, and which of these partitions asks for which vertex. `edges` have the attributes. */
  pregel(edges: RddNode): { edges: RddNode; routing: RddNode } {
    if (this.#pregel && edges === this.edges) return this.#pregel;
    const { context, partitions } = this;
    const placed = kept(
      context,
      stepNode(context, 'PregelEdges', [{ of: edges, by: { t: 'target', partitions } }], { step: 'sorted', method: 'pregel' }),
    );
    const asks = stepNode(context, 'PregelRouting', [placed], { step: 'pregelAsks', method: 'pregel', options: { partitions } });
    const asked = context.node({
      name: ['PregelRouting'],
      kind: 'zip',
      parents: [asks],
      partitions,
      wide: [true],
      write: () => [{ partitioner: { t: 'id', partitions } }],
      placement: idPlacement(partitions),
    });
    const made = { edges: placed, routing: kept(context, asked) };
    if (edges === this.edges) this.#pregel = made;
    return made;
  }
}

/** Which vertices a dataset of edges names, by partition. */
export function routing(context: SparkContext, edges: RddNode): RddNode {
  return stepNode(context, 'RoutingTable', [edges], { step: 'routing', method: 'edges' });
}

/** A dataset that executors keep once it is computed. */
function kept(context: SparkContext, node: RddNode): RddNode {
  node.level = 'MEMORY_ONLY';
  context.watch(node);
  return node;
}
