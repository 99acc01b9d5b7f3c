import type { ConnectClient } from '../connect/client.js';
import type { Relation, RelationKind } from '../connect/messages.js';
import { IllegalStateException } from '../errors.js';
import type { FileSource, Registered } from '../files/registry.js';
import type { SparkContext } from '../rdd/context.js';
import type { RowOptions } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import type { PageSource } from './streaming/page_source.js';
import type { PushSource } from './streaming/push.js';
import type { PushEncoder, PushFormat } from './streaming/push_data.js';

/**
 * A relation and what must have happened before the engine can run it: files that are being fetched and registered, rows that
 * datasets must compute first. All that is derived from a plan inherits its needs; files stay registered as long as somebody
 * has the need that registered them.
 */
export interface Plan {
  relation: Relation;
  needs: readonly PromiseLike<void>[];
}

/** Registers files of the page with the engine, under paths of its own. */
export interface Files {
  register(sources: readonly FileSource[], follow: boolean): Registered;
  put(path: string, blob: Blob): void;
  remove(path: string): void;
  keep(needs: readonly PromiseLike<void>[]): void;
}

/** A function that a query calls on the page; its batch is a DataFrame, which this file must not know. */
export interface SinkFunction {
  (batch: unknown, batchId: number): void | Promise<void>;
  /** Whether it takes the Arrow streams of a batch, and not a DataFrame, which costs more than a few rows do. */
  takesArrow?: boolean;
  /** Called when the query is over. */
  ended?(): Promise<void>;
}

/** Keeps the functions that queries call on the page, by id. */
export interface Sinks {
  add(f: SinkFunction): string;
  bind(sink: string, runId: string): void;
  release(by: { runId: string } | { sink: string }): void;
}

/** Opens the streams that the page writes to. */
export interface Sources {
  open(schema: StructType, format: PushFormat, options: Readonly<Record<string, string>>): PushSource;
}

/** Keeps the sources that the page reads for queries. */
export interface Readers {
  /** Adds a source; returns its id. */
  add(source: PageSource<unknown>, encoder: PushEncoder): string;
  /** Resolves when what the sources have at hand is on its way to the engine. */
  settled(): Promise<void>;
}

/** What DataFrames, readers and writers ask of their session. */
export interface Context {
  readonly client: ConnectClient;
  readonly rowOptions: RowOptions;
  readonly files: Files;
  readonly sinks: Sinks;
  readonly sources: Sources;
  readonly readers: Readers;
  readonly sparkContext: SparkContext;
}

/** What sessions have, by the way to their datasets. */
const sessions = new WeakMap<SparkContext, Context>();

/** Notes which session datasets belong to. */
export function belongs(sparkContext: SparkContext, context: Context): void {
  sessions.set(sparkContext, context);
}

/** What the session of datasets has. */
export function contextOf(sparkContext: SparkContext): Context {
  const context = sessions.get(sparkContext);
  if (!context) throw new IllegalStateException('The datasets belong to no session');
  return context;
}

/** A plan with a relation of its own id, with the needs of the plans below it. */
export function planOf({ client }: Context, relType: RelationKind, ...below: Plan[]): Plan {
  return {
    relation: { common: { planId: client.nextPlanId() }, relType },
    needs: [...new Set(below.flatMap((plan) => plan.needs))],
  };
}

/** The needs of what runs now: code that nobody refers to any more would else let them go in mid-run. */
const inUse = new Map<symbol, Plan['needs']>();

/** Keeps needs until the function that it returns is called. */
export function hold(needs: Plan['needs']): () => void {
  const token = Symbol();
  inUse.set(token, needs);
  return () => void inUse.delete(token);
}

/** Waits for needs, and keeps them until the work is done. */
export async function withNeeds<T>(needs: Plan['needs'], work: () => Promise<T>): Promise<T> {
  const release = hold(needs);
  try {
    await Promise.all(needs);
    return await work();
  } finally {
    release();
  }
}
