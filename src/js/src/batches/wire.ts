/** What the page says to a streaming context in the driver, and what it hears (`src/connect/dstreams`). */
import type { WireError } from '../protocol.js';
import type { Aggregate, Call, DriverDataset, FunctionSource, Op, Partitioner, StorageLevel } from '../rdd/job_plan.js';

/** Type of the `google.protobuf.Any` with an {@link Order}: JSON, then blobs, framed. */
export const ORDER_TYPE = 'type.rivulet.dev/rivulet.StreamingOrder';
/** Type of the `google.protobuf.Any` with a {@link StreamingEvent}. */
export const EVENT_TYPE = 'type.rivulet.dev/rivulet.StreamingEvent';

/** Where the rows of a wide step go; null is as the widest parent has them. */
export type By = number | Partitioner | null;

/** One step over the datasets of a stream. */
export type Step =
  | { t: 'narrow'; op: Op; keeps?: boolean }
  | { t: 'combine'; aggregate: Aggregate; by: By; mapSide: boolean }
  | { t: 'repartition'; partitions: number }
  /** Rows of a block are added. */
  | { t: 'with'; block: number };

/** How a stream's dataset begins, of its parents' at the same time. */
export type Head = { t: 'parent' | 'union' | 'page' } | { t: 'group'; op: Op; by: By };

/** What records come in by; the class of a receiver is a value of the plan. */
export type InputKind = 'datasets' | 'blocks' | { socket: { url: string } } | { receiver: { class: number } };

/** How a stream's datasets are made. */
export type How =
  | { t: 'input'; input: InputKind; recovers: boolean }
  | { t: 'transformed'; head: Head; steps: Step[] }
  | { t: 'windowed'; windowMs: number }
  | { t: 'reduced'; windowMs: number; merge: Call; inverse: Call; keep: Call | null; by: By }
  | { t: 'stateByKey'; update: Call; by: By; initial: number | null }
  | { t: 'mapWithState'; map: Call; by: By; initial: number | null; timeoutMs: number | null };

export interface StreamDefinition {
  kind: string;
  slideMs: number;
  parents: number[];
  how: How;
  level: StorageLevel | null;
  /** Time between two of its states that are written, ms; 0 for a stream without state. */
  checkpointMs: number;
}

/** Page → driver. */
export type Order =
  | {
      t: 'open';
      batchMs: number;
      directory: string | null;
      rememberMs: number;
      streams: StreamDefinition[];
      outputs: number[];
      functions: FunctionSource[];
      values: number;
      /** Null leaves the clock to the driver. */
      clockMs: number | null;
      shufflePartitions: number | null;
    }
  | { t: 'restore' | 'start' | 'sync' }
  | { t: 'time'; nowMs: number }
  | { t: 'offer'; input: number; records: number; token: number }
  | { t: 'dataset'; stream: number; timeMs: number; error: string | null; note: unknown; partitioner: Partitioner | null }
  | { t: 'slice'; stream: number; fromMs: number; toMs: number }
  | { t: 'outputDone'; error: string | null }
  | { t: 'stop'; gracefully: boolean }
  | { t: 'inputsStopped'; waiting: boolean };

/** What a StreamingListener learns of a batch; times are ms since the epoch (`BatchInfo`). */
export interface BatchInfo {
  /** The end of the batch's interval. */
  batchTime: number;
  /** When it was put into the queue. */
  submissionTime: number;
  /** When it began to run; null before. */
  processingStartTime: number | null;
  /** When it was done; null before. */
  processingEndTime: number | null;
  /** Between submission and start, ms; null before the start. */
  schedulingDelay: number | null;
  /** Between start and end, ms; null before the end. */
  processingDelay: number | null;
  /** Between submission and end, ms; null before the end. */
  totalDelay: number | null;
  /** Records that receivers stored for it. */
  numRecords: number;
  /** Why it failed, or null. */
  failure: string | null;
}

/** Where a receiver runs. */
export interface ReceiverInfo {
  /** The number of its stream. */
  streamId: number;
  /** The number of the executor. */
  executor: number;
}

/** Driver → page. */
export type StreamingEvent =
  | { t: 'started'; timeMs: number }
  | { t: 'submitted' | 'batchStarted' | 'completed'; info: BatchInfo }
  | { t: 'receiverStarted' | 'receiverStopped'; info: ReceiverInfo }
  | { t: 'receiverError' | 'failed'; error: WireError }
  /** The page makes a dataset: of what it holds, or of these. */
  | { t: 'ask'; stream: number; timeMs: number; parents: DriverDataset[]; isNew: boolean }
  | { t: 'output'; output: number; timeMs: number; dataset: DriverDataset }
  | { t: 'safe' | 'refused' | 'admitted'; input: number; tokens: number[] }
  /** How many records of an input should come as one block. */
  | { t: 'grain'; input: number; records: number }
  /** The page's answers for a stream up to this time are not needed any more. */
  | { t: 'released'; stream: number; upToMs: number }
  /** Where the page moves the clock: when the driver wants to know the time. */
  | { t: 'wakeAt'; atMs: number }
  | { t: 'slice'; datasets: DriverDataset[] | null }
  | { t: 'stopInputs' | 'ended' | 'synced' }
  | { t: 'restored'; found: boolean; notes: Record<number, unknown> };
