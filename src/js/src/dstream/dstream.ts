import { IllegalArgumentException, SparkError, UnsupportedOperationException } from '../errors.js';
import type { StorageLevel } from '../rdd/job_plan.js';
import type { Partitions, RDD } from '../rdd/rdd.js';
import { type AnyRemote, type Bound, checkRemote, type RemoteWith as Fn } from '../rdd/remote.js';
import type { StreamingContext } from './context.js';
import type { StateSpec } from './map_with_state.js';

export type Maybe<T> = RDD<T> | undefined;

/**
 * A series of datasets, one per `slideMs` (`DStream`). Functions over rows run in the executors as those of RDDs do; functions over
 * whole datasets (`transform`, `foreachRDD`) run on the page, once per batch.
 * @example
 * ```ts
 * const clock = new ManualClock();
 * const ssc = new StreamingContext(sc, 1_000, clock);
 * const counts: [string, number][][] = [];
 * ssc.queueStream([sc.parallelize(['a b', 'b'])]).flatMap((line) => line.split(' ')).countByValue()
 *   .foreachRDD(async (rdd) => void counts.push((await rdd.collect()).sort()));
 * ssc.start();
 * clock.advanceTo(1_000);
 * await ssc.processed();
 * await ssc.stop();
 * counts; // → [[['a', 1], ['b', 2]]]
 * ```
 */
export abstract class DStream<T> {
  readonly #made = new Map<number, Promise<Maybe<T>>>();
  /** How long datasets are kept: as long as a window above looks back. */
  #keepMs: number;
  #level: StorageLevel | undefined;
  /** What it is, to tell whether a program is the one of a checkpoint. @internal */
  abstract readonly kind: string;
  /** Its number among the streams of its context. @internal */
  readonly number: number;

  /** Makes a stream whose datasets are computed from those of its parents, up to `reachMs` older than its own. */
  constructor(
    /** The context it belongs to. */ readonly ssc: StreamingContext,
    /** Time between two datasets, ms. */ readonly slideMs: number,
    protected readonly parents: readonly DStream<unknown>[],
    protected reachMs = 0,
  ) {
    this.number = ssc.register(this as never);
    this.#keepMs = slideMs;
  }

  /** The dataset of the interval that ends at this time. */
  protected abstract compute(timeMs: number): Maybe<T> | Promise<Maybe<T>>;

