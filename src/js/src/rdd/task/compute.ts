/**
 * Computes a partition of a dataset in an executor: the narrow steps of a stage run as one pass, row by row, without a list in
 * between but where a step needs one (a sort, a glom). Rows are pushed from the source to the sink; a function that takes its
 * partition as an iterator pulls them.
 */
import { IllegalArgumentException, SparkRuntimeException } from '../../errors.js';
import type { Aggregate, Call, GraphOp, Op, PlanNode, RddPlan } from '../job_plan.js';
import { bind, type UserFunction } from './functions.js';
import { graphStep } from './graph/steps.js';
import { KeyTable } from './key_table.js';
import { sortByKeys } from './sort.js';
import { guarded, iterable, pairOf, rowStep, UserFunctionError } from './steps.js';

/** Takes one row; false when no more rows are wanted. */
export type Emit = (row: unknown) => boolean | void;

/** Where a stage's input comes from. */
export interface Inputs {
  /** The rows of a source's partition. */
  source(node: number, partition: number): unknown[];
  /** What the stages below wrote for a partition of a wide parent: one list per map task, in their order; each read once. */
  shuffled(node: number, parent: number, partition: number): Iterable<unknown[]>;
  /** Rows of a kept partition, or none. */
  cached(node: PlanNode, partition: number): unknown[] | undefined;
  keep(node: PlanNode, partition: number, rows: unknown[]): void;
  /** Lines of a blob that begin between two of its bytes. */
  lines(blob: number, start: number, end: number): Iterable<string>;
  /** Records of `length` bytes between two bytes of a blob. */
  records(blob: number, start: number, end: number, length: number): Iterable<Uint8Array>;
  /** A blob's name and all of its text. */
  file(blob: number): [name: string, text: string];
  /** The rows of an Arrow IPC stream. */
  frame(block: Uint8Array, bigint: boolean): unknown[];
  /** Rows as an Arrow IPC stream; the schema is DDL. */
  toFrame(rows: readonly unknown[], schema: string): Uint8Array;
  /** The values of a blob that is a block. */
  block(blob: number): unknown[];
  /** The value of a blob; a fresh copy each time. */
  blob(number: number): unknown;
  /** The value bound to a function. */
  bound(number: number): unknown;
}

type PartitionsOp = { t: 'mapPartitions' | 'mapPartitionsWithIndex'; call: Call };

/** Thrown through user code's callers to end a pass early. */
const enough = Symbol('enough');

export class Compute {
  constructor(
    readonly plan: RddPlan,
    readonly functions: readonly UserFunction[],
    readonly inputs: Inputs,
  ) {}

  call(call: Call): UserFunction {
    return bind(this.functions, call, (blob) => this.inputs.bound(blob));
  }

  /** All rows of a partition. */
  rows(node: number, partition: number): unknown[] {
    const out: unknown[] = [];
    this.each(node, partition, (row) => {
      out.push(row);
    });
    return out;
  }

