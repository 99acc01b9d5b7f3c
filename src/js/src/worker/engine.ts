/**
 * The engine's module as the worker sees it. The glue (`engine.js`) is bundled into `worker.js` from the folder
 * RIVULET_WASM_DIR under the name `rivulet-engine`.
 */

import type { ProgramHost } from '../functions/program_host.js';
import type { Init, ReceiverId, ReceiverReport, ToDriver, ToExecutor } from '../protocol.js';

/** The driver or an executor, in Rust (`src/web/worker.rs`). */
export interface Worker {
  /** Takes a message of the page's; throwing ends the worker. */
  receive(message: ToDriver | ToExecutor): void;
  /** Tells the driver what a receiver does; the block moves. */
  receiverSays(id: ReceiverId, report: ReceiverReport, block?: Uint8Array): void;
}

/** The module `rivulet-engine`. */
export interface Engine {
  default(init: { module_or_path: WebAssembly.Module }): Promise<WebAssembly.Exports & { memory: WebAssembly.Memory }>;
  Worker: {
    /** Takes the worker's lock and becomes what `init` says. */
    start(init: Init, programs: ProgramHost): Promise<Worker>;
  };
}
