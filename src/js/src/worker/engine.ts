/**
 * The engine's module as the worker sees it. The glue (`engine.js`) is bundled into `worker.js` from the folder
 * RIVULET_WASM_DIR under the name `rivulet-engine`.
 */
import type { Init, ReceiverId, ReceiverOrder, ReceiverReport, ToDriver, ToExecutor } from '../protocol.js';
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

/** The driver or an executor, in Rust (`src/web/worker.rs`). */
export interface Worker {
  /** Takes a message of the page's; throwing ends the worker. */
  receive(message: ToDriver | ToExecutor): void;
  /** Tells the driver what a receiver does; the block moves. */
  receiverSays(id: ReceiverId, report: ReceiverReport, block?: Uint8Array): void;
}

/** The module `rivulet-engine`. */
export interface Engine {
  default(init: { module_or_path: WebAssembly.Module }): Promise<unknown>;
  Worker: {
    /** Takes the worker's lock and becomes what `init` says. */
    start(init: Init, programs: ProgramHost): Promise<Worker>;
  };
}
