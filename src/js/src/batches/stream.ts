/** How a stream is made of others: its definition for the driver, under the methods that users call. */
import { IllegalArgumentException, UnsupportedOperationException } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import type { Aggregate, Op, StorageLevel } from '../rdd/job_plan.js';
import { prepare } from '../rdd/node.js';
import type { Partitions, RDD } from '../rdd/rdd.js';
import { type AnyRemote, type Bound, checkRemote } from '../rdd/remote.js';
import { placedBy } from '../rdd/shuffles.js';
import type { PageInput } from './inputs.js';
import type { PageFunction, ProgramStream, StreamPlan } from './running.js';
import type { By, Head, How, Step, StreamDefinition } from './wire.js';

/** Time between two states that are written, ms, by default: at least 10 s, in whole slides, as in Spark. */
const CHECKPOINT_MS = 10_000;

/** What a stream asks of its context. */
export interface StreamHost {
  readonly sparkContext: SparkContext;
  register(stream: ProgramStream): number;
  /** Throws after the start: a stream changes only before it. */
  checkChange(what: string): void;
}

/** How a stream is made. */
export interface StreamSource {
  /** What it is, to tell whether a program is the one of a checkpoint. */
  kind: string;
  parents: readonly Stream[];
  how(plan: StreamPlan): How;
  prepare?: ProgramStream['prepare'];
  page?: PageFunction;
  input?: PageInput;
  /** Each dataset is made of the one before. */
  isStateful?: boolean;
}

type NarrowStep = 'map' | 'flatMap' | 'filter' | 'mapPartitions' | 'mapValues' | 'flatMapValues';

/** A stream of datasets; its subclass has the transformations. */
export abstract class Stream {
  #level: StorageLevel | null = null;
  #everyMs = 0;
  /** Its number among the streams of its context. @internal */
  readonly number: number;

  /** @internal */
  constructor(
    private readonly host: StreamHost,
    /** Time between two datasets, ms. */ readonly slideMs: number,
    /** @internal */ readonly source: StreamSource,
  ) {
    this.number = host.register(this);
    if (!source.isStateful) return;
    this.#everyMs = Math.ceil(Math.max(slideMs, CHECKPOINT_MS) / slideMs) * slideMs;
    this.#level = 'MEMORY_ONLY';
  }

  /** Makes a stream of the subclass's own kind. @internal */
  protected abstract derive(slideMs: number, source: StreamSource): Stream;

