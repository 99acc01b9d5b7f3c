/** Streams that are made of themselves, one batch earlier: windows with an inverse, and states. */
import { IllegalArgumentException } from '../errors.js';
import type { Partitions, RDD } from '../rdd/rdd.js';
import type { AnyRemote, Bound } from '../rdd/remote.js';
import type { StreamingContext } from './context.js';
import { checkWindow, DStream, type Maybe } from './dstream.js';
import type { StateSpec } from './map_with_state.js';
import type { WrittenState } from './streaming_checkpoint.js';

/** Time between two states that are written, ms, by default: at least 10 s, in whole slides, as in Spark. */
const CHECKPOINT_MS = 10_000;

/**
 * A stream whose datasets are kept in the executors, and written into the context's checkpoint directory now and then: there
 * their lineage ends.
 */
export abstract class StatefulStream<T> extends DStream<T> {
  #everyMs: number;
  /** The states that are written and may be needed, oldest first. @internal */
  written: WrittenState[] = [];

  constructor(
    ssc: StreamingContext,
    slideMs: number,
    parents: readonly DStream<unknown>[],
    protected readonly windowMs = 0,
  ) {
    super(ssc, slideMs, parents);
    this.#everyMs = Math.ceil(Math.max(slideMs, CHECKPOINT_MS) / slideMs) * slideMs;
    ssc.stateful(this as never);
    this.reuse();
    this.#keepBetween();
  }

  /** What came since the state that is written makes the ones after it again. */
  #keepBetween(): void {
    this.reachMs = this.#everyMs + this.windowMs;
    this.keep(2 * this.slideMs);
  }

  override checkpoint(intervalMs: number): this {
    this.ssc.checkChange('checkpoint interval');
    if (!(intervalMs > 0) || intervalMs % this.slideMs !== 0) {
      throw new IllegalArgumentException(
        `The checkpoint interval for ${this.kind} has been set to ${intervalMs} ms which is not a multiple of its slide time (${this.slideMs} ms)`,
      );
    }
    this.#everyMs = intervalMs;
    this.#keepBetween();
    return this;
  }

  /** Writes the state of a time if it is due, when its batch is done. @internal */
  async checkpointAt(timeMs: number): Promise<void> {
    const since = timeMs - this.ssc.zeroMs;
    if (since <= 0 || since % this.#everyMs !== 0 || this.written.at(-1)?.timeMs === timeMs) return;
    const rdd = await this.getOrCompute(timeMs);
    const { checkpoints } = this.ssc;
    if (!rdd || !checkpoints) return;
    await this.ssc.sparkContext.checkpointInto(rdd.definition, (blocks) => checkpoints.writeState(this.number, timeMs, blocks));
    this.written.push({ timeMs, partitions: rdd.getNumPartitions() });
  }

  override forgetBefore(timeMs: number): void {
    super.forgetBefore(timeMs);
    const needed = this.neededSince(timeMs);
    // All before the newest one that makes what is needed again.
    this.written.splice(
      0,
      this.written.findLastIndex((state) => state.timeMs <= needed),
    );
  }

  /** Continues from states that an earlier life has written. @internal */
  async restore(saved: readonly WrittenState[]): Promise<void> {
    for (const { timeMs, partitions } of saved) {
      const files = await this.ssc.checkpoints!.state(this.number, timeMs, partitions);
      this.remember(timeMs, await this.ssc.sparkContext.ofFiles<T>(files));
    }
    this.written = [...saved];
  }
}

interface WindowFunctions {
  merge: AnyRemote;
  inverse: AnyRemote;
  keep: AnyRemote | null;
  bound: Bound | undefined;
}

/** Each window from the one before. */
export class ReducedWindow<K, V> extends StatefulStream<[K, V]> {
  override readonly kind = 'reducedWindow';

