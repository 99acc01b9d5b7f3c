import { IllegalArgumentException, UnsupportedOperationException } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import type { RDD } from '../rdd/rdd.js';
import { systemClock, type Clock } from './clock.js';
import type { DStream } from './dstream.js';
import { QueueInput, SocketInput, IterableInput, type Input } from './inputs.js';

/** A batch as a StreamingListener is told of it; ms since the epoch. */
export interface BatchInfo {
  batchTime: number;
  submissionTime: number;
  processingStartTime: number | null;
  processingEndTime: number | null;
  /** Between submission and start. */
  schedulingDelay: number | null;
  /** Between start and end. */
  processingDelay: number | null;
  /** Records that receivers took in for it. */
  numRecords: number;
  /** Why it failed, if it did. */
  failure: string | null;
}

/** Is told of batches and receivers. */
export interface StreamingListener {
  onBatchSubmitted?(info: BatchInfo): void;
  onBatchStarted?(info: BatchInfo): void;
  onBatchCompleted?(info: BatchInfo): void;
  onReceiverError?(error: Error): void;
}

/** What is done with each dataset of a stream. */
interface OutputOperation { stream: DStream<unknown>; work: (rdd: RDD<unknown>, timeMs: number) => void | Promise<void> }

/**
 * The way to discretized streams: series of datasets, one per batch interval (`StreamingContext`). Define streams and output
 * operations, then `start()`; batches run one after the other, and one that is late is not skipped.
 */
export class StreamingContext {
  readonly #outputs: OutputOperation[] = [];
  readonly #inputs: Input[] = [];
  readonly #listeners = new Set<StreamingListener>();
  readonly #streams: DStream<unknown>[] = [];
  #state: 'initialized' | 'active' | 'stopped' = 'initialized';
  #zero = 0;
  #cancel: (() => void) | undefined;
  #pending: Promise<void> = Promise.resolve();
  #rememberMs = 0;
  #failure: unknown;
  #terminated: (() => void)[] = [];

  /** `batchMs` is the batch interval. */
  constructor(readonly sparkContext: SparkContext, readonly batchMs: number, readonly clock: Clock = systemClock) {
    if (!Number.isFinite(batchMs) || batchMs <= 0) throw new IllegalArgumentException(`The batch interval (${batchMs} ms) must be positive`);
  }

