import { abortReason, errorFromWire, SessionClosedError, type SparkError } from '../errors.js';
import type { FromDriver, Method, ToDriver } from '../protocol.js';

/** What carries messages to the driver. */
export interface Wire {
  post(message: ToDriver, transfer?: Transferable[]): void;
}

/** How many read bytes are reported at once: a quarter of what the driver sends unread. */
const TAKEN_BYTES = 4 << 20;

interface Call {
  push(bytes: Uint8Array): void;
  end(): void;
  fail(error: unknown): void;
}

/** Spark Connect's calls over one port: numbers requests and sorts the responses. */
export class Connection {
  readonly #calls = new Map<number, Call>();
  #nextId = 1;
  #closed: SparkError | undefined;

  constructor(readonly wire: Wire) {}

  /** Number of calls that wait for their end. */
  get pending(): number {
    return this.#calls.size;
  }

  /**
   * Calls a method and iterates over its responses. The engine sends at most 16 MB more than were read. Leaving the loop early,
   * or `signal`, cancels the call in the engine.
   */
  async *stream(method: Method, bytes: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    if (signal?.aborted) throw abortReason(signal);
    if (this.#closed) throw this.#closed;
    const id = this.#nextId++;
    const queue: Uint8Array[] = [];
    let ended = false;
    let taken = 0;
    let failure: { error: unknown } | undefined;
    let wake = () => {};
    const change = (act: () => void) => () => {
      act();
      wake();
    };
    this.#calls.set(id, {
      push: (response) => {
        queue.push(response);
        wake();
      },
      end: change(() => {
        ended = true;
      }),
      fail: (error) => {
        failure = { error };
        wake();
      },
    });
    const abort = change(() => {
      failure = { error: abortReason(signal as AbortSignal) };
    });
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.wire.post({ t: 'req', id, method, bytes }, [bytes.buffer as ArrayBuffer]);
      for (;;) {
        if (failure) throw failure.error;
        const next = queue.shift();
        if (next) {
          taken += next.byteLength;
          yield next;
          if (taken >= TAKEN_BYTES) {
            this.wire.post({ t: 'taken', id, bytes: taken });
            taken = 0;
          }
        } else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      // Still registered: neither ended nor failed by the engine, so the caller has left.
      if (this.#calls.delete(id) && !ended && !this.#closed) this.wire.post({ t: 'cancel', id });
    }
  }

  /** Calls a method that has one response. */
  async unary(method: Method, bytes: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    let last: Uint8Array | undefined;
    for await (const response of this.stream(method, bytes, signal)) last = response;
    if (!last) throw new SessionClosedError(`${method} ended without a response`);
    return last;
  }

  /** Takes `res`, `end` and `err`; false for other messages. */
  receive(message: FromDriver): boolean {
    if (message.t !== 'res' && message.t !== 'end' && message.t !== 'err') return false;
    const call = this.#calls.get(message.id);
    if (!call) return true;
    if (message.t === 'res') call.push(message.bytes);
    else if (message.t === 'end') call.end();
    else {
      this.#calls.delete(message.id);
      call.fail(errorFromWire(message.error));
    }
    return true;
  }

  /** Fails every call, now and later. */
  close(error: SparkError): void {
    this.#closed = error;
    for (const call of this.#calls.values()) call.fail(error);
    this.#calls.clear();
  }
}
