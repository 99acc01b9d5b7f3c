/** The words of GraphX that are values: directions, fields of triplets, strategies of partitioning. */
import { IllegalArgumentException } from '../errors.js';
import { idOf, type VertexId } from '../rdd/task/graph/ids.js';
import { STRATEGIES, type StrategyName } from '../rdd/task/graph/strategies.js';

export type { Edge, EdgeTriplet } from '../rdd/task/graph/edges.js';
export type { VertexId } from '../rdd/task/graph/ids.js';

/** Which edges of a vertex are meant: those that end at it, begin at it, either, or both. */
export type EdgeDirection = 'In' | 'Out' | 'Either' | 'Both';

/** The directions by name. */
export const EdgeDirection = { In: 'In', Out: 'Out', Either: 'Either', Both: 'Both' } as const satisfies Record<
  EdgeDirection,
  EdgeDirection
>;

/** Which fields of a triplet a function reads: attributes of ends that it does not read are not sent to it. */
export interface TripletFields {
  readonly useSrc: boolean;
  readonly useDst: boolean;
  readonly useEdge: boolean;
}

const fields = (useSrc: boolean, useDst: boolean, useEdge: boolean): TripletFields => Object.freeze({ useSrc, useDst, useEdge });

/** The usual combinations by name. */
export const TripletFields = {
  None: fields(false, false, false),
  EdgeOnly: fields(false, false, true),
  Src: fields(true, false, true),
  Dst: fields(false, true, true),
  All: fields(true, true, true),
} as const;

/** Says in which partition an edge goes. */
export interface PartitionStrategy {
  readonly name: StrategyName;
  /** Returns the partition, from 0 on, of an edge among `numParts`. */
  getPartition(src: VertexId, dst: VertexId, numParts: number): number;
}

const strategy = (name: StrategyName): PartitionStrategy => ({
  name,
  getPartition: (src, dst, numParts) => STRATEGIES[name](idOf(src), idOf(dst), numParts),
});

/**
 * GraphX's strategies; edges are where Spark has them.
 *
 * - `RandomVertexCut`: by a hash of both ids: edges between the same vertices in the same direction are together.
 * - `CanonicalRandomVertexCut`: the same, whichever direction they have.
 * - `EdgePartition1D`: by the source.
 * - `EdgePartition2D`: by both, so that a vertex is in at most 2 · √n partitions.
 */
export const PartitionStrategy = {
  RandomVertexCut: strategy('RandomVertexCut'),
  EdgePartition1D: strategy('EdgePartition1D'),
  EdgePartition2D: strategy('EdgePartition2D'),
  CanonicalRandomVertexCut: strategy('CanonicalRandomVertexCut'),
  /** Returns the strategy of that name. Throws an IllegalArgumentException if there is none. */
  fromString: (name: string): PartitionStrategy => strategy(strategyName(name)),
};

/** The name of a strategy, or of one that is named. Throws an IllegalArgumentException if there is none. */
export function strategyName(given: PartitionStrategy | string): StrategyName {
  const name = typeof given === 'string' ? given : given?.name;
  if (Object.hasOwn(STRATEGIES, name)) return name as StrategyName;
  throw new IllegalArgumentException(
    `Invalid PartitionStrategy: ${String(name)}; the strategies are ${Object.keys(STRATEGIES).join(', ')}`,
    {
      condition: 'RIVULET_PARTITION_STRATEGY',
    },
  );
}