  /** Pushes the rows of a partition until `emit` says that it has enough. */
  each(node: number, partition: number, emit: Emit): void {
    try {
      this.#push(node, partition, (row) => {
        if (emit(row) === false) throw enough;
      });
    } catch (error) {
      if (error !== enough) throw error;
    }
  }

  #node(at: number): PlanNode {
    const node = this.plan.nodes[at];
    if (!node) throw new SparkRuntimeException(`the plan has no dataset ${at}`);
    return node;
  }

  #push(at: number, partition: number, emit: (row: unknown) => void): void {
    const node = this.#node(at);
    if (!node.cached) return this.#make(node, at, partition, emit);
    for (const row of this.#kept(node, at, partition)) emit(row);
  }

  #kept(node: PlanNode, at: number, partition: number): unknown[] {
    const found = this.inputs.cached(node, partition);
    if (found) return found;
    const made: unknown[] = [];
    this.#make(node, at, partition, (row) => made.push(row));
    this.inputs.keep(node, partition, made);
    return made;
  }

  #make(node: PlanNode, at: number, partition: number, emit: (row: unknown) => void): void {
    switch (node.kind) {
      case 'source':
        if (node.op?.t === 'range') {
          const { step } = node.op;
          for (const [first, count] of this.inputs.source(at, partition) as [number, number][])
            for (let i = 0; i < count; i++) emit(first + i * step);
          return;
        }
        for (const part of this.#source(node, at, partition)) for (const row of part) emit(row);
        return;
      case 'union': {
        const [parent, local] = this.#unionPart(node, partition);
        return this.#push(parent, local, emit);
      }
      case 'coalesce': {
        for (const p of node.groups?.[partition] ?? []) this.#push(node.parents[0]!, p, emit);
        return;
      }
      case 'cartesian': {
        const [left, right] = node.parents as [number, number];
        const width = this.plan.nodes[right]!.partitions;
        // In PySpark's order: the right row changes last.
        const rows = this.rows(left, Math.floor(partition / width));
        return this.#push(right, partition % width, (b) => {
          for (const a of rows) emit([a, b]);
        });
      }
      case 'narrow':
        return this.#narrow(node.op!, node, partition, emit);
      case 'zip':
        return this.#zip(node, at, partition, emit);
    }
  }

  /** The rows of a source's partition, part by part. */
  #source({ op }: PlanNode, at: number, partition: number): Iterable<Iterable<unknown>> {
    const rows = this.inputs.source(at, partition);
    switch (op?.t) {
      case 'lines':
        return mapped(rows as [number, number, number][], (part) => this.inputs.lines(...part));
      case 'records':
        return mapped(rows as [number, number, number][], (part) => this.inputs.records(...part, op.length));
      case 'range':
        return mapped(rows as [number, number][], ([first, count]) => numbers(first, count, op.step));
      case 'files':
        return mapped(rows as [number][], ([blob]) => [this.inputs.file(blob)]);
      case 'arrow':
        return mapped(rows as Uint8Array[], (block) => this.inputs.frame(block, op.bigint));
      case 'blocks':
        return mapped(rows as number[], (blob) => this.inputs.block(blob));
      default:
        return [rows];
    }
  }

  #unionPart(node: PlanNode, partition: number): [parent: number, partition: number] {
    let local = partition;
    for (const parent of node.parents) {
      const { partitions } = this.plan.nodes[parent]!;
      if (local < partitions) return [parent, local];
      local -= partitions;
    }
    throw new SparkRuntimeException(`a union has no partition ${partition}`);
  }

  /** The rows of a partition, each made when it is asked for. */
  pull(at: number, partition: number): Iterable<unknown> {
    const node = this.#node(at);
    if (node.cached) return this.#kept(node, at, partition);
    switch (node.kind) {
      case 'source':
        return flat(this.#source(node, at, partition));
      case 'union':
        return this.pull(...this.#unionPart(node, partition));
      case 'coalesce':
        return flat(mapped(node.groups?.[partition] ?? [], (own) => this.pull(node.parents[0]!, own)));
      case 'narrow':
        return node.op!.t.startsWith('mapPartitions')
          ? this.#partitions(node.op as PartitionsOp, node, partition)
          : this.#pulled(node, at, partition);
      default:
        return !node.op && node.wide?.[0] ? flat(this.inputs.shuffled(at, 0, partition)) : this.rows(at, partition);
    }
  }

  /** A chain of steps over rows, pulled. */
  *#pulled(top: PlanNode, at: number, partition: number): Iterable<unknown> {
    const made: unknown[] = [];
    const then = (node: PlanNode, emit: (row: unknown) => void) => node.op && rowStep(node.op, partition, (call) => this.call(call), emit);
    let step = then(top, (row) => {
      made.push(row);
    });
    if (!step) return yield* this.rows(at, partition);
    let below = top.parents[0]!;
    for (let node = this.#node(below); node.kind === 'narrow' && !node.cached; node = this.#node(below)) {
      const first = then(node, step);
      if (!first) break;
      step = first;
      below = node.parents[0]!;
    }
    for (const row of this.pull(below, partition)) {
      step(row);
      for (let i = 0; i < made.length; i++) yield made[i];
      made.length = 0;
    }
  }

  /** What a function over whole partitions makes of one. */
  #partitions({ t, call }: PartitionsOp, { parents }: PlanNode, partition: number): Iterable<unknown> {
    const f = this.call(call);
    const rows = iterator(this.pull(parents[0]!, partition));
    return guardedRows(t, () => iterable(t === 'mapPartitions' ? f(rows, partition) : f(partition, rows), t));
  }

  /** The rows of a parent of a `zip` node: what was shuffled to it, or its own partition; in one list, or list by list. */
  #parent(node: PlanNode, at: number, parent: number, partition: number): unknown[] {
    const lists = [...this.#lists(node, at, parent, partition)];
    if (lists.length === 1) return lists[0]!;
    const out: unknown[] = [];
    for (const list of lists) for (let i = 0; i < list.length; i++) out.push(list[i]);
    return out;
  }
  #lists(node: PlanNode, at: number, parent: number, partition: number): Iterable<unknown[]> {
    return node.wide?.[parent] ? this.inputs.shuffled(at, parent, partition) : [this.rows(node.parents[parent]!, partition)];
  }

  #zip(node: PlanNode, at: number, partition: number, emit: (row: unknown) => void): void {
    const op = node.op;
    if (op?.t === 'combine') {
      const combiner = this.combiner(op.aggregate);
      if (node.wide?.[0]) for (const list of this.inputs.shuffled(at, 0, partition)) for (const row of list) combiner.add(row, op.merged);
      else this.each(node.parents[0]!, partition, (row) => combiner.add(row, op.merged));
      for (const pair of combiner.pairs()) emit(pair);
      return;
    }
    if (!op) {
      for (const row of this.#parent(node, at, 0, partition)) emit(row);
      return;
    }
    if (op.t === 'sort') {
      const rows = this.#parent(node, at, 0, partition);
      for (const row of sortRows(rows, op.by ? this.call(op.by) : undefined, op.ascending)) emit(row);
      return;
    }
    if (op.t === 'zip') {
      const [a, b] = [this.#parent(node, at, 0, partition), this.#parent(node, at, 1, partition)];
      if (a.length !== b.length)
        throw new IllegalArgumentException(
          `Can only zip RDDs with same number of elements in each partition: ${a.length} and ${b.length}`,
          { condition: 'RIVULET_ZIP_MISMATCH' },
        );
      a.forEach((row, i) => emit([row, b[i]]));
      return;
    }
    if (op.t === 'graph') return this.#graph(op, node, partition, (parent) => this.#parent(node, at, parent, partition), emit);
    if (op.t === 'join') return this.#join(node, at, op, partition, emit);
    // Groups stand in the order in which their keys were first met.
    const table = new KeyTable();
    const groups: unknown[][][] = [];
    node.parents.forEach((_, parent) => {
      for (const row of this.#parent(node, at, parent, partition)) {
        const pair = pairOf(row);
        const found = table.add(pair[0]);
        if (found === groups.length) groups.push(node.parents.map(() => []));
        groups[found]![parent]!.push(pair[1]);
      }
    });
    for (const [i, key] of table.keys.entries()) {
      const values = groups[i]!;
      const [left, right] = values as [unknown[], unknown[]];
      switch (op.t) {
        case 'cogroup':
          emit([key, values]);
          break;
        case 'subtractByKey':
          if (right.length === 0) for (const value of left) emit([key, value]);
          break;
        default:
          throw new SparkRuntimeException(`${op.t} does not join datasets`);
      }
    }
  }

  /** In the order of the left rows; then what only the right has. An outer side without a partner meets null. */
  #join(node: PlanNode, at: number, op: { left: boolean; right: boolean }, partition: number, emit: (row: unknown) => void): void {
    const table = new KeyTable();
    const rights: { values: unknown[]; met: boolean }[] = [];
    for (const list of this.#lists(node, at, 1, partition)) {
      for (const row of list) {
        const pair = pairOf(row);
        const found = table.add(pair[0]);
        if (found === rights.length) rights.push({ values: [pair[1]], met: false });
        else rights[found]!.values.push(pair[1]);
      }
    }
    for (const list of this.#lists(node, at, 0, partition)) {
      for (const row of list) {
        const pair = pairOf(row);
        const number = table.find(pair[0]);
        const found = number < 0 ? undefined : rights[number];
        if (found) {
          found.met = true;
          for (const value of found.values) emit([pair[0], [pair[1], value]]);
        } else if (op.left) emit([pair[0], [pair[1], null]]);
      }
    }
    if (!op.right) return;
    for (const [i, { values, met }] of rights.entries()) if (!met) for (const value of values) emit([table.keys[i], [null, value]]);
  }

  #graph(
    op: GraphOp,
    { partitions }: PlanNode,
    partition: number,
    parent: (number: number) => unknown[],
    emit: (row: unknown) => void,
  ): void {
    const call = (one: Call) => this.call(one);
    graphStep({ partition, partitions, parent, call, blob: (number) => this.inputs.blob(number), emit }, op);
  }

  #narrow(op: Op, node: PlanNode, partition: number, emit: (row: unknown) => void): void {
    const parent = node.parents[0]!;
    const step = rowStep(op, partition, (call) => this.call(call), emit);
    if (step) return this.#push(parent, partition, step);
    switch (op.t) {
      case 'mapPartitions':
      case 'mapPartitionsWithIndex':
        for (const made of this.#partitions(op as PartitionsOp, node, partition)) emit(made);
        return;
      case 'graph':
        return this.#graph(op, node, partition, () => this.rows(parent, partition), emit);
      case 'glom':
        return emit(this.rows(parent, partition));
      case 'fold':
        this.folded(parent, partition, op, op.zero === undefined ? 'treeReduce' : 'treeAggregate').forEach(emit);
        return;
      case 'sort':
        sortRows(this.rows(parent, partition), op.by ? this.call(op.by) : undefined, op.ascending).forEach((row) => emit(row));
        return;
      default:
        throw new SparkRuntimeException(`${op.t} is not a step of one partition`);
    }
  }

  /** The rows of a partition as one, from the zero value on, or from the first row on: then it may be none. */
  folded(at: number, partition: number, { zero, call }: { zero?: number; call: Call }, step: string): [] | [unknown] {
    const f = this.call(call);
    let [some, sum] = zero === undefined ? [false, undefined] : [true, this.inputs.blob(zero)];
    this.#push(at, partition, (row) => {
      try {
        sum = some ? f(sum, row) : row;
      } catch (thrown) {
        throw new UserFunctionError(thrown, step, row);
      }
      some = true;
    });
    return some ? [sum] : [];
  }

  /** Puts values of equal keys together. */
  combiner(aggregate: Aggregate): Combiner {
    return new Combiner(this, aggregate);
  }
}

