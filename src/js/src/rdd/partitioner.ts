import { IllegalArgumentException } from '../errors.js';
import { checks } from './call_check.js';
import type { RDD } from './rdd.js';
import type { AnyRemote, Bound, Remote } from './remote.js';
import { hashOf, hashPartition, type NumberKeys } from './task/keys.js';

/** Says in which of its partitions a key belongs (`Partitioner`). Datasets placed by the same one join without a shuffle. */
export abstract class Partitioner {
  /** How many partitions it has. */
  readonly numPartitions: number;

  /** Makes a partitioner. Throws an IllegalArgumentException unless `numPartitions` is a positive whole number. */
  constructor(numPartitions: number) {
    this.numPartitions = numPartitions;
    if (!Number.isInteger(numPartitions) || numPartitions <= 0) {
      throw new IllegalArgumentException(`Number of partitions (${numPartitions}) must be a positive whole number`);
    }
  }
}

/**
 * Places by the key's hash, the JVM's, so that a key is where Spark has it (`HashPartitioner`). JavaScript has one type of numbers:
 * use `'double'` where Spark's keys are Doubles.
 * @example
 * ```ts
 * const pairs = sc.parallelize([['a', 1], ['b', 2]] as [string, number][]).partitionBy(new HashPartitioner(2));
 * await pairs.glom().collect(); // → [[['b', 2]], [['a', 1]]]
 * ```
 */
export class HashPartitioner extends Partitioner {
  /** Makes a partitioner by hash. */
  constructor(
    numPartitions: number,
    /** How keys that are numbers hash. */ readonly keys: NumberKeys = 'any',
  ) {
    super(numPartitions);
  }

  /** Returns the partition of a key. Throws an UnhashableKeyError for objects. */
  getPartition(key: unknown): number {
    return hashPartition(key, this.numPartitions, this.keys);
  }
  /** Returns the `hashCode` of a key as the JVM has it; null has 0. Throws an UnhashableKeyError for objects. */
  static hashCode(key: unknown, keys: NumberKeys = 'any'): number {
    return hashOf(key, keys);
  }
}

/**
 * Places by ranges of keys of about equal size, in order; the ranges follow from a sample of `rdd`, taken by a job before the first
 * that needs them (`RangePartitioner`).
 */
export class RangePartitioner<K, V> extends Partitioner {
  /** Makes a partitioner by ranges of the keys of `rdd`. */
  constructor(
    numPartitions: number,
    /** The dataset that is sampled. */ readonly rdd: RDD<[K, V]>,
    /** Whether the smallest keys are in the first partition. */ readonly ascending = true,
  ) {
    super(numPartitions);
  }
}

/**
 * Places by a function of the key, a whole number of any sign, modulo the number of partitions (PySpark's `partitionFunc`). It runs
 * in the executors.
 */
export class FunctionPartitioner<K> extends Partitioner {
  /** @internal */ readonly f: AnyRemote;

  /** Makes a partitioner by a function. Throws a SparkTypeError for one that cannot travel; before a session starts, its first use does. */
  constructor(
    numPartitions: number,
    f: Remote<(key: K, bound: never) => number>,
    /** @internal */ readonly bound?: Bound,
  ) {
    super(numPartitions);
    checks.remote?.(f as AnyRemote, 'FunctionPartitioner', bound);
    this.f = f as AnyRemote;
  }
}
