import { decode, encode } from '../rdd/codec.js';
import { loadFunctions } from '../rdd/functions.js';
import type { FunctionSource } from '../rdd/plan.js';
import { sendToPage } from './port.js';

interface Running { stopped: boolean; seq: number; waiting: Map<number, () => void>; instance?: { onStop?(): unknown } }

/** The receivers of the user's that run in this executor. */
export class Receivers {
  readonly #running = new Map<number, Running>();

  async start(id: number, receiver: Uint8Array): Promise<void> {
    const running: Running = { stopped: false, seq: 0, waiting: new Map() };
    this.#running.set(id, running);
    try {
      const [source, bound] = decode(receiver)[0] as [FunctionSource, Uint8Array | undefined];
      const [Class] = await loadFunctions([source]) as unknown as [new (bound: unknown) => { onStart?(): unknown; onStop?(): unknown }];
      const instance = new Class(bound && decode(bound)[0]);
      for (const method of ['onStart', 'onStop'] as const) {
        if (typeof instance[method] !== 'function') throw new TypeError(`a receiver needs onStart() and onStop(); this one has no ${method}`);
      }
      const storeAll = (records: readonly unknown[]) => this.#store(id, running, records);
      Object.assign(instance, { storeAll, store: (record: unknown) => storeAll([record]), isStopped: () => running.stopped });
      running.instance = instance;
      sendToPage({ t: 'receiverStarted', id });
      await instance.onStart!();
    } catch (error) {
      this.#fail(id, running, error);
    }
  }

  #fail(id: number, running: Running, error: unknown): void {
    if (running.stopped) return;
    this.stop(id);
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    sendToPage({ t: 'receiverFailed', id, message, stack: stack ?? '' });
  }

  #store(id: number, running: Running, records: readonly unknown[]): Promise<void> {
    if (running.stopped) return Promise.reject(new Error('The receiver is stopped'));
    const block = encode(records);
    const seq = running.seq++;
    const safe = new Promise<void>((resolve) => running.waiting.set(seq, resolve));
    sendToPage({ t: 'received', id, seq, block, records: records.length }, [block]);
    return safe;
  }

  stored(id: number, seq: number): void {
    const waiting = this.#running.get(id)?.waiting;
    waiting?.get(seq)?.();
    waiting?.delete(seq);
  }

  stop(id: number): void {
    const running = this.#running.get(id);
    if (!running || running.stopped) return;
    running.stopped = true;
    this.#running.delete(id);
    try {
      void running.instance?.onStop?.();
    } catch (error) {
      console.error(error);
    }
  }
}
