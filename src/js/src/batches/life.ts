/** The life of a streaming context: defined, started, stopped; who waits for its end, and who listens. */
import { type Clock, systemClock } from '../clock.js';
import { IllegalArgumentException, IllegalStateException, SparkError, UnsupportedOperationException } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import type { RDD } from '../rdd/rdd.js';
import { type Output, Running, type StreamingListener } from './running.js';
import { checkpointPath, isLimited } from './settings.js';
import type { Stream } from './stream.js';

/** The one context of each session that has started and not stopped; the last is that of the page. */
const active = new Map<SparkContext, ContextLife>();

/** What a context is beside its streams: its settings, its state, who listens. */
export abstract class ContextLife {
  readonly #outputs: Output[] = [];
  readonly #listeners = new Set<StreamingListener>();
  readonly #streams: Stream[] = [];
  readonly #terminated = new Set<() => void>();
  readonly #manual: Clock | undefined;
  #state: 'INITIALIZED' | 'ACTIVE' | 'STOPPED' = 'INITIALIZED';
  #directory: string | null = null;
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

  /** The context that is active in the page. */
  protected static get active(): ContextLife | undefined {
    return [...active.values()].at(-1);
  }
  /** Continues from its checkpoint in this directory, if there is one. */
  protected async restore(directory: string): Promise<void> {
    this.#directory ??= checkpointPath(directory);
    const running = this.#run();
    // A new one may change until it starts.
    if (await running.restore()) this.#running = running;
    else await running.stop(false);
  }

  /**
   * Sets the directory, an `opfs:` path in the engine's storage, into which the context writes what it needs to continue after its
   * tab has gone: received records before they are processed, states at least every 10 s, and the last completed batch. Streams
   * that keep state need it.
   */
  checkpoint(directory: string): void {
    this.#directory = checkpointPath(directory);
  }
  /** Returns `INITIALIZED`, `ACTIVE` or `STOPPED`. */
  getState(): 'INITIALIZED' | 'ACTIVE' | 'STOPPED' {
    return this.#state;
  }

  /** @internal */
  register(stream: Stream): number {
    this.#checkOpen();
    return this.#streams.push(stream) - 1;
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
  output(stream: Stream, work: Output['work']): void {
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
      this.#running ??= this.#run();
      this.#running.start();
    } catch (error) {
      // One that continues from a checkpoint is open in the driver.
      void this.#running?.stop(false);
      this.#end();
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

  #run(): Running {
    return new Running({
      context: this.sparkContext,
      batchMs: this.batchMs,
      directory: this.#directory,
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
  async slice(stream: Stream, fromMs: number, toMs: number): Promise<RDD<unknown>[]> {
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
