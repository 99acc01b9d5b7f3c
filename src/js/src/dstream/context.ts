import { type Clock, systemClock } from '../clock.js';
import { IllegalArgumentException, IllegalStateException, SparkError, UnsupportedOperationException } from '../errors.js';
import { openFolder } from '../files/open.js';
import type { SparkContext } from '../rdd/context.js';
import type { RDD } from '../rdd/rdd.js';
import type { Bound } from '../rdd/remote.js';
import type { DStream } from './dstream.js';
import { FileInput, type Input, IterableInput, QueueInput, SocketInput } from './inputs.js';
import { RateLimit } from './rate.js';
import { type ReceiverClass, ReceiverInput } from './receiver_input.js';
import type { StatefulStream } from './stateful.js';
import { StreamingCheckpoint, type StreamingMetadata } from './streaming_checkpoint.js';
import { StatefulStreams } from './streams.js';

/** What a StreamingListener learns of a batch; times are ms since the epoch (`BatchInfo`). */
export interface BatchInfo {
  /** The end of the batch's interval. */
  batchTime: number;
  /** When it was put into the queue. */
  submissionTime: number;
  /** When it began to run; null before. */
  processingStartTime: number | null;
  /** When it was done; null before. */
  processingEndTime: number | null;
  /** Between submission and start, ms; null before the start. */
  schedulingDelay: number | null;
  /** Between start and end, ms; null before the end. */
  processingDelay: number | null;
  /** Between submission and end, ms; null before the end. */
  totalDelay: number | null;
  /** Records that receivers stored for it. */
  numRecords: number;
  /** Why it failed, or null. */
  failure: string | null;
}

/** Receives events of batches and receivers (`StreamingListener`). An error of a listener is logged and stops nothing. */
export interface StreamingListener {
  /** Runs when a batch was put into the queue. */
  onBatchSubmitted?(info: BatchInfo): void;
  /** Runs when a batch begins. */
  onBatchStarted?(info: BatchInfo): void;
  /** Runs when a batch is done or has failed. */
  onBatchCompleted?(info: BatchInfo): void;
  /** Runs when the context has started. */
  onStreamingStarted?(timeMs: number): void;
  /** Runs when a receiver has started in an executor. */
  onReceiverStarted?(info: { streamId: number; executor: number }): void;
  /** Runs when a receiver has failed; it starts again. */
  onReceiverError?(error: Error): void;
  /** Runs when a receiver has stopped. */
  onReceiverStopped?(info: { streamId: number; executor: number }): void;
}

/** What is done with each dataset of a stream. */
interface OutputOperation {
  stream: DStream<unknown>;
  work: (rdd: RDD<unknown>, timeMs: number) => void | Promise<void>;
}

/**
 * The way to discretized streams: series of datasets, one per batch interval (`StreamingContext`). Define streams and output
 * operations, then call `start()`; batches run one after the other, and one that is late is not skipped.
 */
export class StreamingContext {
  readonly #outputs: OutputOperation[] = [];
  readonly #inputs: Input[] = [];
  readonly #listeners = new Set<StreamingListener>();
  readonly #streams: DStream<unknown>[] = [];
  readonly #stateful: StatefulStream<unknown>[] = [];
  /** Makes streams that keep state. @internal */
  readonly streams = new StatefulStreams(this);
  /** @internal */
  checkpoints: StreamingCheckpoint | undefined;
  #restored: StreamingMetadata | undefined;
  #completed = 0;
  #submitted = 0;
  #state: 'initialized' | 'active' | 'stopped' = 'initialized';
  #zero = 0;
  #cancel: (() => void) | undefined;
  #pending: Promise<void> = Promise.resolve();
  #rememberMs = 0;
  #failure: { error: unknown } | undefined;
  readonly #terminated = new Set<() => void>();

