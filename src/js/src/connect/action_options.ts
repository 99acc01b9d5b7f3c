/** Options of every action. */
export interface ActionOptions {
  /** Cancels the work in the engine; the action rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The ways Spark explains a plan. */
export type ExplainMode = 'simple' | 'extended' | 'codegen' | 'cost' | 'formatted';
