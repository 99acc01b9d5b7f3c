import type { FromWorker, ToExecutor } from '../protocol.js';

/** What the page does with what a receiver says. */
export interface ReceiverPage {
  /** A block has come; the promise settles when it is safe. */
  received(block: Uint8Array, records: number): Promise<void>;
  started(executor: number): void;
  stopped(executor: number): void;
  failed(error: Error): void;
}

interface Running { receiver: Uint8Array; page: ReceiverPage; executor: number | undefined }

/** First pause before a receiver that failed starts again, doubled up to the last; ms. */
const RESTART_MS = [500, 30_000] as const;

/** The receivers that run in executors: each in one, and in another when that one dies or the receiver fails. */
export class Receivers {
  readonly #running = new Map<number, Running>();
  #next = 0;
  #pauseMs: number = RESTART_MS[0];

  constructor(private readonly workers: () => ReadonlyMap<number, { worker: Worker }>) {}

  /** Starts a receiver; returns what stops it. */
  start(receiver: Uint8Array, page: ReceiverPage): () => void {
    const id = this.#next++;
    const running: Running = { receiver, page, executor: undefined };
    this.#running.set(id, running);
    this.#place(id, running);
    return () => {
      this.#running.delete(id);
      this.#post(running.executor, { t: 'receiverStop', id });
      if (running.executor !== undefined) page.stopped(running.executor);
    };
  }

  /** On the executor with the fewest; waits for one where there is none. */
  #place(id: number, running: Running): void {
    const load = (executor: number) => [...this.#running.values()].filter((other) => other.executor === executor).length;
    const [executor] = [...this.workers().keys()].sort((a, b) => load(a) - load(b) || a - b);
    running.executor = executor;
    this.#post(executor, { t: 'receiver', id, receiver: running.receiver });
  }

  #post(executor: number | undefined, message: ToExecutor): void {
    if (executor !== undefined) this.workers().get(executor)?.worker.postMessage(message);
  }

  added(): void { for (const [id, running] of this.#running) if (running.executor === undefined) this.#place(id, running); }

  lost(executor: number): void {
    for (const [id, running] of this.#running) {
      if (running.executor !== executor) continue;
      running.page.stopped(executor);
      this.#place(id, running);
    }
  }

  receive(executor: number, message: FromWorker): void {
    if (message.t !== 'received' && message.t !== 'receiverStarted' && message.t !== 'receiverFailed') return;
    const running = this.#running.get(message.id);
    if (running?.executor !== executor) return;
    const { page } = running;
    switch (message.t) {
      case 'receiverStarted':
        this.#pauseMs = RESTART_MS[0];
        return page.started(executor);
      case 'received':
        return void page.received(message.block, message.records).then(() => this.#post(executor, { t: 'stored', id: message.id, seq: message.seq }));
      case 'receiverFailed':
        page.failed(Object.assign(new Error(`The receiver failed and starts again in ${this.#pauseMs} ms: ${message.message}`), { cause: message.message }));
        running.executor = undefined;
        setTimeout(() => { if (this.#running.has(message.id) && running.executor === undefined) this.#place(message.id, running); }, this.#pauseMs);
        this.#pauseMs = Math.min(this.#pauseMs * 2, RESTART_MS[1]);
    }
  }
}
