/** Datasets whose rows move: what is shuffled, how, and what becomes of it. */
import { SparkTypeError } from '../errors.js';
import { checkPartitions } from './call_check.js';
import type { SparkContext } from './context.js';
import type { Aggregate, Call, Op, Partitioner } from './job_plan.js';
import type { Placement, RddNode } from './node.js';
import { FunctionPartitioner, HashPartitioner, type Partitioner as KeyPartitioner, RangePartitioner } from './partitioner.js';
import { PlanBuilder } from './plan_builder.js';
import { type AnyRemote, type Bound, checkRemote } from './remote.js';
import { compare, describe, type NumberKeys } from './task/keys.js';

export function hashPlacement(partitions: number, keys: NumberKeys = 'any'): Placement {
  return {
    partitions,
    partitioner: () => ({ t: 'hash', partitions, ...(keys === 'double' && { doubles: true }) }),
    same: `hash ${keys} ${partitions}`,
  };
}

/** `same` tells whether two such are one: by its function, where nothing is bound to that. */
export function customPlacement(partitions: number, f: AnyRemote, bound?: Bound, same: unknown = bound ? {} : f): Placement {
  return { partitions, partitioner: (plan) => ({ t: 'custom', partitions, call: plan.call(f, 'partitionBy', bound) }), same };
}

/** Placements of partitioners that are objects of their own. */
const placements = new WeakMap<KeyPartitioner, Placement>();

/** Where a partitioner places keys, or a hash partitioner with this number of partitions. */
export function placedBy(context: SparkContext, by: number | KeyPartitioner, method: string): Placement {
  if (typeof by === 'number') return hashPlacement(checkPartitions(by, method));
  if (by instanceof HashPartitioner) return hashPlacement(by.numPartitions, by.keys);
  let placement = placements.get(by);
  if (placement) return placement;
  if (by instanceof RangePartitioner) placement = rangePlacement(context, by.rdd.definition, by.numPartitions, by.ascending);
  else if (by instanceof FunctionPartitioner) {
    checkRemote(by.f, 'FunctionPartitioner', by.bound);
    placement = customPlacement(by.numPartitions, by.f, by.bound, by);
  } else
    throw new SparkTypeError(
      `${method} takes a number of partitions, a HashPartitioner, a RangePartitioner or a FunctionPartitioner, got ${describe(by)}`,
    );
  placements.set(by, placement);
  return placement;
}

const samePlace = (a: Placement | undefined, b: Placement) => a !== undefined && a.same === b.same && a.partitions === b.partitions;

/** The partition of a key, where the page can tell. */
export function placeOf({ placement }: RddNode, key: unknown): [number] | undefined {
  const by = placement?.partitioner(new PlanBuilder());
  return by?.t === 'hash' ? [new HashPartitioner(by.partitions, by.doubles ? 'double' : 'any').getPartition(key)] : undefined;
}

/** Rows dealt out anew, each as it is. */
export function shuffled(context: SparkContext, parent: RddNode, placement: Placement, more: Partial<RddNode> = {}): RddNode {
  return context.node({
    name: ['ShuffledRDD'],
    kind: 'zip',
    parents: [parent],
    partitions: placement.partitions,
    wide: [true],
    placement,
    write: (plan) => [{ partitioner: placement.partitioner(plan) }],
    ...more,
  });
}

/** Rows dealt out one by one, whatever they are. */
export function dealtOut(context: SparkContext, parent: RddNode, partitions: number): RddNode {
  const placement: Placement = { partitions, partitioner: () => ({ t: 'roundRobin', partitions }), same: {} };
  return shuffled(context, parent, placement, {
    name: ['MapPartitionsRDD', 'CoalescedRDD', 'ShuffledRDD', '+MapPartitionsRDD'],
    placement: undefined,
  });
}

/** Values of a key put together; on the map side too where that makes less to move. */
export function combined(
  context: SparkContext,
  parent: RddNode,
  placement: Placement,
  aggregate: (plan: PlanBuilder) => Aggregate,
  mapSide: boolean,
): RddNode {
  if (samePlace(parent.placement, placement)) {
    return context.node({
      name: ['MapPartitionsRDD'],
      kind: 'zip',
      parents: [parent],
      partitions: parent.partitions,
      wide: [false],
      op: (plan) => ({ t: 'combine', aggregate: aggregate(plan), merged: false }),
      placement,
    });
  }
  return context.node({
    name: ['ShuffledRDD'],
    kind: 'zip',
    parents: [parent],
    partitions: placement.partitions,
    wide: [true],
    op: (plan) => ({ t: 'combine', aggregate: aggregate(plan), merged: mapSide }),
    write: (plan) => [{ partitioner: placement.partitioner(plan), ...(mapSide && { aggregate: aggregate(plan) }) }],
    placement,
  });
}

