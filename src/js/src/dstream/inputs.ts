/** Streams that records come in by. */
import type { RDD } from '../rdd/rdd.js';
import type { StreamingContext } from './context.js';
import { DStream } from './dstream.js';

/** What a context asks of an input. */
export interface Input {
  start(): void;
  stop(): void;
  /** What has come so far belongs to the batch of this time; how many records that is. */
  cut(timeMs: number): number;
  /** Whether records wait for a batch. */
  waiting(): boolean;
}

export class QueueInput<T> extends DStream<T> implements Input {
  readonly #taken = new Map<number, RDD<T>[]>();

  constructor(ssc: StreamingContext, private readonly queue: RDD<T>[], private readonly oneAtATime: boolean, private readonly fallback: RDD<T> | undefined) {
    super(ssc, ssc.batchMs, []);
  }

  start(): void {}
  stop(): void {}
  cut(timeMs: number): number {
    this.#taken.set(timeMs, this.queue.splice(0, this.oneAtATime ? 1 : this.queue.length));
    return 0;
  }
  waiting(): boolean { return this.queue.length > 0; }

  protected override compute(timeMs: number): RDD<T> {
    const taken = this.#taken.get(timeMs) ?? [];
    this.#taken.delete(timeMs);
    const { sparkContext } = this.ssc;
    if (taken.length === 0) return this.fallback ?? sparkContext.parallelize<T>([], 1);
    return taken.length === 1 ? taken[0]! : sparkContext.union(taken);
  }
}

/** Records gathered on the page between two batches. */
abstract class Receiver<T> extends DStream<T> implements Input {
  #buffer: T[] = [];
  readonly #blocks = new Map<number, T[]>();

  constructor(ssc: StreamingContext) { super(ssc, ssc.batchMs, []); }

  abstract start(): void;
  abstract stop(): void;
  protected store(...records: T[]): void { this.#buffer.push(...records); }

  cut(timeMs: number): number {
    const block = this.#buffer;
    this.#buffer = [];
    this.#blocks.set(timeMs, block);
    return block.length;
  }
  waiting(): boolean { return this.#buffer.length > 0; }

  protected override compute(timeMs: number): RDD<T> {
    const block = this.#blocks.get(timeMs) ?? [];
    this.#blocks.delete(timeMs);
    return this.ssc.sparkContext.parallelize(block);
  }
}

/** First pause before a lost WebSocket is opened again, doubled up to the last; ms. */
const RECONNECT_MS = [250, 30_000] as const;

export class SocketInput extends Receiver<string> {
  #socket: WebSocket | undefined;
  #pause: number = RECONNECT_MS[0];
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(ssc: StreamingContext, private readonly url: string, private readonly failed: (error: Error) => void) { super(ssc); }

  start(): void {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => { this.#pause = RECONNECT_MS[0]; };
    socket.onmessage = ({ data }) => {
      const text = typeof data === 'string' ? data : undefined;
      if (text === undefined) return this.failed(new TypeError(`${this.url} sent binary data; socketTextStream takes text`));
      for (const line of text.split(/\r\n|\n/)) if (line !== '') this.store(line);
    };
    socket.onclose = () => {
      if (this.#stopped) return;
      this.failed(new Error(`${this.url} is closed; opening it again in ${this.#pause} ms`));
      this.#retry = setTimeout(() => this.start(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, RECONNECT_MS[1]);
    };
  }
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#socket?.close();
  }
}

export class IterableInput<T> extends Receiver<T> {
  #iterator: AsyncIterator<T> | undefined;

  constructor(ssc: StreamingContext, private readonly source: AsyncIterable<T>, private readonly failed: (error: Error) => void) { super(ssc); }

  start(): void {
    const iterator = this.source[Symbol.asyncIterator]();
    this.#iterator = iterator;
    const run = async () => {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done || this.#iterator !== iterator) return;
        this.store(value);
      }
    };
    run().catch((error: unknown) => this.failed(error instanceof Error ? error : new Error(String(error))));
  }
  stop(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    void iterator?.return?.();
  }
}
