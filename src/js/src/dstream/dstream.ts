import type { PageFunction, StreamPlan } from '../batches/running.js';
import { Stream, type StreamSource } from '../batches/stream.js';
import type { By, How, Step } from '../batches/wire.js';
import { checkPartitions } from '../rdd/call_check.js';
import type { Partitions, RDD } from '../rdd/rdd.js';
import { type AnyRemote, type Bound, checkRemote, type RemoteWith as Fn } from '../rdd/remote.js';
import { encode } from '../rdd/value_codec.js';
import { described } from '../values/misfit.js';
import type { StreamingContext } from './context.js';
import type { StateSpec } from './map_with_state.js';

/**
 * A series of datasets, one per `slideMs` (`DStream`). Functions over rows run in the executors as those of RDDs do; functions over
 * whole datasets (`transform`, `foreachRDD`) run on the page, once per batch. What is bound to a function is taken when the context
 * starts.
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
export class DStream<T> extends Stream {
  /** @internal */
  constructor(
    /** The context it belongs to. */ readonly ssc: StreamingContext,
    slideMs: number,
    source: StreamSource,
  ) {
    super(ssc, slideMs, source);
  }
  protected override derive<U>(slideMs: number, source: StreamSource): DStream<U> {
    return new DStream<U>(this.ssc, slideMs, source);
  }

  /** Returns the datasets of the intervals that end in this closed range, rounded down to interval ends; later ones are left out. */
  async slice(fromMs: number, toMs: number): Promise<RDD<T>[]> {
    return (await this.ssc.slice(this as DStream<unknown>, fromMs, toMs)) as RDD<T>[];
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
    return this.transformed<U>([], (rdds, time) => f(rdds[0] as RDD<T>, time) as never);
  }
  /** Returns what `f` makes of the datasets of this and another stream; both need the same slide. */
  transformWith<U, V>(f: (rdd: RDD<T>, other: RDD<U>, timeMs: number) => RDD<V> | Promise<RDD<V>>, other: DStream<U>): DStream<V> {
    return this.transformed<V>([other], (rdds, time) => f(rdds[0] as RDD<T>, rdds[1] as RDD<U>, time) as never);
  }
  /** @internal */
  transformed<U>(others: readonly Stream[], page: PageFunction): DStream<U> {
    return this.made(() => [{ t: 'page' }, []], others, { page }) as DStream<U>;
  }

  /** Maps each row ({@link RDD.map}). */
  map<U, B extends Bound = Bound>(f: Fn<[row: T], U, B>, bound?: B): DStream<U> {
    return this.step('map', f, bound) as DStream<U>;
  }
  /** Maps each row to an iterable, and returns all elements of these ({@link RDD.flatMap}). */
  flatMap<U, B extends Bound = Bound>(f: Fn<[row: T], Iterable<U>, B>, bound?: B): DStream<U> {
    return this.step('flatMap', f, bound) as DStream<U>;
  }
  /** Keeps the rows for which `f` is truthy ({@link RDD.filter}). */
  filter<B extends Bound = Bound>(f: Fn<[row: T], unknown, B>, bound?: B): DStream<T> {
    return this.step('filter', f, bound, true) as DStream<T>;
  }
  /** Maps each partition, which comes as an iterator ({@link RDD.mapPartitions}). */
  mapPartitions<U, B extends Bound = Bound>(f: Fn<[rows: IterableIterator<T>, index: number], Iterable<U>, B>, bound?: B): DStream<U> {
    return this.step('mapPartitions', f, bound) as DStream<U>;
  }
  /** Returns each partition as one array. */
  glom(): DStream<T[]> {
    return this.steps(() => [{ t: 'narrow', op: { t: 'glom' } }]) as DStream<T[]>;
  }
  /** Spreads the rows of each dataset evenly over `numPartitions`. */
  repartition(numPartitions: number): DStream<T> {
    const partitions = checkPartitions(numPartitions, 'repartition');
    return this.steps(() => [{ t: 'repartition', partitions }]) as DStream<T>;
  }
  /** Returns the rows of both; duplicates stay. */
  union(other: DStream<T>): DStream<T> {
    return this.unionAll([other]);
  }
  /** @internal */
  unionAll(others: readonly DStream<T>[]): DStream<T> {
    return this.made(() => [{ t: 'union' }, []], others) as DStream<T>;
  }
  /** Counts the rows of each dataset. */
  count(): DStream<number> {
    const counted = this.mapPartitions((rows) => {
      let n = 0;
      for (const _ of rows) n++;
      return [n];
    });
    const all = counted.steps((plan) => [{ t: 'with', block: plan.values.push(encode([0])) - 1 }]) as DStream<number>;
    return all.reduce((a, b) => a + b);
  }
  /** Merges all rows of each dataset into one; an empty dataset stays empty. */
  reduce<B extends Bound = Bound>(f: Fn<[a: T, b: T], T, B>, bound?: B): DStream<T> {
    checkRemote(f, 'reduce', bound);
    const one = this.map((x) => [null, x] as [null, T]).reduceByKey(f, 1, bound);
    return one.steps(() => [{ t: 'narrow', op: { t: 'values' } }]) as DStream<T>;
  }
  /** Counts the occurrences of each value, dataset by dataset. */
  countByValue(partitions?: Partitions): DStream<[T, number]> {
    return this.map((x) => [x, 1] as [T, number]).reduceByKey((a, b) => a + b, partitions);
  }

  // Pairs.

  /** Maps each value under the same key ({@link RDD.mapValues}). */
  mapValues<K, V, U, B extends Bound = Bound>(this: DStream<[K, V]>, f: Fn<[value: V], U, B>, bound?: B): DStream<[K, U]> {
    return this.step('mapValues', f, bound, true) as DStream<[K, U]>;
  }
  /** Maps each value to an iterable under the same key ({@link RDD.flatMapValues}). */
  flatMapValues<K, V, U, B extends Bound = Bound>(this: DStream<[K, V]>, f: Fn<[value: V], Iterable<U>, B>, bound?: B): DStream<[K, U]> {
    return this.step('flatMapValues', f, bound, true) as DStream<[K, U]>;
  }
  /** Merges the values of each key, dataset by dataset ({@link RDD.reduceByKey}). */
  reduceByKey<K, V, B extends Bound = Bound>(
    this: DStream<[K, V]>,
    f: Fn<[a: V, b: V], V, B>,
    partitions?: Partitions,
    bound?: B,
  ): DStream<[K, V]> {
    checkRemote(f, 'reduceByKey', bound);
    return this.combined('reduceByKey', partitions, (plan) => ({ t: 'reduce', merge: plan.call(f, 'reduceByKey', bound) })) as DStream<
      [K, V]
    >;
  }
  /** Gathers the values of each key, dataset by dataset ({@link RDD.groupByKey}). */
  groupByKey<K, V>(this: DStream<[K, V]>, partitions?: Partitions): DStream<[K, V[]]> {
    return this.combined('groupByKey', partitions, () => ({ t: 'group' }), false) as DStream<[K, V[]]>;
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
    const functions = [create, merge, combine] as AnyRemote[];
    for (const f of functions) checkRemote(f, 'combineByKey', bound);
    return this.combined('combineByKey', partitions, (plan) => {
      const [create, merge, combine] = functions.map((f) => plan.call(f, 'combineByKey', bound)) as [never, never, never];
      return { t: 'combine', create, merge, combine };
    }) as DStream<[K, C]>;
  }
  /** Gathers, for each key of either, the values of both ({@link RDD.cogroup}). */
  cogroup<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V[], W[]]]> {
    return this.grouped(other, 'cogroup', partitions, { t: 'cogroup' }) as DStream<[K, [V[], W[]]]>;
  }
  /** Returns all pairs of values of equal keys ({@link RDD.join}). */
  join<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V, W]]> {
    return this.grouped(other, 'join', partitions, { t: 'join', left: false, right: false }) as DStream<[K, [V, W]]>;
  }
  /** Joins; a left value without a partner gets null. */
  leftOuterJoin<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V, W | null]]> {
    return this.grouped(other, 'leftOuterJoin', partitions, { t: 'join', left: true, right: false }) as DStream<[K, [V, W | null]]>;
  }
  /** Joins; a right value without a partner gets null. */
  rightOuterJoin<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V | null, W]]> {
    return this.grouped(other, 'rightOuterJoin', partitions, { t: 'join', left: false, right: true }) as DStream<[K, [V | null, W]]>;
  }
  /** Joins; a value of either side without a partner gets null. */
  fullOuterJoin<K, V, W>(this: DStream<[K, V]>, other: DStream<[K, W]>, partitions?: Partitions): DStream<[K, [V | null, W | null]]> {
    return this.grouped(other, 'fullOuterJoin', partitions, { t: 'join', left: true, right: true }) as DStream<[K, [V | null, W | null]]>;
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
    const how = (plan: StreamPlan, by: By): How => {
      return { t: 'stateByKey', update: plan.call(f, 'updateStateByKey', bound), by, initial: plan.begin(initial as RDD<unknown>) };
    };
    return this.stateful('stateByKey', how, { partitions, initial: initial as never }) as DStream<[K, S]>;
  }
  /** Maps each pair by a function that keeps a state per key; see {@link StateSpec}. Needs a checkpoint directory. */
  mapWithState<K, V, S, M>(this: DStream<[K, V]>, spec: StateSpec<K, V, S, M>): MapWithStateDStream<K, S, M> {
    const { f, bound, initial, partitions, timeoutMs } = spec;
    checkRemote(f as AnyRemote, 'mapWithState', bound);
    const how = (plan: StreamPlan, by: By): How => {
      const map = plan.call(f, 'mapWithState', bound);
      return { t: 'mapWithState', map, by, initial: plan.begin(initial as RDD<unknown>), timeoutMs };
    };
    const records = this.stateful('mapWithState', how, { partitions, initial: initial as never }) as DStream<unknown>;
    const tagged = (tag: number, keeps: boolean): Step => ({ t: 'narrow', op: { t: 'tagged', tag }, keeps });
    const mapped = records.steps(() => [tagged(1, false)]) as DStream<M>;
    const states: Step[] = [tagged(0, true), { t: 'narrow', op: { t: 'unstamped' }, keeps: true }];
    const stateSnapshots = () => records.steps(() => states) as DStream<[K, S]>;
    const checkpoint = (intervalMs: number) => {
      records.checkpoint(intervalMs);
      return mapped;
    };
    return Object.assign(mapped, { stateSnapshots, checkpoint });
  }

  // Windows; ms.

  /**
   * Returns all rows of the last `windowMs`, every `slideMs`. Throws unless both are multiples of this stream's slide.
   * @example
   * ```ts
   * const clock = new ManualClock();
   * const ssc = new StreamingContext(sc, 1_000, clock);
   * const sums: number[] = [];
   * ssc.queueStream([[1], [2], [3]]).window(2_000).foreachRDD(async (rdd) => void sums.push(await rdd.fold(0, (a, b) => a + b)));
   * ssc.start();
   * for (const ms of [1_000, 2_000, 3_000]) clock.advanceTo(ms);
   * await ssc.processed();
   * await ssc.stop();
   * sums; // → [1, 3, 5]
   * ```
   */
  window(windowMs: number, slideMs: number = this.slideMs): DStream<T> {
    this.checkWindow(windowMs, slideMs);
    if (windowMs > slideMs) this.reuse();
    return this.derive<T>(slideMs, { kind: 'windowed', parents: [this], how: () => ({ t: 'windowed', windowMs }) });
  }
  /** Merges the rows of a window; with an inverse, and a window of at least five slides, by what enters and what leaves. */
  reduceByWindow<B extends Bound = Bound>(
    f: Fn<[a: T, b: T], T, B>,
    inverse: Fn<[a: T, b: T], T, B> | null,
    windowMs: number,
    slideMs: number = this.slideMs,
    bound?: B,
  ): DStream<T> {
    const pairs = this.map((x) => [1, x] as [number, T]);
    return pairs.reduceByKeyAndWindow(f, inverse, windowMs, slideMs, 1, null, bound).map(([, x]) => x);
  }
  /** Counts the rows of the last `windowMs`, every `slideMs`. */
  countByWindow(windowMs: number, slideMs: number = this.slideMs): DStream<number> {
    const [add, subtract] = [(a: number, b: number) => a + b, (a: number, b: number) => a - b];
    return this.map(() => 1).reduceByWindow(add, subtract, windowMs, slideMs);
  }
  /** Counts the occurrences of each value in the last `windowMs`, every `slideMs`. */
  countByValueAndWindow(windowMs: number, slideMs: number = this.slideMs, partitions?: Partitions): DStream<[T, number]> {
    const [add, subtract] = [(a: number, b: number) => a + b, (a: number, b: number) => a - b];
    const pairs = this.map((x) => [x, 1] as [T, number]);
    return pairs.reduceByKeyAndWindow(add, subtract, windowMs, slideMs, partitions).filter(([, n]) => n > 0);
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
    const method = 'reduceByKeyAndWindow';
    for (const one of [f, inverse, keep]) if (one) checkRemote(one as AnyRemote, method, bound);
    const reduced = this.reduceByKey(f, partitions, bound);
    const anew = () => reduced.window(windowMs, slideMs).reduceByKey(f, partitions, bound);
    if (inverse === null) return anew();
    if (windowMs < 5 * slideMs) return keep ? anew().filter(keep, bound) : anew();
    reduced.checkWindow(windowMs, slideMs);
    reduced.reuse();
    const how = (plan: StreamPlan, by: By): How => {
      const call = (one: AnyRemote) => plan.call(one, method, bound);
      return { t: 'reduced', windowMs, merge: call(f), inverse: call(inverse), keep: keep && call(keep), by };
    };
    return reduced.stateful('reducedWindow', how, { slideMs, partitions }) as DStream<[K, V]>;
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
      const lines = rows.slice(0, num).map((row) => (typeof row === 'string' ? row : described(row)));
      console.log([rule, `Time: ${new Date(timeMs).toISOString()}`, rule, ...lines, ...(rows.length > num ? ['...'] : []), ''].join('\n'));
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
