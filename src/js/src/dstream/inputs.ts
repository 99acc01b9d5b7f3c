/** Streams that records come in by. */

import { systemClock } from '../clock.js';
import { SparkTypeError } from '../errors.js';
import type { RDD } from '../rdd/rdd.js';
import { decode, encode } from '../rdd/value_codec.js';
import type { BatchInfo, StreamingContext } from './context.js';
import { DStream } from './dstream.js';
import { socketMessages } from './socket.js';

/** What a context asks of an input. */
export interface Input {
  /** @internal */
  readonly number: number;
  /** Whether it can continue from a checkpoint. */
  readonly recovers: boolean;
  start(): void;
  /** A promise settles when nothing more comes. */
  stop(): void | Promise<void>;
  /** Puts the records that have arrived into the batch of this time; returns how many they are. */
  cut(timeMs: number): number;
  /** Whether records wait for a batch. */
  waiting(): boolean;
  /** Writes the records of the batch of this time, with a checkpoint, before it is processed. */
  write(timeMs: number): Promise<void>;
  /** A batch that took `records` of its records is done. */
  processed(batch: BatchInfo, records: number): void;
  /** What it notes of itself in a checkpoint; `recover` continues from that. */
  note(): unknown;
  recover(noted: unknown): Promise<void>;
}

/** An input without anything to write or to note. */
abstract class InputStream<T> extends DStream<T> implements Input {
  readonly recovers: boolean = true;
  constructor(ssc: StreamingContext) {
    super(ssc, ssc.batchMs, []);
  }

  start(): void {}
  stop(): void | Promise<void> {}
  cut(_timeMs: number): number {
    return 0;
  }
  waiting(): boolean {
    return false;
  }
  write(_timeMs: number): Promise<void> {
    return Promise.resolve();
  }
  processed(_batch: BatchInfo, _records: number): void {}
  note(): unknown {
    return null;
  }
  recover(_noted: unknown): Promise<void> {
    return Promise.resolve();
  }

  /** Forgets records of batches that nobody has asked for, nor will. */
  protected forgetTaken(batches: Map<number, unknown>, timeMs: number): void {
    const since = this.neededSince(timeMs);
    for (const time of batches.keys()) if (time <= since) batches.delete(time);
  }
}

export class QueueInput<T> extends InputStream<T> {
  override readonly kind = 'queue';
  override readonly recovers = false;
  readonly #taken = new Map<number, RDD<T>[]>();

  constructor(
    ssc: StreamingContext,
    private readonly queue: RDD<T>[],
    private readonly oneAtATime: boolean,
    private readonly fallback: RDD<T> | undefined,
  ) {
    super(ssc);
  }

  override cut(timeMs: number): number {
    this.#taken.set(timeMs, this.queue.splice(0, this.oneAtATime ? 1 : this.queue.length));
    return 0;
  }
  override waiting(): boolean {
    return this.queue.length > 0;
  }

  override forgetBefore(timeMs: number): void {
    super.forgetBefore(timeMs);
    this.forgetTaken(this.#taken, timeMs);
  }

  protected override compute(timeMs: number): RDD<T> {
    const taken = this.#taken.get(timeMs) ?? [];
    this.#taken.delete(timeMs);
    const { sparkContext } = this.ssc;
    if (taken.length === 0) return this.fallback ?? sparkContext.parallelize<T>([], 1);
    return taken.length === 1 ? taken[0]! : sparkContext.union(taken);
  }
}

/** Blocks of records that have come between two batches. */
export abstract class Blocks<T, B> extends InputStream<T> {
  /** Received for the next batch: the block, how many records, and who waits for them to be safe. */
  #waiting: { block: B; records: number; safe?: () => void }[] = [];
  readonly #batches = new Map<number, { blocks: B[]; safe: (() => void)[] }>();

  /** How fast records may come in, where there is a limit. @internal */
  protected readonly limit = this.ssc.rateLimit();

  protected abstract toBytes(block: B): Uint8Array;
  protected abstract fromBytes(bytes: Uint8Array): B;
  protected abstract dataset(blocks: readonly B[]): RDD<T>;

  /** Takes a block; the promise settles when it is as safe as it gets. */
  protected take(block: B, records: number): Promise<void> {
    const durable = this.ssc.checkpoints !== undefined;
    return new Promise((safe) => {
      this.#waiting.push({ block, records, ...(durable && { safe }) });
      if (!durable) safe();
    });
  }

