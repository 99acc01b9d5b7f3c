/** Runs one task: computes a partition and deals its rows out to the next stage, or answers the action. */
import { SparkRuntimeException, SparkTypeError } from '../../errors.js';
import type { Action, Partitioner, Write } from '../job_plan.js';
import { encode, NotCloneableError } from '../value_codec.js';
import { type Compute, iterator } from './compute.js';
import { dealEnds, dealIds, type Edge } from './graph/edges.js';
import { idOf, idPartition } from './graph/ids.js';
import { stateBytes } from './graph/pregel.js';
import { STRATEGIES } from './graph/strategies.js';
import { KeyTable } from './key_table.js';
import { compare, describe, hashPartition, identity, modulo } from './keys.js';
import { PartitionRandom } from './random.js';
import { add } from './sketch.js';
import { guarded, pairOf, UserFunctionError } from './steps.js';

/** A task: where its blobs belong. They stand in the order of `sources`, of `shuffled`, of `kept`. */
export interface Task {
  root: number;
  partition: number;
  write: [node: number, parent: number] | null;
  sources: [node: number, partition: number][];
  shuffled: [node: number, parent: number, partition: number, blocks: number][];
  /** Kept partitions that come along, by the dataset's key. */
  kept: [dataset: number, partition: number][];
}

/** Blocks by partition of the output; rows in each; partitions that are kept from now on; what was added to accumulators. */
export type TaskOutput = [
  blocks: (Uint8Array | undefined)[],
  rows: number[],
  kept: [dataset: number, partition: number, bytes: number, block?: Uint8Array][],
  updates: Uint8Array | undefined,
];

/** Blocks by partition of the next stage (or one result), with the number of rows in each; a partition without rows has no block. */
export interface TaskResult {
  blocks: (Uint8Array | undefined)[];
  rows: number[];
}

/** The result of the action on a partition of the root. */
export function answer(compute: Compute, root: number, partition: number, action: Action): TaskResult {
  if (action.t === 'graphState') return { blocks: [stateBytes(compute.rows(root, partition), partition)], rows: [1] };
  const values = act(compute, root, partition, action);
  return { blocks: [encodeRows(values)], rows: [values.length] };
}

/** Runs a user's function over a record; what it throws names the action and the record. */
function onRecord<T>(action: Action, record: unknown, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, action.t, record);
  }
}

/** Calls `emit` with each row of the partition, until it returns false. */
type Each = (emit: (row: unknown) => boolean | void) => void;
type ActionOf<K extends Action['t']> = Extract<Action, { t: K }>;

function act(compute: Compute, root: number, partition: number, action: Action): unknown[] {
  const each: Each = (emit) => compute.each(root, partition, emit);
  const rows = () => iterator(compute.pull(root, partition));
  switch (action.t) {
    case 'graphState':
    case 'iterate':
      throw new SparkRuntimeException(`${action.t} is not an action on rows`);
    case 'collect':
      return compute.rows(root, partition);
    case 'count': {
      let n = 0;
      each(() => {
        n++;
      });
      return [n];
    }
    case 'take': {
      const out: unknown[] = [];
      if (action.n > 0) each((row) => out.push(row) < action.n);
      return out;
    }
    case 'takeOrdered':
      return takeOrdered(compute, each, action);
    case 'lookup':
      return lookup(each, compute.inputs.blob(action.key));
    case 'reduce':
    case 'fold':
      return compute.folded(root, partition, action, action.t);
    case 'foreach': {
      const f = compute.call(action.call);
      each((row) => {
        onRecord(action, row, () => f(row));
      });
      return [];
    }
    case 'foreachPartition':
      onRecord(action, undefined, () => compute.call(action.call)(rows(), partition));
      return [];
    case 'map':
      return [onRecord(action, undefined, () => compute.call(action.call)(rows(), partition))];
    case 'stats':
      return [stats(each)];
    case 'countByValue':
      return counts(each, (row) => row);
    case 'countByKey':
      return counts(each, (row) => pairOf(row)[0]);
    case 'histogram':
      return histogram(each, compute.inputs.blob(action.edges) as number[]);
    case 'arrow':
      return [onRecord(action, undefined, () => compute.inputs.toFrame(compute.rows(root, partition), action.schema))];
    case 'distinctSketch': {
      const registers = new Uint8Array(2 ** action.bits);
      each((row) => add(registers, action.bits, row));
      return [registers];
    }
    case 'sampleKeys':
      return sampleKeys(compute, each, action, new PartitionRandom(action.seed, partition));
  }
}

