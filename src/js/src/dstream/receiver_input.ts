/** The user's own receivers, which run in executors. */

import { PlanBuilder } from '../rdd/plan_builder.js';
import type { RDD } from '../rdd/rdd.js';
import { type Bound, type ModuleFunction, valueBlock } from '../rdd/remote.js';
import { encode } from '../rdd/value_codec.js';
import type { StreamingContext } from './context.js';
import { Blocks } from './inputs.js';

/** What a receiver's instance has besides its own methods (`Receiver`). */
export interface ReceiverHandle<T> {
  /** Hands a record over; resolves when it is safe. Wait for it regularly, or memory fills up. */
  store(record: T): Promise<void>;
  /** Hands records over as one block; resolves when they are safe. */
  storeAll(records: readonly T[]): Promise<void>;
  /** Returns whether the receiver is to stop. */
  isStopped(): boolean;
}

/**
 * A receiver's class: `onStart()` begins to receive and returns, `onStop()` ends it. Its source text travels: it sees nothing of
 * the page.
 */
export type ReceiverClass<T, B extends Bound> = (new (bound: B) => Receiver<T>) | ModuleFunction;

/** A receiver's own methods (`Receiver`). */
export interface Receiver<T> {
  /** Begins to receive, and returns; what it waits for must not block. */
  onStart(this: ReceiverHandle<T>): unknown;
  /** Ends receiving; may return a promise. */
  onStop(): unknown;
}

/** Receives the events of a receiver's life. */
export interface ReceiverEvents {
  started(executor: number, stream: number): void;
  stopped(executor: number, stream: number): void;
  failed(error: Error): void;
}

export class ReceiverInput<T> extends Blocks<T, Uint8Array> {
  override readonly kind = 'receiver';
  #stop: (() => Promise<void>) | undefined;
  readonly #class: Uint8Array;

  constructor(
    ssc: StreamingContext,
    receiver: ReceiverClass<T, Bound>,
    bound: Bound | undefined,
    private readonly events: ReceiverEvents,
  ) {
    super(ssc);
    const plan = new PlanBuilder();
    plan.call(receiver as never, 'receiverStream');
    this.#class = encode([[plan.functions[0], bound && valueBlock(bound, 'receiverStream')]]);
  }

  override start(): void {
    this.#stop = this.ssc.sparkContext.startReceiver(this.#class, {
      // Whoever waits until records are safe is held back where the rate is limited.
      received: async (block, records) => {
        await Promise.all([this.take(block, records), this.limit?.permit(records)]);
      },
      started: (executor) => this.events.started(executor, this.number),
      stopped: (executor) => this.events.stopped(executor, this.number),
      failed: (error) => this.events.failed(error),
    });
  }
  override async stop(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.();
  }

  protected override toBytes(block: Uint8Array): Uint8Array {
    return block;
  }
  protected override fromBytes(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
  protected override dataset(blocks: readonly Uint8Array[]): RDD<T> {
    return this.ssc.sparkContext.ofReceived<T>(blocks);
  }
}
