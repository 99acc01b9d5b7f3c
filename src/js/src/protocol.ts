/**
 * The whole protocol between the page, the driver worker and the executor workers.
 *
 * The page creates every worker from one file, `worker.js`: one driver and N executors. It hands driver and
 * executors the two ends of `MessageChannel`s; afterwards data flows between workers without the page. Each worker
 * holds an exclusive Web Lock for its whole life, so that its end, for whatever reason, is an event for those who
 * queue for the same lock. An *incarnation* counts the workers that served as the same executor; messages of an
 * earlier incarnation are ignored.
 *
 * A `Uint8Array` that travels owns its buffer and is transferred; one of a few bytes is cloned, which costs less.
 */

/** What a worker is. */
export type Role = 'driver' | 'executor';

/** What a worker died of: a panic of the engine (or its stack was too small), or a heap that could not grow. */
export type DeathCause = 'panic' | 'memory';

/** First message to any worker. The worker takes the lock, instantiates `module` and answers `ready` or `fatal`. */
export interface Init {
  t: 'init';
  role: Role;
  /** Executor number, from 0; absent for the driver. */
  executor?: number;
  incarnation: number;
  /** Compiled once by the page, shared by all workers. */
  module: WebAssembly.Module;
  /** Version of the facade. */
  version: string;
  /** Spark configuration at start. */
  conf: Record<string, string>;
  /** Name of the Web Lock that the worker holds while it lives. */
  lock: string;
  /** URL of the script that runs the user's functions, for an executor to load when it needs it. */
  functions: string;
  /** URL of the rest of the engine, to load when it is needed; empty where `module` is the whole of it. */
  rest: string;
}

/** Methods of Spark Connect's service that travel as `req`. */
export type Method =
  | 'ExecutePlan'
  | 'AnalyzePlan'
  | 'Config'
  | 'Interrupt'
  | 'ReattachExecute'
  | 'ReleaseExecute'
  | 'ReleaseSession'
  | 'FetchErrorDetails';

/** Page → driver. */
export type ToDriver =
  | Init
  /** A new executor: `port` is the driver's end. The driver queues for `lock` to learn of the executor's death. */
  | { t: 'executor'; executor: number; incarnation: number; lock: string; port: MessagePort }
  /**
   * The page itself ended the executor (kill button, start-up failure). The driver must not wait for the lock: a worker
   * in an endless loop keeps it for two seconds after `terminate()`. With a `cause` the executor has ended itself, most likely
   * for its task. *Addition to the first contract.*
   */
  | { t: 'executorDown'; executor: number; incarnation: number; cause?: { kind: DeathCause; message: string } }
  /** One call of Spark Connect's service; `bytes` is the protobuf request. */
  | { t: 'req'; id: number; method: Method; bytes: Uint8Array }
  /** Responses of the call that the page has read, in bytes: the driver keeps the next ones back while too many are unread. */
  | { t: 'taken'; id: number; bytes: number }
  /** The caller's AbortSignal fired. No `res`, `end` or `err` is needed after it. */
  | { t: 'cancel'; id: number }
  /**
   * Data for a push source (format `rivulet.push`, options `sourceId` and `recordFormat`: `arrow`, `json`, `csv` or `text`):
   * one Arrow IPC stream, or whole lines. `seq` counts from 0 without gaps.
   */
  | { t: 'push'; source: string; seq: number; bytes: Uint8Array }
  | { t: 'pushLines'; source: string; seq: number; lines: string }
  /** Partitions of a large source of datasets, which plans to come name by its key. */
  | { t: 'hold'; session: string; dataset: number; blocks: Uint8Array[] }
  /** No more rows will come for the push source. */
  | { t: 'pushEnd'; source: string }
  /** Nobody on the page can read or write the push source any more: what waits for a query to come can go. */
  | { t: 'pushForget'; source: string }
  /**
   * Items of a source of the page (format `rivulet.page`), as one Arrow IPC stream or whole lines; the offset of the last one as JSON,
   * `null` without one; and how many items were dropped before them, for want of room.
   */
  | { t: 'sourceBlock'; connection: number; offset: string; bytes: Uint8Array; dropped: number }
  /** The source has no more items at hand. */
  | { t: 'sourceCaughtUp'; connection: number }
  /** The source has ended, or failed. */
  | { t: 'sourceEnd'; connection: number; error?: { condition: string; message: string; stack?: string } }
  /** Registers a file under a path, or removes it (`blob: null`). The driver reads it when a task needs it. */
  | { t: 'file'; path: string; blob: Blob | null; modified: number }
  /** The page's foreachBatch function has returned (or thrown). */
  | { t: 'foreachBatchDone'; run: string; batchId: number; job?: number; lots?: number; error?: { message: string; stack: string } }
  /** Asks for `status` messages, at most four per second. */
  | { t: 'watchStatus'; on: boolean }
  /** Asks for `listener` messages about progress, or for no more; start and end of a query are always sent. */
  | { t: 'listen'; on: boolean }
  /** Asks for `rang` after `inMs` ms: a worker's timers keep time where those of a page in the background do not. */
  | { t: 'alarm'; id: number; inMs: number }
  | CredentialsAnswer
  | CredentialsGone
  | HeapRequest;

