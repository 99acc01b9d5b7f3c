import { FolderInput, IterableInput, QueueInput } from '../batches/inputs.js';
import { ContextLife } from '../batches/life.js';
import { type ReceiverClass, receiverInput } from '../batches/receiver.js';
import { isLimited } from '../batches/settings.js';
import type { StreamSource } from '../batches/stream.js';
import type { InputKind } from '../batches/wire.js';
import { IllegalArgumentException } from '../errors.js';
import { openFolder } from '../files/open.js';
import type { RDD } from '../rdd/rdd.js';
import type { Bound } from '../rdd/remote.js';
import { DStream } from './dstream.js';

type Folder = string | FileSystemDirectoryHandle;

/**
 * The way to discretized streams: series of datasets, one per batch interval (`StreamingContext`). Define streams and output
 * operations, then call `start()`. Batches are made in the driver's worker, whatever the page does; they run one after the other, and
 * one that is late is not skipped. Where the output of one throws, the next ones run all the same.
 */
export class StreamingContext extends ContextLife {
  /**
   * Returns the context of an earlier life that wrote its checkpoint into this directory, or a new one. `create` builds the same
   * program in both cases, since functions on the page cannot be written: it makes the context, calls `checkpoint(directory)`,
   * defines the streams and their outputs. Batches continue after the last one that was completed, states from what was written; a
   * batch that was not completed runs again with the records that it had. Unlike Spark, which restores the program itself from the
   * checkpoint. Throws STREAMING_CHECKPOINT_MISMATCH if the program is another.
   */
  static async getOrCreate(directory: string, create: () => StreamingContext | Promise<StreamingContext>): Promise<StreamingContext> {
    const context = await create();
    await context.restore(directory);
    return context;
  }
  /** Returns the context that has started and not stopped, of whichever session started one last; or null. */
  static getActive(): StreamingContext | null {
    return (ContextLife.active as StreamingContext | undefined) ?? null;
  }
  /** Returns the active context; without one, as {@link getOrCreate} does, or, with a directory of null, a new one. */
  static async getActiveOrCreate(
    directory: string | null,
    create: () => StreamingContext | Promise<StreamingContext>,
  ): Promise<StreamingContext> {
    return StreamingContext.getActive() ?? (directory === null ? create() : StreamingContext.getOrCreate(directory, create));
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
  textFileStream(folder: Folder): DStream<string> {
    return this.#files('textFile', folder, (files) => this.sparkContext.textFile(files));
  }
  /** Makes a stream of records of `recordLength` bytes each, of files that appear in a folder as for {@link textFileStream}. */
  binaryRecordsStream(folder: Folder, recordLength: number): DStream<Uint8Array> {
    const read = (files: File[]) => this.sparkContext.binaryRecords(files, recordLength);
    // Throws for a length that is none.
    read([]);
    return this.#files('binaryRecords', folder, read);
  }
  #files<T>(kind: string, folder: Folder, read: (files: File[]) => RDD<T>): DStream<T> {
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
  #input<T>(kind: string, more: Pick<StreamSource, 'input'>, input: InputKind, recovers = true): DStream<T> {
    const source: StreamSource = { kind, parents: [], how: () => ({ t: 'input', input, recovers }), ...more };
    return new DStream<T>(this, this.batchMs, source);
  }
}
