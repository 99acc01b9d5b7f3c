/** What the page says to a streaming context in the driver, and what it hears (`src/connect/dstreams.rs`). */
import type { Aggregate, Call, FunctionSource, Op, Partitioner, StorageLevel } from '../rdd/job_plan.js';
import type { BatchInfo } from './context.js';

export const ORDER_TYPE = 'type.rivulet.dev/rivulet.StreamingOrder';
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

export type How =
  | { t: 'input'; input: 'datasets' | 'blocks'; recovers: boolean }
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
  checkpointMs: number;
}

/** Page → driver; blobs come with it. */
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
  | { t: 'restore' | 'start' }
  | { t: 'time'; nowMs: number }
  | { t: 'offer'; input: number; records: number; token: number }
  | { t: 'dataset'; stream: number; timeMs: number; error: string | null; note: unknown }
  | { t: 'outputDone'; error: string | null }
  | { t: 'stop'; gracefully: boolean }
  | { t: 'inputsStopped'; waiting: boolean };

/** A dataset of the driver's. */
export interface DatasetRef {
  key: number;
  id: number;
  name: string;
  partitions: number;
  partitioner: Extract<Partitioner, { t: 'hash' }> | null;
}

/** Driver → page. */
export type StreamingEvent =
  | { t: 'started'; timeMs: number }
  | { t: 'submitted' | 'batchStarted' | 'completed'; info: BatchInfo }
  /** The page makes a dataset: of what it holds, or of these. */
  | { t: 'ask'; stream: number; timeMs: number; parents: DatasetRef[]; isNew: boolean }
  | { t: 'output'; output: number; timeMs: number; dataset: DatasetRef }
  | { t: 'safe' | 'refused'; input: number; tokens: number[] }
  | { t: 'stopInputs' | 'ended' }
  | { t: 'restored'; notes: Record<number, unknown> }
  | {
      t: 'failed';
      exception: string;
      condition: string | null;
      sqlState: string | null;
      message: string;
      parameters: Record<string, string>;
    };