/** What Spark makes of them; a join is a cogroup whose values are turned over twice. */
const CLASSES: Partial<Record<Op['t'], string[]>> = {
  subtractByKey: ['SubtractedRDD'],
  join: ['MapPartitionsRDD', 'MapPartitionsRDD', 'CoGroupedRDD'],
};

/** Several datasets by key: a side that is placed already does not move. */
export function grouped(context: SparkContext, parents: readonly RddNode[], placement: Placement, op: Op): RddNode {
  const wide = parents.map((parent) => !samePlace(parent.placement, placement));
  return context.node({
    name: CLASSES[op.t] ?? ['MapPartitionsRDD', 'CoGroupedRDD'],
    kind: 'zip',
    parents,
    partitions: placement.partitions,
    wide,
    placement,
    op: () => op,
    write: (plan) => wide.map((moves) => (moves ? { partitioner: placement.partitioner(plan) } : null)),
  });
}

/**
 * The partitioner that is given; else the widest of the parents; else a hash partitioner of `spark.default.parallelism` partitions where that is set,
 * or as wide as the widest parent (`Partitioner.defaultPartitioner`).
 */
export function defaultPlacement(
  context: SparkContext,
  parents: readonly RddNode[],
  by: number | KeyPartitioner | undefined,
  method: string,
): Placement {
  if (by !== undefined) return placedBy(context, by, method);
  const placed = parents
    .map((p) => p.placement)
    .filter((p) => p !== undefined)
    .sort((a, b) => b.partitions - a.partitions)[0];
  return placed ?? hashPlacement(context.shufflePartitions ?? Math.max(1, ...parents.map((p) => p.partitions)));
}

/** Rows about this many a partition are looked at to find range bounds. */
const SAMPLE_PER_PARTITION = 20;

/** Ranges of keys: bounds come from a sample of a dataset, taken once by a job of its own (`RangePartitioner`). */
export function rangePlacement(
  context: SparkContext,
  sampled: RddNode,
  partitions: number,
  ascending: boolean,
  call?: (plan: PlanBuilder) => Call,
): Placement & { prepare: () => Promise<void> } {
  let keys: unknown[] | undefined;
  const partitioner = (plan: PlanBuilder): Partitioner =>
    partitions === 1
      ? { t: 'whole', partitions }
      : { t: 'range', partitions, bounds: plan.value(keys ?? []), ascending, ...(call && { by: call(plan) }) };
  const prepare = async () => {
    if (partitions === 1 || keys) return;
    const size = Math.ceil((3 * SAMPLE_PER_PARTITION * partitions) / Math.max(1, sampled.partitions));
    const parts = await context.run(
      sampled,
      (plan) => ({ t: 'sampleKeys', size, seed: 7, ...(call && { by: call(plan) }) }),
      'sortBy: sample',
    );
    keys = rangeBounds(
      parts.map((part) => ({ rows: part[0] as number, keys: part[1] as unknown[] })),
      partitions,
    );
  };
  return { partitions, partitioner, same: {}, prepare };
}

/** Sorted by ranges of keys, and within them. */
export function sorted(
  context: SparkContext,
  parent: RddNode,
  ascending: boolean,
  partitions: number,
  by?: AnyRemote,
  bound?: Bound,
): RddNode {
  const call = by && ((plan: PlanBuilder) => plan.call(by, 'sortBy', bound));
  const placement = rangePlacement(context, parent, partitions, ascending, call);
  return context.node({
    // sortBy is a sort of keyed rows whose values are taken.
    name: by ? ['MapPartitionsRDD', 'ShuffledRDD', '+MapPartitionsRDD'] : ['ShuffledRDD'],
    kind: 'zip',
    parents: [parent],
    partitions,
    wide: [true],
    ...(by ? { prepare: placement.prepare } : { placement }),
    op: (plan) => ({ t: 'sort', ascending, ...(call && { by: call(plan) }) }),
    write: (plan) => [{ partitioner: placement.partitioner(plan) }],
  });
}

/** Keys that cut the weighted sample into parts of equal weight (`RangePartitioner.determineBounds`). */
export function rangeBounds(samples: readonly { rows: number; keys: readonly unknown[] }[], partitions: number): unknown[] {
  const weighted = samples.flatMap(({ rows, keys }) => keys.map((key) => [key, rows / keys.length] as const));
  weighted.sort((a, b) => compare(a[0], b[0]));
  const step = weighted.reduce((sum, [, weight]) => sum + weight, 0) / partitions;
  const bounds: unknown[] = [];
  let [weight, target] = [0, step];
  for (const [key, own] of weighted) {
    if (bounds.length === partitions - 1) break;
    weight += own;
    if (weight >= target && (bounds.length === 0 || compare(key, bounds.at(-1)) > 0)) {
      bounds.push(key);
      target += step;
    }
  }
  return bounds;
}
