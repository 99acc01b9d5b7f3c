import { IllegalArgumentException, SparkError, SparkTypeError, UnsupportedOperationException } from '../errors.js';
import { newFolder, writeFile } from '../files/open.js';
import type { ActionOptions } from '../connect/action_options.js';
import type { SparkContext } from './context.js';
import { checkRemote, valueBlock, type AnyRemote, type Bound, type Dataset, type PlanBuilder, type RemoteWith as Fn } from './node.js';
import { FutureAction } from './future.js';
import { compare, identity } from './task/keys.js';
import { debugString } from './lineage.js';
import { FunctionPartitioner, type Partitioner } from './partitioner.js';
import { StorageLevel, type Aggregate, type Op } from './job_plan.js';
import { checkPartitions, combined, customPlacement, dealtOut, defaultPlacement, grouped, placedBy, placeOf, shuffled, sorted } from './shuffles.js';
import { PartitionRandom } from './task/random.js';
import { estimate } from './task/sketch.js';
import { StatCounter } from './stats.js';

/** Steps with one function. */
type Step = Exclude<Extract<Op, { call: unknown }>['t'], 'mapStates'>;
/** How many partitions, or which: by a partitioner. */
export type Partitions = number | Partitioner;

/**
 * A partitioned dataset of JavaScript values (Spark's `RDD`). Transformations are lazy and give new datasets; actions run a
 * job over the executors and return a promise.
 *
 * Functions run in workers: they see their arguments, and nothing of the page. Values that they need are bound to them
 * (`rdd.map((x, b) => x * b.factor, { factor: 3 })`) and come as the last argument. Pairs are arrays `[key, value]`.
 */
export class RDD<T> {
  /** @internal */
  constructor(readonly context: SparkContext, /** @internal */ readonly definition: Dataset) {}

  /** The dataset's number within its context. */
  get id(): number { return this.definition.id; }
  getNumPartitions(): number { return this.definition.partitions; }

  get #width(): number { return this.context.shufflePartitions ?? (this.definition.partitions || 1); }

  #of<U>(dataset: Dataset): RDD<U> { return new RDD<U>(this.context, dataset); }

