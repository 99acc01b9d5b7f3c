import { IllegalArgumentException } from '../errors.js';
import { checkPartitions, checks } from '../rdd/call_check.js';
import type { Partitioner } from '../rdd/partitioner.js';
import type { Partitions, RDD } from '../rdd/rdd.js';
import type { AnyRemote, Bound, Remote, RemoteWith } from '../rdd/remote.js';

/** The state of a key, as its function sees it in an executor (`State`). */
export interface State<S> {
  /** Returns whether there is a state. */
  exists(): boolean;
  /** Returns the state. Throws if the key has no state. */
  get(): S;
  /** Returns the state, or null. */
  getOption(): S | null;
  /** Sets the state. Throws for a state that was removed or that times out. */
  update(state: S): void;
  /** Removes the state. Throws for a state that does not exist, was removed, or times out. */
  remove(): void;
  /** Returns whether the key had no data for longer than the timeout; its state ends after this call. */
  isTimingOut(): boolean;
}

/**
 * What {@link DStream.mapWithState} does (`StateSpec`): `f(key, value, state)` is called in the executors for each pair of a batch
 * in turn, with value null for a state that times out; its results are mapped, null and undefined are left out.
 * @example
 * ```ts
 * const clock = new ManualClock();
 * const ssc = new StreamingContext(sc, 1_000, clock);
 * ssc.checkpoint(`opfs:spec-${crypto.randomUUID()}`);
 * const spec = StateSpec.function<string, number, number, number>((_key, value, state) => {
 *   state.update((state.getOption() ?? 0) + (value ?? 0));
 *   return state.get();
 * });
 * const sums: number[][] = [];
 * const one = () => sc.parallelize([['a', 1]] as [string, number][]);
 * ssc.queueStream([one(), one()]).mapWithState(spec).foreachRDD(async (rdd) => void sums.push(await rdd.collect()));
 * ssc.start();
 * for (const ms of [1_000, 2_000]) clock.advanceTo(ms);
 * await ssc.processed();
 * await ssc.stop();
 * sums; // → [[1], [2]]
 * ```
 */
export class StateSpec<K, V, S, M> {
  /** @internal */ initial: RDD<[K, S]> | undefined;
  /** @internal */ partitions: Partitions | undefined;
  /** @internal */ timeoutMs: number | null = null;

  private constructor(
    /** @internal */ readonly f: Remote<(key: K, value: V | null, state: State<S>, bound: never) => M>,
    /** @internal */ readonly bound: Bound | undefined,
  ) {}

  /** Makes a specification of a function. Throws a SparkTypeError for one that cannot travel; before a session starts, its first use does. */
  static function<K, V, S, M, B extends Bound = Bound>(
    f: RemoteWith<[key: K, value: V | null, state: State<S>], M, B>,
    bound?: B,
  ): StateSpec<K, V, S, M> {
    checks.remote?.(f as AnyRemote, 'mapWithState', bound);
    return new StateSpec<K, V, S, M>(f as Remote<(key: K, value: V | null, state: State<S>, bound: never) => M>, bound);
  }

  /** Sets states to begin with. */
  initialState(rdd: RDD<[K, S]>): this {
    this.initial = rdd;
    return this;
  }
  /** Sets the number of partitions of the states. */
  numPartitions(n: number): this {
    this.partitions = checkPartitions(n, 'mapWithState');
    return this;
  }
  /** Sets where the states of keys are. */
  partitioner(partitioner: Partitioner): this {
    this.partitions = partitioner;
    return this;
  }
  /** Ends the state of a key that had no data for longer than this, by the times of batches. */
  timeout(durationMs: number): this {
    if (!(durationMs > 0)) throw new IllegalArgumentException(`mapWithState: the timeout (${durationMs} ms) must be positive`);
    this.timeoutMs = durationMs;
    return this;
  }
}
