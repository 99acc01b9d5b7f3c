import { SparkError } from '../errors.js';
import type { FromWorker, ToExecutor } from '../protocol.js';

/** What the page does with the messages of a receiver. */
export interface ReceiverPage {
  /** A block has come; the promise settles when it is safe. */
  received(block: Uint8Array, records: number): Promise<void>;
  started(executor: number): void;
  stopped(executor: number): void;
  failed(error: Error): void;
}

interface Running {
  receiver: Uint8Array;
  page: ReceiverPage;
  executor: number | undefined;
  /** How often it was placed: what an earlier life has handed over is not acknowledged to this one. */
  life: number;
  pauseMs: number;
  /** Waits for its end. */
  ended?: () => void;
}

/** First pause before a receiver that failed starts again, doubled up to the last while nothing comes from it; ms. */
const RESTART_MS = [500, 30_000] as const;

/** What an executor reports about a receiver. */
export type FromReceiver = Extract<FromWorker, { t: `receive${string}` }>;
export function fromReceiver(message: FromWorker): message is FromReceiver {
  return message.t.startsWith('receive');
}

/** The receivers that run in executors: each in one, and in another when that one dies or the receiver fails. */
export class ReceiverPlacement {
  readonly #running = new Map<number, Running>();
  #next = 0;

  constructor(private readonly workers: () => ReadonlyMap<number, { worker: Worker }>) {}

  /** Starts a receiver; returns what stops it, and settles when it has stopped and all that it handed over is here. */
  start(receiver: Uint8Array, page: ReceiverPage): () => Promise<void> {
    const id = this.#next++;
    const running: Running = { receiver, page, executor: undefined, life: 0, pauseMs: RESTART_MS[0] };
    this.#running.set(id, running);
    this.#place(id, running);
    return () =>
      new Promise((ended) => {
        running.ended = ended;
        if (running.executor === undefined) this.#end(id, running);
        else this.#post(running.executor, { t: 'receiverStop', id });
      });
  }

  #end(id: number, running: Running): void {
    this.#running.delete(id);
    if (running.executor !== undefined) running.page.stopped(running.executor);
    running.ended?.();
  }

  /** Places it on the executor with the fewest receivers; without an executor, it waits for one. */
  #place(id: number, running: Running): void {
    const load = (executor: number) => [...this.#running.values()].filter((other) => other.executor === executor).length;
    const [executor] = [...this.workers().keys()].sort((a, b) => load(a) - load(b) || a - b);
    running.executor = executor;
    running.life += 1;
    this.#post(executor, { t: 'receiver', id, receiver: running.receiver });
  }

  #post(executor: number | undefined, message: ToExecutor): void {
    if (executor !== undefined) this.workers().get(executor)?.worker.postMessage(message);
  }

  added(): void {
    for (const [id, running] of this.#running) if (running.executor === undefined) this.#place(id, running);
  }

  lost(executor: number): void {
    for (const [id, running] of this.#running) {
      if (running.executor !== executor) continue;
      if (running.ended) {
        this.#end(id, running);
        continue;
      }
      running.page.stopped(executor);
      this.#place(id, running);
    }
  }

  receive(executor: number, message: FromReceiver): void {
    const running = this.#running.get(message.id);
    if (running?.executor !== executor) return;
    const { page, life } = running;
    switch (message.t) {
      case 'receiverStarted':
        return page.started(executor);
      case 'received':
        running.pauseMs = RESTART_MS[0];
        return void page.received(message.block, message.records).then(() => {
          if (running.life === life) this.#post(executor, { t: 'stored', id: message.id, seq: message.seq });
        });
      case 'receiverStopped':
        return this.#end(message.id, running);
      case 'receiverFailed':
        if (running.ended) return this.#end(message.id, running);
        page.failed(
          Object.assign(new SparkError(`The receiver failed and starts again in ${running.pauseMs} ms: ${message.message}`), {
            cause: message.message,
          }),
        );
        running.executor = undefined;
        setTimeout(() => {
          if (this.#running.has(message.id) && running.executor === undefined) this.#place(message.id, running);
        }, running.pauseMs);
        running.pauseMs = Math.min(running.pauseMs * 2, RESTART_MS[1]);
    }
  }
}
