/** Lineage on the page: what a dataset is made of, before an action makes a plan of it. */
import type { Accumulator } from './accumulator.js';
import type { NodeKind, Op, Partitioner, StorageLevel, Write } from './job_plan.js';
import type { PlanBuilder } from './plan_builder.js';

/** Where the rows of a dataset are: two datasets with equal partitioners need no shuffle to be joined. */
export interface Placement {
  partitioner: (plan: PlanBuilder) => Partitioner;
  partitions: number;
  same: unknown;
  /** A job that must run before rows can be placed; run once. */
  prepare?: () => Promise<void>;
}

/** A dataset's definition; immutable but for what `prepare` finds out. */
export interface RddNode {
  readonly id: number;
  /** Its number among all datasets of the page. */
  readonly key: number;
  /**
   * Spark's classes for it, as `toDebugString` has them: one that Spark makes of several datasets has several, the last made
   * first; one with a + before it stands below the wide edge.
   */
  readonly name: readonly string[];
  readonly kind: NodeKind;
  readonly parents: readonly RddNode[];
  readonly partitions: number;
  readonly groups?: number[][];
  readonly wide?: boolean[];
  readonly sources?: readonly Uint8Array[];
  /** Whether its blocks are results that came to the page: to collect them takes no job. */
  readonly isHere?: boolean;
  readonly op?: (plan: PlanBuilder) => Op;
  readonly write?: (plan: PlanBuilder) => (Write | null)[];
  readonly placement?: Placement | undefined;
  /** Jobs that must run before a plan can be made (range bounds, offsets); run once. */
  readonly prepare?: () => Promise<void>;
  /** Of a dataset of the driver's: accumulators that its functions add to, and what must live as long as it does. */
  readonly accumulators?: ReadonlyMap<number, Accumulator<unknown>>;
  readonly holds?: unknown;
  /** Whether the driver has the source's blocks. */
  isHeld?: boolean;
  /** Where its partitions are kept once computed; null is nowhere. */
  level: StorageLevel | null;
  /** Whether it is to be written into the checkpoint directory, or has been: then its lineage begins there. */
  checkpoint?: 'wanted' | 'written';
}

/** Lineage begins here from now on: the dataset takes another's place in the plan. */
export function replace(dataset: RddNode, by: RddNode): void {
  const { id, key, level, placement } = dataset;
  const cut = { isHere: undefined, isHeld: undefined, groups: undefined, wide: undefined, write: undefined, prepare: undefined };
  Object.assign(dataset, cut, by, { id, key, level, placement, checkpoint: 'written' });
}

/** Datasets under this one, and itself, that are to be written and are not yet; parents first. */
export function toCheckpoint(root: RddNode, seen = new Set<RddNode>()): RddNode[] {
  if (seen.has(root)) return [];
  seen.add(root);
  const below = root.parents.flatMap((parent) => toCheckpoint(parent, seen));
  return root.checkpoint === 'wanted' ? [...below, root] : below;
}

/** Runs what must run before a plan over `root` can be made. */
export async function prepare(root: RddNode, seen = new Set<RddNode>()): Promise<void> {
  if (seen.has(root)) return;
  seen.add(root);
  for (const parent of root.parents) await prepare(parent, seen);
  await root.placement?.prepare?.();
  await root.prepare?.();
}
