/**
 * The wasm-bindgen surface of the engine as the worker sees it. The glue (`engine.js`) is bundled into `worker.js`
 * from the folder RIVULET_WASM_DIR under the name `rivulet-engine`.
 */

/** What the driver asks of its host. Calls come from inside the engine: an implementation must not call back into it. */
export interface DriverHost {
  /** Milliseconds since the epoch. */
  now(): number;
  respond(id: number, bytes: Uint8Array): void;
  end(id: number): void;
  /** `errorJson` is a WireError. */
  fail(id: number, errorJson: string): void;
  toExecutor(executor: number, incarnation: number, header: Uint8Array, blobs: Uint8Array[]): void;
  /** Replaces the one pending timer; undefined clears it. */
  setTimer(atMs: number | undefined): void;
  /** `durable` pushes of the source are in its write-ahead log; undefined where it has none. */
  credit(source: string, queuedBytes: number, limitBytes: number, durable: number | undefined): void;
  openSocket(connection: number, url: string): void;
  openResponse(connection: number, url: string, headers: [string, string][]): void;
  sendSocket(connection: number, text: string): void;
  closeConnection(connection: number): void;
  /** The file at `path`, or all files below it. */
  listFiles(path: string): { path: string; size: number; modified: number }[];
  /** Throws when there is no such file or it cannot be read. */
  readFile(path: string): Uint8Array;
  /** `run` names the run of the query; the answer repeats it. */
  foreachBatch(sink: string, run: string, batchId: number, arrow: Uint8Array[]): void;
  listener(eventType: string, json: string): void;
  status(json: string): void;
  console(text: string): void;
  /** One operation on persistent storage; `storageDone(op, …)` follows. Operations are carried out in order. */
  storage(op: number, kind: StorageKind, path: string, bytes?: Uint8Array): void;
  log(level: string, text: string): void;
}

/** `lock` and `unlock` are about a path as such: one driver of the origin has it at a time. */
export type StorageKind = 'read' | 'write' | 'list' | 'remove' | 'lock' | 'unlock';

export interface Driver {
  request(id: number, method: string, bytes: Uint8Array): void;
  cancel(id: number): void;
  executorJoined(executor: number, incarnation: number): void;
  executorLost(executor: number, incarnation: number): void;
  executorMessage(executor: number, incarnation: number, header: Uint8Array, blobs: Uint8Array[]): void;
  timer(): void;
  push(source: string, seq: number, bytes: Uint8Array): void;
  pushEnd(source: string): void;
  connectionEvent(
    connection: number,
    kind: 'open' | 'text' | 'binary' | 'close' | 'error',
    data: string | number | Uint8Array | undefined,
  ): void;
  foreachBatchDone(run: string, batchId: number, error?: string): void;
  storageDone(op: number, error: string | undefined, bytes: Uint8Array | undefined): void;
  watchStatus(on: boolean): void;
  heapBytes(): number;
}

export interface ExecutorHost {
  now(): number;
  toDriver(header: Uint8Array, blobs: Uint8Array[]): void;
  toPeer(executor: number, incarnation: number, header: Uint8Array, blobs: Uint8Array[]): void;
  log(level: string, text: string): void;
}

/** What the engine asks for to run the user's functions; throwing fails the task. */
export interface ProgramHost {
  load(plan: number, text: string, blobs: Uint8Array[]): void;
  run(plan: number, task: string, blobs: Uint8Array[]): TaskOutput;
  /** Loads a function over groups. */
  loadFunction(plan: number, number: number, payload: Uint8Array): void;
  /** Calls it; the blobs are the Arrow streams of keys, rows and state entries. */
  callGroups(
    plan: number,
    number: number,
    header: string,
    blobs: Uint8Array[],
  ): [rows: Uint8Array | undefined, changes: Uint8Array | undefined];
  unload(plan: number): void;
  /** Whether a kept partition is in memory here. */
  keeps(dataset: number, partition: number): boolean;
  /** A kept partition as a block, for another executor. */
  kept(dataset: number, partition: number): Uint8Array | undefined;
  /** A dataset, by key, is kept no longer. */
  forget(dataset: number): void;
}

/** Blocks by partition of the output; rows in each; partitions that are kept from now on; what was added to accumulators. */
export type TaskOutput = [
  blocks: (Uint8Array | undefined)[],
  rows: number[],
  kept: [dataset: number, partition: number, bytes: number, block?: Uint8Array][],
  updates: Uint8Array | undefined,
];

export interface Executor {
  driverMessage(header: Uint8Array, blobs: Uint8Array[]): void;
  peerMessage(executor: number, incarnation: number, header: Uint8Array, blobs: Uint8Array[]): void;
  peerLost(executor: number, incarnation: number): void;
  heapBytes(): number;
}

/** The module `rivulet-engine`. */
export interface Engine {
  default(init: { module_or_path: WebAssembly.Module }): Promise<unknown>;
  Driver: new (confJson: string, host: DriverHost) => Driver;
  Executor: new (
    executor: number,
    incarnation: number,
    confJson: string,
    host: ExecutorHost,
    spill: FileSystemSyncAccessHandle | undefined,
    programs: ProgramHost,
  ) => Executor;
}