/** The first rows with their keys. Sorted now and then; what is after the last place goes. */
function takeOrdered(compute: Compute, each: Each, action: ActionOf<'takeOrdered'>): unknown[] {
  const by = action.by ? compute.call(action.by) : (row: unknown) => row;
  const sign = action.descending ? -1 : 1;
  let first: [key: unknown, row: unknown][] = [];
  const cut = () => {
    first = first.sort((a, b) => sign * compare(a[0], b[0])).slice(0, action.n);
  };
  each((row) => {
    const key = onRecord(action, row, () => by(row));
    if (first.push([key, row]) >= 2 * action.n + 1_000) cut();
  });
  cut();
  return first;
}

function lookup(each: Each, wantedKey: unknown): unknown[] {
  const wanted = identity(wantedKey);
  const out: unknown[] = [];
  each((row) => {
    const [key, value] = pairOf(row);
    const id = identity(key);
    if (id === wanted || (id !== id && wanted !== wanted)) out.push(value);
  });
  return out;
}

/** Welford's sums (`StatCounter`). */
function stats(each: Each): [n: number, mean: number, m2: number, min: number, max: number] {
  let [n, mean, m2, min, max] = [0, 0, 0, Infinity, -Infinity];
  each((row) => {
    const value = Number(row);
    const delta = value - mean;
    n++;
    mean += delta / n;
    m2 += delta * (value - mean);
    min = Math.min(min, value);
    max = Math.max(max, value);
  });
  return [n, mean, m2, min, max];
}

function counts(each: Each, keyOf: (row: unknown) => unknown): unknown[] {
  const table = new KeyTable();
  const found: number[] = [];
  each((row) => {
    const at = table.add(keyOf(row));
    if (at === found.length) found.push(1);
    else found[at]!++;
  });
  return table.keys.map((key, i) => [key, found[i]]);
}

function histogram(each: Each, edges: readonly number[]): number[] {
  const buckets = new Array<number>(edges.length - 1).fill(0);
  each((row) => {
    const at = bucket(row as number, edges);
    if (at !== undefined) buckets[at]!++;
  });
  return buckets;
}

/** How many rows there are, and the keys of a sample of them (Li's Algorithm L). */
function sampleKeys(compute: Compute, each: Each, action: ActionOf<'sampleKeys'>, random: PartitionRandom): unknown[] {
  const by = action.by ? compute.call(action.by) : (row: unknown) => pairOf(row)[0];
  const { size } = action;
  const kept: unknown[] = [];
  // How many rows to pass over before the next one that takes a place.
  let weight = 1;
  let next = size - 1;
  const pass = () => {
    weight *= random.next() ** (1 / size);
    next += Math.floor(Math.log(random.next()) / Math.log(1 - weight)) + 1;
  };
  let n = 0;
  each((row) => {
    if (n < size) kept.push(onRecord(action, row, () => by(row)));
    else if (n === next) {
      kept[Math.floor(random.next() * size)] = onRecord(action, row, () => by(row));
      pass();
    }
    if (++n === size) pass();
  });
  return [n, kept];
}

/** The bucket of a value; the last one is closed. */
function bucket(value: number, edges: readonly number[]): number | undefined {
  const last = edges.length - 1;
  if (value == null || Number.isNaN(value) || value < edges[0]! || value > edges[last]!) return undefined;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (value < edges[middle]!) high = middle;
    else low = middle;
  }
  return low;
}

