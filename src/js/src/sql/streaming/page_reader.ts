/** Reads the page's sources for the engine: what queries want, no faster than they take it. */
import type { Wire } from '../../cluster/connection.js';
import { SparkError, SparkRuntimeException, stackWithCondition } from '../../errors.js';
import { type Need, owns } from '../../needs.js';
import type { FromDriver } from '../../protocol.js';
import { described, kindOf, shown } from '../../values/misfit.js';
import type { Readers } from '../plan.js';
import { type Dropping, type ItemIterator, iteratorOf, type PageSource, type SourceOffset } from './page_source.js';
import { type PushData, type PushEncoder, rowsIn } from './push_data.js';

/** Rows that go together at most. */
const GATHER_ROWS = 4_096;
/** Most blocks, and bytes of them, that are underway to the engine. */
const MOST_BLOCKS = 32;
const MOST_BYTES = 8 << 20;
/** Most items that are not acknowledged. */
const MOST_UNACKNOWLEDGED = 10_000;

type SourceMessage = Extract<FromDriver, { t: 'openSource' | 'sourceCredit' | 'closeSource' }>;

/** The sources that the page has described, and what it reads of them for queries. @internal */
export class PageReaders implements Readers {
  readonly #sources = new Map<string, { source: PageSource<unknown>; encoder: PushEncoder }>();
  readonly #readers = new Map<number, PageReader>();
  #next = 0;

  constructor(private readonly wire: Wire) {}