/** What the driver posts: a message, or several that go together. */
export type FromDriverAtOnce = FromDriver | { t: 'many'; messages: FromDriver[] };

/** Page → executor. */
export type ToExecutor =
  | Init
  /** The executor's end of its channel to the driver. */
  | { t: 'driverPort'; port: MessagePort }
  /** Its end of a channel to the page, for `foreachBatch`: what is posted there arrives even if the worker ends. */
  | { t: 'pagePort'; port: MessagePort }
  /** A channel to another executor. */
  | { t: 'peer'; executor: number; incarnation: number; port: MessagePort }
  /** Another executor is gone. *Addition to the first contract: the page knows it from the driver's `executorLost`.* */
  | { t: 'peerLost'; executor: number; incarnation: number }
  /** Lends a file to tasks that read it, or takes it back (`blob: null`). The executor answers `lent`. */
  | { t: 'blob'; id: number; blob: Blob | null }
  | CredentialsAnswer
  | CredentialsGone
  | HeapRequest;

/** Asks any worker how large its wasm memory is. *Addition to the first contract, for `spark.status` and the leak test.* */
export interface HeapRequest {
  t: 'heap';
  id: number;
}

/** Answers `credentialsWanted`: what the page's function has returned, which is not to be written anywhere. */
export interface CredentialsAnswer {
  t: 'credentials';
  id: number;
  /** Counts what the page's functions return: later is more. */
  serial: number;
  /** When the function was called, and until when the worker uses what it has returned, ms since the epoch. */
  askedMs: number;
  untilMs: number;
  /** Headers, or the parts of credentials of AWS by the names that its SDK has. */
  values: Record<string, string>;
  /** Why there are none. */
  error?: { condition: string; message: string; stack?: string };
}

/** The function is not registered any more, or another is in its place: what it has returned is forgotten. */
export interface CredentialsGone {
  t: 'credentialsGone';
  name: string;
}

/** Any worker asks for credentials that the page's function `name` returns. The page answers `credentials`. */
export interface CredentialsWanted {
  t: 'credentialsWanted';
  id: number;
  name: string;
  /** The format that needs them: `kafka` or `aws-kinesis`. */
  system: string;
  /** The option that names the function. */
  option: string;
  /** The server that they are for. */
  url: string;
  /** `first`, `expiring` or `refused`. */
  reason: string;
  /** The `serial` of what a server has refused; 0 if nothing was. */
  refused: number;
}

/** Answers of any worker, and what it asks. */
export type FromWorker =
  | { t: 'ready'; version: string }
  /** The worker cannot continue (trap, unhandled error, failed start); it closes itself after this. */
  | { t: 'fatal'; message: string; stack: string; cause?: DeathCause }
  | { t: 'heapBytes'; id: number; bytes: number }
  | { t: 'lent'; id: number }
  /**
   * Rows for a function of the page, as Arrow IPC streams; the first has the schema. From the driver one micro-batch; with a `job` rows
   * as they come from a task of it that stays on an executor. The answer `foreachBatchDone` goes to the driver and repeats the job.
   */
  | { t: 'foreachBatch'; sink: string; run: string; batchId: number; job?: number; arrow: Uint8Array[] }
  /** The time of an `alarm` has come. */
  | { t: 'rang'; id: number }
  | CredentialsWanted;

