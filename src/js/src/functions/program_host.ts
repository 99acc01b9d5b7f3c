/** What an executor asks of the script that runs the user's functions. */
import type { ReceiverId, ReceiverOrder } from '../protocol.js';
import type { Task, TaskOutput } from '../rdd/task/task.js';
import type { GroupHeader } from '../state/group_plan.js';

/** What the engine asks for to run the user's functions; throwing fails the task. */
export interface ProgramHost {
  /** Settles when all functions so far are loaded; undefined if they are. The driver's messages wait for it. */
  readonly loading: Promise<void> | undefined;
  load(plan: number, text: string, blobs: Uint8Array[]): void;
  run(plan: number, task: Task, blobs: Uint8Array[]): TaskOutput;
  /** Loads a function over groups. */
  loadFunction(plan: number, number: number, payload: Uint8Array): void;
  /** Calls it; the blobs are the Arrow streams of keys, rows and state entries. */
  callGroups(
    plan: number,
    number: number,
    header: GroupHeader,
    blobs: Uint8Array[],
  ): [rows: Uint8Array | undefined, changes: Uint8Array | undefined];
  /** Does what the driver says of a receiver; with a start comes a block with its class and what is bound to it. */
  receiver(id: ReceiverId, order: ReceiverOrder, block?: Uint8Array): void;
  unload(plan: number): void;
  /** Whether a kept partition is in memory here. */
  keeps(dataset: number, partition: number): boolean;
  /** A kept partition as a block, for another executor. */
  kept(dataset: number, partition: number): Uint8Array | undefined;
  /** A dataset, by key, is kept no longer. */
  forget(dataset: number): void;
}