/** Pairs by key, in the order in which their keys were first met. */
export class Combiner {
  readonly #table = new KeyTable();
  /** By the numbers of their keys. */
  readonly #values: unknown[] = [];
  readonly #create: (value: unknown) => unknown;
  readonly #merge: UserFunction;
  readonly #combine: UserFunction;

  constructor(compute: Compute, aggregate: Aggregate) {
    const append = (list: unknown, value: unknown) => {
      (list as unknown[]).push(value);
      return list;
    };
    switch (aggregate.t) {
      case 'group':
        this.#create = (value) => [value];
        this.#merge = append;
        this.#combine = (a, b) => {
          for (const value of b as unknown[]) append(a, value);
          return a;
        };
        break;
      case 'reduce':
        this.#create = (value) => value;
        this.#merge = this.#combine = compute.call(aggregate.merge);
        break;
      case 'combine':
        this.#create = compute.call(aggregate.create);
        this.#merge = compute.call(aggregate.merge);
        this.#combine = compute.call(aggregate.combine);
        break;
      case 'fold': {
        const merge = compute.call(aggregate.merge);
        this.#create = (value) => merge(compute.inputs.blob(aggregate.zero), value);
        this.#merge = merge;
        this.#combine = compute.call(aggregate.combine);
      }
    }
  }

  /** Adds a value, or what was already put together elsewhere. */
  add(row: unknown, merged: boolean): void {
    const pair = pairOf(row);
    const value = pair[1];
    const values = this.#values;
    const at = this.#table.add(pair[0]);
    try {
      if (at === values.length) values.push(merged ? value : this.#create(value));
      else values[at] = merged ? this.#combine(values[at], value) : this.#merge(values[at], value);
    } catch (thrown) {
      throw thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, 'combineByKey', row);
    }
  }

  *pairs(): IterableIterator<[unknown, unknown]> {
    for (let i = 0; i < this.#values.length; i++) yield [this.#table.keys[i], this.#values[i]];
  }
}

