import { FolderInput, IterableInput, type PageInput, QueueInput } from '../batches/inputs.js';
import { type ReceiverClass, receiverInput } from '../batches/receiver.js';
import { Running, type StreamingListener } from '../batches/running.js';
import { checkpointPath, isLimited } from '../batches/settings.js';
import type { StreamHost, StreamSource } from '../batches/stream.js';
import { type Clock, systemClock } from '../clock.js';
import { IllegalArgumentException, IllegalStateException, SparkError, UnsupportedOperationException } from '../errors.js';
import { openFolder } from '../files/open.js';
import type { SparkContext } from '../rdd/context.js';
import type { RDD } from '../rdd/rdd.js';
import type { Bound } from '../rdd/remote.js';
import { DStream } from './dstream.js';

type Directory = string | FileSystemDirectoryHandle;
/** The one context of each session that has started and not stopped; the last is that of the page. */
const active = new Map<SparkContext, StreamingContext>();

/**
 * The way to discretized streams: series of datasets, one per batch interval (`StreamingContext`). Define streams and output
 * operations, then call `start()`. Batches are made in the driver's worker, whatever the page does; they run one after the other, and
 * one that is late is not skipped. One whose output throws is left behind: the next ones run.
 */
export class StreamingContext implements StreamHost {
  readonly #outputs: { stream: number; work: (rdd: RDD<unknown>, timeMs: number) => void | Promise<void> }[] = [];
  readonly #listeners = new Set<StreamingListener>();
  readonly #streams: DStream<unknown>[] = [];
  readonly #terminated = new Set<() => void>();
  readonly #manual: Clock | undefined;
  #state: 'INITIALIZED' | 'ACTIVE' | 'STOPPED' = 'INITIALIZED';
  #directory: Directory | undefined;
  #rememberMs = 0;
  #running: Running | undefined;
  #failure: { error: unknown } | undefined;
  /** The clock that batches follow. */
  readonly clock: Clock;

  /** Makes a context. Throws unless `batchMs` is a positive whole number. A {@link ManualClock} moves batches in tests. */
  constructor(
    /** The context of its datasets. */ readonly sparkContext: SparkContext,
    /** The batch interval, ms. */ readonly batchMs: number,
    clock?: Clock,
  ) {
    if (!Number.isInteger(batchMs) || batchMs <= 0)
      throw new IllegalArgumentException(`The batch interval (${batchMs} ms) must be positive and whole`);
    isLimited(sparkContext.conf);
    this.#manual = clock;
    this.clock = clock ?? sparkContext.alarms ?? systemClock;
  }

  /**
   * Returns the context of an earlier life that wrote its checkpoint into this directory, or a new one. `create` builds the same
   * program in both cases, since functions on the page cannot be written: it makes the context, calls `checkpoint(directory)`,
   * defines the streams and their outputs. Batches continue after the last one that was completed, states from what was written; a
   * batch that was not completed runs again with the records that it had. Unlike Spark, which restores the program itself from the
   * checkpoint. Throws STREAMING_CHECKPOINT_MISMATCH if the program is another.
   */
  static async getOrCreate(directory: Directory, create: () => StreamingContext | Promise<StreamingContext>): Promise<StreamingContext> {
    const context = await create();
    context.#directory ??= directory;
    const running = context.#run(await checkpointPath(context.#directory));
    // A new one may change until it starts.
    if (await running.restore()) context.#running = running;
    else await running.stop(false);
    return context;
  }
  /** Returns the context that has started and not stopped, of whichever session started one last; or null. */
  static getActive(): StreamingContext | null {
    return [...active.values()].at(-1) ?? null;
  }
  /** Returns the active context; without one, as {@link getOrCreate} does, or, with a directory of null, a new one. */
  static async getActiveOrCreate(
    directory: Directory | null,
    create: () => StreamingContext | Promise<StreamingContext>,
  ): Promise<StreamingContext> {
    return StreamingContext.getActive() ?? (directory === null ? create() : StreamingContext.getOrCreate(directory, create));
  }

  /**
   * Sets the directory (an `opfs:` path or the handle of a folder there) into which the context writes what it needs to continue
   * after its tab has gone: received records before they are processed, states at least every 10 s, and the last completed batch.
   * Streams that keep state need it.
   */
  checkpoint(directory: Directory): void {
    this.#directory = directory;
  }
  /** Returns `INITIALIZED`, `ACTIVE` or `STOPPED`. */
  getState(): 'INITIALIZED' | 'ACTIVE' | 'STOPPED' {
    return this.#state;
  }

  // Inputs.

