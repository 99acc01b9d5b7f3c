import type { Wire } from '../../cluster/connection.js';
import { IllegalArgumentException, SessionClosedError, SparkRuntimeException } from '../../errors.js';
import { hold, owns } from '../../needs.js';
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

/** Whether the page is in the background, where timers are late: nothing waits for one there. */
const isHidden = () => globalThis.document?.visibilityState === 'hidden';

const NEWLINE = 10;

const textEncoder = new TextEncoder();

/** Strings of several writes as one; a last line without an end gets one. */
function joinedText(parts: readonly string[]): string {
  if (parts.length === 1 && parts[0]) return parts[0];
  return parts.map((part) => (part.endsWith('\n') ? part : `${part}\n`)).join('');
}

/** Bytes, about: those of a string are counted as if it was ASCII. */
const sizeOf = (written: string | Uint8Array) => written.length;

/** Lines of several writes as one; a last line without an end gets one. */
function joined(written: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = written.map((part) => (typeof part === 'string' ? textEncoder.encode(part) : part));
  if (parts.length === 1 && parts[0]) return parts[0];
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const lines = new Uint8Array(bytes + parts.length);
  let at = 0;
  for (const part of parts) {
    lines.set(part, at);
    at += part.byteLength;
    if (part[part.byteLength - 1] !== NEWLINE) lines[at++] = NEWLINE;
  }
  return lines.slice(0, at);
}

const DEFAULT_LIMIT_BYTES = 16 * 1024 * 1024;

/** Bytes from which a buffer is moved to the driver, not copied. */
const MOVED_BYTES = 4_096;

/** Within which time after the last lines that were sent those that follow are gathered, and sent together. */
const GATHER_SENT_MS = 0.8;

/** Options with which lines of several writes cannot be put together. */
const KEEPS_APART = /^(header|enforceschema|linesep|multiline|encoding|charset)$/i;

/** How long a full queue waits for a query that reads it. */
const NOT_READ_MS = 10_000;

/** The push sources of a session, and the credit that the driver grants them. @internal */
export class PushSources implements Sources {
  /** They live as long as somebody writes: the engine has what they wrote. */
  readonly #sources = new Map<string, WeakRef<PushSource>>();
  #next = 0;
  #isOver = false;

  constructor(private readonly wire: Wire) {}