/** Stable; keys are computed once. */
export function sortRows(rows: unknown[], by: UserFunction | undefined, ascending: boolean): unknown[] {
  const key = by ? guarded(by, 'sortBy') : (row: unknown) => pairOf(row)[0];
  const keys = new Array<unknown>(rows.length);
  for (let i = 0; i < rows.length; i++) keys[i] = key(rows[i]);
  return sortByKeys(rows, keys, ascending);
}

/** An iterator that is what functions over partitions are promised: one that can be iterated over, once. */
export function iterator(rows: Iterable<unknown>): IterableIterator<unknown> {
  return rows[Symbol.iterator]() as IterableIterator<unknown>;
}

function* numbers(first: number, count: number, step: number): Iterable<number> {
  for (let i = 0; i < count; i++) yield first + i * step;
}
function* mapped<T, U>(all: Iterable<T>, f: (one: T) => U): Iterable<U> {
  for (const one of all) yield f(one);
}
function* flat(parts: Iterable<Iterable<unknown>>): Iterable<unknown> {
  for (const part of parts) yield* part;
}

/** What a function makes of its partition; an error that it throws, now or when its rows are read, names the step. */
function guardedRows(step: string, work: () => Iterable<unknown>): Iterable<unknown> {
  const told = (thrown: unknown) =>
    thrown === enough || thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, step, undefined);
  try {
    const rows = work();
    return Array.isArray(rows)
      ? rows
      : (function* () {
          try {
            yield* rows;
          } catch (thrown) {
            throw told(thrown);
          }
        })();
  } catch (thrown) {
    throw told(thrown);
  }
}