  /** @internal */
  define(plan: StreamPlan): StreamDefinition {
    const { kind, parents, how } = this.source;
    const numbers = parents.map(({ number }) => number);
    return { kind, slideMs: this.slideMs, parents: numbers, how: how(plan), level: this.#level, checkpointMs: this.#everyMs };
  }
  /** @internal */
  get prepare(): ProgramStream['prepare'] {
    return this.source.prepare;
  }
  /** @internal */
  get page(): PageFunction | undefined {
    return this.source.page;
  }
  /** @internal */
  get input(): PageInput | undefined {
    return this.source.input;
  }

  /** Keeps each dataset in the executors once it is computed, as long as windows look back; of a window, those that it is made of. */
  persist(level: StorageLevel = 'MEMORY_ONLY'): this {
    this.host.checkChange('storage level');
    if (this.source.kind === 'windowed') this.source.parents[0]!.persist(level);
    else this.#level = level;
    return this;
  }
  /** Keeps datasets as {@link persist} does, in memory. */
  cache(): this {
    return this.persist();
  }
  /** The stream after this one reads its datasets again and again. @internal */
  reuse(): void {
    if (this.source.kind === 'windowed') this.source.parents[0]!.reuse();
    else this.#level ??= 'MEMORY_ONLY';
  }
  /** Sets how often the state is written, in whole slides. Throws for a stream that keeps none. */
  checkpoint(intervalMs: number): this {
    const { kind } = this.source;
    if (!this.#everyMs) throw new UnsupportedOperationException(`checkpoint: this stream (${kind}) keeps no state to write`);
    this.host.checkChange('checkpoint interval');
    if (!(intervalMs > 0) || intervalMs % this.slideMs !== 0) {
      throw new IllegalArgumentException(
        `The checkpoint interval for ${kind} has been set to ${intervalMs} ms which is not a multiple of its slide time (${this.slideMs} ms)`,
      );
    }
    this.#everyMs = intervalMs;
    return this;
  }

  /** @internal */
  protected made(how: (plan: StreamPlan) => [Head, Step[]], others: readonly Stream[] = [], more: Partial<StreamSource> = {}): Stream {
    for (const other of others) {
      if (other.host !== this.host) throw new IllegalArgumentException('Some of the DStreams have different contexts');
      if (other.slideMs !== this.slideMs)
        throw new IllegalArgumentException(`Some of the DStreams have different slide durations: ${this.slideMs} and ${other.slideMs} ms`);
    }
    const transformed = (plan: StreamPlan): How => {
      const [head, steps] = how(plan);
      return { t: 'transformed', head, steps };
    };
    return this.derive(this.slideMs, { kind: 'transformed', parents: [this, ...others], how: transformed, ...more });
  }
  /** @internal */
  protected steps(steps: (plan: StreamPlan) => Step[], prepare?: ProgramStream['prepare']): Stream {
    return this.made((plan) => [{ t: 'parent' }, steps(plan)], [], { prepare });
  }
  /** @internal */
  protected step(t: NarrowStep, f: AnyRemote, bound: Bound | undefined, keeps = false): Stream {
    checkRemote(f, t, bound);
    return this.steps((plan) => [{ t: 'narrow', op: { t, call: plan.call(f, t, bound) }, keeps }]);
  }
  /** @internal */
  protected combined(
    method: string,
    partitions: Partitions | undefined,
    aggregate: (plan: StreamPlan) => Aggregate,
    mapSide = true,
  ): Stream {
    const { by, prepare } = this.placed(partitions, method);
    return this.steps((plan) => [{ t: 'combine', aggregate: aggregate(plan), by: by(plan), mapSide }], prepare);
  }
  /** @internal */
  protected grouped(other: Stream, method: string, partitions: Partitions | undefined, op: Op): Stream {
    const { by, prepare } = this.placed(partitions, method);
    return this.made((plan) => [{ t: 'group', op, by: by(plan) }, []], [other], { prepare });
  }
  /** A stream whose datasets are made of the one before, and of `initial` at first. @internal */
  protected stateful(
    kind: string,
    how: (plan: StreamPlan, by: By) => How,
    {
      slideMs = this.slideMs,
      partitions,
      initial,
    }: { slideMs?: number; partitions?: Partitions | undefined; initial?: RDD<never> | undefined },
  ): Stream {
    const { by, prepare: first } = this.placed(partitions, kind);
    const ready = async () => {
      await first?.();
      if (initial) await prepare(initial.definition);
    };
    return this.derive(slideMs, {
      kind,
      parents: [this],
      how: (plan) => how(plan, by(plan)),
      prepare: first || initial ? ready : undefined,
      isStateful: true,
    });
  }
  /** @internal */
  protected placed(partitions: Partitions | undefined, method: string): { by(plan: StreamPlan): By; prepare: ProgramStream['prepare'] } {
    if (partitions === undefined) return { by: () => null, prepare: undefined };
    const { partitioner, prepare } = placedBy(this.host.sparkContext, partitions, method);
    return { by: partitioner, prepare };
  }

  /** Throws unless a window and its slide fit this stream. @internal */
  protected checkWindow(windowMs: number, slideMs: number): void {
    for (const [name, value] of Object.entries({ window: windowMs, slide: slideMs })) {
      if (!(value > 0) || value % this.slideMs !== 0) {
        throw new IllegalArgumentException(
          `The ${name} duration of the windowed DStream (${value} ms) must be a multiple of the slide duration of the parent DStream (${this.slideMs} ms)`,
        );
      }
    }
  }
}
