/** Lineage on the page: what a dataset is made of, before an action makes a plan of it. */
import { encode, NotCloneableError } from './codec.js';
import { SparkTypeError } from '../errors.js';
import { Broadcast } from './broadcast.js';
import { framed } from './frame.js';
import type { Action, Call, FunctionSource, NodeKind, Op, Partitioner, PlanNode, RddPlan, Write } from './plan.js';

/** Values that a function gets as its last argument, by name: cloneable values and broadcasts. */
export type Bound = Readonly<Record<string, unknown>>;

/** A function in a module of its own: for functions with imports, and where a Content-Security-Policy forbids `blob:` scripts. */
export interface ModuleFunction { module: string | URL; export: string }

/** A function that runs in an executor. It sees nothing of the page but its arguments. */
export type Remote<F extends (...args: never[]) => unknown> = F | ModuleFunction;
export type AnyRemote = ((...args: never[]) => unknown) | ModuleFunction;

/** Where the rows of a dataset are: two datasets with equal partitioners need no shuffle to be joined. */
export interface Placement { partitioner: (plan: PlanBuilder) => Partitioner; partitions: number; same: unknown }

/** A dataset's definition; immutable but for what `prepare` finds out. */
export interface Dataset {
  readonly id: number;
  readonly name: string;
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
  cached: boolean;
}

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
  if (isClass !== (method === 'transformWithState')) {
    throw new SparkTypeError(`${method}: ${f.name || 'what was given'} is a ${isClass ? 'class, not a function' : 'function, not a class'}`);
  }
  // A method's short form is no expression by itself.
  const isExpression = /^(function\b|class\b|\(|[\w$\u0080-\uffff]+\s*=>)/.test(text);
  return isExpression ? text : `({ ${text} })[${JSON.stringify(f.name)}]`;
}

/** Checks at the call that a function can travel. */
export function checkRemote(f: AnyRemote, method: string, bound?: Bound): void {
  if (typeof f === 'function') sourceOf(f, method);
  else if (f === null || typeof f !== 'object' || typeof f.export !== 'string' || f.module === undefined) {
    throw new SparkTypeError(`${method} needs a function, or { module, export }, and not ${f === null ? 'null' : typeof f}`);
  }
  if (bound) boundValue(bound, method);
}

function boundValue(bound: Bound, method: string): Uint8Array {
  const plain = Object.fromEntries(Object.entries(bound).map(([name, value]) => {
    if (value instanceof Broadcast) return [name, { value: value.value }];
    return [name, value];
  }));
  try {
    return encode([plain]);
  } catch (error) {
    if (error instanceof NotCloneableError) throw new SparkTypeError(`${method}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Gathers what a plan needs beside its nodes: functions and values, each once. */
export class PlanBuilder {
  readonly functions: FunctionSource[] = [];
  readonly values: Uint8Array[] = [];
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
    if (blob === undefined) this.#bound.set(bound, (blob = this.values.push(boundValue(bound, method)) - 1));
    return { f: number, bound: blob };
  }

  value(value: unknown): number { return this.values.push(encode([value])) - 1; }
}

/** Runs what must run before a plan over `root` can be made. */
export async function prepare(root: Dataset, seen = new Set<Dataset>()): Promise<void> {
  if (seen.has(root)) return;
  seen.add(root);
  for (const parent of root.parents) await prepare(parent, seen);
  await root.prepare?.();
}

/** The plan of an action, as bytes: length and JSON, then each blob behind its length. */
export function planBytes(root: Dataset, action: (plan: PlanBuilder) => Action, description: string, only?: number[], drop: number[] = []): Uint8Array {
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
      id: dataset.id, name: dataset.name, kind: dataset.kind, partitions: dataset.partitions,
      parents: dataset.parents.map((parent) => place.get(parent)!),
    };
    if (dataset.groups) node.groups = dataset.groups;
    if (dataset.wide) node.wide = dataset.wide;
    if (dataset.cached) node.cached = true;
    if (dataset.op) node.op = dataset.op(builder);
    if (dataset.write) node.write = dataset.write(builder);
    if (dataset.sources) {
      node.firstSource = sources.length;
      sources.push(...dataset.sources);
    }
    return node;
  });
  const plan: RddPlan = {
    nodes, root: place.get(root)!, action: action(builder), functions: builder.functions, values: builder.values.length, description,
    ...(only && { only }), ...(drop.length > 0 && { drop }),
  };
  return framed([new TextEncoder().encode(JSON.stringify(plan)), ...builder.values, ...sources]);
}

/** `toDebugString`: the lineage, parents indented, with `+-` where rows move. */
export function debugString(root: Dataset): string {
  const lines: string[] = [];
  const visit = (dataset: Dataset, indent: string, mark: string) => {
    const count = mark || lines.length === 0 ? `(${dataset.partitions}) ` : '';
    lines.push(`${indent}${mark}${count}${dataset.name}[${dataset.id}]${dataset.cached ? ' [Memory Deserialized 1x Replicated]' : ''}`);
    dataset.parents.forEach((parent, i) => {
      const inner = `${indent}${mark ? '    ' : ''} `;
      if (dataset.wide?.[i]) visit(parent, inner, '+-');
      else visit(parent, `${inner}|  `, '');
    });
  };
  visit(root, '', '');
  return lines.join('\n');
}