  /** `INITIALIZED`, `ACTIVE` or `STOPPED`. */
  getState(): 'INITIALIZED' | 'ACTIVE' | 'STOPPED' { return this.#state.toUpperCase() as 'INITIALIZED' | 'ACTIVE' | 'STOPPED'; }
  /** The time before the first batch. @internal */
  get zeroMs(): number { return this.#zero; }
  /** @internal */
  get rememberMs(): number { return this.#rememberMs; }

  // Inputs.

  /** A stream of these datasets, one per interval; with `oneAtATime` false all that are queued go into the next one. */
  queueStream<T>(queue: RDD<T>[], oneAtATime = true, defaultRDD?: RDD<T>): DStream<T> {
    return this.#input<T>(new QueueInput<T>(this, queue, oneAtATime, defaultRDD));
  }
  /** Texts that a WebSocket sends, line by line; it is opened again, with growing pauses, when it is lost. */
  socketTextStream(url: string | URL): DStream<string> {
    const text = String(url);
    if (!/^wss?:\/\//.test(text)) throw new IllegalArgumentException(`socketTextStream: ${text} does not begin with ws:// or wss://`);
    return this.#input<string>(new SocketInput(this, text, (error) => this.#tell('onReceiverError', error)));
  }
  /** What an async iterable (or a ReadableStream) gives; each interval takes what has come. */
  fromAsyncIterable<T>(source: AsyncIterable<T>): DStream<T> {
    return this.#input<T>(new IterableInput<T>(this, source, (error) => this.#tell('onReceiverError', error)));
  }
  /** The rows of all. */
  union<T>(...streams: DStream<T>[]): DStream<T> {
    const [first, ...others] = streams;
    if (!first) throw new IllegalArgumentException('union: there are no streams');
    return others.reduce((all, stream) => all.union(stream), first);
  }

  #input<T>(input: Input & DStream<T>): DStream<T> {
    this.#inputs.push(input);
    return input;
  }

  /** @internal */
  register(stream: DStream<unknown>): void {
    if (this.#state === 'active') {
      throw new UnsupportedOperationException('Adding new inputs, transformations, and output operations after starting a context is not supported');
    }
    if (this.#state === 'stopped') {
      throw new UnsupportedOperationException('Adding new inputs, transformations, and output operations after stopping a context is not supported');
    }
    this.#streams.push(stream);
  }
  /** @internal */
  output(stream: DStream<unknown>, work: OutputOperation['work']): void {
    this.#outputs.push({ stream, work });
  }

  /** Keeps the datasets of at least this long, for `slice`. */
  remember(durationMs: number): void { this.#rememberMs = Math.max(this.#rememberMs, durationMs); }
  addStreamingListener(listener: StreamingListener): void { this.#listeners.add(listener); }
  removeStreamingListener(listener: StreamingListener): void { this.#listeners.delete(listener); }

  // Running.

  /** Starts receiving, and runs batches from the next multiple of the interval on. */
  start(): void {
    if (this.#state === 'stopped') throw new UnsupportedOperationException('StreamingContext has already been stopped');
    if (this.#state === 'active') return;
    if (this.#outputs.length === 0) throw new IllegalArgumentException('requirement failed: No output operations registered, so nothing to execute');
    this.#zero = Math.floor(this.clock.now() / this.batchMs) * this.batchMs;
    this.#state = 'active';
    for (const input of this.#inputs) input.start();
    this.#schedule(this.#zero + this.batchMs);
  }

  #schedule(timeMs: number): void {
    this.#cancel = this.clock.at(timeMs, () => {
      this.#submit(timeMs);
      if (this.#state === 'active') this.#schedule(timeMs + this.batchMs);
    });
  }

  #submit(timeMs: number): void {
    const numRecords = this.#inputs.reduce((sum, input) => sum + input.cut(timeMs), 0);
    const info: BatchInfo = {
      batchTime: timeMs, submissionTime: this.clock.now(), processingStartTime: null, processingEndTime: null, schedulingDelay: null,
      processingDelay: null, numRecords, failure: null,
    };
    this.#tell('onBatchSubmitted', info);
    this.#pending = this.#pending.then(() => this.#run(timeMs, info));
  }

  async #run(timeMs: number, info: BatchInfo): Promise<void> {
    if (this.#failure) return;
    info.processingStartTime = this.clock.now();
    info.schedulingDelay = info.processingStartTime - info.submissionTime;
    this.#tell('onBatchStarted', { ...info });
    try {
      for (const { stream, work } of this.#outputs) {
        const rdd = await stream.getOrCompute(timeMs);
        if (rdd) await work(rdd, timeMs);
      }
      for (const stream of this.#streams) stream.forgetBefore(timeMs);
    } catch (error) {
      info.failure = error instanceof Error ? error.message : String(error);
      this.#failure = error;
    }
    info.processingEndTime = this.clock.now();
    info.processingDelay = info.processingEndTime - info.processingStartTime;
    this.#tell('onBatchCompleted', { ...info });
    if (this.#failure) this.#end();
  }

  /** Settles when all batches submitted so far are done. */
  async processed(): Promise<void> {
    for (let seen; seen !== this.#pending;) {
      seen = this.#pending;
      await seen;
    }
  }

  /** Waits for the stop, or for a batch that fails: its error is thrown. */
  async awaitTermination(): Promise<void> {
    if (this.#state !== 'stopped') await new Promise<void>((resolve) => this.#terminated.push(resolve));
    if (this.#failure) throw this.#failure;
  }

  /** Ends it; `gracefully` runs a last batch with all that was received. */
  async stop({ gracefully = false }: { gracefully?: boolean } = {}): Promise<void> {
    if (this.#state !== 'active') {
      this.#state = 'stopped';
      return;
    }
    this.#cancel?.();
    for (const input of this.#inputs) input.stop();
    if (gracefully && this.#inputs.some((input) => input.waiting())) {
      this.#submit(Math.floor(this.clock.now() / this.batchMs) * this.batchMs + this.batchMs);
    }
    await this.processed();
    this.#end();
  }

  #end(): void {
    this.#state = 'stopped';
    this.#cancel?.();
    for (const input of this.#inputs) input.stop();
    for (const resolve of this.#terminated.splice(0)) resolve();
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
