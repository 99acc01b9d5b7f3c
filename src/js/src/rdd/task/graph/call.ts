import type { Call, GraphOp } from '../../job_plan.js';
import type { UserFunction } from '../functions.js';
import { UserFunctionError } from '../steps.js';

/** What a step has of its task. */
export interface GraphTask {
  partition: number;
  /** How many partitions there are. */
  partitions: number;
  /** All rows of a parent. */
  parent(number: number): unknown[];
  call(call: Call): UserFunction;
  /** A fresh copy of a value. */
  blob(number: number): unknown;
  emit(row: unknown): void;
}

/** A user's function; what it throws names the method that called it, and the record. */
export function userCall(task: GraphTask, op: GraphOp, at: number): ((record: unknown, ...args: unknown[]) => unknown) | undefined {
  const call = op.calls?.[at];
  if (!call) return undefined;
  const f = task.call(call);
  const method = op.method ?? op.step;
  return (record, ...args) => {
    try {
      return f(...args);
    } catch (thrown) {
      throw thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, method, record);
    }
  };
}