/** Deals the rows of a partition out to the next stage. */
export function deal(compute: Compute, root: number, partition: number, write: Write): TaskResult {
  const { partitioner } = write;
  if (partitioner.t === 'ends' || partitioner.t === 'ids') {
    const each: Each = (emit) => compute.each(root, partition, emit);
    return partitioner.t === 'ids'
      ? dealIds(each, partitioner.partitions)
      : dealEnds(each, partitioner.partitions, partitioner.values ?? false);
  }
  const to = router(compute, partitioner, partition);
  const parts: unknown[][] = Array.from({ length: partitioner.partitions }, () => []);
  if (write.aggregate) {
    const combiner = compute.combiner(write.aggregate);
    compute.each(root, partition, (row) => combiner.add(row, false));
    for (const pair of combiner.pairs()) parts[to(pair)]!.push(pair);
  } else {
    compute.each(root, partition, (row) => {
      parts[to(row)]!.push(row);
    });
  }
  return { blocks: parts.map((rows) => (rows.length ? encodeRows(rows) : undefined)), rows: parts.map((rows) => rows.length) };
}

function router(compute: Compute, partitioner: Partitioner, partition: number): (row: unknown) => number {
  const { partitions } = partitioner;
  switch (partitioner.t) {
    case 'whole':
      return () => 0;
    case 'roundRobin': {
      // Starts at another partition in every task, as Spark does.
      let next = (new PartitionRandom(partition, 0).next() * partitions) | 0;
      return () => (next = (next + 1) % partitions);
    }
    case 'hash': {
      const keys = partitioner.doubles ? 'double' : 'any';
      return (row) => hashPartition(pairOf(row)[0], partitions, keys);
    }
    case 'id':
      return (row) => guardedId(pairOf(row), partitions);
    case 'target':
      return (row) => idPartition((row as Edge<unknown>).dstId, partitions);
    case 'cut': {
      const place = STRATEGIES[partitioner.strategy];
      return (row) => place((row as Edge<unknown>).srcId, (row as Edge<unknown>).dstId, partitions);
    }
    case 'custom': {
      const f = compute.call(partitioner.call);
      const place = guarded((row) => f(pairOf(row)[0]), 'partitionBy');
      return (row) => {
        const given = place(row);
        const to = Number(given);
        if (!Number.isInteger(to)) {
          throw new UserFunctionError(
            new SparkTypeError(`the partition function returned ${describe(given)}, not a whole number`),
            'partitionBy',
            row,
          );
        }
        return modulo(to, partitions);
      };
    }
    case 'ends':
    case 'ids':
      throw new SparkRuntimeException('columns for the engine are not dealt out row by row');
    case 'range': {
      const bounds = compute.inputs.blob(partitioner.bounds) as unknown[];
      const by = partitioner.by ? guarded(compute.call(partitioner.by), 'sortBy') : (row: unknown) => pairOf(row)[0];
      const { ascending } = partitioner;
      const numbers = bounds.every((bound) => typeof bound === 'number') ? Float64Array.from(bounds) : undefined;
      return (row) => {
        const key = by(row);
        const at = numbers && typeof key === 'number' && key === key ? above(numbers, key) : aboveBy(bounds, key);
        return ascending ? at : bounds.length - at;
      };
    }
  }
}

/** The partition of a pair by its id; an error names the pair. */
function guardedId(pair: [unknown, unknown], partitions: number): number {
  try {
    return idPartition(idOf(pair[0]), partitions);
  } catch (thrown) {
    throw new UserFunctionError(thrown, 'vertices', pair);
  }
}

/** How many of the sorted bounds are below the key. */
function above(bounds: Float64Array, key: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function aboveBy(bounds: readonly unknown[], key: unknown): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(bounds[middle], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function encodeRows(rows: unknown[]): Uint8Array {
  try {
    return encode(rows);
  } catch (error) {
    if (!(error instanceof NotCloneableError)) throw error;
    throw new UserFunctionError(
      error,
      'result',
      rows.find((row) => {
        try {
          encode([row]);
          return false;
        } catch {
          return true;
        }
      }),
    );
  }
}
