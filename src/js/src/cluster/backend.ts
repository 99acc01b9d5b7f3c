import type { FromDriver } from '../protocol.js';
import type { Wire } from './connection.js';

/** What a session speaks to: the workers of this page, or a Spark cluster elsewhere. */
export interface Backend extends Wire {
  /** Numbers of the page's executors that are alive. */
  readonly executors: number[];
  /** Ends an executor as a crash would; false if there is none of that number. */
  kill(executor: number): boolean;
  /** Bytes of wasm memory of each worker, by name. */
  heapBytes(): Promise<Record<string, number>>;
  /** Ends all that belongs to the session. */
  stop(): void;
}

/** Opens a session of a Spark cluster, whose messages go to `receive`; `src/remote` has it. */
export type OpenRemote = (address: string, receive: (message: FromDriver) => void) => Backend;