  constructor(
    ssc: StreamingContext,
    private readonly reduced: DStream<[K, V]>,
    private readonly f: WindowFunctions,
    windowMs: number,
    slideMs: number,
    private readonly partitions: Partitions | undefined,
  ) {
    checkWindow(reduced as DStream<unknown>, windowMs, slideMs);
    super(ssc, slideMs, [reduced as DStream<unknown>], windowMs);
    reduced.reuse();
  }

  protected override async compute(timeMs: number): Promise<Maybe<[K, V]>> {
    const { merge, inverse, keep, bound } = this.f;
    const { slideMs } = this.reduced;
    const merged = (rdds: RDD<[K, V]>[]) =>
      this.ssc.sparkContext.union(rdds).reduceByKey(merge as never, this.partitions, bound) as RDD<[K, V]>;
    const start = timeMs - this.windowMs;
    const before = await this.getOrCompute(timeMs - this.slideMs);
    let now: RDD<[K, V]>;
    if (!before) {
      now = merged(await this.reduced.slice(Math.max(this.ssc.zeroMs, start) + slideMs, timeMs));
    } else {
      const came = await this.reduced.slice(timeMs - this.slideMs + slideMs, timeMs);
      const from = start - this.slideMs + slideMs;
      const left = start > this.ssc.zeroMs ? await this.reduced.slice(Math.max(this.ssc.zeroMs + slideMs, from), start) : [];
      now = before;
      if (left.length > 0) now = now.leftOuterJoin(merged(left), this.partitions).invertValues(inverse, bound) as RDD<[K, V]>;
      now = merged([now, ...came]);
    }
    return keep ? now.filter(keep as never, bound) : now;
  }
}

export class StateByKey<K, V, S> extends StatefulStream<[K, S]> {
  override readonly kind = 'stateByKey';

  constructor(
    ssc: StreamingContext,
    private readonly values: DStream<[K, V]>,
    private readonly f: AnyRemote,
    private readonly partitions: Partitions | undefined,
    private readonly initial: RDD<[K, S]> | undefined,
    private readonly bound: Bound | undefined,
  ) {
    super(ssc, values.slideMs, [values as DStream<unknown>]);
  }

  protected override async compute(timeMs: number): Promise<Maybe<[K, S]>> {
    const before = (await this.getOrCompute(timeMs - this.slideMs)) ?? this.initial ?? this.ssc.sparkContext.parallelize<[K, S]>([], 1);
    const came = await this.values.getOrCompute(timeMs);
    if (!came) return undefined;
    return before.cogroup(came, this.partitions).updateStates<S>(this.f, this.bound) as RDD<[K, S]>;
  }
}

/** Rows of a batch's states, and the function's results for it; the first element distinguishes them. */
export type Tagged<K, S, M> = [0, [K, [state: S, updatedMs: number]]] | [1, M];

/** States that a function changes record by record, with its results (`MapWithStateDStream`'s inner stream). */
export class StateRecords<K, V, S, M> extends StatefulStream<Tagged<K, S, M>> {
  override readonly kind = 'mapWithState';

  constructor(
    ssc: StreamingContext,
    private readonly values: DStream<[K, V]>,
    private readonly spec: StateSpec<K, V, S, M>,
  ) {
    super(ssc, values.slideMs, [values as DStream<unknown>]);
  }

  protected override async compute(timeMs: number): Promise<Maybe<Tagged<K, S, M>>> {
    const { f, bound, initial, partitions, timeoutMs } = this.spec;
    const came = await this.values.getOrCompute(timeMs);
    if (!came) return undefined;
    const last = await this.getOrCompute(timeMs - this.slideMs);
    const { sparkContext } = this.ssc;
    const before =
      last?.tagged<[K, [S, number]]>(0) ??
      initial?.mapValues((state, { timeMs }) => [state, timeMs] as [S, number], { timeMs }) ??
      sparkContext.parallelize<[K, [S, number]]>([], 1);
    return before.cogroup(came, partitions).mapStates(f, bound, timeMs, timeoutMs) as RDD<Tagged<K, S, M>>;
  }
}
