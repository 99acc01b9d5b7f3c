/**
 * A job over partitioned datasets as it travels: page → driver → executors, as JSON with blobs beside it.
 *
 * The driver reads the structure (kinds, parents, partitions) and cuts it into stages; `op`, `write` and `action` are for the
 * executors. Functions are source text or `{ module, export }`, by number.
 */

/** How a dataset's partitions follow from its parents'. */
export type NodeKind =
  /** Partition i is blob i. */
  | 'source'
  /** A dataset of the driver's, by its key. */
  | 'dataset'
  /** Partition i is made of the parent's partition i. */
  | 'narrow'
  /** The parents' partitions, one parent after the other. */
  | 'union'
  /** Partition i is the parent's partitions `groups[i]`. */
  | 'coalesce'
  /** Partition i is the left's i / r with the right's i % r, where the right has r. */
  | 'cartesian'
  /** Partition i is made of partition i of each parent; parents in `wide` are shuffled first. */
  | 'zip';

/**
 * Where kept partitions are: as values in the executor's memory, as bytes in its file, or both, so that the file serves where
 * memory has no room (`StorageLevel`).
 */
export type StorageLevel = 'MEMORY_ONLY' | 'MEMORY_AND_DISK' | 'DISK_ONLY';

/** The levels by name, as Spark has them. */
export const StorageLevel = {
  MEMORY_ONLY: 'MEMORY_ONLY',
  MEMORY_AND_DISK: 'MEMORY_AND_DISK',
  DISK_ONLY: 'DISK_ONLY',
} as const satisfies Record<StorageLevel, StorageLevel>;

export interface PlanNode {
  /** The dataset's number within its context. */
  id: number;
  /** Its number among all datasets of the driver: what is shuffled or kept for it is found by it in later jobs. */
  key: number;
  /** Class name in Spark, for stages and `toDebugString`. */
  name: string;
  kind: NodeKind;
  parents: number[];
  partitions: number;
  groups?: number[][];
  /** Per parent: whether its rows move. */
  wide?: boolean[];
  /** Keep the partitions in the executors once computed. */
  cached?: boolean;
  /** Where. */
  level?: StorageLevel;
  /** A source's partitions are the plan's sources from this one on. */
  firstSource?: number;
  /** A source's partitions are not in the plan: the driver holds them. */
  held?: true;
  op?: Op;
  /** Per wide parent: how its rows are dealt out. */
  write?: (Write | null)[];
}

/** The number of a user's function, and the number of the blob with the values bound to it, if any. */
export interface Call {
  f: number;
  bound?: number;
}

/** What an executor gets in place of an accumulator. */
export interface AccumulatorMark {
  $accumulator: number;
  zero: unknown;
  add: 'sum' | 'list' | Call;
}

/** What is done to the rows of one partition. */
export type Op =
  /** A source's rows are `[blob, start, end]`: the lines that begin in these bytes of a blob, or whole files. */
  | { t: 'lines' | 'files' }
  /** The same, as records of this many bytes. */
  | { t: 'records'; length: number }
  /** A source's rows are `[first, count]`: `count` numbers that begin with `first`. */
  | { t: 'range'; step: number }
  /** A source's rows are numbers of blobs, each a block of values. */
  | { t: 'blocks' }
  /** A source's rows are Arrow IPC streams. */
  | { t: 'arrow'; bigint: boolean }
  | { t: 'map' | 'flatMap' | 'filter' | 'mapPartitions' | 'mapPartitionsWithIndex' | 'mapValues' | 'flatMapValues' | 'keyBy'; call: Call }
  /** What streams do to pairs: take out what left a window; change states. */
  | { t: 'invert' | 'updateState'; call: Call }
  | { t: 'mapStates'; call: Call; timeMs: number; timeoutMs: number | null }
  /** Pairs a state with the time of its last change; takes that off again. */
  | { t: 'stamped'; timeMs: number }
  | { t: 'unstamped' }
  /** Second elements of the rows whose first is the tag. */
  | { t: 'tagged'; tag: number }
  | { t: 'keys' | 'values' | 'glom' | 'pairs' }
  | { t: 'sample'; withReplacement: boolean; fraction: number; seed: number }
  /** `offsets[i]` is the first index of partition i. */
  | { t: 'zipWithIndex'; offsets: number[] }
  | { t: 'zipWithUniqueId'; partitions: number }
  | { t: 'sort'; ascending: boolean; by?: Call }
  /** The rows of a partition as one: from the zero value on, which is a blob; without, from the first row on. */
  | { t: 'fold'; zero?: number; call: Call }
  /** After a shuffle: rows of a key become one pair. */
  | { t: 'combine'; aggregate: Aggregate; merged: boolean }
  /** `[key, [values of parent 0, values of parent 1, …]]`. */
  | { t: 'cogroup' }
  | { t: 'join'; left: boolean; right: boolean }
  | { t: 'subtractByKey' }
  | { t: 'zip' }
  | GraphOp
  /** A step of the engine's own; the script never gets it. */
  | { t: 'engine'; step: EngineStep };

