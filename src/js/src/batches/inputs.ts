/** Inputs that only the page holds: queues, iterables, folders. */
import type { Clock } from '../clock.js';
import type { SparkContext } from '../rdd/context.js';
import type { RDD } from '../rdd/rdd.js';
import { encode } from '../rdd/value_codec.js';

/** What an input may do while its context runs. */
export interface InputHost {
  readonly clock: Clock;
  /** Whether the page moves the clock: then it says when blocks are offered. */
  readonly isManual: boolean;
  readonly batchMs: number;
  /** Hands over a block; resolves when it is let in. */
  offer(block: Uint8Array, records: number): Promise<void>;
  failed(error: Error): void;
}

/** An input of the page's. */
export interface PageInput {
  start?(host: InputHost): void;
  stop?(): void;
  /** Hands over what has arrived. */
  flush?(): void;
  /** A batch begins that takes what is there. */
  cut?(timeMs: number): void;
  /** Whether it has something for a batch to come. */
  waiting?(): boolean;
  /** The dataset of a batch, and what is noted of it in a checkpoint; `isNew` unless an earlier life had its share. */
  dataset?(timeMs: number, isNew: boolean): Promise<{ rdd: RDD<unknown>; note?: unknown }> | { rdd: RDD<unknown>; note?: unknown };
  /** Continues from a note. */
  recover?(noted: unknown): void;
  /** How many records a block should have. */
  grain?(records: number): void;
}

/** Datasets, or rows of them, one or all for a batch (`QueueInputDStream`). */
export class QueueInput<T> implements PageInput {
  readonly #taken = new Map<number, (RDD<T> | readonly T[])[]>();

  constructor(
    private readonly context: SparkContext,
    private readonly queue: (RDD<T> | readonly T[])[],
    private readonly oneAtATime: boolean,
    private readonly fallback: RDD<T> | readonly T[] | undefined,
  ) {}

  cut(timeMs: number): void {
    if (!this.#taken.has(timeMs)) this.#taken.set(timeMs, this.queue.splice(0, this.oneAtATime ? 1 : this.queue.length));
  }
  waiting(): boolean {
    return this.queue.length > 0;
  }
  dataset(timeMs: number): { rdd: RDD<unknown> } {
    const taken = this.#taken.get(timeMs) ?? [];
    for (const time of this.#taken.keys()) if (time <= timeMs) this.#taken.delete(time);
    const { context } = this;
    const made = (rows: RDD<T> | readonly T[]) =>
      Array.isArray(rows) ? context.parallelize<unknown>(rows as T[]) : (rows as RDD<unknown>);
    if (taken.length === 0) return { rdd: this.fallback ? made(this.fallback) : context.parallelize<unknown>([], 1) };
    return { rdd: taken.length === 1 ? made(taken[0]!) : context.union(taken.map(made)) };
  }
}

/** Records that may come in a row: a source that never waits would not let the page do anything else. */
const RECORDS_IN_A_ROW = 4096;
/** How long records are gathered before they are handed over, ms. */
const GATHER_MS = 20;

/** The elements of an async iterable. */
export class IterableInput<T> implements PageInput {
  #iterator: AsyncIterator<T> | undefined;
  #host: InputHost | undefined;
  #buffer: T[] = [];
  #isDue = false;
  #admitted: Promise<void> | undefined;
  /** Records of a block; undefined without a limit. */
  #grain: number | undefined;

  constructor(
    private readonly source: AsyncIterable<T>,
    isLimited: boolean,
  ) {
    this.#grain = isLimited ? 1 : undefined;
  }

  start(host: InputHost): void {
    this.#host = host;
    const iterator = this.source[Symbol.asyncIterator]();
    this.#iterator = iterator;
    this.#run(iterator, host).catch((error: unknown) => host.failed(error instanceof Error ? error : new Error(String(error))));
  }
  async #run(iterator: AsyncIterator<T>, host: InputHost): Promise<void> {
    for (let taken = 1; ; taken++) {
      if (this.#grain !== undefined) await this.#admitted;
      if (taken % RECORDS_IN_A_ROW === 0) await new Promise<void>((resolve) => host.clock.at(host.clock.now(), resolve));
      const { done, value } = await iterator.next();
      if (done || this.#iterator !== iterator) return;
      this.#buffer.push(value);
      if (this.#buffer.length >= (this.#grain ?? RECORDS_IN_A_ROW)) this.flush();
      else this.#gather(host);
    }
  }
  /** Hands over in a while; where a test moves the clock, when it moves. */
  #gather(host: InputHost): void {
    if (this.#isDue || host.isManual) return;
    this.#isDue = true;
    host.clock.at(host.clock.now() + Math.min(GATHER_MS, host.batchMs / 4), () => {
      this.#isDue = false;
      this.flush();
    });
  }

  flush(): void {
    const records = this.#buffer;
    if (records.length === 0) return;
    this.#buffer = [];
    const { block, count } = this.#encoded(records);
    if (count > 0) this.#admitted = this.#host?.offer(block, count);
  }
  /** Records as a block, but for those that cannot travel: they are errors of the input. */
  #encoded(records: T[]): { block: Uint8Array; count: number } {
    try {
      return { block: encode(records), count: records.length };
    } catch {
      const whole = records.filter((record) => {
        try {
          return encode([record]);
        } catch (error) {
          this.#host?.failed(error as Error);
          return false;
        }
      });
      return { block: encode(whole), count: whole.length };
    }
  }
  grain(records: number): void {
    this.#grain = records;
  }
  stop(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.flush();
    (async () => {
      await iterator?.return?.();
    })().catch((error: unknown) => this.#host?.failed(error as Error));
  }
}

/** What is known of files: by name, when each was changed and the batch that it belongs to. */
interface FolderNote {
  sinceMs: number;
  seen: [name: string, [modifiedMs: number, timeMs: number]][];
}

/** Files that have come into a folder since the stream began, each once (`FileInputDStream`). */
export class FolderInput implements PageInput {
  readonly #seen = new Map<string, [modifiedMs: number, timeMs: number]>();
  #sinceMs = 0;

  constructor(
    private readonly folder: () => Promise<FileSystemDirectoryHandle>,
    /** Makes a dataset of files. */
    private readonly read: (files: File[]) => RDD<unknown>,
  ) {}

  start({ clock }: InputHost): void {
    this.#sinceMs ||= clock.now();
  }
  recover(noted: unknown): void {
    const { sinceMs, seen } = noted as FolderNote;
    this.#sinceMs = sinceMs;
    for (const [name, entry] of seen) this.#seen.set(name, entry);
  }

  async dataset(timeMs: number, isNew: boolean): Promise<{ rdd: RDD<unknown>; note: FolderNote }> {
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
      if (seen ? seen[1] !== timeMs : file.lastModified < this.#sinceMs || !isNew) continue;
      this.#seen.set(name, [file.lastModified, timeMs]);
      files.push(file);
    }
    for (const name of gone) this.#seen.delete(name);
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { rdd: this.read(files), note: { sinceMs: this.#sinceMs, seen: [...this.#seen] } };
  }
}
