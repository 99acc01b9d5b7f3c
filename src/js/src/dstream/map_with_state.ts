import { IllegalArgumentException } from '../errors.js';
import { checkRemote, type AnyRemote, type Bound, type Remote, type RemoteWith } from '../rdd/remote.js';
import type { Partitioner } from '../rdd/partitioner.js';
import type { Partitions, RDD } from '../rdd/rdd.js';
import { checkPartitions } from '../rdd/shuffles.js';

/** A key's state, as its function sees it in an executor (`State`). */
export interface State<S> {
  exists(): boolean;
  /** An error where there is none. */
  get(): S;
  /** Null where there is none. */
  getOption(): S | null;
  /** An error for a state that has been removed or that times out. */
  update(state: S): void;
  /** An error for a state that is not there, has been removed, or that times out. */
  remove(): void;
  /** Whether the key had no data for longer than the timeout; its state goes after this call. */
  isTimingOut(): boolean;
}

/**
 * What {@link DStream.mapWithState} does (`StateSpec`): `f(key, value, state)` is called in the executors for each pair of a batch
 * in turn, with value null for a state that times out; what it gives is mapped, null and undefined are left out.
 */
export class StateSpec<K, V, S, M> {
  /** @internal */ initial: RDD<[K, S]> | undefined;
  /** @internal */ partitions: Partitions | undefined;
  /** @internal */ timeoutMs: number | null = null;

  private constructor(
    /** @internal */ readonly f: Remote<(key: K, value: V | null, state: State<S>, bound: never) => M>,
    /** @internal */ readonly bound: Bound | undefined,
  ) {}

  static function<K, V, S, M, B extends Bound = Bound>(
    f: RemoteWith<[key: K, value: V | null, state: State<S>], M, B>,
    bound?: B,
  ): StateSpec<K, V, S, M> {
    checkRemote(f as AnyRemote, 'mapWithState', bound);
    return new StateSpec<K, V, S, M>(f as Remote<(key: K, value: V | null, state: State<S>, bound: never) => M>, bound);
  }

  /** States to begin with. */
  initialState(rdd: RDD<[K, S]>): this {
    this.initial = rdd;
    return this;
  }
  numPartitions(n: number): this {
    this.partitions = checkPartitions(n, 'mapWithState');
    return this;
  }
  /** Where the states of keys are. */
  partitioner(partitioner: Partitioner): this {
    this.partitions = partitioner;
    return this;
  }
  /** A key without data for longer than this loses its state; by the times of batches. */
  timeout(durationMs: number): this {
    if (!(durationMs > 0)) throw new IllegalArgumentException(`mapWithState: the timeout (${durationMs} ms) must be positive`);
    this.timeoutMs = durationMs;
    return this;
  }
}
