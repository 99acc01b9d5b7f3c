/** Spark's StreamingQueryProgress, as Spark writes it in JSON. */
export interface StreamingQueryProgress {
  id: string;
  runId: string;
  name: string | null;
  /** Start of the trigger, ISO 8601 in UTC. */
  timestamp: string;
  batchId: number;
  /** Milliseconds of the whole trigger. */
  batchDuration?: number;
  numInputRows: number;
  inputRowsPerSecond: number;
  processedRowsPerSecond: number;
  /** Milliseconds by step: `triggerExecution`, `addBatch`, `walCommit`… */
  durationMs: Record<string, number>;
  /** `max`, `min`, `avg` and `watermark` of the event time, ISO 8601. */
  eventTime?: Record<string, string>;
  stateOperators: {
    operatorName: string;
    numRowsTotal: number;
    numRowsUpdated: number;
    numRowsRemoved?: number;
    numRowsDroppedByWatermark: number;
    memoryUsedBytes?: number;
    numStateStoreInstances?: number;
    customMetrics?: Record<string, number>;
  }[];
  sources: {
    description: string;
    startOffset: unknown;
    endOffset: unknown;
    latestOffset: unknown;
    numInputRows: number;
    inputRowsPerSecond: number;
    processedRowsPerSecond: number;
    metrics?: Record<string, string>;
  }[];
  sink: { description: string; numOutputRows: number; metrics?: Record<string, string> };
  [more: string]: unknown;
}

/** What a query is doing. */
export interface StreamingQueryStatus {
  message: string;
  isDataAvailable: boolean;
  isTriggerActive: boolean;
}