  /** Keeps the datasets of at least `durationMs`, and what it takes to make them again. @internal */
  keep(durationMs: number): void {
    this.#keepMs = Math.max(this.#keepMs, durationMs);
    for (const parent of this.parents) parent.keep(this.#keepMs + this.reachMs);
  }

  /** Returns the dataset of a time, made once; undefined for a time that is not one of this stream's. @internal */
  getOrCompute(timeMs: number): Promise<Maybe<T>> {
    const since = timeMs - this.ssc.zeroMs;
    if (since <= 0 || since % this.slideMs !== 0) return Promise.resolve(undefined);
    let made = this.#made.get(timeMs);
    if (!made) {
      this.#made.set(
        timeMs,
        (made = Promise.resolve(this.compute(timeMs)).then((rdd) => {
          if (this.#level && rdd && !rdd.getStorageLevel()) rdd.persist(this.#level);
          return rdd;
        })),
      );
    }
    return made;
  }

  /** Sets the dataset of a time. @internal */
  remember(timeMs: number, rdd: RDD<T>): void {
    this.#made.set(timeMs, Promise.resolve(rdd));
  }

  /** The oldest time whose dataset a batch of this time may need. @internal */
  neededSince(timeMs: number): number {
    return timeMs - Math.max(this.#keepMs, this.ssc.rememberMs) - this.slideMs;
  }

  /** Keeps each dataset in the executors once it is computed, as long as windows look back. */
  persist(level: StorageLevel = 'MEMORY_ONLY'): this {
    this.ssc.checkChange('storage level');
    this.#level = level;
    return this;
  }
  /** Keeps datasets as {@link persist} does, in memory. */
  cache(): this {
    return this.persist();
  }
  /** Keeps datasets unless a level is set: the stream after this one reads them again and again. @internal */
  reuse(): void {
    this.#level ??= 'MEMORY_ONLY';
  }
  /** Sets how often the state is written, in whole slides. Throws for a stream that keeps none. */
  checkpoint(_intervalMs: number): this {
    throw new UnsupportedOperationException(`checkpoint: this stream (${this.kind}) keeps no state to write`);
  }

  /** @internal */
  forgetBefore(timeMs: number): void {
    const since = this.neededSince(timeMs);
    for (const [time, made] of this.#made) {
      if (time > since) continue;
      this.#made.delete(time);
      made.then(
        (rdd) => rdd?.unpersist(),
        () => {
          /* whoever asked for it has the error */
        },
      );
    }
  }

  /**
   * Returns the datasets of the intervals that end in this closed range, rounded down to interval ends; later ones are left out.
   */
  async slice(fromMs: number, toMs: number): Promise<RDD<T>[]> {
    if (this.ssc.getState() === 'INITIALIZED')
      throw new SparkError(`${this.kind} has not been initialized`, { condition: 'STREAMING_CONTEXT_NOT_STARTED' });
    const floor = (time: number) => this.ssc.zeroMs + Math.floor((time - this.ssc.zeroMs) / this.slideMs) * this.slideMs;
    const out: RDD<T>[] = [];
    for (let time = floor(fromMs); time <= Math.min(toMs, this.ssc.submittedMs); time += this.slideMs) {
      const rdd = await this.getOrCompute(time);
      if (rdd) out.push(rdd);
    }
    return out;
  }

  // Dataset by dataset.

  /**
   * Returns what `f`, called on the page, makes of each dataset.
   * @example
   * ```ts
   * const clock = new ManualClock();
   * const ssc = new StreamingContext(sc, 1_000, clock);
   * const out: number[][] = [];
   * ssc.queueStream([sc.parallelize([3, 1, 2])]).transform((rdd) => rdd.sortBy((x) => x)).foreachRDD(async (rdd) => void out.push(await rdd.collect()));
   * ssc.start();
   * clock.advanceTo(1_000);
   * await ssc.processed();
   * await ssc.stop();
   * out; // → [[1, 2, 3]]
   * ```
   */
  transform<U>(f: (rdd: RDD<T>, timeMs: number) => RDD<U> | Promise<RDD<U>>): DStream<U> {
    return new Transformed<U>(this.ssc, [this as never], (rdds, time) => f(rdds[0] as RDD<T>, time));
  }
  /** Returns what `f` makes of the datasets of this and another stream; both need the same slide. */
  transformWith<U, V>(f: (rdd: RDD<T>, other: RDD<U>, timeMs: number) => RDD<V> | Promise<RDD<V>>, other: DStream<U>): DStream<V> {
    if (other.ssc !== this.ssc) throw new IllegalArgumentException('Some of the DStreams have different contexts');
    if (other.slideMs !== this.slideMs)
      throw new IllegalArgumentException(`Some of the DStreams have different slide durations: ${this.slideMs} and ${other.slideMs} ms`);
    return new Transformed<V>(this.ssc, [this as never, other as never], (rdds, time) => f(rdds[0] as RDD<T>, rdds[1] as RDD<U>, time));
  }

  /** Maps each row ({@link RDD.map}). */
  map<U, B extends Bound = Bound>(f: Fn<[row: T], U, B>, bound?: B): DStream<U> {
    checkRemote(f, 'map', bound);
    return this.transform((rdd) => rdd.map(f, bound));
  }
  /** Maps each row to an iterable, and returns all elements of these ({@link RDD.flatMap}). */
  flatMap<U, B extends Bound = Bound>(f: Fn<[row: T], Iterable<U>, B>, bound?: B): DStream<U> {
    checkRemote(f, 'flatMap', bound);
    return this.transform((rdd) => rdd.flatMap(f, bound));
  }
  /** Keeps the rows for which `f` is truthy ({@link RDD.filter}). */
  filter<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B): DStream<T> {
    checkRemote(f, 'filter', bound);
    return this.transform((rdd) => rdd.filter(f, bound));
  }
  /** Maps each partition, which comes as an iterator ({@link RDD.mapPartitions}). */
  mapPartitions<U, B extends Bound = Bound>(f: Fn<[rows: IterableIterator<T>, index: number], Iterable<U>, B>, bound?: B): DStream<U> {
    checkRemote(f, 'mapPartitions', bound);
    return this.transform((rdd) => rdd.mapPartitions(f, bound));
  }
  /** Returns each partition as one array. */
  glom(): DStream<T[]> {
    return this.transform((rdd) => rdd.glom());
  }
  /** Spreads the rows of each dataset evenly over `numPartitions`. */
  repartition(numPartitions: number): DStream<T> {
    return this.transform((rdd) => rdd.repartition(numPartitions));
  }
  /** Returns the rows of both; duplicates stay. */
  union(other: DStream<T>): DStream<T> {
    return this.transformWith((a, b) => a.union(b), other);
  }
  /** Counts the rows of each dataset. */
  count(): DStream<number> {
    return this.transform((rdd) =>
      rdd
        .mapPartitions((rows) => {
          let n = 0;
          for (const _ of rows) n++;
          return [n];
        })
        .union(this.ssc.sparkContext.parallelize([0], 1)),
    ).reduce((a, b) => a + b);
  }
  /** Merges all rows of each dataset into one; an empty dataset stays empty. */
  reduce<B extends Bound = Bound>(f: Fn<[a: T, b: T], T, B>, bound?: B): DStream<T> {
    checkRemote(f, 'reduce', bound);
    return this.transform((rdd) =>
      rdd
        .map((x) => [null, x] as [null, T])
        .reduceByKey(f, 1, bound)
        .values(),
    );
  }
  /** Counts the occurrences of each value, dataset by dataset. */
  countByValue(partitions?: Partitions): DStream<[T, number]> {
    return this.transform((rdd) => rdd.map((x) => [x, 1] as [T, number]).reduceByKey((a, b) => a + b, partitions));
  }

  // Pairs.

  /** Maps each value under the same key ({@link RDD.mapValues}). */
  mapValues<K, V, U, B extends Bound = Bound>(this: DStream<[K, V]>, f: Fn<[value: V], U, B>, bound?: B): DStream<[K, U]> {
    checkRemote(f, 'mapValues', bound);
    return this.transform((rdd) => rdd.mapValues(f, bound));
  }
  /** Maps each value to an iterable under the same key ({@link RDD.flatMapValues}). */
  flatMapValues<K, V, U, B extends Bound = Bound>(this: DStream<[K, V]>, f: Fn<[value: V], Iterable<U>, B>, bound?: B): DStream<[K, U]> {
    checkRemote(f, 'flatMapValues', bound);
    return this.transform((rdd) => rdd.flatMapValues(f, bound));
  }
  /** Merges the values of each key, dataset by dataset ({@link RDD.reduceByKey}). */
  reduceByKey<K, V, B extends Bound = Bound>(
    this: DStream<[K, V]>,
    f: Fn<[a: V, b: V], V, B>,
    partitions?: Partitions,
    bound?: B,
  ): DStream<[K, V]> {
    checkRemote(f, 'reduceByKey', bound);
    return this.transform((rdd) => rdd.reduceByKey(f, partitions, bound));
  }
  /** Gathers the values of each key, dataset by dataset ({@link RDD.groupByKey}). */
  groupByKey<K, V>(this: DStream<[K, V]>, partitions?: Partitions): DStream<[K, V[]]> {
    return this.transform((rdd) => rdd.groupByKey(partitions));
  }
  /** Combines the values of each key, dataset by dataset ({@link RDD.combineByKey}). */
  combineByKey<K, V, C, B extends Bound = Bound>(
    this: DStream<[K, V]>,
    create: Fn<[value: V], C, B>,
    merge: Fn<[sum: C, value: V], C, B>,
    combine: Fn<[a: C, b: C], C, B>,
    partitions?: Partitions,
    bound?: B,
  ): DStream<[K, C]> {
    for (const f of [create, merge, combine]) checkRemote(f as AnyRemote, 'combineByKey', bound);
    return this.transform((rdd) => rdd.combineByKey(create, merge, combine, partitions, bound));
  }
  /** Gathers, for each key of either, the values of both ({@link RDD.cogroup}). */
  cogroup<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V[], W[]]]> {
    return this.transformWith((a, b) => a.cogroup(b, partitions), other);
  }
  /** Returns all pairs of values of equal keys ({@link RDD.join}). */
  join<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V, W]]> {
    return this.transformWith((a, b) => a.join(b, partitions), other);
  }
  /** Joins; a left value without a partner gets null. */
  leftOuterJoin<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V, W | null]]> {
    return this.transformWith((a, b) => a.leftOuterJoin(b, partitions), other);
  }
  /** Joins; a right value without a partner gets null. */
  rightOuterJoin<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V | null, W]]> {
    return this.transformWith((a, b) => a.rightOuterJoin(b, partitions), other);
  }
  /** Joins; a value of either side without a partner gets null. */
  fullOuterJoin<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V | null, W | null]]> {
    return this.transformWith((a, b) => a.fullOuterJoin(b, partitions), other);
  }
  /**
   * Keeps a state per key, changed by every batch: calls `f(newValues, oldState)` for every key that has a state or new values. The
   * old state is null for a new key; returning null or undefined ends the state. Needs a checkpoint directory.
   */
  updateStateByKey<K, V, S, B extends Bound = Bound>(
    this: DStream<[K, V]>,
    f: Fn<[values: V[], state: S | null], S | null | undefined, B>,
    partitions?: Partitions,
    initial?: RDD<[K, S]>,
    bound?: B,
  ): DStream<[K, S]> {
    checkRemote(f, 'updateStateByKey', bound);
    return this.ssc.streams.stateByKey<K, V, S>(this, f, partitions, initial, bound);
  }

  /** Maps each pair by a function that keeps a state per key; see {@link StateSpec}. Needs a checkpoint directory. */
  mapWithState<K, V, S, M>(this: DStream<[K, V]>, spec: StateSpec<K, V, S, M>): MapWithStateDStream<K, S, M> {
    return this.ssc.streams.mapWithState(this, spec);
  }

  // Windows; ms.

  /**
   * Returns all rows of the last `windowMs`, every `slideMs`. Throws unless both are multiples of this stream's slide.
   * @example
   * ```ts
   * const clock = new ManualClock();
   * const ssc = new StreamingContext(sc, 1_000, clock);
   * const sums: number[] = [];
   * const queue = [sc.parallelize([1]), sc.parallelize([2]), sc.parallelize([3])];
   * ssc.queueStream(queue).window(2_000).foreachRDD(async (rdd) => void sums.push(await rdd.fold(0, (a, b) => a + b)));
   * ssc.start();
   * for (const ms of [1_000, 2_000, 3_000]) clock.advanceTo(ms);
   * await ssc.processed();
   * await ssc.stop();
   * sums; // → [1, 3, 5]
   * ```
   */
  window(windowMs: number, slideMs: number = this.slideMs): DStream<T> {
    return new Windowed<T>(this.ssc, this, windowMs, slideMs);
  }
  /** Merges the rows of a window; with an inverse, and a window of at least five slides, by what enters and what leaves. */
  reduceByWindow<B extends Bound = Bound>(
    f: Fn<[a: T, b: T], T, B>,
    inverse: Fn<[a: T, b: T], T, B> | null,
    windowMs: number,
    slideMs: number = this.slideMs,
    bound?: B,
  ): DStream<T> {
    return this.map((x) => [1, x] as [number, T])
      .reduceByKeyAndWindow(f, inverse, windowMs, slideMs, 1, null, bound)
      .map(([, x]) => x);
  }
  /** Counts the rows of the last `windowMs`, every `slideMs`. */
  countByWindow(windowMs: number, slideMs: number = this.slideMs): DStream<number> {
    return this.map(() => 1).reduceByWindow(
      (a, b) => a + b,
      (a, b) => a - b,
      windowMs,
      slideMs,
    );
  }
  /** Counts the occurrences of each value in the last `windowMs`, every `slideMs`. */
  countByValueAndWindow(windowMs: number, slideMs: number = this.slideMs, partitions?: Partitions): DStream<[T, number]> {
    return this.map((x) => [x, 1] as [T, number])
      .reduceByKeyAndWindow(
        (a: number, b: number) => a + b,
        (a: number, b: number) => a - b,
        windowMs,
        slideMs,
        partitions,
      )
      .filter(([, n]) => n > 0);
  }
  /** Gathers the values of each key in the last `windowMs`, every `slideMs`. */
  groupByKeyAndWindow<K, V>(
    this: DStream<[K, V]>,
    windowMs: number,
    slideMs: number = this.slideMs,
    partitions?: Partitions,
  ): DStream<[K, V[]]> {
    return this.window(windowMs, slideMs).groupByKey(partitions);
  }
  /**
   * Merges the values of each key over a window. With an `inverse`, and a window of at least five slides, each window is made of
   * the one before: new values are merged, old ones taken out, and a key stays (with what remains of it) until `keep` is false for
   * its pair. Otherwise each window is merged anew, and `keep` applies only where there is an inverse. (The rule of five is
   * PySpark's; Scala's always uses an inverse.)
   */
  reduceByKeyAndWindow<K, V, B extends Bound = Bound>(
    this: DStream<[K, V]>,
    f: Fn<[a: V, b: V], V, B>,
    inverse: Fn<[a: V, b: V], V, B> | null,
    windowMs: number,
    slideMs: number = this.slideMs,
    partitions?: Partitions,
    keep: Fn<[pair: [K, V]], unknown, B> | null = null,
    bound?: B,
  ): DStream<[K, V]> {
    checkRemote(f, 'reduceByKeyAndWindow', bound);
    const reduced = this.reduceByKey(f, partitions, bound);
    const anew = () => reduced.window(windowMs, slideMs).reduceByKey(f, partitions, bound);
    if (inverse === null) return anew();
    checkRemote(inverse, 'reduceByKeyAndWindow', bound);
    if (keep) checkRemote(keep, 'reduceByKeyAndWindow', bound);
    if (windowMs < 5 * slideMs) return keep ? anew().filter(keep, bound) : anew();
    return this.ssc.streams.reducedWindow<K, V>(reduced, { merge: f, inverse, keep, bound }, windowMs, slideMs, partitions);
  }

  // Outputs.

  /** Calls `f` on the page with each dataset; the batch ends when its promise does. */
  foreachRDD(f: (rdd: RDD<T>, timeMs: number) => void | Promise<void>): void {
    this.ssc.output(this as DStream<unknown>, f as never);
  }
  /** Writes each dataset as text files into a folder `prefix-TIME`, or `prefix-TIME.suffix`, of an `opfs:` path. */
  saveAsTextFiles(prefix: string, suffix?: string): void {
    this.foreachRDD((rdd, timeMs) => rdd.saveAsTextFile(`${prefix}-${timeMs}${suffix ? `.${suffix}` : ''}`));
  }
  /** Prints the first rows of each dataset to the console. */
  pprint(num = 10): void {
    this.foreachRDD(async (rdd, timeMs) => {
      const rows = await rdd.take(num + 1);
      const rule = '-'.repeat(43);
      console.log(
        [
          rule,
          `Time: ${new Date(timeMs).toISOString()}`,
          rule,
          ...rows.slice(0, num).map((row) => (typeof row === 'string' ? row : JSON.stringify(row))),
          ...(rows.length > num ? ['...'] : []),
          '',
        ].join('\n'),
      );
    });
  }
  /** Does the same as {@link pprint}. */
  print(num = 10): void {
    this.pprint(num);
  }
}

