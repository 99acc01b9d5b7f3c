/** Runs a function over the groups of one task, in an executor. */
import { SparkTypeError } from '../errors.js';
import type { UserFunction } from '../rdd/task/functions.js';
import { UserFunctionError } from '../rdd/task/steps.js';
import { parseSchema } from '../values/ddl.js';
import { encodeRows } from '../values/encode.js';
import { type Row, rowsFromIPC } from '../values/rows.js';
import { type GroupEntries, readEntries, writeChanges } from './entries.js';
import type { GroupFunctionPlan, GroupHeader, GroupStateTimeout, TimeMode } from './group_plan.js';
import { GroupState, type Times } from './group_state.js';
import {
  type Current,
  ExpiredTimerInfo,
  expire,
  expiredTimers,
  type StatefulProcessor,
  StatefulProcessorHandle,
  TimerValues,
  timerDone,
} from './processor.js';

interface Group {
  key: Row;
  rows: Row[];
  entries: GroupEntries;
}

/** `extra` is what was bound to the function. Answers with the Arrow streams of rows and of state changes. */
export function runGroups(
  plan: GroupFunctionPlan,
  f: UserFunction,
  extra: unknown[],
  header: GroupHeader,
  blobs: readonly Uint8Array[],
): [rows: Uint8Array | undefined, changes: Uint8Array | undefined] {
  const [keys, rows] = [0, 1].map((i) => rowsFromIPC(blobs[i]!, { bigint: plan.bigint })) as [Row[], Row[]];
  const entries = readEntries(blobs[2]!, header.stateCounts);
  let at = 0;
  const groups = keys.map((key, i): Group => ({ key, entries: entries[i]!, rows: rows.slice(at, (at += header.rowCounts[i]!)) }));
  const times: Times = { timeMs: header.batchId === null ? Date.now() : header.timeMs, watermarkMs: header.watermarkMs };
  const processing = plan.time.startsWith('ProcessingTime');
  const thresholdMs =
    header.batchId === null || plan.time.startsWith('No') ? -Infinity : ((processing ? times.timeMs : times.watermarkMs) ?? -Infinity);
  const out: unknown[] = [];
  if (plan.kind === 'transformWithState') runProcessor(plan, f, extra, groups, times, thresholdMs, header.batchId, out);
  else runFunction(plan, f, extra, groups, times, thresholdMs, out);
  return [out.length > 0 ? encoded(plan, out) : undefined, writeChanges(entries)];
}

/** Encodes the rows by their schema; the error for a row that does not fit names it. */
function encoded({ kind, output }: GroupFunctionPlan, rows: readonly unknown[]): Uint8Array {
  try {
    return encodeRows(rows, parseSchema(output));
  } catch (error) {
    if (error instanceof SparkTypeError)
      error.message = `${kind}: a row of the function does not fit its schema (${output}): ${error.message}`;
    throw error;
  }
}

/** Groups with data first, then those whose timeout is over and that had none. */
function runFunction(
  plan: GroupFunctionPlan,
  f: UserFunction,
  extra: unknown[],
  groups: Group[],
  times: Times,
  thresholdMs: number,
  out: unknown[],
): void {
  const call = (group: Group, timedOut: boolean) =>
    guarded(plan.kind, group.key, () => {
      const state = new GroupState(group.entries, times, plan.time as GroupStateTimeout, timedOut);
      const result = f(group.key, group.rows, state, ...extra);
      if (plan.kind === 'mapGroupsWithState') out.push(result);
      else push(out, result, plan.kind);
      state.settle();
    });
  for (const group of groups) if (group.rows.length > 0) call(group, false);
  for (const group of groups) {
    if ((GroupState.timeoutOf(group.entries) ?? Infinity) < thresholdMs) call({ ...group, rows: [] }, true);
  }
}

function runProcessor(
  plan: GroupFunctionPlan,
  f: UserFunction,
  extra: unknown[],
  groups: Group[],
  times: Times,
  thresholdMs: number,
  batchId: number | null,
  out: unknown[],
): void {
  const current: Current = { entries: undefined };
  const values = new TimerValues(times);
  const handle = new StatefulProcessorHandle(current, times, plan.time as TimeMode, batchId);
  const processor = guarded('init', undefined, () => {
    const made = new (f as unknown as new (...args: unknown[]) => StatefulProcessor)(...extra);
    for (const method of ['init', 'handleInputRows'] as const) {
      if (typeof made[method] !== 'function')
        throw new SparkTypeError(`a processor needs init(handle) and handleInputRows(key, rows, timerValues); this one has no ${method}`);
    }
    made.init(handle);
    return made;
  });
  const names = handle.seal();
  const on = (group: Group, step: string, work: () => Iterable<Row> | void) =>
    guarded(step, group.key, () => {
      current.entries = group.entries;
      push(out, work() ?? [], step);
      current.entries = undefined;
    });
  for (const group of groups) {
    if (group.rows.length > 0) on(group, 'handleInputRows', () => processor.handleInputRows(group.key, group.rows, values));
  }
  for (const group of groups) {
    for (const expiryMs of expiredTimers(group.entries, thresholdMs)) {
      on(group, 'handleExpiredTimer', () => processor.handleExpiredTimer?.(group.key, values, new ExpiredTimerInfo(expiryMs)));
      timerDone(group.entries, expiryMs);
    }
    if (plan.time === 'ProcessingTime') expire(group.entries, names, times.timeMs);
  }
  guarded('close', undefined, () => processor.close?.());
}

function push(out: unknown[], rows: unknown, step: string): void {
  if (typeof (rows as Iterable<unknown> | null)?.[Symbol.iterator] !== 'function' || typeof rows === 'string') {
    throw new SparkTypeError(`${step} must return its rows as an array or another iterable, got ${rows === null ? 'null' : typeof rows}`);
  }
  for (const row of rows as Iterable<unknown>) out.push(row);
}

function guarded<T>(step: string, key: Row | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UserFunctionError(error, step, key);
  }
}