  /** A new source. */
  open(schema: StructType, format: PushFormat, options: Readonly<Record<string, string>>): PushSource {
    const gathers = format !== 'arrow' && !Object.keys(options).some((name) => KEEPS_APART.test(name));
    const source = new PushSource(this.wire, `push-${this.#next++}`, new PushEncoder(schema, format, options), gathers);
    const { id, need } = source;
    this.#sources.set(id, new WeakRef(source));
    owns(need, () => {
      this.#sources.delete(id);
      if (!this.#isOver) this.wire.post({ t: 'pushForget', source: id });
    });
    return source;
  }

  /** Sends what waits for more. */
  flush(): void {
    for (const source of this.#sources.values()) source.deref()?.flush();
  }

  /** Takes the driver's `credit`. */
  receive(message: Extract<FromDriver, { t: 'credit' }>): void {
    this.#sources.get(message.source)?.deref()?.credit(message);
  }

  /** Rejects all who wait. */
  stop(): void {
    this.#isOver = true;
    for (const source of this.#sources.values()) source.deref()?.fail(new SessionClosedError('The session is stopped'));
    this.#sources.clear();
  }
}

/** The page's end of a push source: a bounded queue whose other end is in the driver. @internal */
export class PushSource {
  /** Who has it can read or write the source. */
  readonly need = Promise.resolve();
  #seq = 0;
  /** Bytes that wait in the driver, by its last credit. */
  #queuedBytes = 0;
  /** The bytes of each push that the last credit does not count yet, the oldest first, and of all of them. */
  #underway: number[] = [];
  #underwayBytes = 0;
  #limitBytes = DEFAULT_LIMIT_BYTES;
  /** Pushes that are durable; null without a checkpoint. */
  #durable: number | null = null;
  /** Whether a query reads the queue. */
  #isRead = false;
  #ended = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];
  /** Lines that wait for those after them, and how many bytes they are. */
  #gathered: (string | Uint8Array)[] = [];
  #gatheredBytes = 0;
  /** When lines were sent last, and what sends those that wait if no others follow. */
  #sentMs = 0;
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly wire: Wire,
    readonly id: string,
    private readonly encoder: PushEncoder,
    private readonly gathers: boolean,
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
    const written = this.gathers ? this.encoder.lines(data, transfer) : this.encoder.encode(data, transfer);
    if (sizeOf(written) === 0) return;
    const seq = this.#send(written, transfer);
    const waits = () => this.#waitingBytes() >= this.#limitBytes || (this.#durable !== null && this.#durable <= seq);
    while (waits() && !this.#failure) await this.#change();
    if (this.#failure) throw this.#failure;
  }

  /** Sends lines or bytes, or has them wait a moment for more; returns the number of the push that they are in. */
  #send(written: string | Uint8Array, moves: boolean): number {
    const size = sizeOf(written);
    if (!this.gathers || (moves && typeof written !== 'string') || size >= MOVED_BYTES || isHidden()) {
      this.flush();
      return this.#post(written, moves);
    }
    const seq = this.#seq;
    this.#gathered.push(written);
    this.#gatheredBytes += size;
    if (this.#gatheredBytes >= MOVED_BYTES || performance.now() - this.#sentMs >= GATHER_SENT_MS) this.flush();
    else this.#late ??= setTimeout(() => this.flush(), 1);
    return seq;
  }

  /** Sends what waits for more. */
  flush(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#sentMs = performance.now();
    const areStrings = (parts: readonly unknown[]): parts is string[] => parts.every((part) => typeof part === 'string');
    this.#post(areStrings(gathered) ? joinedText(gathered) : joined(gathered));
  }

  #post(written: string | Uint8Array, moves = false): number {
    const seq = this.#seq++;
    const size = sizeOf(written);
    this.#underway.push(size);
    this.#underwayBytes += size;
    if (typeof written === 'string' && size < MOVED_BYTES) {
      this.wire.post({ t: 'pushLines', source: this.id, seq, lines: written });
      return seq;
    }
    const bytes = typeof written === 'string' ? textEncoder.encode(written) : written;
    // To move a buffer costs more than to copy a few bytes.
    const moved = moves || bytes.byteLength >= MOVED_BYTES ? [bytes.buffer as ArrayBuffer] : [];
    this.wire.post({ t: 'push', source: this.id, seq, bytes }, moved);
    return seq;
  }

  /** Waits until something is known anew. A full queue that no query reads will not change by itself. */
  async #change(): Promise<void> {
    // Who waits has nothing that refers to this.
    const release = hold(this);
    const changed = new Promise<void>((go, fail) => {
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
    await changed.finally(release);
  }

  /** No more data will come; a query over this source ends its last batch and then stays idle. */
  end(): void {
    if (this.#ended) return;
    this.flush();
    this.#ended = true;
    this.wire.post({ t: 'pushEnd', source: this.id });
  }

  /** Bytes that wait in the driver or are on their way to it. */
  #waitingBytes(): number {
    return this.#queuedBytes + this.#underwayBytes + this.#gatheredBytes;
  }

  credit({ received, queuedBytes, limitBytes, durable, isRead }: Omit<Extract<FromDriver, { t: 'credit' }>, 't' | 'source'>): void {
    const counted = this.#underway.splice(0, Math.max(0, received - (this.#seq - this.#underway.length)));
    this.#underwayBytes -= counted.reduce((sum, bytes) => sum + bytes, 0);
    this.#queuedBytes = queuedBytes;
    this.#limitBytes = limitBytes;
    this.#durable = durable;
    this.#isRead = isRead;
    this.#wake();
  }

  fail(error: Error): void {
    clearTimeout(this.#late);
    this.#gathered = [];
    this.#failure = error;
    this.#wake();
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}
