import { IllegalStateException, SparkTypeError } from '../errors.js';
import type { ReceiverId, ReceiverOrder, ReceiverReport } from '../protocol.js';
import type { FunctionSource } from '../rdd/job_plan.js';
import { loadFunctions } from '../rdd/task/functions.js';
import { decode, encode } from '../rdd/value_codec.js';

/** Once it is `stopping`, it may hand over what it has until its `onStop` is done. */
interface Running {
  id: ReceiverId;
  stopping: boolean;
  stopped: boolean;
  seq: number;
  waiting: Map<number, () => void>;
  instance?: { onStop?(): unknown };
}

/** The user's receivers that run in this executor. */
export class ReceiverRunner {
  readonly #running = new Map<string, Running>();

  constructor(private readonly tell: (id: ReceiverId, report: ReceiverReport, block?: Uint8Array) => void) {}

  take(id: ReceiverId, order: ReceiverOrder, block?: Uint8Array): void {
    const running = this.#running.get(nameOf(id));
    if (order.t === 'start') void this.#start(id, block!);
    else if (order.t === 'stored') {
      running?.waiting.get(order.seq)?.();
      running?.waiting.delete(order.seq);
    } else if (running) void this.#stop(running);
  }

  async #start(id: ReceiverId, block: Uint8Array): Promise<void> {
    const running: Running = { id, stopping: false, stopped: false, seq: 0, waiting: new Map() };
    this.#running.set(nameOf(id), running);
    try {
      const [source, bound] = decode(block)[0] as [FunctionSource, Uint8Array | undefined];
      const [Class] = (await loadFunctions([source])) as unknown as [new (bound: unknown) => { onStart?(): unknown; onStop?(): unknown }];
      const instance = new Class(bound && decode(bound)[0]);
      for (const method of ['onStart', 'onStop'] as const) {
        if (typeof instance[method] !== 'function')
          throw new SparkTypeError(`a receiver needs onStart() and onStop(); this one has no ${method}`);
      }
      const storeAll = (records: readonly unknown[]) => this.#store(running, records);
      Object.assign(instance, { storeAll, store: (record: unknown) => storeAll([record]), isStopped: () => running.stopping });
      // Asked to stop while its class was loaded.
      if (running.stopping) return;
      running.instance = instance;
      this.tell(id, { t: 'started' });
      await instance.onStart!();
    } catch (error) {
      if (running.stopping) return;
      void this.#end(running);
      this.tell(id, { t: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  }

  #store(running: Running, records: readonly unknown[]): Promise<void> {
    if (running.stopped) return Promise.reject(new IllegalStateException('The receiver is stopped'));
    const block = encode(records);
    const seq = running.seq++;
    const safe = new Promise<void>((resolve) => running.waiting.set(seq, resolve));
    this.tell(running.id, { t: 'received', seq, records: records.length }, block);
    return safe;
  }

  async #stop(running: Running): Promise<void> {
    if (running.stopping) return;
    await this.#end(running);
    this.tell(running.id, { t: 'stopped' });
  }

  async #end(running: Running): Promise<void> {
    running.stopping = true;
    try {
      await running.instance?.onStop?.();
    } catch (error) {
      console.error(error);
    }
    running.stopped = true;
    this.#running.delete(nameOf(running.id));
  }
}

const nameOf = ({ context, stream, life }: ReceiverId) => `${context}/${stream}/${life}`;
