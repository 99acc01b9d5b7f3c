import type { ActionOptions } from '../connect/action_options.js';
import { IllegalArgumentException, SparkError, SparkTypeError, UnsupportedOperationException } from '../errors.js';
import { newFolder, writeFile } from '../files/open.js';
import { stringOf } from '../values/fit.js';
import { jsonOf } from '../values/json.js';
import { fitted } from '../values/misfit.js';
import { Actions } from './actions.js';
import { checkPartitions } from './call_check.js';
import type { SparkContext } from './context.js';
import { type Aggregate, type Op, StorageLevel } from './job_plan.js';
import { debugString } from './lineage.js';
import type { RddNode } from './node.js';
import type { Partitioner } from './partitioner.js';
import type { PlanBuilder } from './plan_builder.js';
import { type AnyRemote, type Bound, checkRemote, type RemoteWith as Fn, valueBlock } from './remote.js';
import { combined, customPlacement, dealtOut, defaultPlacement, grouped, placedBy, shuffled, sorted } from './shuffles.js';
import { PartitionRandom, sampleFraction } from './task/random.js';

/** Steps with one function. */
type Step = Exclude<Extract<Op, { call: unknown }>['t'], 'invert' | 'updateState' | 'mapStates' | 'fold'>;
/** A number of partitions, or a partitioner. */
export type Partitions = number | Partitioner;

/**
 * A partitioned dataset of JavaScript values (`RDD`). Transformations are lazy and return new datasets; actions run a job over the
 * executors and return a promise. Functions run in workers: they see their arguments, and nothing of the page. Values that they
 * need are bound to them and come as the last argument. Pairs are arrays `[key, value]`.
 * @example
 * ```ts
 * const tripled = sc.parallelize([1, 2, 3]).map((x, b) => x * b.factor, { factor: 3 });
 * await tripled.collect(); // → [3, 6, 9]
 * ```
 */
export class RDD<T> extends Actions<T> {
  /** @internal */
  constructor(context: SparkContext, definition: RddNode) {
    super(context, definition);
  }

  /** The dataset's number within its context. */
  get id(): number {
    return this.definition.id;
  }
  /** Returns the number of partitions. */
  getNumPartitions(): number {
    return this.definition.partitions;
  }

