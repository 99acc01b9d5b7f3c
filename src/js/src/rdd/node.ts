/** Lineage on the page: what a dataset is made of, before an action makes a plan of it. */
import { encode, NotCloneableError } from './value_codec.js';
import { SparkTypeError } from '../errors.js';
import { Accumulator, type AccumulatorMark } from './accumulator.js';
import { Broadcast } from './broadcast.js';
import { framed } from './framing.js';
import { freeVariables } from './free_variables.js';
import type { Action, Call, FunctionSource, NodeKind, Op, Partitioner, PlanNode, RddPlan, StorageLevel, Write } from './job_plan.js';

/** Values that a function gets as its last argument, by name: cloneable values, broadcasts and accumulators. */
export type Bound = Readonly<Record<string, unknown>>;

/** A function in a module of its own: for functions with imports, and where a Content-Security-Policy forbids `blob:` scripts. */
export interface ModuleFunction { module: string | URL; export: string }

/** A function that runs in an executor. It sees nothing of the page but its arguments. */
export type Remote<F extends (...args: never[]) => unknown> = F | ModuleFunction;
/** A function that runs in an executor, and gets the values that are bound to it as its last argument. */
export type RemoteWith<A extends unknown[], R, B> = Remote<(...args: [...A, B]) => R>;
export type AnyRemote = ((...args: never[]) => unknown) | ModuleFunction;

/** Where the rows of a dataset are: two datasets with equal partitioners need no shuffle to be joined. */
export interface Placement {
  partitioner: (plan: PlanBuilder) => Partitioner;
  partitions: number;
  same: unknown;
  /** A job that must run before rows can be placed; run once. */
  prepare?: () => Promise<void>;
}

/** A dataset's definition; immutable but for what `prepare` finds out. */
export interface Dataset {
  readonly id: number;
  /** Its number among all datasets of the page. */
  readonly key: number;
  /**
   * Spark's classes for it, as `toDebugString` has them: one that Spark makes of several datasets has several, the last made
   * first; one with a + before it stands below the wide edge.
   */
  readonly name: readonly string[];
  readonly kind: NodeKind;
  readonly parents: readonly Dataset[];
  readonly partitions: number;
  readonly groups?: number[][];
  readonly wide?: boolean[];
  readonly sources?: readonly Uint8Array[];
  readonly op?: (plan: PlanBuilder) => Op;
  readonly write?: (plan: PlanBuilder) => (Write | null)[];
  readonly placement?: Placement | undefined;
  /** Jobs that must run before a plan can be made (range bounds, offsets); run once. */
  readonly prepare?: () => Promise<void>;
  /** Where its partitions are kept once computed; null is nowhere. */
  level: StorageLevel | null;
  /** Whether it is to be written into the checkpoint directory, or has been: then its lineage begins there. */
  checkpoint?: 'wanted' | 'written';
}

/** Methods that take a class. */
const CLASSES = new Set(['transformWithState', 'receiverStream']);

