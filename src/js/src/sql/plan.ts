import type { ConnectClient } from '../connect/client.js';
import type { Relation, RelationKind } from '../connect/messages.js';
import { IllegalStateException } from '../errors.js';
import type { FileSource, Registered } from '../files/registry.js';
import type { KeptNeeds, Need } from '../needs.js';
import type { SparkContext } from '../rdd/context.js';
import type { RowOptions } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import type { PageSource } from './streaming/page_source.js';
import type { PushSource } from './streaming/push.js';
import type { PushEncoder, PushFormat } from './streaming/push_data.js';

/**
 * A relation and what must have happened before the engine can run it: files that are being fetched and registered, rows that
 * datasets must compute first. All that is derived from a plan inherits its needs; files stay registered, and the page's ends of
 * streams open, as long as somebody has their need.
 */
export interface Plan {
  relation: Relation;
  needs: readonly Need[];
}

/** Registers files of the page with the engine, under paths of its own. */
export interface Files {
  register(sources: readonly FileSource[], follow: boolean): Registered;
  put(path: string, blob: Blob): void;
  remove(path: string): void;
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
  /** Forgets a function whose query has ended, or never had a run. */
  release(sink: string, runId: string | undefined): void;
}

/** The runs of queries that the page has started. */
export interface Runs {
  /** Starts a run, and calls `ended` once: when the run has ended, or could not be started. */
  start<T extends { runId: string }>(start: () => Promise<T>, ended: (runId: string | undefined) => void): Promise<T>;
}

/** Opens the streams that the page writes to. */
export interface Sources {
  open(schema: StructType, format: PushFormat, options: Readonly<Record<string, string>>): PushSource;
}

/** Keeps the sources that the page reads for queries. */
export interface Readers {
  /** Adds a source; returns its id, and the need that keeps it. */
  add(source: PageSource<unknown>, encoder: PushEncoder): { id: string; need: Need };
  /** Resolves when what the sources have at hand is on its way to the engine. */
  settled(): Promise<void>;
}

/** What DataFrames, readers and writers ask of their session. */
export interface Context {
  readonly client: ConnectClient;
  readonly rowOptions: RowOptions;
  readonly files: Files;
  /** The needs of views. */
  readonly kept: KeptNeeds;
  readonly runs: Runs;
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