/** Steps over the vertices or the edges of a graph (`task/graph/steps.ts`). */
export interface GraphOp {
  t: 'graph';
  step:
    | 'vertices'
    | 'edges'
    | 'tuples'
    | 'lines'
    | 'vertexRows'
    | 'edgeRows'
    | 'sorted'
    | 'routing'
    | 'ship'
    | 'triplets'
    | 'mapVertices'
    | 'mapEdges'
    | 'filterVertices'
    | 'filterEdges'
    | 'reverse'
    | 'withoutLoops'
    | 'groupEdges'
    | 'joinVertices'
    | 'maskEdges'
    | 'send'
    | 'neighbors'
    | 'weights'
    | 'edgeAttrs'
    | 'pregelAsks'
    | 'pregelFirst'
    | 'pregelResume'
    | 'pregelSend'
    | 'pregelVertices';
  /** The user's functions, in the order that the step says. */
  calls?: (Call | null)[];
  /** The blob with a value that it needs. */
  value?: number;
  options?: unknown;
  /** The user's method, for errors. */
  method?: string;
}

/** What the engine does for a dataset (`src/graph/algorithms`). */
export type EngineStep = { t: 'adjacency' | 'routed' } | { t: 'first' | 'resume' | 'step'; algorithm: Algorithm };

/** An algorithm of the engine's with its parameters. */
export interface Algorithm {
  name: string;
  [parameter: string]: unknown;
}

/** A dataset that the driver adds to a plan; its parents are keys, null is the one before it. */
export interface IterationStep {
  name: string;
  parents: (number | null)[];
  wide: boolean[];
  op: Op;
  write?: (Write | null)[];
}

/** Supersteps until nothing changes, or until there were as many as the limit says. */
export interface Iteration {
  t: 'iterate';
  /** How many partitions the states have. */
  partitions: number;
  first: IterationStep;
  resume: IterationStep;
  cycle: IterationStep[];
  limit: number | null;
  /** Null if the script has the states. */
  algorithm: Algorithm | null;
}

/** How values of a key become one (`Aggregator`). */
export type Aggregate =
  | { t: 'group' }
  | { t: 'reduce'; merge: Call }
  | { t: 'combine'; create: Call; merge: Call; combine: Call }
  /** The zero value is a blob: a fresh copy for each key and partition. */
  | { t: 'fold'; zero: number; merge: Call; combine: Call };

/** How the rows of a partition are dealt out to the next stage. */
export interface Write {
  partitioner: Partitioner;
  /** Rows of a key are put together before they move. */
  aggregate?: Aggregate;
}

export type Partitioner =
  | { t: 'hash'; partitions: number; doubles?: boolean }
  /** Keys up to `bounds[i]` go to partition i; blob with the bounds. */
  | { t: 'range'; partitions: number; bounds: number; ascending: boolean; by?: Call }
  | { t: 'custom'; partitions: number; call: Call }
  | { t: 'roundRobin'; partitions: number }
  | { t: 'whole'; partitions: number }
  /** Keys that are ids of vertices: by their hash as Longs. */
  | { t: 'id'; partitions: number }
  /** Edges by a strategy; by where they end; to both ends and in columns, with their attributes as doubles or without. */
  | { t: 'cut'; partitions: number; strategy: 'RandomVertexCut' | 'EdgePartition1D' | 'EdgePartition2D' | 'CanonicalRandomVertexCut' }
  | { t: 'target'; partitions: number }
  | { t: 'ends'; partitions: number; values?: boolean }
  /** Ids of vertices, in columns. */
  | { t: 'ids'; partitions: number };

/** What is computed of each partition of the root; the page puts the parts together. */
export type Action =
  | { t: 'collect' | 'count' | 'stats' | 'countByValue' | 'countByKey' }
  | { t: 'take'; n: number }
  | { t: 'takeOrdered'; n: number; descending: boolean; by?: Call }
  /** The values of a key, which is a blob. */
  | { t: 'lookup'; key: number }
  | { t: 'reduce'; call: Call }
  | { t: 'fold'; zero: number; call: Call }
  | { t: 'foreach' | 'foreachPartition'; call: Call }
  | { t: 'map'; call: Call }
  /** Sketch of the keys for a range partitioner: how many rows, and some of their keys. */
  | { t: 'sampleKeys'; size: number; seed: number; by?: Call }
  | { t: 'histogram'; edges: number }
  /** The rows as an Arrow IPC stream; the schema is DDL. */
  | { t: 'arrow'; schema: string }
  /** A HyperLogLog sketch with 2^bits registers. */
  | { t: 'distinctSketch'; bits: number }
  /** The state of a partition after a superstep: for the driver. */
  | { t: 'graphState' }
  | Iteration;

export type FunctionSource = { source: string } | { module: string; export: string };

export interface RddPlan {
  nodes: PlanNode[];
  root: number;
  action: Action;
  functions: FunctionSource[];
  /** How many blobs are values; the others are source partitions. */
  values: number;
  /** Partitions of the root to run; all without. */
  only?: number[];
  /** Datasets, by key, that nobody reads any more. */
  forget?: number[];
  /** Datasets, by key, that are kept no longer. */
  unkeep?: number[];
  /** Whose share of the executors the job takes. */
  pool?: { name: string; weight: number; minShare: number };
  /** For stages and status. */
  description: string;
}

/** A dataset of the driver's, as it tells the page of it. */
export interface DriverDataset {
  key: number;
  name: string;
  level: StorageLevel | null;
  partitions: number;
  partitioner: Extract<Partitioner, { t: 'hash' }> | null;
}

/** Type of the `google.protobuf.Any` with what tasks added to accumulators: a block of `[accumulator, sum]`. */
export const UPDATES_TYPE = 'type.rivulet.dev/rivulet.RddUpdates';

/** Type of the `google.protobuf.Any` that holds a plan. */
export const PLAN_TYPE = 'type.rivulet.dev/rivulet.RddPlan';