  /** Makes a context. Throws unless `batchMs` is a positive whole number. */
  constructor(
    /** The context of its datasets. */ readonly sparkContext: SparkContext,
    /** The batch interval, ms. */ readonly batchMs: number,
    /** The clock that batches follow; a {@link ManualClock} in tests. */ readonly clock: Clock = sparkContext.alarms ?? systemClock,
  ) {
    if (!Number.isInteger(batchMs) || batchMs <= 0)
      throw new IllegalArgumentException(`The batch interval (${batchMs} ms) must be positive and whole`);
    // Throws for settings that are wrong.
    this.rateLimit();
  }

  /** How fast an input may take records in; undefined without a limit. @internal */
  rateLimit(): RateLimit | undefined {
    return RateLimit.of(this.sparkContext.conf, this.batchMs, this.clock);
  }

  /**
   * Returns the context of an earlier life that wrote its checkpoint into this directory, or a new one. `create` builds the same
   * program in both cases, since functions on the page cannot be written: it makes the context, calls `checkpoint(directory)`,
   * defines the streams and their outputs. Batches continue after the last one that was completed, states from what was written; a
   * batch that was not completed runs again with the records that it had. Unlike Spark, which restores the program itself from the
   * checkpoint. Throws STREAMING_CHECKPOINT_MISMATCH if the program is another.
   */
  static async getOrCreate(
    directory: string | FileSystemDirectoryHandle,
    create: () => StreamingContext | Promise<StreamingContext>,
  ): Promise<StreamingContext> {
    const saved = await new StreamingCheckpoint(directory).read();
    const context = await create();
    context.checkpoints ??= new StreamingCheckpoint(directory);
    if (saved) await context.#restore(saved);
    return context;
  }

  async #restore(saved: StreamingMetadata): Promise<void> {
    const graph = this.#graph();
    if (saved.batchMs !== this.batchMs || JSON.stringify(saved.graph) !== JSON.stringify(graph)) {
      throw new SparkError(
        `The checkpoint is of another program: it has a batch interval of ${saved.batchMs} ms and the streams ${saved.graph.join(', ')}; ` +
          `this one has ${this.batchMs} ms and ${graph.join(', ')}`,
        { condition: 'STREAMING_CHECKPOINT_MISMATCH' },
      );
    }
    this.#restored = saved;
    this.#zero = saved.zeroMs;
    this.#completed = saved.completedMs;
    for (const input of this.#inputs) await input.recover(saved.inputs[input.number]);
    for (const stream of this.#stateful) {
      // One by itself is of an earlier version.
      await stream.restore([saved.states[stream.number] ?? []].flat());
    }
  }