  #narrow<U>(op: (plan: PlanBuilder) => Op, keeps = false): RDD<U> {
    const { definition } = this;
    return this.#of<U>(this.context.dataset({
      name: ['MapPartitionsRDD'], kind: 'narrow', parents: [definition], partitions: definition.partitions, op,
      placement: keeps ? definition.placement : undefined,
    }));
  }

  #step<U>(t: Step, f: AnyRemote, bound: Bound | undefined, keeps = false): RDD<U> {
    checkRemote(f, t, bound);
    return this.#narrow<U>((plan) => ({ t, call: plan.call(f, t, bound) }), keeps);
  }

  // Narrow: one pass over a partition.

  /** Each row's image. */
  map<U, B extends Bound = Bound>(f: Fn<[row: T], U, B>, bound?: B): RDD<U> { return this.#step<U>('map', f, bound); }
  /** All elements of each row's image, which must be iterable. */
  flatMap<U, B extends Bound = Bound>(f: Fn<[row: T], Iterable<U>, B>, bound?: B): RDD<U> { return this.#step<U>('flatMap', f, bound); }
  /** The rows for which `f` is truthy. */
  filter<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B): RDD<T> { return this.#step<T>('filter', f, bound, true); }
  /** What `f` makes of each partition, given as an iterator. */
  mapPartitions<U, B extends Bound = Bound>(f: Fn<[rows: IterableIterator<T>, index: number], Iterable<U>, B>, bound?: B): RDD<U> {
    return this.#step<U>('mapPartitions', f, bound);
  }
  /** What `f` makes of each partition, given its number and an iterator. */
  mapPartitionsWithIndex<U, B extends Bound = Bound>(f: Fn<[index: number, rows: IterableIterator<T>], Iterable<U>, B>, bound?: B): RDD<U> {
    return this.#step<U>('mapPartitionsWithIndex', f, bound);
  }
  /** Each partition as one array. */
  glom(): RDD<T[]> { return this.#narrow<T[]>(() => ({ t: 'glom' })); }
  /** `[f(row), row]`. */
  keyBy<K, B extends Bound = Bound>(f: Fn<[row: T], K, B>, bound?: B): RDD<[K, T]> { return this.#step<[K, T]>('keyBy', f, bound); }
  /** A share of the rows; the same seed gives the same rows. */
  sample(withReplacement: boolean, fraction: number, seed = 17): RDD<T> {
    if (!(fraction >= 0) || (!withReplacement && fraction > 1)) throw new IllegalArgumentException(`sample: the fraction (${fraction}) must be in [0, 1], or at least 0 with replacement`);
    return this.#narrow<T>(() => ({ t: 'sample', withReplacement, fraction, seed }), true);
  }
  /** Rows of equal position, as pairs; both need as many partitions, with as many rows each. */
  zip<U>(other: RDD<U>): RDD<[T, U]> {
    const parents = [this.definition, other.definition];
    if (parents[0]!.partitions !== parents[1]!.partitions) {
      throw new IllegalArgumentException(`Can only zip with RDD which has the same number of partitions: ${parents[0]!.partitions} and ${parents[1]!.partitions}`);
    }
    return this.#of<[T, U]>(this.context.dataset({
      name: ['ZippedPartitionsRDD2'], kind: 'zip', parents, partitions: parents[0]!.partitions, op: () => ({ t: 'zip' }),
    }));
  }
  /** `[row, index]` over all partitions; counts the partitions first, by a job of its own. */
  zipWithIndex(): RDD<[T, number]> {
    const { definition } = this;
    let offsets: number[] | undefined;
    return this.#of<[T, number]>(this.context.dataset({
      name: ['ZippedWithIndexRDD'], kind: 'narrow', parents: [definition], partitions: definition.partitions,
      op: () => ({ t: 'zipWithIndex', offsets: offsets ?? [] }),
      prepare: async () => {
        if (offsets || definition.partitions === 1) return;
        const counts = await this.context.run(definition, () => ({ t: 'count' }), 'zipWithIndex: count');
        let at = 0;
        offsets = counts.map(([n]) => (at += n as number) - (n as number));
      },
    }));
  }
  /** `[row, k · n + partition]` for the k-th row of a partition among n. */
  zipWithUniqueId(): RDD<[T, number]> { return this.#narrow<[T, number]>(() => ({ t: 'zipWithUniqueId', partitions: this.definition.partitions })); }
  /** All pairs of rows; partitions are pairs of partitions. */
  cartesian<U>(other: RDD<U>): RDD<[T, U]> {
    const parents = [this.definition, other.definition];
    return this.#of<[T, U]>(this.context.dataset({
      name: ['CartesianRDD'], kind: 'cartesian', parents, partitions: parents[0]!.partitions * parents[1]!.partitions,
    }));
  }
  /** The rows of both; duplicates stay. */
  union(other: RDD<T>): RDD<T> { return this.context.union<T>([this, other]); }
  /** Fewer partitions, made of neighbours; more only with `shuffle`. */
  coalesce(numPartitions: number, shuffle = false): RDD<T> {
    const n = checkPartitions(numPartitions, 'coalesce');
    if (shuffle) return this.repartition(n);
    const from = this.definition.partitions;
    const count = Math.min(n, from);
    const groups = Array.from({ length: count }, (_, i) => {
      const [first, last] = [Math.floor((i * from) / count), Math.floor(((i + 1) * from) / count)];
      return Array.from({ length: last - first }, (_, k) => first + k);
    });
    return this.#of<T>(this.context.dataset({ name: ['CoalescedRDD'], kind: 'coalesce', parents: [this.definition], partitions: count, groups }));
  }

  // Wide: rows move.

  /** The rows dealt out evenly among `numPartitions`. */
  repartition(numPartitions: number): RDD<T> {
    return this.#of<T>(dealtOut(this.context, this.definition, checkPartitions(numPartitions, 'repartition')));
  }
  /** Each value once, in the order in which they are first met. */
  distinct(partitions: Partitions = this.#width): RDD<T> {
    const pairs = this.#narrow<[T, null]>(() => ({ t: 'pairs' }));
    return pairs.reduceByKey((a) => a, partitions).keys();
  }
  /** Rows by what `f` gives for them. */
  groupBy<K, B extends Bound = Bound>(f: Fn<[row: T], K, B>, partitions?: Partitions, bound?: B): RDD<[K, T[]]> {
    return this.keyBy<K, B>(f, bound).groupByKey(partitions);
  }
  /** Sorted by what `f` gives for the rows; partition i has smaller keys than partition i + 1. Stable. */
  sortBy<K, B extends Bound = Bound>(f: Fn<[row: T], K, B>, ascending = true, numPartitions = this.#width, bound?: B): RDD<T> {
    checkRemote(f, 'sortBy', bound);
    return this.#of<T>(sorted(this.context, this.definition, ascending, checkPartitions(numPartitions, 'sortBy'), f, bound));
  }
  /** Rows that both have, each once. */
  intersection(other: RDD<T>, partitions?: Partitions): RDD<T> {
    const [a, b] = [this.#asKeys(), other.#asKeys()];
    return a.cogroup(b, partitions).filter(([, [x, y]]) => x.length > 0 && y.length > 0).keys();
  }
  /** Rows that `other` has not; duplicates stay. */
  subtract(other: RDD<T>, partitions: Partitions = this.#width): RDD<T> {
    return this.#asKeys().subtractByKey(other.#asKeys(), partitions).keys();
  }
  #asKeys(): RDD<[T, null]> { return this.#narrow<[T, null]>(() => ({ t: 'pairs' })); }

  // Pairs.

  /** First elements. */
  keys<K, V>(this: RDD<[K, V]>): RDD<K> { return this.#narrow<K>(() => ({ t: 'keys' })); }
  /** Second elements. */
  values<K, V>(this: RDD<[K, V]>): RDD<V> { return this.#narrow<V>(() => ({ t: 'values' })); }
  /** Each value's image under the same key; partitions keep their keys. */
  mapValues<K, V, U, B extends Bound = Bound>(this: RDD<[K, V]>, f: Fn<[value: V], U, B>, bound?: B): RDD<[K, U]> {
    return this.#step<[K, U]>('mapValues', f, bound, true);
  }
  /** All elements of each value's image, under the same key. */
  flatMapValues<K, V, U, B extends Bound = Bound>(this: RDD<[K, V]>, f: Fn<[value: V], Iterable<U>, B>, bound?: B): RDD<[K, U]> {
    return this.#step<[K, U]>('flatMapValues', f, bound, true);
  }
  /**
   * Pairs placed by key: by a partitioner, or into so many partitions by the key's hash (the JVM's), or by a function of the key,
   * modulo their number.
   */
  partitionBy<K, V, B extends Bound = Bound>(this: RDD<[K, V]>, partitions: Partitions, f?: Fn<[key: K], number, B>, bound?: B): RDD<[K, V]> {
    let placement = placedBy(this.context, partitions, 'partitionBy');
    if (f) {
      if (typeof partitions !== 'number') throw new SparkTypeError('partitionBy: a function of the key goes with a number of partitions, not with a partitioner');
      checkRemote(f, 'partitionBy', bound);
      placement = customPlacement(partitions, f, bound);
    }
    return this.#of<[K, V]>(shuffled(this.context, this.definition, placement));
  }
  /** Placed by key and sorted by key within each partition. */
  repartitionAndSortWithinPartitions<K, V>(this: RDD<[K, V]>, partitions: Partitions, ascending = true): RDD<[K, V]> {
    return this.partitionBy(partitions).#narrow<[K, V]>(() => ({ t: 'sort', ascending }), true);
  }
  #combined<U>(method: string, partitions: Partitions | undefined, aggregate: (plan: PlanBuilder) => Aggregate, mapSide = true): RDD<U> {
    const placement = defaultPlacement(this.context, [this.definition], partitions, method);
    return this.#of<U>(combined(this.context, this.definition, placement, aggregate, mapSide));
  }
  /** The values of each key, in the order of their partitions. */
  groupByKey<K, V>(this: RDD<[K, V]>, partitions?: Partitions): RDD<[K, V[]]> {
    return this.#combined<[K, V[]]>('groupByKey', partitions, () => ({ t: 'group' }), false);
  }
  /** The values of each key merged by an associative, commutative function; merged before they move, too. */
  reduceByKey<K, V, B extends Bound = Bound>(this: RDD<[K, V]>, f: Fn<[a: V, b: V], V, B>, partitions?: Partitions, bound?: B): RDD<[K, V]> {
    checkRemote(f, 'reduceByKey', bound);
    return this.#combined<[K, V]>('reduceByKey', partitions, (plan) => ({ t: 'reduce', merge: plan.call(f, 'reduceByKey', bound) }));
  }
  /** As reduceByKey, from a zero value that is used once per key and partition. */
  foldByKey<K, V, B extends Bound = Bound>(this: RDD<[K, V]>, zero: V, f: Fn<[a: V, b: V], V, B>, partitions?: Partitions, bound?: B): RDD<[K, V]> {
    return this.aggregateByKey<K, V, V, B>(zero, f, f, partitions, bound);
  }
  /** Values of a key folded from a zero value within a partition by `merge`, then across partitions by `combine`. */
  aggregateByKey<K, V, U, B extends Bound = Bound>(
    this: RDD<[K, V]>, zero: U, merge: Fn<[sum: U, value: V], U, B>, combine: Fn<[a: U, b: U], U, B>, partitions?: Partitions, bound?: B,
  ): RDD<[K, U]> {
    valueBlock(zero, 'aggregateByKey');
    checkRemote(merge, 'aggregateByKey', bound);
    checkRemote(combine, 'aggregateByKey', bound);
    return this.#combined<[K, U]>('aggregateByKey', partitions, (plan) => ({
      t: 'fold', zero: plan.value(zero), merge: plan.call(merge, 'aggregateByKey', bound), combine: plan.call(combine, 'aggregateByKey', bound),
    }));
  }
  /** The general form: `create` a sum from a first value, `merge` further ones, `combine` sums of different partitions. */
  combineByKey<K, V, C, B extends Bound = Bound>(
    this: RDD<[K, V]>, create: Fn<[value: V], C, B>, merge: Fn<[sum: C, value: V], C, B>, combine: Fn<[a: C, b: C], C, B>,
    partitions?: Partitions, bound?: B,
  ): RDD<[K, C]> {
    for (const f of [create, merge, combine]) checkRemote(f as AnyRemote, 'combineByKey', bound);
    return this.#combined<[K, C]>('combineByKey', partitions, (plan) => ({
      t: 'combine', create: plan.call(create, 'combineByKey', bound), merge: plan.call(merge, 'combineByKey', bound),
      combine: plan.call(combine, 'combineByKey', bound),
    }));
  }
  #grouped<U>(others: readonly RDD<unknown>[], partitions: Partitions | undefined, op: Op, method: string): RDD<U> {
    const parents = [this.definition, ...others.map((other) => other.definition)];
    return this.#of<U>(grouped(this.context, parents, defaultPlacement(this.context, parents, partitions, method), op));
  }
  /** For each key of either: the values of both. */
  cogroup<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V[], W[]]]> {
    return this.#grouped<[K, [V[], W[]]]>([other as RDD<unknown>], partitions, { t: 'cogroup' }, 'cogroup');
  }
  /** For each key of any: the values of all. */
  groupWith<K, V>(this: RDD<[K, V]>, ...others: RDD<[K, unknown]>[]): RDD<[K, unknown[][]]> {
    return this.#grouped<[K, unknown[][]]>(others as RDD<unknown>[], undefined, { t: 'cogroup' }, 'groupWith');
  }
  /** All pairs of values of equal keys. */
  join<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V, W]]> {
    return this.#grouped<[K, [V, W]]>([other as RDD<unknown>], partitions, { t: 'join', left: false, right: false }, 'join');
  }
  /** As join; a left value without a partner meets null. */
  leftOuterJoin<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V, W | null]]> {
    return this.#grouped<[K, [V, W | null]]>([other as RDD<unknown>], partitions, { t: 'join', left: true, right: false }, 'leftOuterJoin');
  }
  /** As join; a right value without a partner meets null. */
  rightOuterJoin<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V | null, W]]> {
    return this.#grouped<[K, [V | null, W]]>([other as RDD<unknown>], partitions, { t: 'join', left: false, right: true }, 'rightOuterJoin');
  }
  /** As join; a value of either side without a partner meets null. */
  fullOuterJoin<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, [V | null, W | null]]> {
    return this.#grouped<[K, [V | null, W | null]]>([other as RDD<unknown>], partitions, { t: 'join', left: true, right: true }, 'fullOuterJoin');
  }
  /** Pairs whose key `other` has not. */
  subtractByKey<K, V, W>(this: RDD<[K, V]>, other: RDD<[K, W]>, partitions?: Partitions): RDD<[K, V]> {
    return this.#grouped<[K, V]>([other as RDD<unknown>], partitions, { t: 'subtractByKey' }, 'subtractByKey');
  }
  /** Sorted by key; partition i has smaller keys than partition i + 1. */
  sortByKey<K, V>(this: RDD<[K, V]>, ascending = true, numPartitions = this.#width): RDD<[K, V]> {
    return this.#of<[K, V]>(sorted(this.context, this.definition, ascending, checkPartitions(numPartitions, 'sortByKey')));
  }

  /** `[key, [a, b]]` → `[key, f(a, b)]`, or `[key, a]` where there is no b. @internal */
  invertValues(f: AnyRemote, bound?: Bound): RDD<[unknown, unknown]> {
    return this.#narrow<[unknown, unknown]>((plan) => ({ t: 'invert', call: plan.call(f, 'reduceByKeyAndWindow', bound) }), true);
  }
  /** `[key, [[state], values]]` → `[key, f(values, state)]`, where that is something. @internal */
  updateStates<S>(f: AnyRemote, bound?: Bound): RDD<[unknown, S]> {
    return this.#narrow<[unknown, S]>((plan) => ({ t: 'updateState', call: plan.call(f, 'updateStateByKey', bound) }), true);
  }
  /** `[key, [[[state, updatedMs]], values]]` → tagged states and what the function gave. @internal */
  mapStates(f: AnyRemote, bound: Bound | undefined, timeMs: number, timeoutMs: number | null): RDD<unknown> {
    return this.#narrow<unknown>((plan) => ({ t: 'mapStates', call: plan.call(f, 'mapWithState', bound), timeMs, timeoutMs }), true);
  }
  /** Second elements of the rows whose first is the tag: states, which stay where their keys are, or what a function gave. @internal */
  tagged<U>(tag: 0 | 1): RDD<U> { return this.#narrow<U>(() => ({ t: 'tagged', tag }), tag === 0); }

  // Keeping.

  /**
   * Keeps each partition, once computed, in the executor that computed it. Later tasks run there, or fetch it from there; what
   * is under it does not run again. A partition whose executor is lost, or that memory has no room for, is computed again from
   * lineage.
   */
  persist(level: StorageLevel = 'MEMORY_ONLY'): this {
    const { definition } = this;
    if (!(level in StorageLevel)) throw new IllegalArgumentException(`Invalid StorageLevel: ${level}; the levels are ${Object.keys(StorageLevel).join(', ')}`);
    if (definition.level && definition.level !== level) {
      throw new UnsupportedOperationException('Cannot change storage level of an RDD after it was already assigned a level');
    }
    definition.level = level;
    this.context.watch(definition);
    return this;
  }
  /** As persist, in memory. */
  cache(): this { return this.persist(); }
  /** Frees what is kept of it, and computes it anew from now on. */
  unpersist(): this {
    if (this.definition.level) this.context.unkeep(this.definition);
    this.definition.level = null;
    return this;
  }
  /**
   * Marks it to be written into the context's checkpoint directory when the next job over it is done: its lineage ends there.
   * Keep it (`persist`), or it is computed once more to be written.
   */
  checkpoint(): void {
    if (!this.context.checkpoints) throw new SparkError('Checkpoint directory has not been set in the SparkContext: call sc.setCheckpointDir first', { condition: 'SPARK_NO_CHECKPOINT_DIR' });
    this.definition.checkpoint ??= 'wanted';
  }
  isCheckpointed(): boolean { return this.definition.checkpoint === 'written'; }
  /** Where it is kept; null is nowhere. */
  getStorageLevel(): StorageLevel | null { return this.definition.level; }
  /** The lineage as text. */
  toDebugString(): string { return debugString(this.definition); }

  // Actions.

  // In the background, to be cancelled.

  collectAsync(): FutureAction<T[]> { return new FutureAction((signal) => this.collect({ signal })); }
  countAsync(): FutureAction<number> { return new FutureAction((signal) => this.count({ signal })); }
  takeAsync(n: number): FutureAction<T[]> { return new FutureAction((signal) => this.take(n, { signal })); }
  foreachAsync<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B): FutureAction<void> {
    return new FutureAction((signal) => this.foreach<B>(f, bound, { signal }));
  }
  foreachPartitionAsync<B extends Bound = Bound>(f: Fn<[rows: IterableIterator<T>, index: number], unknown, B>, bound?: B): FutureAction<void> {
    return new FutureAction((signal) => this.foreachPartition<B>(f, bound, { signal }));
  }

  /** All rows, partition after partition. */
  async collect(options?: ActionOptions): Promise<T[]> {
    return (await this.context.run(this.definition, () => ({ t: 'collect' }), 'collect', options)).flat() as T[];
  }
  /** The rows one partition at a time, each fetched when it is asked for. */
  async *toLocalIterator(options?: ActionOptions): AsyncGenerator<T, void, undefined> {
    for (let i = 0; i < this.definition.partitions; i++) {
      const [part] = await this.context.run(this.definition, () => ({ t: 'collect' }), 'toLocalIterator', options, [i]);
      yield* part as T[];
    }
  }
  /**
   * Writes each partition as a text file `part-00000`, one row a line, and an empty `_SUCCESS` when all are there: below an
   * `opfs:` path or into a folder's handle, which must be empty. Rows that are no strings are written as JSON. One partition at a
   * time comes to the page.
   */
  async saveAsTextFile(target: string | FileSystemDirectoryHandle, options?: ActionOptions): Promise<void> {
    const folder = await newFolder(target);
    const lines = this.mapPartitions((rows) => {
      const texts = Array.from(rows, (row) => (typeof row === 'string' ? row : JSON.stringify(row) ?? String(row)));
      return texts.length > 0 ? [`${texts.join('\n')}\n`] : [];
    });
    for (let i = 0; i < this.definition.partitions; i++) {
      const [part] = await this.context.run(lines.definition, () => ({ t: 'collect' }), 'saveAsTextFile', options, [i]);
      await writeFile(folder, `part-${String(i).padStart(5, '0')}`, (part as string[]).join(''));
    }
    await writeFile(folder, '_SUCCESS', '');
  }
  /** Key → last value. */
  async collectAsMap<K, V>(this: RDD<[K, V]>, options?: ActionOptions): Promise<Map<K, V>> {
    return new Map(new Map((await this.collect(options)).map((pair) => [identity(pair[0]), pair])).values());
  }
  /** How many rows there are. */
  async count(options?: ActionOptions): Promise<number> {
    const parts = await this.context.run(this.definition, () => ({ t: 'count' }), 'count', options);
    return parts.reduce((sum, [n]) => sum + (n as number), 0);
  }
  /** The first `n` rows; looks at few partitions first. */
  async take(n: number, options?: ActionOptions): Promise<T[]> {
    const out: T[] = [];
    for (let at = 0, some = 1; at < this.definition.partitions && out.length < n; at += some, some *= 4) {
      const only = Array.from({ length: Math.min(some, this.definition.partitions - at) }, (_, i) => at + i);
      const left = n - out.length;
      for (const part of await this.context.run(this.definition, () => ({ t: 'take', n: left }), 'take', options, only)) out.push(...(part as T[]));
    }
    return out.slice(0, n);
  }
  /** The first row; an IllegalArgumentException where there is none. */
  async first(options?: ActionOptions): Promise<T> {
    const [row] = await this.take(1, options);
    if (row === undefined && (await this.isEmpty(options))) throw new IllegalArgumentException('first: the RDD is empty');
    return row as T;
  }
  async isEmpty(options?: ActionOptions): Promise<boolean> { return (await this.take(1, options)).length === 0; }
  /** All rows merged by an associative, commutative function; an error where there is none. */
  async reduce<B extends Bound = Bound>(f: Fn<[a: T, b: T], T, B>, bound?: B, options?: ActionOptions): Promise<T> {
    checkRemote(f, 'reduce', bound);
    const parts = await this.context.run(this.definition, (plan) => ({ t: 'reduce', call: plan.call(f, 'reduce', bound) }), 'reduce', options);
    const sums = parts.flat() as T[];
    if (sums.length === 0) throw new IllegalArgumentException('reduce: the RDD is empty');
    return this.#mergeAll(sums, f, bound, options);
  }
  /** As reduce, from a zero value that is used once per partition and once for the merge. */
  async fold<B extends Bound = Bound>(zero: T, f: Fn<[a: T, b: T], T, B>, bound?: B, options?: ActionOptions): Promise<T> {
    valueBlock(zero, 'fold');
    checkRemote(f, 'fold', bound);
    const parts = await this.context.run(this.definition, (plan) => ({ t: 'fold', zero: plan.value(zero), call: plan.call(f, 'fold', bound) }), 'fold', options);
    return this.#mergeAll([zero, ...(parts.flat() as T[])], f, bound, options);
  }
  /** Rows folded into a sum of another type per partition, the sums then combined from the zero value on. */
  async aggregate<U, B extends Bound = Bound>(
    zero: U, seq: Fn<[sum: U, row: T], U, B>, combine: Fn<[a: U, b: U], U, B>, bound?: B, options?: ActionOptions,
  ): Promise<U> {
    valueBlock(zero, 'aggregate');
    checkRemote(seq, 'aggregate', bound);
    checkRemote(combine, 'aggregate', bound);
    const parts = await this.context.run(this.definition, (plan) => ({ t: 'fold', zero: plan.value(zero), call: plan.call(seq, 'aggregate', bound) }), 'aggregate', options);
    return new RDD<U>(this.context, this.definition).#mergeAll([zero, ...(parts.flat() as U[])], combine, bound, options);
  }
  /** As reduce; where there are many partitions, their sums are merged by several tasks first, in so many levels. */
  async treeReduce<B extends Bound = Bound>(f: Fn<[a: T, b: T], T, B>, depth = 2, bound?: B, options?: ActionOptions): Promise<T> {
    checkRemote(f, 'treeReduce', bound);
    const sums = this.#narrow<T>((plan) => ({ t: 'fold', call: plan.call(f, 'treeReduce', bound) }));
    return sums.#tree(f, depth, 'treeReduce', bound).reduce<B>(f, bound, options);
  }
  /** As aggregate; where there are many partitions, their sums are combined by several tasks first, in so many levels. */
  async treeAggregate<U, B extends Bound = Bound>(
    zero: U, seq: Fn<[sum: U, row: T], U, B>, combine: Fn<[a: U, b: U], U, B>, depth = 2, bound?: B, options?: ActionOptions,
  ): Promise<U> {
    valueBlock(zero, 'treeAggregate');
    checkRemote(seq, 'treeAggregate', bound);
    checkRemote(combine, 'treeAggregate', bound);
    const sums = this.#narrow<U>((plan) => ({ t: 'fold', zero: plan.value(zero), call: plan.call(seq, 'treeAggregate', bound) }));
    return sums.#tree(combine, depth, 'treeAggregate', bound).fold<B>(zero, combine, bound, options);
  }
  /** Sums of partitions, made fewer as long as one more level is worth it. */
  #tree<B extends Bound>(combine: Fn<[a: T, b: T], T, B>, depth: number, method: string, bound: B | undefined): RDD<T> {
    if (!Number.isInteger(depth) || depth < 1) throw new IllegalArgumentException(`${method}: Depth of tree must be greater than 0 but got ${depth}`);
    let sums: RDD<T> = this;
    let n = this.getNumPartitions();
    const scale = Math.max(2, Math.ceil(n ** (1 / depth)));
    while (n > scale + Math.ceil(n / scale)) {
      n = Math.floor(n / scale);
      sums = sums.mapPartitionsWithIndex<[number, T], { n: number }>((i, rows, b) => Array.from(rows, (sum): [number, T] => [i % b.n, sum]), { n }).reduceByKey<number, T, B>(combine, n, bound).values();
    }
    return sums;
  }
  /** Sums of partitions merged in an executor: functions run there and nowhere else. */
  async #mergeAll<B extends Bound>(sums: T[], f: AnyRemote, bound: B | undefined, options?: ActionOptions): Promise<T> {
    if (sums.length === 1) return sums[0]!;
    const last = this.context.parallelize(sums, 1);
    const [part] = await this.context.run(last.definition, (plan) => ({ t: 'reduce', call: plan.call(f, 'reduce', bound) }), 'reduce: merge', options);
    return part![0] as T;
  }
  /** Calls `f` on each row, in the executors. */
  async foreach<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B, options?: ActionOptions): Promise<void> {
    checkRemote(f, 'foreach', bound);
    await this.context.run(this.definition, (plan) => ({ t: 'foreach', call: plan.call(f, 'foreach', bound) }), 'foreach', options);
  }
  /** Calls `f` on each partition, in the executors. */
  async foreachPartition<B extends Bound = Bound>(f: Fn<[rows: IterableIterator<T>, index: number], unknown, B>, bound?: B, options?: ActionOptions): Promise<void> {
    checkRemote(f, 'foreachPartition', bound);
    await this.context.run(this.definition, (plan) => ({ t: 'foreachPartition', call: plan.call(f, 'foreachPartition', bound) }), 'foreachPartition', options);
  }
  async #ordered<K, B extends Bound>(n: number, descending: boolean, by: AnyRemote | undefined, bound: B | undefined, method: string, options?: ActionOptions): Promise<T[]> {
    if (by) checkRemote(by, method, bound);
    const parts = await this.context.run(
      this.definition, (plan) => ({ t: 'takeOrdered', n, descending, ...(by && { by: plan.call(by, method, bound) }) }), method, options,
    ) as [K, T][][];
    const sign = descending ? -1 : 1;
    return parts.flat().sort((a, b) => sign * compare(a[0], b[0])).slice(0, n).map(([, row]) => row);
  }
  /** The `n` smallest rows, or those with the smallest keys. */
  takeOrdered<K, B extends Bound = Bound>(n: number, by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T[]> {
    return this.#ordered<K, B>(n, false, by, bound, 'takeOrdered', options);
  }
  /** The `n` largest rows, or those with the largest keys, largest first. */
  top<K, B extends Bound = Bound>(n: number, by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T[]> {
    return this.#ordered<K, B>(n, true, by, bound, 'top', options);
  }
  async min<K, B extends Bound = Bound>(by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T> {
    const [row] = await this.takeOrdered(1, by, bound, options);
    if (row === undefined) throw new IllegalArgumentException('min: the RDD is empty');
    return row;
  }
  async max<K, B extends Bound = Bound>(by?: Fn<[row: T], K, B>, bound?: B, options?: ActionOptions): Promise<T> {
    const [row] = await this.top(1, by, bound, options);
    if (row === undefined) throw new IllegalArgumentException('max: the RDD is empty');
    return row;
  }
  /** Count, mean, variance, extremes in one pass. */
  async stats(this: RDD<number>, options?: ActionOptions): Promise<StatCounter> {
    const parts = await this.context.run(this.definition, () => ({ t: 'stats' }), 'stats', options);
    return StatCounter.of(parts.map(([part]) => part as [number, number, number, number, number]));
  }
  async sum(this: RDD<number>, options?: ActionOptions): Promise<number> { return this.fold(0, (a, b) => a + b, undefined, options); }
  async mean(this: RDD<number>, options?: ActionOptions): Promise<number> { return (await this.stats(options)).mean(); }
  async variance(this: RDD<number>, options?: ActionOptions): Promise<number> { return (await this.stats(options)).variance(); }
  async stdev(this: RDD<number>, options?: ActionOptions): Promise<number> { return (await this.stats(options)).stdev(); }
  async sampleVariance(this: RDD<number>, options?: ActionOptions): Promise<number> { return (await this.stats(options)).sampleVariance(); }
  async sampleStdev(this: RDD<number>, options?: ActionOptions): Promise<number> { return (await this.stats(options)).sampleStdev(); }
  /** Counts per bucket: of so many buckets of equal width between the extremes, or between given edges; the last is closed. */
  async histogram(this: RDD<number>, buckets: number | readonly number[], options?: ActionOptions): Promise<[edges: number[], counts: number[]]> {
    let edges: number[];
    if (typeof buckets === 'number') {
      if (!Number.isInteger(buckets) || buckets < 1) throw new IllegalArgumentException('histogram: number of buckets must be >= 1');
      const { min, max, count } = await this.stats(options);
      if (count === 0) throw new IllegalArgumentException('histogram: the RDD is empty');
      if (min === max || buckets === 1) edges = [min, max];
      else edges = [...Array.from({ length: buckets }, (_, i) => min + (i * (max - min)) / buckets), max];
    } else {
      edges = [...buckets];
      if (edges.length < 2 || edges.some((edge, i) => i > 0 && !(edge > edges[i - 1]!))) throw new IllegalArgumentException('histogram: buckets must be sorted, without duplicates, and at least two');
    }
    const parts = await this.context.run(this.definition, (plan) => ({ t: 'histogram', edges: plan.value(edges) }), 'histogram', options) as number[][];
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
   * How many different values there are, about (HyperLogLog): `relativeSD` is the standard error, of which the size of the sketch
   * follows (1.04 / √registers).
   */
  async countApproxDistinct(relativeSD = 0.05, options?: ActionOptions): Promise<number> {
    if (!(relativeSD >= 0.000017 && relativeSD <= 0.4)) throw new IllegalArgumentException(`countApproxDistinct: the accuracy (${relativeSD}) must be between 0.000017 and 0.4`);
    const bits = Math.max(4, Math.ceil(2 * Math.log2(1.04 / relativeSD)));
    const sketches = await this.context.run(this.definition, () => ({ t: 'distinctSketch', bits }), 'countApproxDistinct', options);
    return Math.round(estimate(sketches.map(([sketch]) => sketch as Uint8Array)));
  }
  /** How often each value occurs. */
  countByValue(options?: ActionOptions): Promise<Map<T, number>> { return this.#counts<T>('countByValue', options); }
  /** How many pairs each key has. */
  countByKey<K, V>(this: RDD<[K, V]>, options?: ActionOptions): Promise<Map<K, number>> { return this.#counts<K>('countByKey', options); }
  /** The values of a key; only one partition is looked at where keys are placed by their hash. */
  async lookup<K, V>(this: RDD<[K, V]>, key: K, options?: ActionOptions): Promise<V[]> {
    identity(key);
    const parts = await this.context.run(this.definition, (plan) => ({ t: 'lookup', key: plan.value(key) }), 'lookup', options, placeOf(this.definition, key));
    return parts.flat() as V[];
  }
  /**
   * `n` rows drawn at random, or all in random order where there are no more. A few more rows than that come to the page: a
   * sample large enough with a probability of 99.99 %, drawn again if it is not (`RDD.takeSample`).
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
      do rows = await this.sample(withReplacement, fraction, Math.floor(random.next() * 2 ** 31)).collect(options); while (rows.length < wanted);
    }
    for (let i = rows.length - 1; i > 0; i--) {
      const other = Math.floor(random.next() * (i + 1));
      [rows[i], rows[other]] = [rows[other]!, rows[i]!];
    }
    return rows.slice(0, n);
  }
}

/** The fraction with which a sample of `count` rows has at least `n` with a probability of 99.99 % (`SamplingUtils`). */
function sampleFraction(n: number, count: number, withReplacement: boolean): number {
  const fraction = n / count;
  if (withReplacement) return Math.max((n + (n < 12 ? 9 : 5) * Math.sqrt(n)) / count, 1e-10);
  const gamma = -Math.log(1e-4) / count;
  return Math.min(1, Math.max(1e-10, fraction + gamma + Math.sqrt(gamma * gamma + 2 * gamma * fraction)));
}
