/** What a page can read for a stream: iterables, streams, events, and clients of other systems. */
import { IllegalArgumentException } from '../../errors.js';
import type { StructType } from '../../values/types.js';
import type { PushData } from './push_data.js';

/**
 * Where an item stands in its source: a string, or a finite number. Numbers grow from item to item; strings are as the source has
 * them, and differ from that of the item before.
 */
export type SourceOffset = string | number;

/** Items that come by and by. */
export type SourceItems<T> = AsyncIterable<T> | Iterable<T> | ReadableStream<T>;

/**
 * A source that the page reads while a query wants it. What it promises to a query with a checkpoint follows from what it has:
 *
 * | with | over a crash of the tab |
 * | --- | --- |
 * | `offsetOf`, and an `open` that begins after an offset | each item is there exactly once |
 * | `ack`, from whose lack the sender concludes that it must send again | at least once: no item is lost |
 * | neither | best effort: exactly once from when it is in the write-ahead log, never before |
 *
 * Where a query without a checkpoint reads it, what was in the tab is gone with the tab, and items are acknowledged when the engine
 * has them.
 * @example
 * ```ts
 * const numbers = {
 *   name: 'numbers',
 *   open: async function* (after?: string | number) {
 *     for (let n = Number(after ?? 0) + 1; n <= 3; n++) yield { n };
 *   },
 *   offsetOf: (item: { n: number }) => item.n,
 * };
 * const query = await spark.readStream.from(numbers, { schema: 'n INT' }).writeStream.format('memory').queryName('seen').start();
 * await query.awaitTermination();
 * await spark.table('seen').collect(); // → [{ n: 1 }, { n: 2 }, { n: 3 }]
 * ```
 */
export interface PageSource<T> {
  /** What progress and errors call it. */
  readonly name?: string;
  /** The schema of its rows, where the reader names none: DDL or StructType. */
  readonly schema?: string | StructType;
  /**
   * Begins to read, once for each time that a query reads the source. `after` is the offset of the last item that the checkpoint of
   * the query has, undefined at its first start and without a checkpoint: only later items are wanted. `signal` is aborted when the
   * query has ended; the iterator's `return()` is called, too, but does not end the wait of an async generator.
   */
  open(after: SourceOffset | undefined, signal: AbortSignal): SourceItems<T> | Promise<SourceItems<T>>;
  /** Returns where an item stands. It is kept with the item's rows in the checkpoint. */
  offsetOf?(item: T): SourceOffset;
  /** Returns the row of an item, or its rows, or a string or bytes of whole records; no rows for `[]`. Without it, items are that. */
  rowOf?(item: T): PushData;
  /** Learns of each item in turn that it is durable in the write-ahead log of the query. */
  ack?(item: T): void | Promise<void>;
}

/** Whether it is a description of a source. @internal */
export function isPageSource(items: object): items is PageSource<unknown> {
  return typeof (items as { open?: unknown }).open === 'function';
}

/** A source of items that are there already; those that can be read once only are opened once. @internal */
export function sourceOf(items: SourceItems<unknown>, name: string | undefined): PageSource<unknown> {
  let isUsed = false;
  const open = () => {
    if (isUsed && isReadOnce(items)) {
      throw new IllegalArgumentException(
        'These items can be read once, and a query has read them: give from() an object { open: () => … } that makes them anew for each query',
      );
    }
    isUsed = true;
    return items;
  };
  return { ...(name !== undefined && { name }), open };
}

function isReadOnce(items: SourceItems<unknown>): boolean {
  if ('getReader' in items) return true;
  const own: unknown = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  return own === items;
}

/** Reads items one by one; `return` ends the reading. @internal */
export interface ItemIterator {
  next(): unknown;
  return?(): unknown;
}

/** Items that are dropped if the reader is full. @internal */
export interface Dropping {
  /** Returns how many were dropped since the last call. */
  takeDropped(): number;
}

/** The iterator of items; undefined for what cannot be iterated over. @internal */
export function iteratorOf(items: unknown): ItemIterator | undefined {
  if (typeof items !== 'object' || items === null) return undefined;
  // Not every browser can iterate over a ReadableStream, and its iterator would not end a wait.
  if ('getReader' in items) {
    const reader = (items as ReadableStream<unknown>).getReader();
    return { next: () => reader.read(), return: () => reader.cancel() };
  }
  const make = Reflect.get(items, Symbol.asyncIterator) ?? Reflect.get(items, Symbol.iterator);
  return typeof make === 'function' ? (Reflect.apply(make, items, []) as ItemIterator) : undefined;
}
