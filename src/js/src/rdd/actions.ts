import type { ActionOptions } from '../connect/action_options.js';
import { IllegalArgumentException, SparkTypeError } from '../errors.js';
import type { SparkContext } from './context.js';
import { FutureAction } from './future.js';
import type { RddNode } from './node.js';
import type { RDD } from './rdd.js';
import { type AnyRemote, type Bound, checkRemote, type RemoteWith as Fn, valueBlock } from './remote.js';
import { placeOf } from './shuffles.js';
import { StatCounter } from './stats.js';
import { compare, identity } from './task/keys.js';
import { estimate } from './task/sketch.js';
import { decodePairs, type NumberColumn } from './value_codec.js';

/** Actions of an {@link RDD}: each runs a job over the executors and returns a promise. */
export abstract class Actions<T> {
  /** @internal */
  constructor(
    /** The context it belongs to. */ readonly context: SparkContext,
    /** @internal */ readonly definition: RddNode,
  ) {}

  // In the background, to be cancelled.

  /** Starts {@link collect} in the background, to be cancelled. */
  collectAsync(): FutureAction<T[]> {
    return new FutureAction((signal) => this.collect({ signal }));
  }
  /** Starts {@link count} in the background, to be cancelled. */
  countAsync(): FutureAction<number> {
    return new FutureAction((signal) => this.count({ signal }));
  }
  /** Starts {@link take} in the background, to be cancelled. */
  takeAsync(n: number): FutureAction<T[]> {
    return new FutureAction((signal) => this.take(n, { signal }));
  }
  /** Starts {@link foreach} in the background, to be cancelled. */
  foreachAsync<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B): FutureAction<void> {
    return new FutureAction((signal) => this.foreach<B>(f, bound, { signal }));
  }
  /** Starts {@link foreachPartition} in the background, to be cancelled. */
  foreachPartitionAsync<B extends Bound = Bound>(
    f: Fn<[rows: IterableIterator<T>, index: number], unknown, B>,
    bound?: B,
  ): FutureAction<void> {
    return new FutureAction((signal) => this.foreachPartition<B>(f, bound, { signal }));
  }

  /**
   * Returns all rows, partition after partition.
   * @example
   * ```ts
   * await sc.parallelize([3, 1, 2]).collect(); // → [3, 1, 2]
   * ```
   */
  async collect(options?: ActionOptions): Promise<T[]> {
    return (await this.context.run(this.definition, () => ({ t: 'collect' }), 'collect', options)).flat() as T[];
  }
  /** Yields the rows one partition at a time; each is fetched when it is needed. */
  async *toLocalIterator(options?: ActionOptions): AsyncGenerator<T, void, undefined> {
    for (let i = 0; i < this.definition.partitions; i++) {
      const [part] = await this.context.run(this.definition, () => ({ t: 'collect' }), 'toLocalIterator', options, [i]);
      yield* part as T[];
    }
  }
  /** Returns a Map of the pairs; of equal keys the last wins. */
  async collectAsMap<K, V>(this: RDD<[K, V]>, options?: ActionOptions): Promise<Map<K, V>> {
    return new Map(new Map((await this.collect(options)).map((pair) => [identity(pair[0]), pair])).values());
  }
  /**
   * Returns pairs of numbers as two typed arrays, first and second elements, in the order of {@link collect}; no array per pair is made
   * where the engine has them as columns, as those of a graph's algorithms are. A column is an `Int32Array` if all of its numbers are
   * whole and of 32 bits, else a `Float64Array`. Throws a SparkTypeError for rows that are anything else, such as ids beyond 2^53, which
   * are bigints.
   * @example
   * ```ts
   * const [ids, ranks] = await sc.parallelize<[number, number]>([[1, 0.5], [2, 1.5]]).collectColumns();
   * [...ids]; // → [1, 2]
   * ranks[1]; // → 1.5
   * ```
   */
  async collectColumns<A extends number | bigint, B extends number | bigint>(
    this: RDD<[A, B]>,
    options?: ActionOptions,
  ): Promise<[NumberColumn, NumberColumn]> {
    const columns = decodePairs(await this.context.blocks(this.definition, () => ({ t: 'collect' }), 'collectColumns', options));
    if (columns) return columns;
    throw new SparkTypeError('collectColumns: a row is not a pair of numbers', { condition: 'RIVULET_DATASET' });
  }
  /** Returns the number of rows. */
  async count(options?: ActionOptions): Promise<number> {
    const parts = await this.context.run(this.definition, () => ({ t: 'count' }), 'count', options);
    return parts.reduce((sum, [n]) => sum + (n as number), 0);
  }
  /**
   * Returns the first `n` rows; looks at few partitions first.
   * @example
   * ```ts
   * await sc.range(1_000).take(3); // → [0, 1, 2]
   * ```
   */
  async take(n: number, options?: ActionOptions): Promise<T[]> {
    const out: T[] = [];
    for (let at = 0, some = 1; at < this.definition.partitions && out.length < n; at += some, some *= 4) {
      const only = Array.from({ length: Math.min(some, this.definition.partitions - at) }, (_, i) => at + i);
      const left = n - out.length;
      for (const part of await this.context.run(this.definition, () => ({ t: 'take', n: left }), 'take', options, only))
        out.push(...(part as T[]));
    }
    return out.slice(0, n);
  }
  /** Returns the first row. Throws an IllegalArgumentException without rows. */
  async first(options?: ActionOptions): Promise<T> {
    const [row] = await this.take(1, options);
    if (row === undefined && (await this.isEmpty(options)))
      throw new IllegalArgumentException('first: the RDD is empty', { condition: 'RIVULET_EMPTY_RDD' });
    return row as T;
  }
  /** Returns whether there are no rows. */
  async isEmpty(options?: ActionOptions): Promise<boolean> {
    return (await this.take(1, options)).length === 0;
  }
  /**
   * Merges all rows by an associative, commutative function. Throws an IllegalArgumentException without rows.
   * @example
   * ```ts
   * await sc.range(5).reduce((a, b) => a + b); // → 10
   * ```
   */
  async reduce<B extends Bound = Bound>(f: Fn<[a: T, b: T], T, B>, bound?: B, options?: ActionOptions): Promise<T> {
    checkRemote(f, 'reduce', bound);
    const parts = await this.context.run(
      this.definition,
      (plan) => ({ t: 'reduce', call: plan.call(f, 'reduce', bound) }),
      'reduce',
      options,
    );
    const sums = parts.flat() as T[];
    if (sums.length === 0) throw new IllegalArgumentException('reduce: the RDD is empty', { condition: 'RIVULET_EMPTY_RDD' });
    return this.#mergeAll(sums, f, bound, options);
  }
  /** Merges as {@link reduce} does, from a zero value that is used once per partition and once for the merge. */
  async fold<B extends Bound = Bound>(zero: T, f: Fn<[a: T, b: T], T, B>, bound?: B, options?: ActionOptions): Promise<T> {
    valueBlock(zero, 'fold');
    checkRemote(f, 'fold', bound);
    const parts = await this.context.run(
      this.definition,
      (plan) => ({ t: 'fold', zero: plan.value(zero), call: plan.call(f, 'fold', bound) }),
      'fold',
      options,
    );
    return this.#mergeAll([zero, ...(parts.flat() as T[])], f, bound, options);
  }
  /** Folds rows into a sum of another type per partition, then combines the sums, from the zero value on. */
  async aggregate<U, B extends Bound = Bound>(
    zero: U,
    seq: Fn<[sum: U, row: T], U, B>,
    combine: Fn<[a: U, b: U], U, B>,
    bound?: B,
    options?: ActionOptions,
  ): Promise<U> {
    valueBlock(zero, 'aggregate');
    checkRemote(seq, 'aggregate', bound);
    checkRemote(combine, 'aggregate', bound);
    const parts = await this.context.run(
      this.definition,
      (plan) => ({ t: 'fold', zero: plan.value(zero), call: plan.call(seq, 'aggregate', bound) }),
      'aggregate',
      options,
    );
    return this.#mergeAll<U, B>([zero, ...(parts.flat() as U[])], combine, bound, options);
  }
  /** Sums of partitions merged in an executor: functions run there and nowhere else. */
  async #mergeAll<S, B extends Bound>(sums: S[], f: AnyRemote, bound: B | undefined, options?: ActionOptions): Promise<S> {
    if (sums.length === 1) return sums[0]!;
    const last = this.context.parallelize(sums, 1);
    const [part] = await this.context.run(
      last.definition,
      (plan) => ({ t: 'reduce', call: plan.call(f, 'reduce', bound) }),
      'reduce: merge',
      options,
    );
    return part![0] as S;
  }
  /**
   * Calls `f` with each row, in the executors.
   * @example
   * ```ts
   * const seen = sc.longAccumulator();
   * await sc.range(7).foreach((_, b) => b.seen.add(1), { seen });
   * seen.value; // → 7
   * ```
   */
  async foreach<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B, options?: ActionOptions): Promise<void> {
    checkRemote(f, 'foreach', bound);
    await this.context.run(this.definition, (plan) => ({ t: 'foreach', call: plan.call(f, 'foreach', bound) }), 'foreach', options);
  }
  /** Calls `f` with each partition, in the executors. */
  async foreachPartition<B extends Bound = Bound>(
    f: Fn<[rows: IterableIterator<T>, index: number], unknown, B>,
    bound?: B,
    options?: ActionOptions,
  ): Promise<void> {
    checkRemote(f, 'foreachPartition', bound);
    await this.context.run(
      this.definition,
      (plan) => ({ t: 'foreachPartition', call: plan.call(f, 'foreachPartition', bound) }),
      'foreachPartition',
      options,
    );
  }
  async #ordered<K, B extends Bound>(
    n: number,
    descending: boolean,
    by: AnyRemote | undefined,
    bound: B | undefined,
    method: string,
    options?: ActionOptions,
  ): Promise<T[]> {
    if (by) checkRemote(by, method, bound);
    const parts = (await this.context.run(
      this.definition,
      (plan) => ({ t: 'takeOrdered', n, descending, ...(by && { by: plan.call(by, method, bound) }) }),
      method,
      options,
    )) as [K, T][][];
    const sign = descending ? -1 : 1;
    return parts
      .flat()
      .sort((a, b) => sign * compare(a[0], b[0]))
      .slice(0, n)
      .map(([, row]) => row);
  }
  /** Returns the `n` smallest rows, or those with the smallest keys. */
  takeOrdered<K, B extends Bound = Bound>(n: number, by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T[]> {
    return this.#ordered<K, B>(n, false, by, bound, 'takeOrdered', options);
  }
  /**
   * Returns the `n` largest rows, or those with the largest keys, largest first.
   * @example
   * ```ts
   * await sc.parallelize([3, 9, 4]).top(2); // → [9, 4]
   * ```
   */
  top<K, B extends Bound = Bound>(n: number, by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T[]> {
    return this.#ordered<K, B>(n, true, by, bound, 'top', options);
  }
  /** Returns the smallest row, or the one with the smallest key. Throws an IllegalArgumentException without rows. */
  async min<K, B extends Bound = Bound>(by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T> {
    const [row] = await this.takeOrdered(1, by, bound, options);
    if (row === undefined) throw new IllegalArgumentException('min: the RDD is empty', { condition: 'RIVULET_EMPTY_RDD' });
    return row;
  }
  /** Returns the largest row, or the one with the largest key. Throws an IllegalArgumentException without rows. */
  async max<K, B extends Bound = Bound>(by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T> {
    const [row] = await this.top(1, by, bound, options);
    if (row === undefined) throw new IllegalArgumentException('max: the RDD is empty', { condition: 'RIVULET_EMPTY_RDD' });
    return row;
  }
  /** Computes count, mean, variance and extremes in one pass. */
  async stats(this: RDD<number>, options?: ActionOptions): Promise<StatCounter> {
    const parts = await this.context.run(this.definition, () => ({ t: 'stats' }), 'stats', options);
    return StatCounter.of(parts.map(([part]) => part as [number, number, number, number, number]));
  }
  /** Returns the sum; 0 without rows. */
  async sum(this: RDD<number>, options?: ActionOptions): Promise<number> {
    return this.fold(0, (a, b) => a + b, undefined, options);
  }
  /** Returns the mean; 0 without rows. */
  async mean(this: RDD<number>, options?: ActionOptions): Promise<number> {
    return (await this.stats(options)).mean();
  }
  /** Returns the variance of the population; NaN without rows. */
  async variance(this: RDD<number>, options?: ActionOptions): Promise<number> {
    return (await this.stats(options)).variance();
  }
  /** Returns the standard deviation of the population; NaN without rows. */
  async stdev(this: RDD<number>, options?: ActionOptions): Promise<number> {
    return (await this.stats(options)).stdev();
  }
  /** Returns the variance of a sample; NaN for fewer than two rows. */
  async sampleVariance(this: RDD<number>, options?: ActionOptions): Promise<number> {
    return (await this.stats(options)).sampleVariance();
  }
  /** Returns the standard deviation of a sample; NaN for fewer than two rows. */
  async sampleStdev(this: RDD<number>, options?: ActionOptions): Promise<number> {
    return (await this.stats(options)).sampleStdev();
  }
  /**
   * Counts rows per bucket: of `buckets` buckets of equal width between the extremes, or between given edges. The last bucket is
   * closed; rows outside are not counted.
   */
  async histogram(
    this: RDD<number>,
    buckets: number | readonly number[],
    options?: ActionOptions,
  ): Promise<[edges: number[], counts: number[]]> {
    let edges: number[];
    if (typeof buckets === 'number') {
      if (!Number.isInteger(buckets) || buckets < 1) throw new IllegalArgumentException('histogram: number of buckets must be >= 1');
      const { min, max, count } = await this.stats(options);
      if (count === 0) throw new IllegalArgumentException('histogram: the RDD is empty', { condition: 'RIVULET_EMPTY_RDD' });
      if (min === max || buckets === 1) edges = [min, max];
      else edges = [...Array.from({ length: buckets }, (_, i) => min + (i * (max - min)) / buckets), max];
    } else {
      edges = [...buckets];
      if (edges.length < 2 || edges.some((edge, i) => i > 0 && !(edge > edges[i - 1]!)))
        throw new IllegalArgumentException('histogram: buckets must be sorted, without duplicates, and at least two');
    }
    const parts = (await this.context.run(
      this.definition,
      (plan) => ({ t: 'histogram', edges: plan.value(edges) }),
      'histogram',
      options,
    )) as number[][];
    const counts = edges.slice(1).map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
    return [edges, counts];
  }
  async #counts<K>(t: 'countByKey' | 'countByValue', options?: ActionOptions): Promise<Map<K, number>> {
    const counts = new Map<unknown, [K, number]>();
    for (const [key, n] of (await this.context.run(this.definition, () => ({ t }), t, options)).flat() as [K, number][]) {
      const id = identity(key);
      const found = counts.get(id);
      if (found) found[1] += n;
      else counts.set(id, [key, n]);
    }
    return new Map(counts.values());
  }
  /**
   * Estimates the number of distinct values (HyperLogLog); `relativeSD` is the standard error, which decides the size of the sketch
   * (1.04 / √registers).
   */
  async countApproxDistinct(relativeSD = 0.05, options?: ActionOptions): Promise<number> {
    if (!(relativeSD >= 0.000017 && relativeSD <= 0.4))
      throw new IllegalArgumentException(`countApproxDistinct: the accuracy (${relativeSD}) must be between 0.000017 and 0.4`);
    const bits = Math.max(4, Math.ceil(2 * Math.log2(1.04 / relativeSD)));
    const sketches = await this.context.run(this.definition, () => ({ t: 'distinctSketch', bits }), 'countApproxDistinct', options);
    return Math.round(estimate(sketches.map(([sketch]) => sketch as Uint8Array)));
  }
  /**
   * Counts the occurrences of each value.
   * @example
   * ```ts
   * (await sc.parallelize(['a', 'b', 'a']).countByValue()).get('a'); // → 2
   * ```
   */
  countByValue(options?: ActionOptions): Promise<Map<T, number>> {
    return this.#counts<T>('countByValue', options);
  }
  /** Counts the pairs of each key. */
  countByKey<K, V>(this: RDD<[K, V]>, options?: ActionOptions): Promise<Map<K, number>> {
    return this.#counts<K>('countByKey', options);
  }
  /** Returns the values of a key; looks at one partition only where keys are placed by their hash. */
  async lookup<K, V>(this: RDD<[K, V]>, key: K, options?: ActionOptions): Promise<V[]> {
    identity(key);
    const parts = await this.context.run(
      this.definition,
      (plan) => ({ t: 'lookup', key: plan.value(key) }),
      'lookup',
      options,
      placeOf(this.definition, key),
    );
    return parts.flat() as V[];
  }
}
