/** What a micro-batch did, as Spark writes it in JSON (`StreamingQueryProgress`). */
export interface StreamingQueryProgress {
  /** Id of the query. */
  id: string;
  /** Id of this run of it. */
  runId: string;
  /** Its name, or null. */
  name: string | null;
  /** Start of the trigger, ISO 8601 in UTC. */
  timestamp: string;
  /** Number of the batch, from 0. */
  batchId: number;
  /** Milliseconds of the whole trigger. */
  batchDuration?: number;
  /** Rows read from all sources. */
  numInputRows: number;
  /** Rate at which rows arrived. */
  inputRowsPerSecond: number;
  /** Rate at which rows were processed. */
  processedRowsPerSecond: number;
  /** Milliseconds by step: `triggerExecution`, `addBatch`, `walCommit`… */
  durationMs: Record<string, number>;
  /** `max`, `min`, `avg` and `watermark` of the event time, ISO 8601. */
  eventTime?: Record<string, string>;
  /** The stateful operators, with their rows, late rows and memory. */
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
  /** The sources, with their offsets before and after. */
  sources: {
    description: string;
    startOffset: unknown;
    endOffset: unknown;
    latestOffset: unknown;
    numInputRows: number;
    inputRowsPerSecond: number;
    processedRowsPerSecond: number;
    /**
     * Counts of Rivulet's, as strings: `malformedRecords`, `timesHeldBack`, and `recordsSetAside`, the records that the batch ran
     * without since executors died of them.
     */
    metrics?: Record<string, string>;
  }[];
  /** The sink, and the rows it was given; −1 if it does not count them. */
  sink: { description: string; numOutputRows: number; metrics?: Record<string, string> };
  /** What Rivulet adds: why rows are held back, and a sentence per source whose records were set aside, with their files. */
  rivulet?: { waits?: string; setAside?: string[] };
  [more: string]: unknown;
}

/** What a query is doing (`StreamingQueryStatus`). */
export interface StreamingQueryStatus {
  /** What it is doing, in words. */
  message: string;
  /** Whether there are rows to process. */
  isDataAvailable: boolean;
  /** Whether a batch runs now. */
  isTriggerActive: boolean;
}