  add(source: PageSource<unknown>, encoder: PushEncoder): { id: string; need: Need } {
    const id = `page-${this.#next++}`;
    this.#sources.set(id, { source, encoder });
    const need = Promise.resolve();
    owns(need, () => this.#sources.delete(id));
    return { id, need };
  }

  async settled(): Promise<void> {
    if (this.#readers.size === 0) return;
    await new Promise<void>(soon);
    for (const reader of this.#readers.values()) reader.settle();
  }

  /** Takes what the driver says of a source. */
  receive(message: SourceMessage): void {
    const { connection } = message;
    const reader = this.#readers.get(connection);
    if (message.t === 'sourceCredit') reader?.credit(message.taken, message.durable);
    else if (message.t === 'closeSource') {
      this.#readers.delete(connection);
      reader?.close();
    } else {
      const known = this.#sources.get(message.source);
      if (!known) return;
      const made = new PageReader(this.wire, message, known.source, known.encoder);
      this.#readers.set(connection, made);
      void made.run();
    }
  }

  /** Ends all reading. */
  stop(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }
}

/** An item with its rows. */
interface Taken {
  item: unknown;
  /** Its number since the source was opened, from 1. */
  number: number;
  offset: SourceOffset | undefined;
  rows: readonly unknown[];
}

/** Reads one source for one query. */
class PageReader {
  readonly #abort = new AbortController();
  readonly #name: string;
  #items: unknown;
  #iterator: ItemIterator | undefined;
  /** Whether the source has ended for the engine. */
  #isOver = false;
  /** Items that came. */
  #count = 0;
  /** The offset of the last one. */
  #last: SourceOffset | undefined;
  /** Items that are not sent yet. */
  #gathered: Taken[] = [];
  #gatheredRows = 0;
  /** Blocks that were sent. */
  #sent = 0;
  /** Bytes of the blocks that are underway to the engine, the oldest first. */
  #underway: number[] = [];
  /** Items of blocks that are not durable, the oldest first. */
  #unacknowledged: { block: number; items: unknown[] }[] = [];
  #unacknowledgedItems = 0;
  #acknowledging: Promise<void> = Promise.resolve();
  /** Whether all that the source had at hand was read. */
  #waits = false;
  /** Whether the engine knows that. */
  #saidSo = false;
  #willSettle = false;
  #wake: () => void = () => {};

  constructor(
    private readonly wire: Wire,
    private readonly opened: Extract<FromDriver, { t: 'openSource' }>,
    private readonly source: PageSource<unknown>,
    private readonly encoder: PushEncoder,
  ) {
    this.#name = source.name ?? opened.source;
    this.#last = opened.after ?? undefined;
  }

  /** Reads to the end. An error ends the query, after all that came before it is processed. */
  async run(): Promise<void> {
    try {
      await this.#read();
      if (this.#isOver) return;
      this.#flush();
      this.#isOver = true;
      this.wire.post({ t: 'sourceEnd', connection: this.opened.connection });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #read(): Promise<void> {
    const { signal } = this.#abort;
    this.#settleSoon();
    this.#waits = true;
    try {
      this.#items = await this.source.open(this.opened.after ?? undefined, signal);
      this.#iterator = iteratorOf(this.#items);
    } catch (error) {
      throw this.#failed(error);
    }
    if (this.#isOver) return this.#release();
    if (!this.#iterator) throw this.#misshapen(`open() returned ${shown(this.#items)}`, this.#items);
    for (;;) {
      this.#waits = false;
      while (!this.#hasRoom() && !this.#isOver) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#isOver) return;
      this.#waits = true;
      this.#settleSoon();
      let result: unknown;
      try {
        result = await this.#iterator.next();
      } catch (error) {
        throw this.#failed(error);
      }
      this.#waits = false;
      if (this.#isOver) return;
      if (typeof result !== 'object' || result === null) throw this.#misshapen(`next() returned ${shown(result)}`, result);
      const { done, value } = result as IteratorResult<unknown>;
      if (done) {
        this.#iterator = undefined;
        return;
      }
      this.#take(value);
    }
  }

  #hasRoom(): boolean {
    const bytes = this.#underway.reduce((sum, block) => sum + block, 0);
    return this.#underway.length < MOST_BLOCKS && bytes < MOST_BYTES && this.#unacknowledgedItems < MOST_UNACKNOWLEDGED;
  }

  #take(item: unknown): void {
    this.#count += 1;
    this.#saidSo = false;
    const number = this.#count;
    const offset = this.#offsetOf(item, number);
    const data = this.#called('rowOf', number, () => (this.source.rowOf ? this.source.rowOf(item) : (item as PushData)));
    if (typeof data === 'string' || data instanceof Uint8Array) {
      this.#flush();
      const bytes = this.#encoded(data, number);
      this.#send(bytes, [{ item, number, offset, rows: [] }]);
      return;
    }
    const rows = rowsIn(data);
    this.#gathered.push({ item, number, offset, rows });
    this.#gatheredRows += rows.length;
    this.#settleSoon();
    if (this.#gatheredRows >= GATHER_ROWS) this.#flush();
  }

  /** The offset of an item; throws for one that is none, or that does not come after the one before. */
  #offsetOf(item: unknown, number: number): SourceOffset | undefined {
    if (!this.source.offsetOf) return undefined;
    const offset: unknown = this.#called('offsetOf', number, () => this.source.offsetOf?.(item));
    const last = this.#last;
    const wrong = (why: string) =>
      failure('RIVULET_SOURCE_OFFSET', `offsetOf() of the source ${this.#name} returned ${shown(offset)} for item ${number}: ${why}`);
    if (typeof offset !== 'string' && !Number.isFinite(offset)) throw wrong('an offset is a string or a finite number');
    if (typeof offset === 'number' && typeof last === 'number' && offset <= last)
      throw wrong(`the offset before was ${last}, and offsets grow`);
    if (offset === last) throw wrong('the item before has the same offset');
    this.#last = offset as SourceOffset;
    return this.#last;
  }

  /** Calls a function of the source for an item. */
  #called<R>(what: string, number: number, call: () => R): R {
    try {
      return call();
    } catch (error) {
      throw failure('RIVULET_SOURCE_ITEM', `${what}() of the source ${this.#name} threw for item ${number}: ${worded(error)}`, error);
    }
  }

  #encoded(data: PushData, number: number): Uint8Array {
    try {
      return this.encoder.encode(data);
    } catch (error) {
      throw failure('RIVULET_SOURCE_ITEM', `Item ${number} of the source ${this.#name} is not a row: ${worded(error)}`, error);
    }
  }

  /** Sends what has gathered. If an item is not a row, those before it are sent. */
  #flush(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredRows = 0;
    const rows = (some: readonly Taken[]) => some.flatMap((taken) => taken.rows) as PushData;
    let bytes: Uint8Array;
    try {
      bytes = this.encoder.encode(rows(gathered));
    } catch {
      gathered.forEach((taken, at) => {
        try {
          this.#encoded(taken.rows as PushData, taken.number);
        } catch (error) {
          const whole = gathered.slice(0, at);
          if (at > 0) this.#send(this.encoder.encode(rows(whole)), whole);
          throw error;
        }
      });
      bytes = this.#encoded(rows(gathered), gathered[0]!.number);
    }
    this.#send(bytes, gathered);
  }

  #send(bytes: Uint8Array, taken: readonly Taken[]): void {
    const { connection } = this.opened;
    if (bytes.byteLength > 0) {
      this.#sent += 1;
      this.#underway.push(bytes.byteLength);
      const offset = JSON.stringify(taken.at(-1)?.offset ?? null);
      const dropped = (this.#items as Partial<Dropping>).takeDropped?.() ?? 0;
      this.wire.post({ t: 'sourceBlock', connection, offset, bytes, dropped }, [bytes.buffer as ArrayBuffer]);
    }
    if (!this.source.ack) return;
    // Items without rows are done with when those before them are.
    this.#unacknowledged.push({ block: this.#sent - 1, items: taken.map(({ item }) => item) });
    this.#unacknowledgedItems += taken.length;
  }

  /** Sends what has gathered, and says that the source waits, once what runs now is done. */
  #settleSoon(): void {
    if (this.#willSettle) return;
    this.#willSettle = true;
    soon(() => {
      this.#willSettle = false;
      this.settle();
    });
  }

  /** Sends what has gathered, and says so if the source waits. */
  settle(): void {
    if (this.#isOver) return;
    try {
      this.#flush();
    } catch (error) {
      return this.#fail(error);
    }
    if (!this.#waits || this.#saidSo) return;
    this.#saidSo = true;
    this.wire.post({ t: 'sourceCaughtUp', connection: this.opened.connection });
  }

  /** Takes in how many blocks are taken, and how many are durable. */
  credit(taken: number, durable: number | null): void {
    this.#underway.splice(0, this.#underway.length - (this.#sent - taken));
    this.#acknowledge(this.opened.isLogged ? (durable ?? 0) : taken);
    this.#wake();
  }

  /** Acknowledges the items of the first `blocks` blocks, one after the other. */
  #acknowledge(blocks: number): void {
    while (this.#unacknowledged[0] && this.#unacknowledged[0].block < blocks) {
      const { items } = this.#unacknowledged.shift()!;
      this.#acknowledging = this.#acknowledging.then(async () => {
        for (const item of items) {
          if (this.#abort.signal.aborted) return;
          await this.source.ack?.(item);
          this.#unacknowledgedItems -= 1;
        }
        this.#wake();
      });
    }
    this.#acknowledging = this.#acknowledging.catch((error: unknown) => {
      this.#fail(failure('RIVULET_SOURCE_ACK', `ack() of the source ${this.#name} threw: ${worded(error)}`, error));
    });
  }

  /** Ends the reading: the query is over. */
  close(): void {
    this.#isOver = true;
    this.#abort.abort();
    this.#wake();
    this.#release();
  }

  /** Ends the query with an error, after all that came before it. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    let first = error;
    try {
      this.#flush();
    } catch (earlier) {
      first = earlier;
    }
    this.close();
    const { condition, message, cause } = first instanceof SparkError ? first : this.#failed(first);
    const stack = cause instanceof Error ? stackWithCondition(cause) : undefined;
    const wire = { condition: condition ?? 'RIVULET_SOURCE_FAILED', message, ...(stack !== undefined && { stack }) };
    this.wire.post({ t: 'sourceEnd', connection: this.opened.connection, error: wire });
  }

  /** Lets the iterator go, which may be in the middle of a wait. */
  #release(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    // Nobody waits for what it does last.
    void (async () => iterator?.return?.())().catch((error: unknown) => {
      console.warn(`[rivulet] the end of the source ${this.#name} failed:`, error);
    });
  }

  #failed(error: unknown): SparkRuntimeException {
    return failure('RIVULET_SOURCE_FAILED', `The source ${this.#name} failed after ${this.#count} items: ${worded(error)}`, error);
  }

  #misshapen(what: string, value: unknown): SparkRuntimeException {
    const message = `${what} (${kindOf(value)}) where the source ${this.#name} needs an async iterable, an iterable or a ReadableStream`;
    return failure('RIVULET_SOURCE_ITEM', message);
  }
}

function failure(condition: string, message: string, cause?: unknown): SparkRuntimeException {
  return new SparkRuntimeException(message, { condition, ...(cause !== undefined && { cause }) });
}

const worded = (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : described(thrown));

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

/** Calls `f` once what runs now is done. Timers of a page in the background come late; messages do not. */
function soon(f: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (f: () => void) => void };
  if (setImmediate) return setImmediate(f);
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  waiting.push(f);
  channel.port2.postMessage(null);
}
