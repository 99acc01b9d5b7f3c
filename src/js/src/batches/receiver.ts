/** The user's own receivers, which run in executors. */
import { type Bound, checkRemote, type ModuleFunction, valueBlock } from '../rdd/remote.js';
import { encode } from '../rdd/value_codec.js';
import type { StreamPlan } from './running.js';
import type { How } from './wire.js';

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

/** The input of a receiver. Throws at the call for a class that cannot travel. */
export function receiverInput(receiver: ReceiverClass<never, never>, bound: Bound | undefined): (plan: StreamPlan) => How {
  checkRemote(receiver as never, 'receiverStream', bound);
  const block = bound && valueBlock(bound, 'receiverStream');
  return (plan) => {
    const { f } = plan.call(receiver as never, 'receiverStream');
    const receiverClass = plan.values.push(encode([[plan.functions[f], block]])) - 1;
    return { t: 'input', input: { receiver: { class: receiverClass } }, recovers: true };
  };
}