/** An error of the engine as Spark reports it. */
export interface WireError {
  /** Class name as PySpark has it: `AnalysisException`, `ParseException`… */
  exception: string;
  /** Spark's error condition, such as `UNRESOLVED_COLUMN.WITH_SUGGESTION`. */
  condition: string | null;
  sqlState: string | null;
  message: string;
  parameters: Record<string, string>;
}

/** Driver → page. */
export type FromDriver =
  | FromWorker
  /** One protobuf response; ExecutePlan has many, the other methods one. */
  | { t: 'res'; id: number; bytes: Uint8Array }
  | { t: 'end'; id: number }
  | { t: 'err'; id: number; error: WireError }
  /**
   * How full a push source's queue is: sent when it is fuller or emptier by much than the page knows. Where its query has a checkpoint,
   * the pushes with a `seq` below `durable` survive whatever happens to this tab; else `durable` is null. `isRead`: whether a
   * query reads the source. `queuedBytes` counts the pushes with a `seq` below `received`: those that have come.
   */
  | { t: 'credit'; source: string; received: number; queuedBytes: number; limitBytes: number; durable: number | null; isRead: boolean }
  /**
   * The page is to read a source after an offset, null for its beginning, as `connection`. `isLogged`: whether the query has a
   * checkpoint, and the page will hear what is durable.
   */
  | { t: 'openSource'; connection: number; source: string; after: string | number | null; isLogged: boolean }
  /** How many blocks of the connection the engine has room for, and how many are durable; null without a checkpoint. */
  | { t: 'sourceCredit'; connection: number; taken: number; durable: number | null }
  /** The page is to read the source no longer. */
  | { t: 'closeSource'; connection: number }
  | { t: 'listener'; eventType: 'started' | 'progress' | 'idle' | 'terminated'; event: object }
  | { t: 'status'; status: EngineStatus }
  /** Output of the console sink. */
  | { t: 'console'; text: string }
  /** `excused`: it died of its task, which fails the second time. */
  | { t: 'executorLost'; executor: number; incarnation: number; excused: boolean }
  /** The executor runs what nobody wants, and cannot be interrupted: it is to be ended and replaced. */
  | { t: 'replaceExecutor'; executor: number; incarnation: number; why: string };

/** Between workers: a small header for the engine and the blocks it speaks of. */
export interface PortMessage {
  header: Uint8Array;
  blobs: Uint8Array[];
  /** Further messages that were posted at once. */
  others?: PortMessage[];
  /** Buffers of blobs that have been copied, to be filled again. */
  back?: ArrayBuffer[];
}

/** A receiver of the user's in one of its lives (`src/cluster/message.rs`). */
export interface ReceiverId {
  context: number;
  stream: number;
  life: number;
}
/** What the driver says of it. */
export type ReceiverOrder = { t: 'start' | 'stop' } | { t: 'stored'; seq: number };
/** What its executor says of it. */
export type ReceiverReport =
  | { t: 'started' | 'stopped' }
  | { t: 'received'; seq: number; records: number }
  | { t: 'failed'; message: string };

/** State of executors, jobs and stages, for user interfaces. */
export interface EngineStatus {
  /** The executors that are alive. */
  executors: {
    id: number;
    incarnation: number;
    state: string;
    runningTasks: number;
    completedTasks: number;
    failedTasks: number;
  }[];
  /** The newest jobs, with their stages. */
  jobs: {
    id: number;
    description: string;
    state: string;
    submittedMs: number;
    finishedMs: number | null;
    stages: {
      id: number;
      attempt: number;
      name: string;
      tasks: number;
      running: number;
      completed: number;
      failed: number;
      /** Nothing of it had to run: an earlier job had made its output, or what is made of it is kept. */
      skipped: boolean;
      /** Its tries, at most the last 500; times in ms since the epoch. */
      attempts: {
        partition: number;
        attempt: number;
        executor: number;
        startMs: number;
        endMs: number | null;
        state: 'running' | 'done' | 'failed' | 'lost';
        speculative: boolean;
        /** What its operators wrote to their executor's storage for want of memory. */
        diskBytesSpilled: number;
      }[];
      /** Ids of the stages whose output this one reads. */
      parents: number[];
      operators: string;
    }[];
  }[];
  /** Datasets that are to be kept: how many of their partitions are, and about how many bytes they take. */
  datasets: { id: number; name: string; partitions: number; kept: number; bytes: number }[];
}
