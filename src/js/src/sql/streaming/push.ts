import type { Wire } from '../../cluster/connection.js';
import { IllegalArgumentException, SessionClosedError, SparkRuntimeException } from '../../errors.js';
import type { FromDriver } from '../../protocol.js';
import type { StructType } from '../../values/types.js';
import type { Sources } from '../plan.js';
import { type PushData, PushEncoder, type PushFormat } from './push_data.js';

/** How data is written. */
export interface WriteOptions {
  /**
   * Moves bytes to the engine in place of a copy: the array is empty afterwards. Bytes that are a part of a larger or a shared
   * buffer are copied all the same.
   */
  transfer?: boolean;
}

const DEFAULT_LIMIT_BYTES = 16 * 1024 * 1024;

/** How long a full queue waits for a query that reads it. */
const NOT_READ_MS = 10_000;

/** The push sources of a session, and the credit that the driver grants them. @internal */
export class PushSources implements Sources {
  readonly #sources = new Map<string, PushSource>();
  #next = 0;

  constructor(private readonly wire: Wire) {}

  /** A new source. */
  open(schema: StructType, format: PushFormat, options: Readonly<Record<string, string>>): PushSource {
    const source = new PushSource(this.wire, `push-${this.#next++}`, new PushEncoder(schema, format, options));
    this.#sources.set(source.id, source);
    return source;
  }

  /** Takes the driver's `credit`. */
  receive(message: Extract<FromDriver, { t: 'credit' }>): void {
    this.#sources.get(message.source)?.credit(message);
  }

  /** Rejects all who wait. */
  stop(): void {
    for (const source of this.#sources.values()) source.fail(new SessionClosedError('The session is stopped'));
    this.#sources.clear();
  }
}

/** The page's end of a push source: a bounded queue whose other end is in the driver. @internal */
export class PushSource {
  #seq = 0;
  /** Bytes that wait in the driver, by its last credit. */
  #queuedBytes = 0;
  /** Pushes that the last credit does not count yet, the oldest first. */
  #underway: { seq: number; bytes: number }[] = [];
  #limitBytes = DEFAULT_LIMIT_BYTES;
  /** Pushes that are durable; null without a checkpoint. */
  #durable: number | null = null;
  /** Whether a query reads the queue. */
  #isRead = false;
  #ended = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly wire: Wire,
    readonly id: string,
    private readonly encoder: PushEncoder,
  ) {}

  /**
   * Adds data, then waits while the queue is full. Where a query with a checkpoint reads the source, waits until the data is
   * durable: then it is processed exactly once, even if this tab ends now. Text and bytes must end at the end of a record. Throws
   * a SparkTypeError for a value that does not fit its column: then nothing of `data` is added.
   * If the queue is full and no query reads it for ten seconds, `RIVULET_PUSH_NOT_READ` says so; the data stays queued.
   */
  async write(data: PushData, { transfer = false }: WriteOptions = {}): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#ended) throw new IllegalArgumentException('write() after end()');
    const bytes = this.encoder.encode(data, transfer);
    if (bytes.byteLength === 0) return;
    const seq = this.#seq++;
    this.#underway.push({ seq, bytes: bytes.byteLength });
    this.wire.post({ t: 'push', source: this.id, seq, bytes }, [bytes.buffer as ArrayBuffer]);
    const waits = () => this.#waitingBytes() >= this.#limitBytes || (this.#durable !== null && this.#durable <= seq);
    while (waits() && !this.#failure) await this.#change();
    if (this.#failure) throw this.#failure;
  }

  /** Waits until something is known anew. A full queue that no query reads will not change by itself. */
  async #change(): Promise<void> {
    await new Promise<void>((go, fail) => {
      const late = this.#isRead
        ? undefined
        : setTimeout(() => {
            const full = `The queue of a push source is full (${this.#waitingBytes()} bytes), and no query reads it`;
            const message = `[RIVULET_PUSH_NOT_READ] ${full}: start a query before you wait for write(). What was written is kept.`;
            fail(new SparkRuntimeException(message, { condition: 'RIVULET_PUSH_NOT_READ' }));
          }, NOT_READ_MS);
      this.#waiting.push(() => {
        clearTimeout(late);
        go();
      });
    });
  }

  /** No more data will come; a query over this source ends its last batch and then stays idle. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.wire.post({ t: 'pushEnd', source: this.id });
  }

  /** Bytes that wait in the driver or are on their way to it. */
  #waitingBytes(): number {
    return this.#underway.reduce((sum, { bytes }) => sum + bytes, this.#queuedBytes);
  }

  credit({ received, queuedBytes, limitBytes, durable, isRead }: Omit<Extract<FromDriver, { t: 'credit' }>, 't' | 'source'>): void {
    this.#underway = this.#underway.filter(({ seq }) => seq >= received);
    this.#queuedBytes = queuedBytes;
    this.#limitBytes = limitBytes;
    this.#durable = durable;
    this.#isRead = isRead;
    this.#wake();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}