/** The text of a function, as an expression. */
export function sourceOf(f: (...args: never[]) => unknown, method: string): string {
  const text = Function.prototype.toString.call(f);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) {
    throw new SparkTypeError(`${method}: the function ${f.name || '(anonymous)'} is built in or bound and has no text to send: wrap it, `
      + 'as in (x) => Math.abs(x)');
  }
  if (/^(async\s|async\()/.test(text) || f.constructor.name === 'AsyncFunction') {
    throw new SparkTypeError(`${method}: the function ${f.name || '(anonymous)'} is async; functions over rows run to their end at once`);
  }
  const isClass = /^class\b/.test(text);
  if (isClass !== CLASSES.has(method)) {
    throw new SparkTypeError(`${method}: ${f.name || 'what was given'} is a ${isClass ? 'class, not a function' : 'function, not a class'}`);
  }
  // A method's short form is no expression by itself.
  const isExpression = /^(function\b|class\b|\(|[\w$\u0080-\uffff]+\s*=>)/.test(text);
  return isExpression ? text : `({ ${text} })[${JSON.stringify(f.name)}]`;
}

/** Checks at the call that a function can travel. */
export function checkRemote(f: AnyRemote, method: string, bound?: Bound): void {
  if (typeof f === 'function') checkFree(sourceOf(f, method), f.name, method);
  else if (f === null || typeof f !== 'object' || typeof f.export !== 'string' || f.module === undefined) {
    throw new SparkTypeError(`${method} needs a function, or { module, export }, and not ${f === null ? 'null' : typeof f}`);
  }
  if (bound) boundValue(bound, method);
}

/** Texts whose free variables were looked for: streams call with the same functions batch after batch. */
const closed = new Set<string>();

function checkFree(text: string, name: string, method: string): void {
  if (CLASSES.has(method) || closed.has(text)) return;
  const free = freeVariables(text);
  if (free.length > 0) {
    const names = free.map((one) => `\`${one}\``).join(', ');
    throw new SparkTypeError(`${method}: the function ${name || '(anonymous)'} uses ${names}, which it cannot see: it runs in a worker. Bind ${free.length > 1 ? 'them' : 'it'} `
      + `(${method}(f, { ${free.join(', ')} }): the values come as the last argument), or give { module, export }`, { condition: 'RIVULET_FREE_VARIABLE', parameters: { names: free.join(', ') } });
  }
  if (closed.size > 10_000) closed.clear();
  closed.add(text);
}

/** `mark` tells executors what to make of an accumulator. */
function boundValue(bound: Bound, method: string, mark?: (accumulator: Accumulator<unknown>) => AccumulatorMark): Uint8Array {
  const plain = Object.fromEntries(Object.entries(bound).map(([name, value]) => {
    if (value instanceof Broadcast) return [name, { value: value.value }];
    if (value instanceof Accumulator) return [name, mark?.(value as Accumulator<unknown>) ?? null];
    return [name, value];
  }));
  return valueBlock(plain, method);
}

/** A value as a block; one that cannot travel is told at the call. */
export function valueBlock(value: unknown, method: string): Uint8Array {
  try {
    return encode([value]);
  } catch (error) {
    if (error instanceof NotCloneableError) throw new SparkTypeError(`${method}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Gathers what a plan needs beside its nodes: functions and values, each once. */
export class PlanBuilder {
  readonly functions: FunctionSource[] = [];
  readonly values: Uint8Array[] = [];
  /** Accumulators that the plan's functions add to, by number. */
  readonly accumulators = new Map<number, Accumulator<unknown>>();
  readonly #known = new Map<string, number>();
  readonly #bound = new Map<Bound, number>();

  call(f: AnyRemote, method: string, bound?: Bound): Call {
    const source: FunctionSource = typeof f === 'function'
      ? { source: sourceOf(f, method) }
      : { module: new URL(f.module, document.baseURI).href, export: f.export };
    const key = JSON.stringify(source);
    let number = this.#known.get(key);
    if (number === undefined) this.#known.set(key, (number = this.functions.push(source) - 1));
    if (!bound) return { f: number };
    let blob = this.#bound.get(bound);
    if (blob === undefined) this.#bound.set(bound, (blob = this.values.push(boundValue(bound, method, (a) => this.#mark(a))) - 1));
    return { f: number, bound: blob };
  }

  #mark(accumulator: Accumulator<unknown>): AccumulatorMark {
    this.accumulators.set(accumulator.id, accumulator);
    const { adding, zero, id } = accumulator;
    return { $accumulator: id, zero, add: typeof adding === 'string' ? adding : this.call(adding, 'accumulator') };
  }

  value(value: unknown): number { return this.values.push(encode([value])) - 1; }
}

/** Lineage begins here from now on: the dataset takes another's place in the plan. */
export function replace(dataset: Dataset, by: Dataset): void {
  const { id, key, level, placement } = dataset;
  const cut = { groups: undefined, wide: undefined, write: undefined, prepare: undefined };
  Object.assign(dataset, cut, by, { id, key, level, placement, checkpoint: 'written' });
}

/** Datasets under this one, and itself, that are to be written and are not yet; parents first. */
export function toCheckpoint(root: Dataset, seen = new Set<Dataset>()): Dataset[] {
  if (seen.has(root)) return [];
  seen.add(root);
  const below = root.parents.flatMap((parent) => toCheckpoint(parent, seen));
  return root.checkpoint === 'wanted' ? [...below, root] : below;
}

/** Runs what must run before a plan over `root` can be made. */
export async function prepare(root: Dataset, seen = new Set<Dataset>()): Promise<void> {
  if (seen.has(root)) return;
  seen.add(root);
  for (const parent of root.parents) await prepare(parent, seen);
  await root.placement?.prepare?.();
  await root.prepare?.();
}

/** What a job says beside its lineage. */
export type JobHeader = Pick<RddPlan, 'description' | 'forget' | 'unkeep' | 'pool'>;

/** A plan as bytes, and the accumulators that it adds to. */
export interface PlannedJob { value: Uint8Array; accumulators: ReadonlyMap<number, Accumulator<unknown>> }

/** A plan that runs nothing: datasets are forgotten. */
export function forgetting(about: JobHeader): Uint8Array {
  return framed([new TextEncoder().encode(JSON.stringify({ ...about, nodes: [], root: 0 }))]);
}

/** The plan of an action, as bytes: length and JSON, then each blob behind its length. */
export function planBytes(root: Dataset, action: (plan: PlanBuilder) => Action, about: JobHeader, only?: number[]): PlannedJob {
  const builder = new PlanBuilder();
  const order: Dataset[] = [];
  const place = new Map<Dataset, number>();
  const visit = (dataset: Dataset) => {
    if (place.has(dataset)) return;
    for (const parent of dataset.parents) visit(parent);
    place.set(dataset, order.push(dataset) - 1);
  };
  visit(root);
  const sources: Uint8Array[] = [];
  const nodes = order.map((dataset): PlanNode => {
    const node: PlanNode = {
      id: dataset.id, key: dataset.key, name: dataset.name.find((name) => !name.startsWith('+')) ?? '', kind: dataset.kind, partitions: dataset.partitions,
      parents: dataset.parents.map((parent) => place.get(parent)!),
    };
    if (dataset.groups) node.groups = dataset.groups;
    if (dataset.wide) node.wide = dataset.wide;
    if (dataset.level) Object.assign(node, { cached: true, level: dataset.level });
    if (dataset.op) node.op = dataset.op(builder);
    if (dataset.write) node.write = dataset.write(builder);
    if (dataset.sources) {
      node.firstSource = sources.length;
      sources.push(...dataset.sources);
    }
    return node;
  });
  const plan: RddPlan = {
    ...about, nodes, root: place.get(root)!, action: action(builder), functions: builder.functions, values: builder.values.length,
    ...(only && { only }),
  };
  return { value: framed([new TextEncoder().encode(JSON.stringify(plan)), ...builder.values, ...sources]), accumulators: builder.accumulators };
}