  override cut(timeMs: number): number {
    // What an earlier life has received for it.
    if (this.#batches.has(timeMs)) return 0;
    const taken = this.#waiting;
    this.#waiting = [];
    this.#batches.set(timeMs, { blocks: taken.map(({ block }) => block), safe: taken.flatMap(({ safe }) => safe ?? []) });
    return taken.reduce((sum, { records }) => sum + records, 0);
  }
  override waiting(): boolean {
    return this.#waiting.length > 0;
  }
  override processed({ processingEndTime, processingDelay, schedulingDelay }: BatchInfo, records: number): void {
    this.limit?.processed(processingEndTime!, records, processingDelay!, schedulingDelay!);
  }

  override async write(timeMs: number): Promise<void> {
    const batch = this.#batches.get(timeMs);
    if (!batch || batch.blocks.length === 0 || !this.ssc.checkpoints) return;
    await this.ssc.checkpoints.writeReceived(this.number, timeMs, encode(batch.blocks.map((block) => this.toBytes(block))));
    for (const safe of batch.safe.splice(0)) safe();
  }

  override async recover(): Promise<void> {
    for (const [timeMs, bytes] of await this.ssc.checkpoints!.received(this.number)) {
      this.#batches.set(timeMs, { blocks: (decode(bytes) as Uint8Array[]).map((block) => this.fromBytes(block)), safe: [] });
    }
  }

  override forgetBefore(timeMs: number): void {
    super.forgetBefore(timeMs);
    this.forgetTaken(this.#batches, timeMs);
  }

  protected override compute(timeMs: number): RDD<T> {
    const blocks = this.#batches.get(timeMs)?.blocks ?? [];
    this.#batches.delete(timeMs);
    return this.dataset(blocks);
  }
}

/** Records gathered on the page between two batches. */
abstract class Records<T> extends Blocks<T, T[]> {
  #buffer: T[] = [];

  protected store(record: T): void {
    this.#buffer.push(record);
  }

  override cut(timeMs: number): number {
    const records = this.#buffer;
    this.#buffer = [];
    if (records.length > 0) void this.take(records, records.length);
    return super.cut(timeMs);
  }
  override waiting(): boolean {
    return this.#buffer.length > 0 || super.waiting();
  }

  protected override toBytes(records: T[]): Uint8Array {
    return encode(records);
  }
  protected override fromBytes(bytes: Uint8Array): T[] {
    return decode(bytes) as T[];
  }
  protected override dataset(blocks: readonly T[][]): RDD<T> {
    return this.ssc.sparkContext.parallelize(blocks.flat());
  }
}

/** Records that an iterable may yield in a row: one that never waits would not let the page do anything else. */
const RECORDS_IN_A_ROW = 4096;

export class IterableInput<T> extends Records<T> {
  override readonly kind = 'iterable';
  #iterator: AsyncIterator<T> | undefined;

  constructor(
    ssc: StreamingContext,
    private readonly source: AsyncIterable<T>,
    private readonly failed: (error: Error) => void,
  ) {
    super(ssc);
  }

  override start(): void {
    const iterator = this.source[Symbol.asyncIterator]();
    this.#iterator = iterator;
    const run = async () => {
      const clock = this.ssc.sparkContext.alarms ?? systemClock;
      for (let taken = 1; ; taken++) {
        await this.limit?.permit();
        if (taken % RECORDS_IN_A_ROW === 0) await new Promise<void>((resolve) => clock.at(clock.now(), resolve));
        const { done, value } = await iterator.next();
        if (done || this.#iterator !== iterator) return;
        this.store(value);
      }
    };
    run().catch((error: unknown) => this.failed(error instanceof Error ? error : new Error(String(error))));
  }
  override stop(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    (async () => {
      await iterator?.return?.();
    })().catch(this.failed);
  }
}

export class SocketInput extends Records<string> {
  override readonly kind = 'socket';
  readonly #abort = new AbortController();

  constructor(
    ssc: StreamingContext,
    private readonly url: string,
    private readonly failed: (error: Error) => void,
  ) {
    super(ssc);
  }

  override start(): void {
    void this.#receive();
  }
  override stop(): void {
    this.#abort.abort();
  }

  async #receive(): Promise<void> {
    const { signal } = this.#abort;
    for await (const text of socketMessages(this.url, this.limit !== undefined, signal, this.failed)) {
      if (typeof text !== 'string') {
        this.failed(new SparkTypeError(`${this.url} sent binary data; socketTextStream takes text`));
        continue;
      }
      const lines = text.split(/\r\n|\n|\r/);
      // A string that ends with a line's end has no further line after it.
      if (lines.at(-1) === '') lines.pop();
      for (const line of lines) {
        if (this.limit) await this.limit.permit();
        if (signal.aborted) return;
        this.store(line);
      }
    }
  }
}

/** Files that have come into a folder since the stream began, each once (`FileInputDStream`). */
export class FileInput extends InputStream<string> {
  override readonly kind = 'textFile';
  /** By name: when it was changed, and the batch that it belongs to. */
  readonly #seen = new Map<string, [modifiedMs: number, timeMs: number]>();
  #sinceMs = 0;

  constructor(
    ssc: StreamingContext,
    private readonly folder: () => Promise<FileSystemDirectoryHandle>,
  ) {
    super(ssc);
  }

  override start(): void {
    this.#sinceMs ||= this.ssc.clock.now();
  }
  override note(): unknown {
    return { sinceMs: this.#sinceMs, seen: [...this.#seen] };
  }
  override recover(noted: { sinceMs: number; seen: [string, [number, number]][] } | null): Promise<void> {
    if (noted) {
      this.#sinceMs = noted.sinceMs;
      for (const [name, entry] of noted.seen) this.#seen.set(name, entry);
    }
    return Promise.resolve();
  }

  protected override async compute(timeMs: number): Promise<RDD<string>> {
    const files: File[] = [];
    const gone = new Set(this.#seen.keys());
    const folder = await this.folder();
    for await (const [name, entry] of folder.entries()) {
      gone.delete(name);
      if (entry.kind !== 'file' || /^[._]/.test(name)) continue;
      // Somebody may take it away meanwhile.
      const file = await (entry as FileSystemFileHandle).getFile().catch((error: Error) => {
        if (error.name !== 'NotFoundError') throw error;
      });
      if (!file) continue;
      const seen = this.#seen.get(name);
      // A batch that is done takes no more.
      if (seen ? seen[1] !== timeMs : file.lastModified < this.#sinceMs || timeMs <= this.ssc.completedMs) continue;
      this.#seen.set(name, [file.lastModified, timeMs]);
      files.push(file);
    }
    for (const name of gone) this.#seen.delete(name);
    const { sparkContext } = this.ssc;
    return files.length === 0
      ? sparkContext.parallelize<string>([], 1)
      : sparkContext.textFile(files.sort((a, b) => (a.name < b.name ? -1 : 1)));
  }
}