  #graph(): string[] {
    return this.#streams.map((stream) => stream.kind);
  }

  /**
   * Sets the directory (an `opfs:` path or a folder's handle) into which the context writes what it needs to continue after its tab
   * has gone: received records before they are processed, states at least every 10 s, and the last completed batch. Streams that
   * keep state need it.
   */
  checkpoint(directory: string | FileSystemDirectoryHandle): void {
    this.checkpoints = new StreamingCheckpoint(directory);
  }

  /** Returns `INITIALIZED`, `ACTIVE` or `STOPPED`. */
  getState(): 'INITIALIZED' | 'ACTIVE' | 'STOPPED' {
    return this.#state.toUpperCase() as 'INITIALIZED' | 'ACTIVE' | 'STOPPED';
  }
  /** The time before the first batch. @internal */
  get zeroMs(): number {
    return this.#zero;
  }
  /** The last batch whose outputs are done. @internal */
  get completedMs(): number {
    return this.#completed;
  }
  /** The newest batch there is. @internal */
  get submittedMs(): number {
    return this.#submitted;
  }
  /** @internal */
  get rememberMs(): number {
    return this.#rememberMs;
  }

  // Inputs.

  /**
   * Makes a stream of these datasets, one per interval; with `oneAtATime` false, all that are queued go into the next interval. An
   * interval without one gets `defaultRDD`, or an empty dataset.
   */
  queueStream<T>(queue: RDD<T>[], oneAtATime = true, defaultRDD?: RDD<T>): DStream<T> {
    return this.#input<T>(new QueueInput<T>(this, queue, oneAtATime, defaultRDD));
  }
  /**
   * Makes a stream of the strings that a WebSocket sends, line by line; a lost one is opened again, with growing pauses. Where the
   * rate is limited (`spark.streaming.backpressure.enabled`, `spark.streaming.receiver.maxRate`) the sender is held back in
   * browsers that have `WebSocketStream`; in others, lines wait in memory.
   */
  socketTextStream(url: string | URL): DStream<string> {
    const text = String(url);
    if (!/^wss?:\/\//.test(text)) throw new IllegalArgumentException(`socketTextStream: ${text} does not begin with ws:// or wss://`);
    return this.#input<string>(new SocketInput(this, text, this.#receiverFailed));
  }
  /** Makes a stream of the elements of an async iterable (or a ReadableStream); each interval takes those that have arrived. */
  fromAsyncIterable<T>(source: AsyncIterable<T>): DStream<T> {
    return this.#input<T>(new IterableInput<T>(this, source, this.#receiverFailed));
  }
  /**
   * Makes a stream of the lines of files that appear in a folder (a handle or an `opfs:` path) after the start, each file once;
   * names that begin with `.` or `_` are left out. A file must be whole when it appears: write it elsewhere and move it.
   */
  textFileStream(folder: string | FileSystemDirectoryHandle): DStream<string> {
    return this.#input<string>(new FileInput(this, () => openFolder(folder)));
  }
  /**
   * Makes a stream of what a receiver of your own stores; it runs in an executor, and again in another if that one dies. `receiver`
   * is a class with `onStart()` and `onStop()`; its instances have `store(record)` and `storeAll(records)`, whose promises settle
   * when the records are safe: written, with a checkpoint, else on the page. Records that were not acknowledged are lost with the
   * executor.
   */
  receiverStream<T, B extends Bound = Bound>(receiver: ReceiverClass<T, B>, bound?: B): DStream<T> {
    return this.#input<T>(
      new ReceiverInput<T>(this, receiver as never, bound, {
        started: (executor, streamId) => this.#tell('onReceiverStarted', { streamId, executor }),
        stopped: (executor, streamId) => this.#tell('onReceiverStopped', { streamId, executor }),
        failed: this.#receiverFailed,
      }),
    );
  }
  /** Returns the rows of all streams. */
  union<T>(...streams: DStream<T>[]): DStream<T> {
    const [first, ...others] = streams;
    if (!first) throw new IllegalArgumentException('union: there are no streams', { condition: 'CANNOT_BE_EMPTY' });
    return others.reduce((all, stream) => all.union(stream), first);
  }

  #input<T>(input: Input & DStream<T>): DStream<T> {
    this.#inputs.push(input);
    return input;
  }

  /** @internal */
  register(stream: DStream<unknown>): number {
    this.#checkOpen();
    return this.#streams.push(stream) - 1;
  }

  #checkOpen(): void {
    if (this.#state === 'initialized') return;
    const verb = this.#state === 'active' ? 'starting' : 'stopping';
    throw new IllegalStateException(`Adding new inputs, transformations, and output operations after ${verb} a context is not supported`);
  }
  /** Throws after the start: a stream changes only before it. @internal */
  checkChange(what: string): void {
    if (this.#state !== 'initialized')
      throw new UnsupportedOperationException(`Cannot change ${what} of a DStream after streaming context has started`);
  }
  /** @internal */
  stateful(stream: StatefulStream<unknown>): void {
    this.#stateful.push(stream);
  }
  /** @internal */
  output(stream: DStream<unknown>, work: OutputOperation['work']): void {
    this.#checkOpen();
    this.#outputs.push({ stream, work });
  }

  /** Keeps datasets for at least this long, for {@link DStream.slice}. Throws when called twice. */
  remember(durationMs: number): void {
    if (this.#rememberMs)
      throw new IllegalArgumentException(
        `requirement failed: Remember duration already set as ${this.#rememberMs} ms. Cannot set it again.`,
      );
    this.#rememberMs = durationMs;
  }
  /** Calls `listener` with the events from now on. */
  addStreamingListener(listener: StreamingListener): void {
    this.#listeners.add(listener);
  }
  /** Undoes {@link addStreamingListener}. */
  removeStreamingListener(listener: StreamingListener): void {
    this.#listeners.delete(listener);
  }

  // Running.

  /**
   * Starts receiving, and runs batches from the next multiple of the interval on. Throws without output operations; a context that
   * cannot start is stopped.
   */
  start(): void {
    if (this.#state === 'stopped')
      throw new IllegalStateException('StreamingContext has already been stopped', { condition: 'RIVULET_CONTEXT_STOPPED' });
    if (this.#state === 'active') return;
    const now = Math.floor(this.clock.now() / this.batchMs) * this.batchMs;
    if (!this.#restored) this.#zero = this.#completed = now;
    this.#submitted = this.#completed;
    try {
      this.#validate();
      this.#state = 'active';
      for (const input of this.#inputs) input.start();
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#tell('onStreamingStarted', this.clock.now());
    // Intervals that passed while nobody was there have batches, too.
    let next = this.#completed + this.batchMs;
    for (; next <= now; next += this.batchMs) this.#submit(next);
    this.#schedule(next);
  }

  #validate(): void {
    if (this.#outputs.length === 0)
      throw new IllegalArgumentException('requirement failed: No output operations registered, so nothing to execute', {
        condition: 'RIVULET_NO_OUTPUT_OPERATIONS',
      });
    const [stateful] = this.#stateful;
    if (stateful && !this.checkpoints) {
      throw new IllegalArgumentException(
        'requirement failed: The checkpoint directory has not been set. Please set it by StreamingContext.checkpoint(): ' +
          `a stream of this context keeps state (${stateful.kind})`,
        { condition: 'RIVULET_NO_CHECKPOINT_DIRECTORY' },
      );
    }
    if (this.checkpoints && !this.#recovers())
      console.warn('[rivulet] queueStream does not support checkpointing: this context cannot continue in another tab');
  }

  readonly #receiverFailed = (error: Error): void => {
    console.warn(`[rivulet] ${error.message}`);
    this.#tell('onReceiverError', error);
  };

  #recovers(): boolean {
    return this.#inputs.every((input) => input.recovers);
  }

  #schedule(timeMs: number): void {
    this.#cancel = this.clock.at(timeMs, () => {
      // First, so that a listener of the batch can stop it.
      try {
        this.#schedule(timeMs + this.batchMs);
      } catch (error) {
        // The session is stopped.
        this.#failure = { error };
        return this.#end();
      }
      this.#submit(timeMs);
    });
  }

  #submit(timeMs: number): void {
    this.#submitted = timeMs;
    const taken = this.#inputs.map((input) => input.cut(timeMs));
    const numRecords = taken.reduce((sum, records) => sum + records, 0);
    const info: BatchInfo = {
      batchTime: timeMs,
      submissionTime: this.clock.now(),
      processingStartTime: null,
      processingEndTime: null,
      schedulingDelay: null,
      processingDelay: null,
      totalDelay: null,
      numRecords,
      failure: null,
    };
    this.#tell('onBatchSubmitted', { ...info });
    this.#pending = this.#pending.then(() => this.#run(timeMs, info, taken));
  }

  async #run(timeMs: number, info: BatchInfo, taken: readonly number[]): Promise<void> {
    if (this.#failure) return;
    info.processingStartTime = this.clock.now();
    info.schedulingDelay = info.processingStartTime - info.submissionTime;
    this.#tell('onBatchStarted', { ...info });
    try {
      for (const input of this.#inputs) await input.write(timeMs);
      for (const { stream, work } of this.#outputs) {
        const rdd = await stream.getOrCompute(timeMs);
        if (rdd) await work(rdd, timeMs);
      }
      for (const stream of this.#stateful) await stream.checkpointAt(timeMs);
      await this.#complete(timeMs);
      for (const stream of this.#streams) stream.forgetBefore(timeMs);
    } catch (error) {
      info.failure = error instanceof Error ? error.message : String(error);
      this.#failure = { error };
      console.error(`[rivulet] The batch of ${timeMs} failed, and its context ends:`, error);
    }
    info.processingEndTime = this.clock.now();
    info.processingDelay = info.processingEndTime - info.processingStartTime;
    info.totalDelay = info.processingEndTime - info.submissionTime;
    for (const [i, input] of this.#inputs.entries()) input.processed(info, taken[i]!);
    this.#tell('onBatchCompleted', { ...info });
    if (this.#failure) this.#end();
  }

  /** Completes a batch: another life begins after it. */
  async #complete(timeMs: number): Promise<void> {
    this.#completed = timeMs;
    if (!this.checkpoints) return;
    if (this.#recovers()) {
      await this.checkpoints.write({
        version: 1,
        batchMs: this.batchMs,
        zeroMs: this.#zero,
        completedMs: timeMs,
        graph: this.#graph(),
        states: Object.fromEntries(this.#stateful.map(({ number, written }) => [number, written])),
        inputs: Object.fromEntries(this.#inputs.map((input) => [input.number, input.note()])),
      });
    }
    if ((timeMs - this.#zero) % (10 * this.batchMs) !== 0) return;
    const written = new Map(this.#stateful.map(({ number, written }) => [number, written[0]?.timeMs]));
    await this.checkpoints.sweep((what, stream, time) =>
      what === 'state' ? time >= (written.get(stream) ?? -Infinity) : time > (this.#streams[stream]?.neededSince(timeMs) ?? -Infinity),
    );
  }

  /** Waits until all batches submitted so far are completed. */
  async processed(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#pending; ) {
      seen = this.#pending;
      await seen;
    }
  }

  /** Waits until the context is stopped; throws the error of a batch that failed. */
  async awaitTermination(): Promise<void> {
    if (this.#state !== 'stopped') await new Promise<void>((resolve) => this.#terminated.add(resolve));
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits as {@link awaitTermination} does, for at most `timeoutMs`; returns false if the context keeps running. */
  async awaitTerminationOrTimeout(timeoutMs: number): Promise<boolean> {
    if (this.#state !== 'stopped') {
      await new Promise<void>((resolve) => {
        const ended = () => {
          cancel();
          resolve();
        };
        const cancel = this.clock.at(this.clock.now() + timeoutMs, () => {
          this.#terminated.delete(ended);
          resolve();
        });
        this.#terminated.add(ended);
      });
    }
    if (this.#failure) throw this.#failure.error;
    return (this.#state as string) === 'stopped';
  }

  /**
   * Stops the context when the batches submitted so far are completed (an output that waits for it waits for itself); `gracefully`
   * runs a last batch with all that was received. The session keeps running unless `stopSparkContext` is true.
   */
  async stop({ stopSparkContext = false, gracefully = false }: { stopSparkContext?: boolean; gracefully?: boolean } = {}): Promise<void> {
    await this.#stop(gracefully);
    if (stopSparkContext) await this.sparkContext.stop();
  }

  async #stop(gracefully: boolean): Promise<void> {
    if (this.#state !== 'active') return this.#end();
    this.#cancel?.();
    const stopped = Promise.all(this.#inputs.map((input) => input.stop()));
    if (gracefully) await stopped;
    if (gracefully && this.#inputs.some((input) => input.waiting())) this.#submit(this.#submitted + this.batchMs);
    await this.processed();
    this.#end();
  }

  #end(): void {
    this.#state = 'stopped';
    this.#cancel?.();
    for (const input of this.#inputs) input.stop();
    for (const ended of this.#terminated) ended();
    this.#terminated.clear();
  }

  #tell<K extends keyof StreamingListener>(event: K, value: Parameters<NonNullable<StreamingListener[K]>>[0]): void {
    for (const listener of this.#listeners) {
      try {
        (listener[event] as ((value: unknown) => void) | undefined)?.call(listener, value);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