/** What a function returned, batch by batch, and the states it keeps (`MapWithStateDStream`). */
export interface MapWithStateDStream<K, S, M> extends DStream<M> {
  /** Returns all states after each batch. */
  stateSnapshots(): DStream<[K, S]>;
}

class Transformed<U> extends DStream<U> {
  override readonly kind = 'transformed';

  constructor(
    ssc: StreamingContext,
    parents: readonly DStream<unknown>[],
    private readonly make: (rdds: RDD<unknown>[], timeMs: number) => RDD<U> | Promise<RDD<U>>,
  ) {
    super(ssc, parents[0]!.slideMs, parents);
  }

  protected override async compute(timeMs: number): Promise<Maybe<U>> {
    const rdds = await Promise.all(this.parents.map((parent) => parent.getOrCompute(timeMs)));
    if (rdds.some((rdd) => rdd === undefined)) return undefined;
    const made = (await this.make(rdds as RDD<unknown>[], timeMs)) as Maybe<U>;
    if (made) return made;
    throw new SparkError(
      'Transform function must not return null. Return SparkContext.emptyRDD() instead to represent no element as the result of transformation.',
    );
  }
}

/** Throws unless a window and its slide fit a stream. */
export function checkWindow(parent: DStream<unknown>, windowMs: number, slideMs: number): void {
  for (const [name, value] of [
    ['window', windowMs],
    ['slide', slideMs],
  ] as const) {
    if (!(value > 0) || value % parent.slideMs !== 0) {
      throw new IllegalArgumentException(
        `The ${name} duration of the windowed DStream (${value} ms) must be a multiple of the slide duration of the parent DStream (${parent.slideMs} ms)`,
      );
    }
  }
}

class Windowed<T> extends DStream<T> {
  override readonly kind = 'windowed';

  constructor(
    ssc: StreamingContext,
    private readonly parent: DStream<T>,
    private readonly windowMs: number,
    slideMs: number,
  ) {
    checkWindow(parent as DStream<unknown>, windowMs, slideMs);
    super(ssc, slideMs, [parent as DStream<unknown>], windowMs);
    this.keep(slideMs);
    if (windowMs > slideMs) parent.reuse();
  }

  /** Windows share the rows of their parent's datasets: these are kept. */
  override persist(level?: StorageLevel): this {
    this.parent.persist(level);
    return this;
  }
  override reuse(): void {
    this.parent.reuse();
  }

  protected override async compute(timeMs: number): Promise<Maybe<T>> {
    const from = Math.max(this.ssc.zeroMs, timeMs - this.windowMs) + this.parent.slideMs;
    const rdds = await this.parent.slice(from, timeMs);
    return this.ssc.sparkContext.union(rdds);
  }
}