  get #width(): number {
    return this.context.shufflePartitions ?? (this.definition.partitions || 1);
  }

  #of<U>(dataset: RddNode): RDD<U> {
    return new RDD<U>(this.context, dataset);
  }

  #narrow<U>(op: (plan: PlanBuilder) => Op, keeps = false): RDD<U> {
    const { definition } = this;
    return this.#of<U>(
      this.context.node({
        name: ['MapPartitionsRDD'],
        kind: 'narrow',
        parents: [definition],
        partitions: definition.partitions,
        op,
        placement: keeps ? definition.placement : undefined,
      }),
    );
  }

  #step<U>(t: Step, f: AnyRemote, bound: Bound | undefined, keeps = false): RDD<U> {
    checkRemote(f, t, bound);
    return this.#narrow<U>((plan) => ({ t, call: plan.call(f, t, bound) }), keeps);
  }

  // Narrow: one pass over a partition.

  /**
   * Maps each row.
   * @example
   * ```ts
   * await sc.parallelize([1, 2, 3]).map((x) => x * x).collect(); // → [1, 4, 9]
   * ```
   */
  map<U, B extends Bound = Bound>(f: Fn<[row: T], U, B>, bound?: B): RDD<U> {
    return this.#step<U>('map', f, bound);
  }
  /**
   * Maps each row to an iterable, and returns all elements of these.
   * @example
   * ```ts
   * await sc.parallelize(['a b', 'c']).flatMap((line) => line.split(' ')).collect(); // → ['a', 'b', 'c']
   * ```
   */
  flatMap<U, B extends Bound = Bound>(f: Fn<[row: T], Iterable<U>, B>, bound?: B): RDD<U> {
    return this.#step<U>('flatMap', f, bound);
  }
  /**
   * Keeps the rows for which `f` is truthy.
   * @example
   * ```ts
   * await sc.range(10).filter((x, b) => x % b.k === 0, { k: 4 }).collect(); // → [0, 4, 8]
   * ```
   */
  filter<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B): RDD<T> {
    return this.#step<T>('filter', f, bound, true);
  }
  /**
   * Maps each partition, which comes as an iterator, to an iterable of rows.
   * @example
   * ```ts
   * await sc.range(6, undefined, 1, 2).mapPartitions((rows) => [[...rows].length]).collect(); // → [3, 3]
   * ```
   */
  mapPartitions<U, B extends Bound = Bound>(f: Fn<[rows: IterableIterator<T>, index: number], Iterable<U>, B>, bound?: B): RDD<U> {
    return this.#step<U>('mapPartitions', f, bound);
  }
  /** Maps each partition, given its number and an iterator, to an iterable of rows. */
  mapPartitionsWithIndex<U, B extends Bound = Bound>(f: Fn<[index: number, rows: IterableIterator<T>], Iterable<U>, B>, bound?: B): RDD<U> {
    return this.#step<U>('mapPartitionsWithIndex', f, bound);
  }
  /** Returns each partition as one array. */
  glom(): RDD<T[]> {
    return this.#narrow<T[]>(() => ({ t: 'glom' }));
  }
  /** Maps each row to `[f(row), row]`. */
  keyBy<K, B extends Bound = Bound>(f: Fn<[row: T], K, B>, bound?: B): RDD<[K, T]> {
    return this.#step<[K, T]>('keyBy', f, bound);
  }
  /** Returns a random share of the rows; the same seed returns the same rows. */
  sample(withReplacement: boolean, fraction: number, seed = 17): RDD<T> {
    if (!(fraction >= 0) || (!withReplacement && fraction > 1))
      throw new IllegalArgumentException(`sample: the fraction (${fraction}) must be in [0, 1], or at least 0 with replacement`);
    return this.#narrow<T>(() => ({ t: 'sample', withReplacement, fraction, seed }), true);
  }
  /** Pairs rows of equal position; both need as many partitions, with as many rows each. */
  zip<U>(other: RDD<U>): RDD<[T, U]> {
    const parents = [this.definition, other.definition];
    if (parents[0]!.partitions !== parents[1]!.partitions) {
      throw new IllegalArgumentException(
        `Can only zip with RDD which has the same number of partitions: ${parents[0]!.partitions} and ${parents[1]!.partitions}`,
        { condition: 'RIVULET_ZIP_MISMATCH' },
      );
    }
    return this.#of<[T, U]>(
      this.context.node({
        name: ['ZippedPartitionsRDD2'],
        kind: 'zip',
        parents,
        partitions: parents[0]!.partitions,
        op: () => ({ t: 'zip' }),
      }),
    );
  }
  /** Maps each row to `[row, index]` over all partitions; counts the partitions first, by a job of its own. */
  zipWithIndex(): RDD<[T, number]> {
    const { definition } = this;
    let offsets: number[] | undefined;
    return this.#of<[T, number]>(
      this.context.node({
        name: ['ZippedWithIndexRDD'],
        kind: 'narrow',
        parents: [definition],
        partitions: definition.partitions,
        op: () => ({ t: 'zipWithIndex', offsets: offsets ?? [] }),
        prepare: async () => {
          if (offsets || definition.partitions === 1) return;
          const counts = await this.context.run(definition, () => ({ t: 'count' }), 'zipWithIndex: count');
          let at = 0;
          offsets = counts.map(([n]) => (at += n as number) - (n as number));
        },
      }),
    );
  }
  /** Maps the k-th row of a partition to `[row, k · n + partition]`, among n partitions. */
  zipWithUniqueId(): RDD<[T, number]> {
    return this.#narrow<[T, number]>(() => ({ t: 'zipWithUniqueId', partitions: this.definition.partitions }));
  }
  /** Returns all pairs of rows; partitions are pairs of partitions. */
  cartesian<U>(other: RDD<U>): RDD<[T, U]> {
    const parents = [this.definition, other.definition];
    return this.#of<[T, U]>(
      this.context.node({
        name: ['CartesianRDD'],
        kind: 'cartesian',
        parents,
        partitions: parents[0]!.partitions * parents[1]!.partitions,
      }),
    );
  }
  /** Returns the rows of both; duplicates stay. */
  union(other: RDD<T>): RDD<T> {
    return this.context.union<T>([this, other]);
  }
  /** Merges neighbouring partitions until there are `numPartitions`; makes more only with `shuffle`. */
  coalesce(numPartitions: number, shuffle = false): RDD<T> {
    const n = checkPartitions(numPartitions, 'coalesce');
    if (shuffle) return this.repartition(n);
    const from = this.definition.partitions;
    const count = Math.min(n, from);
    const groups = Array.from({ length: count }, (_, i) => {
      const [first, last] = [Math.floor((i * from) / count), Math.floor(((i + 1) * from) / count)];
      return Array.from({ length: last - first }, (_, k) => first + k);
    });
    return this.#of<T>(
      this.context.node({ name: ['CoalescedRDD'], kind: 'coalesce', parents: [this.definition], partitions: count, groups }),
    );
  }

  // Wide: rows move.

  /** Spreads the rows evenly over `numPartitions`. */
  repartition(numPartitions: number): RDD<T> {
    return this.#of<T>(dealtOut(this.context, this.definition, checkPartitions(numPartitions, 'repartition')));
  }
  /**
   * Removes duplicate values; each stays where it was first met. Throws an UnhashableKeyError for objects.
   * @example
   * ```ts
   * (await sc.parallelize(['a', 'b', 'a']).distinct().collect()).sort(); // → ['a', 'b']
   * ```
   */
  distinct(partitions: Partitions = this.#width): RDD<T> {
    const pairs = this.#narrow<[T, null]>(() => ({ t: 'pairs' }));
    return pairs.reduceByKey((a) => a, partitions).keys();
  }
  /** Groups rows by what `f` returns for them. */
  groupBy<K, B extends Bound = Bound>(f: Fn<[row: T], K, B>, partitions?: Partitions, bound?: B): RDD<[K, T[]]> {
    return this.keyBy<K, B>(f, bound).groupByKey(partitions);
  }
  /**
   * Sorts by what `f` returns for the rows; partition i has smaller keys than partition i + 1. Stable; null sorts first, NaN last.
   * @example
   * ```ts
   * await sc.parallelize(['bb', 'a', 'ccc']).sortBy((word) => word.length, false).collect(); // → ['ccc', 'bb', 'a']
   * ```
   */
  sortBy<K, B extends Bound = Bound>(f: Fn<[row: T], K, B>, ascending = true, numPartitions = this.#width, bound?: B): RDD<T> {
    checkRemote(f, 'sortBy', bound);
    return this.#of<T>(sorted(this.context, this.definition, ascending, checkPartitions(numPartitions, 'sortBy'), f, bound));
  }
  /** Returns the rows that both have, each once. */
  intersection(other: RDD<T>, partitions?: Partitions): RDD<T> {
    const [a, b] = [this.#asKeys(), other.#asKeys()];
    return a
      .cogroup(b, partitions)
      .filter(([, [x, y]]) => x.length > 0 && y.length > 0)
      .keys();
  }
  /** Removes the rows that `other` has too; duplicates of others stay. */
  subtract(other: RDD<T>, partitions: Partitions = this.#width): RDD<T> {
    return this.#asKeys().subtractByKey(other.#asKeys(), partitions).keys();
  }
  #asKeys(): RDD<[T, null]> {
    return this.#narrow<[T, null]>(() => ({ t: 'pairs' }));
  }

  // Pairs.

  /** Returns the first elements of pairs. */
  keys<K, V>(this: RDD<[K, V]>): RDD<K> {
    return this.#narrow<K>(() => ({ t: 'keys' }));
  }
  /** Returns the second elements of pairs. */
  values<K, V>(this: RDD<[K, V]>): RDD<V> {
    return this.#narrow<V>(() => ({ t: 'values' }));
  }
  /**
   * Maps each value under the same key; pairs stay in their partitions.
   * @example
   * ```ts
   * await sc.parallelize([['a', 1], ['b', 2]] as [string, number][]).mapValues((n) => n * 10).collect(); // → [['a', 10], ['b', 20]]
   * ```
   */
  mapValues<K, V, U, B extends Bound = Bound>(this: RDD<[K, V]>, f: Fn<[value: V], U, B>, bound?: B): RDD<[K, U]> {
    return this.#step<[K, U]>('mapValues', f, bound, true);
  }
  /** Maps each value to an iterable, and returns all elements of these under the same key. */
  flatMapValues<K, V, U, B extends Bound = Bound>(this: RDD<[K, V]>, f: Fn<[value: V], Iterable<U>, B>, bound?: B): RDD<[K, U]> {
    return this.#step<[K, U]>('flatMapValues', f, bound, true);
  }
  /**
   * Places pairs by key: by a partitioner, or into this many partitions by the key's hash (the JVM's), or by a function of the key,
   * modulo their number.
   */
  partitionBy<K, V, B extends Bound = Bound>(
    this: RDD<[K, V]>,
    partitions: Partitions,
    f?: Fn<[key: K], number, B>,
    bound?: B,
  ): RDD<[K, V]> {
    let placement = placedBy(this.context, partitions, 'partitionBy');
    if (f) {
      if (typeof partitions !== 'number')
        throw new SparkTypeError('partitionBy: a function of the key goes with a number of partitions, not with a partitioner');
      checkRemote(f, 'partitionBy', bound);
      placement = customPlacement(partitions, f, bound);
    }
    return this.#of<[K, V]>(shuffled(this.context, this.definition, placement));
  }
  /** Places pairs by key, and sorts them by key within each partition. */
  repartitionAndSortWithinPartitions<K, V>(this: RDD<[K, V]>, partitions: Partitions, ascending = true): RDD<[K, V]> {
    return this.partitionBy(partitions).#narrow<[K, V]>(() => ({ t: 'sort', ascending }), true);
  }
  #combined<U>(method: string, partitions: Partitions | undefined, aggregate: (plan: PlanBuilder) => Aggregate, mapSide = true): RDD<U> {
    const placement = defaultPlacement(this.context, [this.definition], partitions, method);
    return this.#of<U>(combined(this.context, this.definition, placement, aggregate, mapSide));
  }
  /**
   * Gathers the values of each key, in the order of their partitions.
   * @example
   * ```ts
   * const grouped = sc.parallelize([['a', 1], ['b', 2], ['a', 3]] as [string, number][]).groupByKey();
   * await grouped.lookup('a'); // → [[1, 3]]
   * ```
   */
  groupByKey<K, V>(this: RDD<[K, V]>, partitions?: Partitions): RDD<[K, V[]]> {
    return this.#combined<[K, V[]]>('groupByKey', partitions, () => ({ t: 'group' }), false);
  }
  /**
   * Merges the values of each key by an associative, commutative function, before they move and after.
   * @example
   * ```ts
   * const words = sc.parallelize(['to', 'be', 'or', 'not', 'to', 'be']);
   * const counts = words.map((word) => [word, 1] as [string, number]).reduceByKey((a, b) => a + b);
   * (await counts.collectAsMap()).get('to'); // → 2
   * ```
   */
  reduceByKey<K, V, B extends Bound = Bound>(
    this: RDD<[K, V]>,
    f: Fn<[a: V, b: V], V, B>,
    partitions?: Partitions,
    bound?: B,
  ): RDD<[K, V]> {
    checkRemote(f, 'reduceByKey', bound);
    return this.#combined<[K, V]>('reduceByKey', partitions, (plan) => ({ t: 'reduce', merge: plan.call(f, 'reduceByKey', bound) }));
  }
  /** Merges as {@link reduceByKey} does, from a zero value that is used once per key and partition. */
  foldByKey<K, V, B extends Bound = Bound>(
    this: RDD<[K, V]>,
    zero: V,
    f: Fn<[a: V, b: V], V, B>,
    partitions?: Partitions,
    bound?: B,
  ): RDD<[K, V]> {
    return this.aggregateByKey<K, V, V, B>(zero, f, f, partitions, bound);
  }
  /** Folds the values of each key from a zero value within a partition by `merge`, then across partitions by `combine`. */
  aggregateByKey<K, V, U, B extends Bound = Bound>(
    this: RDD<[K, V]>,
    zero: U,
    merge: Fn<[sum: U, value: V], U, B>,
    combine: Fn<[a: U, b: U], U, B>,
    partitions?: Partitions,
    bound?: B,
  ): RDD<[K, U]> {
    valueBlock(zero, 'aggregateByKey');
    checkRemote(merge, 'aggregateByKey', bound);
    checkRemote(combine, 'aggregateByKey', bound);
    return this.#combined<[K, U]>('aggregateByKey', partitions, (plan) => ({
      t: 'fold',
      zero: plan.value(zero),
      merge: plan.call(merge, 'aggregateByKey', bound),
      combine: plan.call(combine, 'aggregateByKey', bound),
    }));
  }
  /**
   * Combines the values of each key: `create` makes a sum of a first value, `merge` adds further ones, `combine` adds sums of
   * different partitions.
   */
  combineByKey<K, V, C, B extends Bound = Bound>(
    this: RDD<[K, V]>,
    create: Fn<[value: V], C, B>,
    merge: Fn<[sum: C, value: V], C, B>,
    combine: Fn<[a: C, b: C], C, B>,
    partitions?: Partitions,
    bound?: B,
  ): RDD<[K, C]> {
    for (const f of [create, merge, combine]) checkRemote(f as AnyRemote, 'combineByKey', bound);
    return this.#combined<[K, C]>('combineByKey', partitions, (plan) => ({
      t: 'combine',
      create: plan.call(create, 'combineByKey', bound),
      merge: plan.call(merge, 'combineByKey', bound),
      combine: plan.call(combine, 'combineByKey', bound),
    }));
  }
  #grouped<U>(others: readonly RDD<unknown>[], partitions: Partitions | undefined, op: Op, method: string): RDD<U> {
    const parents = [this.definition, ...others.map((other) => other.definition)];
    return this.#of<U>(grouped(this.context, parents, defaultPlacement(this.context, parents, partitions, method), op));
  }
  /** Gathers, for each key of either, the values of both. */
  cogroup<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V[], W[]]]> {
    return this.#grouped<[K, [V[], W[]]]>([other as RDD<unknown>], partitions, { t: 'cogroup' }, 'cogroup');
  }
  /** Gathers, for each key of any, the values of all. */
  groupWith<K, V>(this: RDD<[K, V]>, ...others: RDD<[K, unknown]>[]): RDD<[K, unknown[][]]> {
    return this.#grouped<[K, unknown[][]]>(others as RDD<unknown>[], undefined, { t: 'cogroup' }, 'groupWith');
  }
  /**
   * Returns all pairs of values of equal keys.
   * @example
   * ```ts
   * const ages = sc.parallelize([['Ada', 36], ['Bob', 41]] as [string, number][]);
   * const teams = sc.parallelize([['Ada', 'a']] as [string, string][]);
   * await ages.join(teams).collect(); // → [['Ada', [36, 'a']]]
   * ```
   */
  join<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V, W]]> {
    return this.#grouped<[K, [V, W]]>([other as RDD<unknown>], partitions, { t: 'join', left: false, right: false }, 'join');
  }
  /** Joins; a left value without a partner gets null. */
  leftOuterJoin<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V, W | null]]> {
    return this.#grouped<[K, [V, W | null]]>([other as RDD<unknown>], partitions, { t: 'join', left: true, right: false }, 'leftOuterJoin');
  }
  /** Joins; a right value without a partner gets null. */
  rightOuterJoin<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V | null, W]]> {
    return this.#grouped<[K, [V | null, W]]>(
      [other as RDD<unknown>],
      partitions,
      { t: 'join', left: false, right: true },
      'rightOuterJoin',
    );
  }
  /** Joins; a value of either side without a partner gets null. */
  fullOuterJoin<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V | null, W | null]]> {
    return this.#grouped<[K, [V | null, W | null]]>(
      [other as RDD<unknown>],
      partitions,
      { t: 'join', left: true, right: true },
      'fullOuterJoin',
    );
  }
  /** Removes the pairs whose key `other` has. */
  subtractByKey<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, V]> {
    return this.#grouped<[K, V]>([other as RDD<unknown>], partitions, { t: 'subtractByKey' }, 'subtractByKey');
  }
  /** Sorts pairs by key; partition i has smaller keys than partition i + 1. */
  sortByKey<K, V>(this: RDD<[K, V]>, ascending = true, numPartitions = this.#width): RDD<[K, V]> {
    return this.#of<[K, V]>(sorted(this.context, this.definition, ascending, checkPartitions(numPartitions, 'sortByKey')));
  }

  // Keeping.

  /**
   * Keeps each partition, once computed, in the executor that computed it: later tasks run there, or fetch it from there. A
   * partition whose executor is lost, or that memory has no room for, is computed again from lineage. Throws for a level other than
   * the one it has.
   */
  persist(level: StorageLevel = 'MEMORY_ONLY'): this {
    const { definition } = this;
    if (!(level in StorageLevel))
      throw new IllegalArgumentException(`Invalid StorageLevel: ${level}; the levels are ${Object.keys(StorageLevel).join(', ')}`);
    if (definition.level && definition.level !== level) {
      throw new UnsupportedOperationException('Cannot change storage level of an RDD after it was already assigned a level');
    }
    definition.level = level;
    this.context.watch(definition);
    return this;
  }
  /** Keeps partitions as {@link persist} does, in memory. */
  cache(): this {
    return this.persist();
  }
  /** Frees what is kept of it, and computes it anew from now on. */
  unpersist(): this {
    if (this.definition.level) this.context.unkeep(this.definition);
    this.definition.level = null;
    return this;
  }
  /**
   * Marks it to be written into the context's checkpoint directory when the next job over it is done: its lineage ends there. Keep
   * it ({@link persist}), or it is computed once more to be written. Throws SPARK_NO_CHECKPOINT_DIR without such a directory.
   * @example
   * ```ts
   * sc.setCheckpointDir('opfs:checkpoints');
   * const squares = sc.range(4).map((x) => x * x).persist();
   * squares.checkpoint();
   * await squares.count();
   * squares.isCheckpointed(); // → true
   * ```
   */
  checkpoint(): void {
    if (!this.context.checkpoints)
      throw new SparkError('Checkpoint directory has not been set in the SparkContext: call sc.setCheckpointDir first', {
        condition: 'SPARK_NO_CHECKPOINT_DIR',
      });
    this.definition.checkpoint ??= 'wanted';
  }
  /** Returns whether it was written by {@link checkpoint}. */
  isCheckpointed(): boolean {
    return this.definition.checkpoint === 'written';
  }
  /** Returns where it is kept, or null. */
  getStorageLevel(): StorageLevel | null {
    return this.definition.level;
  }
  /** Returns the lineage as a string, as Spark writes it. */
  toDebugString(): string {
    return debugString(this.definition);
  }

  // Actions that make datasets of their own; the others are in Actions.

  /**
   * Writes each partition as a text file `part-00000`, one row per line, and an empty `_SUCCESS` when all are there: below an
   * `opfs:` path or into a folder's handle, which must be empty. Rows that are not strings are written as JSON, as
   * a pushed row is; one that no JSON can say is a SparkTypeError. One partition at a
   * time comes to the page.
   */
  async saveAsTextFile(target: string | FileSystemDirectoryHandle, options?: ActionOptions): Promise<void> {
    const folder = await newFolder(target);
    for (let i = 0; i < this.definition.partitions; i++) {
      const [part] = await this.context.run(this.definition, () => ({ t: 'collect' }), 'saveAsTextFile', options, [i]);
      const lines = (part as unknown[]).map((row) => `${typeof row === 'string' ? fitted(() => stringOf(row)) : jsonOf(row)}\n`);
      await writeFile(folder, `part-${String(i).padStart(5, '0')}`, lines.join(''));
    }
    await writeFile(folder, '_SUCCESS', '');
  }
  /** Merges as {@link reduce} does; where there are many partitions, several tasks merge their sums first, in `depth` levels. */
  async treeReduce<B extends Bound = Bound>(f: Fn<[a: T, b: T], T, B>, depth = 2, bound?: B, options?: ActionOptions): Promise<T> {
    checkRemote(f, 'treeReduce', bound);
    const sums = this.#narrow<T>((plan) => ({ t: 'fold', call: plan.call(f, 'treeReduce', bound) }));
    return sums.#tree(f, depth, 'treeReduce', bound).reduce<B>(f, bound, options);
  }
  /**
   * Aggregates as {@link aggregate} does; where there are many partitions, several tasks combine their sums first, in `depth`
   * levels.
   */
  async treeAggregate<U, B extends Bound = Bound>(
    zero: U,
    seq: Fn<[sum: U, row: T], U, B>,
    combine: Fn<[a: U, b: U], U, B>,
    depth = 2,
    bound?: B,
    options?: ActionOptions,
  ): Promise<U> {
    valueBlock(zero, 'treeAggregate');
    checkRemote(seq, 'treeAggregate', bound);
    checkRemote(combine, 'treeAggregate', bound);
    const sums = this.#narrow<U>((plan) => ({ t: 'fold', zero: plan.value(zero), call: plan.call(seq, 'treeAggregate', bound) }));
    return sums.#tree(combine, depth, 'treeAggregate', bound).fold<B>(zero, combine, bound, options);
  }
  /** Sums of partitions, made fewer as long as one more level is worth it. */
  #tree<B extends Bound>(combine: Fn<[a: T, b: T], T, B>, depth: number, method: string, bound: B | undefined): RDD<T> {
    if (!Number.isInteger(depth) || depth < 1)
      throw new IllegalArgumentException(`${method}: Depth of tree must be greater than 0 but got ${depth}`);
    let sums: RDD<T> = this;
    let n = this.getNumPartitions();
    const scale = Math.max(2, Math.ceil(n ** (1 / depth)));
    while (n > scale + Math.ceil(n / scale)) {
      n = Math.floor(n / scale);
      sums = sums
        .mapPartitionsWithIndex<[number, T], { n: number }>((i, rows, b) => Array.from(rows, (sum): [number, T] => [i % b.n, sum]), { n })
        .reduceByKey<number, T, B>(combine, n, bound)
        .values();
    }
    return sums;
  }
  /**
   * Returns `n` rows drawn at random, or all in random order where there are no more. Somewhat more rows come to the page: a sample
   * that is large enough with a probability of 99.99 %, drawn again if it is not.
   */
  async takeSample(withReplacement: boolean, n: number, seed = 17, options?: ActionOptions): Promise<T[]> {
    if (n < 0) throw new IllegalArgumentException('takeSample: Sample size cannot be negative.');
    const count = n === 0 ? 0 : await this.count(options);
    if (count === 0) return [];
    const random = new PartitionRandom(seed, 0);
    const wanted = withReplacement ? n : Math.min(n, count);
    let rows: T[];
    if (!withReplacement && n >= count) rows = await this.collect(options);
    else {
      const fraction = sampleFraction(n, count, withReplacement);
      do rows = await this.sample(withReplacement, fraction, Math.floor(random.next() * 2 ** 31)).collect(options);
      while (rows.length < wanted);
    }
    for (let i = rows.length - 1; i > 0; i--) {
      const other = Math.floor(random.next() * (i + 1));
      [rows[i], rows[other]] = [rows[other]!, rows[i]!];
    }
    return rows.slice(0, n);
  }
}
