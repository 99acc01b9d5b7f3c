import { IllegalStateException, SparkTypeError } from '../errors.js';
import type { FromWorker } from '../protocol.js';
import type { FunctionSource } from '../rdd/job_plan.js';
import { loadFunctions } from '../rdd/task/functions.js';
import { decode, encode } from '../rdd/value_codec.js';

/** Once it is `stopping`, it may hand over what it has until its `onStop` is done. */
interface Running {
  stopping: boolean;
  stopped: boolean;
  seq: number;
  waiting: Map<number, () => void>;
  instance?: { onStop?(): unknown };
}

/** The user's receivers that run in this executor. */
export class ReceiverRunner {
  readonly #running = new Map<number, Running>();

  constructor(private readonly tell: (message: FromWorker, transfer?: Transferable[]) => void) {}

  async start(id: number, receiver: Uint8Array): Promise<void> {
    const running: Running = { stopping: false, stopped: false, seq: 0, waiting: new Map() };
    this.#running.set(id, running);
    try {
      const [source, bound] = decode(receiver)[0] as [FunctionSource, Uint8Array | undefined];
      const [Class] = (await loadFunctions([source])) as unknown as [new (bound: unknown) => { onStart?(): unknown; onStop?(): unknown }];
      const instance = new Class(bound && decode(bound)[0]);
      for (const method of ['onStart', 'onStop'] as const) {
        if (typeof instance[method] !== 'function')
          throw new SparkTypeError(`a receiver needs onStart() and onStop(); this one has no ${method}`);
      }
      const storeAll = (records: readonly unknown[]) => this.#store(id, running, records);
      Object.assign(instance, { storeAll, store: (record: unknown) => storeAll([record]), isStopped: () => running.stopping });
      // Asked to stop while its class was loaded.
      if (running.stopping) return;
      running.instance = instance;
      this.tell({ t: 'receiverStarted', id });
      await instance.onStart!();
    } catch (error) {
      this.#fail(id, running, error);
    }
  }

  #fail(id: number, running: Running, error: unknown): void {
    if (running.stopping) return;
    void this.#end(id, running);
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    this.tell({ t: 'receiverFailed', id, message, stack: stack ?? '' });
  }

  #store(id: number, running: Running, records: readonly unknown[]): Promise<void> {
    if (running.stopped) return Promise.reject(new IllegalStateException('The receiver is stopped'));
    const block = encode(records);
    const seq = running.seq++;
    const safe = new Promise<void>((resolve) => running.waiting.set(seq, resolve));
    this.tell(
      { t: 'received', id, seq, block, records: records.length },
      block.byteLength === block.buffer.byteLength ? [block.buffer] : [],
    );
    return safe;
  }

  stored(id: number, seq: number): void {
    const waiting = this.#running.get(id)?.waiting;
    waiting?.get(seq)?.();
    waiting?.delete(seq);
  }

  async stop(id: number): Promise<void> {
    const running = this.#running.get(id);
    if (!running || running.stopping) return;
    await this.#end(id, running);
    this.tell({ t: 'receiverStopped', id });
  }

  async #end(id: number, running: Running): Promise<void> {
    running.stopping = true;
    try {
      await running.instance?.onStop?.();
    } catch (error) {
      console.error(error);
    }
    running.stopped = true;
    if (this.#running.get(id) === running) this.#running.delete(id);
  }
}
