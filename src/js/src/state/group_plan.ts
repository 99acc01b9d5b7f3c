/** Functions over groups as they travel: page → driver → executors, as JSON with bound values beside it. */
import type { Call, FunctionSource } from '../rdd/job_plan.js';

export type GroupFunctionKind =
  /** Any number of rows per group and batch. */
  | 'flatMapGroupsWithState'
  /** One row per group and batch. */
  | 'mapGroupsWithState'
  /** A processor with variables and timers. */
  | 'transformWithState';

/** When a group without data is looked at again (`GroupStateTimeout`). */
export type GroupStateTimeout = 'NoTimeout' | 'ProcessingTimeTimeout' | 'EventTimeTimeout';
/** The time that a processor's timers go by; with `ProcessingTime` its variables may have a time to live (`TimeMode`). */
export type TimeMode = 'None' | 'ProcessingTime' | 'EventTime';

/** A processor that executors have (`components.ts`). */
export type OwnProcessor = 'connectedComponents';

export interface GroupFunctionPlan {
  kind: GroupFunctionKind;
  call: Call;
  /** A processor that executors have; `call` and `functions` have none then. */
  own?: OwnProcessor;
  functions: FunctionSource[];
  /** DDL of the rows that come out. */
  output: string;
  time: GroupStateTimeout | TimeMode;
  /** LONG always as bigint. */
  bigint: boolean;
}

/** What the engine sends with a call; the blobs are the Arrow streams of keys, rows and entries. */
export interface GroupHeader {
  rowCounts: number[];
  stateCounts: number[];
  timeMs: number;
  watermarkMs: number | null;
  batchId: number | null;
}
