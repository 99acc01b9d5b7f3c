import type { ActionOptions, ExplainMode } from '../connect/action_options.js';
import type { Relation } from '../connect/messages.js';
import { typeFromMessage } from '../connect/type_message.js';
import { SparkRuntimeException } from '../errors.js';
import { hold, withNeeds } from '../needs.js';
import type { StorageLevel } from '../rdd/job_plan.js';
import type { Row } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import { part } from './load_part.js';
import { type Context, type Plan, planOf } from './plan.js';

/** Runs a plan and yields its Arrow IPC streams as they come; the first may hold no rows but has the schema. */
export async function* runArrow(context: Context, plan: Plan, options: ActionOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
  const release = hold(plan.needs);
  try {
    await Promise.all(plan.needs);
    for await (const { responseType } of context.client.execute({ root: plan.relation }, options.signal)) {
      if (responseType.case !== 'arrowBatch') continue;
      const { data, rowCount, chunkIndex } = responseType.value;
      if (chunkIndex) throw new SparkRuntimeException('The engine sent a batch in chunks, which were not asked for');
      yield checked(data, rowCount);
    }
  } finally {
    release();
  }
}

/** A stream whose rows get lost on the way must not look like an empty result. */
function checked(data: Uint8Array, rowCount: bigint): Uint8Array {
  if (data.byteLength === 0 && rowCount > 0n) throw new SparkRuntimeException(`A batch of ${rowCount} rows came without data`);
  return data;
}

/** Runs a plan and gathers all rows. */
export async function runRows(context: Context, plan: Plan, options: ActionOptions = {}): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const ipc of runArrow(context, plan, options)) {
    for (const row of part().rowsFromIPC(ipc, context.rowOptions)) rows.push(row);
  }
  return rows;
}

/** What `show` prints. */
export async function runShow(
  context: Context,
  plan: Plan,
  numRows: number,
  truncate: boolean | number,
  vertical: boolean,
  options: ActionOptions,
): Promise<string> {
  const value = { input: plan.relation, numRows, truncate: truncate === true ? 20 : truncate === false ? 0 : truncate, vertical };
  const rows = await runRows(context, planOf(context, { case: 'showString', value }, plan), options);
  return String(Object.values(rows[0] ?? {})[0] ?? '');
}

const asPlan = (root: Relation) => ({ opType: { case: 'root' as const, value: root } });

/** The resolved schema. */
export async function analyzeSchema(context: Context, plan: Plan, options: ActionOptions = {}): Promise<StructType> {
  return withNeeds(plan.needs, async () => {
    const { schema } = await context.client.analyze({ case: 'schema', value: { plan: asPlan(plan.relation) } }, options.signal);
    return typeFromMessage(schema) as StructType;
  });
}

/** The schema as a tree, as `printSchema` prints it. */
export async function analyzeTree(context: Context, plan: Plan, level?: number): Promise<string> {
  const value = { plan: asPlan(plan.relation), level };
  return withNeeds(plan.needs, async () => (await context.client.analyze({ case: 'treeString', value })).treeString);
}

const MODES: readonly ExplainMode[] = ['simple', 'extended', 'codegen', 'cost', 'formatted'];

/** The plan as text. */
export async function analyzeExplain(context: Context, plan: Plan, mode: ExplainMode): Promise<string> {
  const value = { plan: asPlan(plan.relation), explainMode: MODES.indexOf(mode) + 1 };
  return withNeeds(plan.needs, async () => (await context.client.analyze({ case: 'explain', value })).explainString);
}

/** Whether the plan reads a stream. */
export async function analyzeIsStreaming(context: Context, plan: Plan): Promise<boolean> {
  const value = { plan: asPlan(plan.relation) };
  return withNeeds(plan.needs, async () => (await context.client.analyze({ case: 'isStreaming', value })).isStreaming);
}

/** Has the rows kept at a level, or lets them go. */
export async function analyzePersist(context: Context, plan: Plan, level: StorageLevel | null): Promise<void> {
  const { relation } = plan;
  await withNeeds<unknown>(plan.needs, () => {
    if (level === null) return context.client.analyze({ case: 'unpersist', value: { relation } });
    const [useDisk, useMemory] = [level !== 'MEMORY_ONLY', level !== 'DISK_ONLY'];
    const storageLevel = { useDisk, useMemory, useOffHeap: false, deserialized: useMemory, replication: 1 };
    return context.client.analyze({ case: 'persist', value: { relation, storageLevel } });
  });
}

/** The level at which rows are kept. */
export async function analyzeStorageLevel(context: Context, plan: Plan): Promise<StorageLevel | null> {
  const { storageLevel } = await context.client.analyze({ case: 'getStorageLevel', value: { relation: plan.relation } });
  if (storageLevel?.useMemory) return storageLevel.useDisk ? 'MEMORY_AND_DISK' : 'MEMORY_ONLY';
  return storageLevel?.useDisk ? 'DISK_ONLY' : null;
}

/** Whether two plans return the same rows, whatever their columns are called. */
export async function analyzeSame(context: Context, one: Plan, other: Plan): Promise<boolean> {
  const value = { targetPlan: asPlan(one.relation), otherPlan: asPlan(other.relation) };
  const needs = [...one.needs, ...other.needs];
  return withNeeds(needs, async () => (await context.client.analyze({ case: 'sameSemantics', value })).result);
}

/** A hash that is the same for plans that mean the same. */
export async function analyzeHash(context: Context, plan: Plan): Promise<number> {
  const value = { plan: asPlan(plan.relation) };
  return withNeeds(plan.needs, async () => (await context.client.analyze({ case: 'semanticHash', value })).result);
}

/** Whether the rows come with the plan. */
export async function analyzeIsLocal(context: Context, plan: Plan): Promise<boolean> {
  const value = { plan: asPlan(plan.relation) };
  return withNeeds(plan.needs, async () => (await context.client.analyze({ case: 'isLocal', value })).isLocal);
}

/** The files that a plan reads. */
export async function analyzeInputFiles(context: Context, plan: Plan): Promise<string[]> {
  const value = { plan: asPlan(plan.relation) };
  return withNeeds(plan.needs, async () => (await context.client.analyze({ case: 'inputFiles', value })).files);
}