  /**
   * Makes a stream of these datasets, or arrays of rows, one per interval; with `oneAtATime` false, all that are queued go into the
   * next interval. An interval without one gets `defaultRDD`, or an empty dataset.
   */
  queueStream<T>(queue: (RDD<T> | readonly T[])[], oneAtATime = true, defaultRDD?: RDD<T> | readonly T[]): DStream<T> {
    return this.#input<T>('queue', { input: new QueueInput<T>(this.sparkContext, queue, oneAtATime, defaultRDD) }, 'datasets', false);
  }
  /**
   * Makes a stream of the strings that a WebSocket sends, line by line; a lost one is opened again, with growing pauses. Where the
   * rate is limited (`spark.streaming.backpressure.enabled`, `spark.streaming.receiver.maxRate`) the sender is held back in
   * browsers that have `WebSocketStream`; in others, lines wait in memory.
   */
  socketTextStream(url: string | URL): DStream<string> {
    const text = String(url);
    if (!/^wss?:\/\//.test(text)) throw new IllegalArgumentException(`socketTextStream: ${text} does not begin with ws:// or wss://`);
    return this.#input<string>('socket', {}, { socket: { url: text } });
  }
  /** Makes a stream of the elements of an async iterable (or a ReadableStream); each interval takes those that have arrived. */
  fromAsyncIterable<T>(source: AsyncIterable<T>): DStream<T> {
    return this.#input<T>('iterable', { input: new IterableInput<T>(source, isLimited(this.sparkContext.conf)) }, 'blocks');
  }
  /**
   * Makes a stream of the lines of files that appear in a folder (a handle or an `opfs:` path) after the start, each file once;
   * names that begin with `.` or `_` are left out. A file must be whole when it appears: write it elsewhere and move it.
   */
  textFileStream(folder: Directory): DStream<string> {
    return this.#files('textFile', folder, (files) => this.sparkContext.textFile(files));
  }
  /** Makes a stream of records of `recordLength` bytes each, of files that appear in a folder as for {@link textFileStream}. */
  binaryRecordsStream(folder: Directory, recordLength: number): DStream<Uint8Array> {
    const read = (files: File[]) => this.sparkContext.binaryRecords(files, recordLength);
    // Throws for a length that is none.
    read([]);
    return this.#files('binaryRecords', folder, read);
  }
  #files<T>(kind: string, folder: Directory, read: (files: File[]) => RDD<T>): DStream<T> {
    const made = (files: File[]) => (files.length === 0 ? this.sparkContext.parallelize<T>([], 1) : read(files)) as RDD<unknown>;
    return this.#input<T>(kind, { input: new FolderInput(() => openFolder(folder), made) }, 'datasets');
  }
  /**
   * Makes a stream of what a receiver of your own stores; it runs in an executor, and again in another if that one dies. `receiver`
   * is a class with `onStart()` and `onStop()`; its instances have `store(record)` and `storeAll(records)`, whose promises settle
   * when the records are safe: written, with a checkpoint, else in the driver. Records that were not acknowledged are lost with the
   * executor.
   */
  receiverStream<T, B extends Bound = Bound>(receiver: ReceiverClass<T, B>, bound?: B): DStream<T> {
    return new DStream<T>(this, this.batchMs, { kind: 'receiver', parents: [], how: receiverInput(receiver as never, bound) });
  }
  /** Returns the rows of all streams. */
  union<T>(...streams: DStream<T>[]): DStream<T> {
    return this.#several('union', streams)[0].unionAll(streams.slice(1));
  }
  /** Returns what `f`, called on the page, makes of the datasets of all these streams; they need the same slide. */
  transform<T, U>(streams: readonly DStream<T>[], f: (rdds: RDD<T>[], timeMs: number) => RDD<U> | Promise<RDD<U>>): DStream<U> {
    return this.#several('transform', streams)[0].transformed<U>(streams.slice(1), f as never);
  }
  #several<T>(method: string, streams: readonly DStream<T>[]): [DStream<T>] {
    if (streams.length > 0) return streams as never;
    throw new IllegalArgumentException(`${method}: there are no streams`, { condition: 'CANNOT_BE_EMPTY' });
  }
  #input<T>(
    kind: string,
    more: { input?: PageInput },
    input: never | 'datasets' | 'blocks' | { socket: { url: string } },
    recovers = true,
  ): DStream<T> {
    const source: StreamSource = { kind, parents: [], how: () => ({ t: 'input', input, recovers }), ...more };
    return new DStream<T>(this, this.batchMs, source);
  }

  /** @internal */
  register(stream: unknown): number {
    this.#checkOpen();
    return this.#streams.push(stream as DStream<unknown>) - 1;
  }
  #checkOpen(): void {
    if (this.#state === 'INITIALIZED' && !this.#running) return;
    const verb = this.#state === 'STOPPED' ? 'stopping' : 'starting';
    throw new IllegalStateException(`Adding new inputs, transformations, and output operations after ${verb} a context is not supported`);
  }
  /** @internal */
  checkChange(what: string): void {
    if (this.#state !== 'INITIALIZED' || this.#running)
      throw new UnsupportedOperationException(`Cannot change ${what} of a DStream after streaming context has started`);
  }
  /** @internal */
  output(stream: DStream<unknown>, work: (rdd: RDD<unknown>, timeMs: number) => void | Promise<void>): void {
    this.#checkOpen();
    this.#outputs.push({ stream: stream.number, work });
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
   * Starts receiving, and runs batches from the next multiple of the interval on. Throws without output operations, and while another
   * context of the session is active; a context that cannot start is stopped.
   */
  start(): void {
    if (this.#state === 'STOPPED')
      throw new IllegalStateException('StreamingContext has already been stopped', { condition: 'RIVULET_CONTEXT_STOPPED' });
    if (this.#state === 'ACTIVE') return;
    try {
      this.#validate();
      const directory = this.#directory;
      this.#running ??= this.#run(directory === undefined ? null : () => checkpointPath(directory));
      this.#running.start();
    } catch (error) {
      this.#end();
      void this.#running?.stop(false);
      throw error;
    }
    this.#state = 'ACTIVE';
    active.set(this.sparkContext, this);
  }

  #validate(): void {
    if (active.has(this.sparkContext))
      throw new IllegalStateException('Only one StreamingContext may be started in a session: stop the one that is active first', {
        condition: 'RIVULET_CONTEXT_ACTIVE',
      });
    if (this.#outputs.length === 0)
      throw new IllegalArgumentException('requirement failed: No output operations registered, so nothing to execute', {
        condition: 'RIVULET_NO_OUTPUT_OPERATIONS',
      });
    const stateful = this.#streams.find(({ source }) => source.isStateful);
    if (stateful && !this.#directory) {
      throw new IllegalArgumentException(
        'requirement failed: The checkpoint directory has not been set. Please set it by StreamingContext.checkpoint(): ' +
          `a stream of this context keeps state (${stateful.source.kind})`,
        { condition: 'RIVULET_NO_CHECKPOINT_DIRECTORY' },
      );
    }
    if (this.#directory && this.#streams.some(({ source }) => source.kind === 'queue'))
      console.warn('[rivulet] queueStream does not support checkpointing: this context cannot continue in another tab');
  }

  #run(directory: string | null | (() => Promise<string>)): Running {
    return new Running({
      context: this.sparkContext,
      batchMs: this.batchMs,
      directory,
      rememberMs: this.#rememberMs,
      clock: this.#manual,
      streams: this.#streams,
      outputs: this.#outputs,
      tell: (event, value) => {
        for (const listener of this.#listeners) {
          try {
            (listener[event] as ((value: unknown) => void) | undefined)?.call(listener, value);
          } catch (error) {
            console.error(error);
          }
        }
      },
      failed: (error) => {
        this.#failure ??= { error };
        this.#wake();
      },
      ended: () => {
        if (this.#state === 'ACTIVE') this.#end();
      },
    });
  }

  /** Waits until all batches submitted so far are completed or have failed. */
  async processed(): Promise<void> {
    await this.#running?.processed();
  }
  /** @internal */
  async slice(stream: DStream<unknown>, fromMs: number, toMs: number): Promise<RDD<unknown>[]> {
    if (this.#state !== 'INITIALIZED' && this.#running) return this.#running.slice(stream.number, fromMs, toMs);
    throw new SparkError(`${stream.source.kind} has not been initialized`, { condition: 'STREAMING_CONTEXT_NOT_STARTED' });
  }

  /** Waits until the context is stopped; throws the error of the first batch that failed, as soon as it does. */
  async awaitTermination(): Promise<void> {
    if (this.#state !== 'STOPPED' && !this.#failure) await new Promise<void>((resolve) => this.#terminated.add(resolve));
    if (this.#failure) throw this.#failure.error;
  }
  /** Waits as {@link awaitTermination} does, for at most `timeoutMs`; returns false if the context keeps running. */
  async awaitTerminationOrTimeout(timeoutMs: number): Promise<boolean> {
    let resolve!: () => void;
    const timeout = new Promise<void>((done) => {
      resolve = done;
    });
    const cancel = this.clock.at(this.clock.now() + timeoutMs, resolve);
    this.#terminated.add(resolve);
    if (this.#state !== 'STOPPED' && !this.#failure) await timeout;
    cancel();
    this.#terminated.delete(resolve);
    if (this.#failure) throw this.#failure.error;
    return this.#state === 'STOPPED';
  }

  /**
   * Stops the context when the batches submitted so far are completed (an output that waits for it waits for itself); `gracefully`
   * runs a last batch with all that was received. The session keeps running unless `stopSparkContext` is true.
   */
  async stop({ stopSparkContext = false, gracefully = false }: { stopSparkContext?: boolean; gracefully?: boolean } = {}): Promise<void> {
    if (this.#running) await this.#running.stop(gracefully);
    this.#end();
    if (stopSparkContext) await this.sparkContext.stop();
  }

  #end(): void {
    this.#state = 'STOPPED';
    if (active.get(this.sparkContext) === this) active.delete(this.sparkContext);
    this.#wake();
  }
  #wake(): void {
    for (const ended of this.#terminated) ended();
    this.#terminated.clear();
  }
}
