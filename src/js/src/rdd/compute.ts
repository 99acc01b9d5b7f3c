/**
 * Computes a partition of a dataset in an executor: the narrow steps of a stage run as one pass, row by row, pushed from the
 * source to the sink, without a list in between (but where a step wants its whole partition).
 */
import { identity } from './keys.js';
import { MappedState } from './map_state.js';
import { bind, type UserFunction } from './functions.js';
import type { Aggregate, Call, Op, PlanNode, RddPlan } from './plan.js';
import { PartitionRandom } from './random.js';
import { sortByKeys } from './sort.js';

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

/** Thrown through user code's callers to end a pass early. */
const enough = Symbol('enough');

/** A failure of the user's function, with the record it failed on. */
export class UserFunctionError extends Error {
  override readonly name = 'UserFunctionError';
  constructor(readonly thrown: unknown, readonly step: string, readonly record: unknown) {
    super(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
  }
}

export class Compute {
  constructor(readonly plan: RddPlan, readonly functions: readonly UserFunction[], readonly inputs: Inputs) {}

  call(call: Call): UserFunction { return bind(this.functions, call, (blob) => this.inputs.bound(blob)); }

  /** All rows of a partition. */
  rows(node: number, partition: number): unknown[] {
    const out: unknown[] = [];
    this.each(node, partition, (row) => { out.push(row); });
    return out;
  }

  /** Pushes the rows of a partition until `emit` says that it has enough. */
  each(node: number, partition: number, emit: Emit): void {
    try {
      this.#push(node, partition, (row) => { if (emit(row) === false) throw enough; });
    } catch (error) {
      if (error !== enough) throw error;
    }
  }

  #push(at: number, partition: number, emit: (row: unknown) => void): void {
    const node = this.plan.nodes[at];
    if (!node) throw new Error(`the plan has no dataset ${at}`);
    if (!node.cached) return this.#make(node, at, partition, emit);
    let rows = this.inputs.cached(node, partition);
    if (!rows) {
      const made: unknown[] = [];
      this.#make(node, at, partition, (row) => made.push(row));
      this.inputs.keep(node, partition, (rows = made));
    }
    for (const row of rows) emit(row);
  }

  #make(node: PlanNode, at: number, partition: number, emit: (row: unknown) => void): void {
    switch (node.kind) {
      case 'source': {
        const rows = this.inputs.source(at, partition);
        switch (node.op?.t) {
          case 'lines': for (const [blob, start, end] of rows as [number, number, number][]) for (const line of this.inputs.lines(blob, start, end)) emit(line); return;
          case 'files': for (const [blob] of rows as [number][]) emit(this.inputs.file(blob)); return;
          case 'arrow': for (const block of rows as Uint8Array[]) for (const row of this.inputs.frame(block, node.op.bigint)) emit(row); return;
          case 'blocks': for (const blob of rows as number[]) for (const row of this.inputs.block(blob)) emit(row); return;
        }
        for (const row of rows) emit(row);
        return;
      }
      case 'union': {
        let local = partition;
        for (const parent of node.parents) {
          const { partitions } = this.plan.nodes[parent]!;
          if (local < partitions) return this.#push(parent, local, emit);
          local -= partitions;
        }
        throw new Error(`a union has no partition ${partition}`);
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
        return this.#push(right, partition % width, (b) => { for (const a of rows) emit([a, b]); });
      }
      case 'narrow': return this.#narrow(node.op!, node, partition, emit);
      case 'zip': return this.#zip(node, at, partition, emit);
    }
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
      if (a.length !== b.length) throw new Error(`Can only zip RDDs with same number of elements in each partition: ${a.length} and ${b.length}`);
      a.forEach((row, i) => emit([row, b[i]]));
      return;
    }
    if (op.t === 'join') return this.#join(node, at, op, partition, emit);
    // Groups stand in the order in which their keys were first met.
    const groups = new Map<unknown, [unknown, unknown[][]]>();
    node.parents.forEach((_, parent) => {
      for (const row of this.#parent(node, at, parent, partition)) {
        const [key, value] = pairOf(row);
        const id = identity(key);
        let group = groups.get(id);
        if (!group) groups.set(id, (group = [key, node.parents.map(() => [])]));
        group[1][parent]!.push(value);
      }
    });
    for (const [key, values] of groups.values()) {
      const [left, right] = values as [unknown[], unknown[]];
      switch (op.t) {
        case 'cogroup': emit([key, values]); break;
        case 'subtractByKey': if (right.length === 0) for (const value of left) emit([key, value]); break;
        default: throw new Error(`${op.t} does not join datasets`);
      }
    }
  }

  /** In the order of the left rows; then what only the right has. An outer side without a partner meets null. */
  #join(node: PlanNode, at: number, op: { left: boolean; right: boolean }, partition: number, emit: (row: unknown) => void): void {
    const rights = new Map<unknown, { key: unknown; values: unknown[]; met: boolean }>();
    for (const list of this.#lists(node, at, 1, partition)) {
      for (const row of list) {
        const pair = pairOf(row);
        const id = identity(pair[0]);
        const found = rights.get(id);
        if (found) found.values.push(pair[1]);
        else rights.set(id, { key: pair[0], values: [pair[1]], met: false });
      }
    }
    for (const list of this.#lists(node, at, 0, partition)) {
      for (const row of list) {
        const pair = pairOf(row);
        const found = rights.get(identity(pair[0]));
        if (found) {
          found.met = true;
          for (const value of found.values) emit([pair[0], [pair[1], value]]);
        } else if (op.left) emit([pair[0], [pair[1], null]]);
      }
    }
    if (op.right) for (const { key, values, met } of rights.values()) if (!met) for (const value of values) emit([key, [null, value]]);
  }

  #narrow(op: Op, node: PlanNode, partition: number, emit: (row: unknown) => void): void {
    const parent = node.parents[0]!;
    const step = node.name;
    const guarded = (f: UserFunction) => (row: unknown): unknown => {
      try {
        return f(row);
      } catch (thrown) {
        throw thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, step, row);
      }
    };
    const from = (each: (row: unknown) => void) => this.#push(parent, partition, each);
    switch (op.t) {
      case 'map': { const f = guarded(this.call(op.call)); return from((row) => emit(f(row))); }
      case 'filter': { const f = guarded(this.call(op.call)); return from((row) => { if (f(row)) emit(row); }); }
      case 'flatMap': {
        const call = this.call(op.call);
        const f = guarded((row) => listed(call(row), step));
        return from((row) => { for (const made of f(row) as unknown[]) emit(made); });
      }
      case 'mapValues': {
        const f = guarded(this.call(op.call));
        return from((row) => { const pair = pairOf(row); emit([pair[0], f(pair[1])]); });
      }
      case 'flatMapValues': {
        const call = this.call(op.call);
        const f = guarded((value) => listed(call(value), step));
        return from((row) => { const [key, value] = pairOf(row); for (const made of f(value) as unknown[]) emit([key, made]); });
      }
      case 'invert': {
        const f = this.call(op.call);
        const inverted = guarded((row) => {
          const [key, [a, b]] = pairOf(row) as [unknown, [unknown, unknown]];
          return [key, b === null ? a : f(a, b)];
        });
        return from((row) => emit(inverted(row)));
      }
      case 'updateState': {
        const f = this.call(op.call);
        const updated = guarded((row) => {
          const [key, [states, values]] = pairOf(row) as [unknown, [unknown[], unknown[]]];
          return [key, f(values, states.length > 0 ? states[0] : null)];
        });
        return from((row) => {
          const pair = updated(row) as [unknown, unknown];
          if (pair[1] !== null && pair[1] !== undefined) emit(pair);
        });
      }
      case 'tagged': return from((row) => { if ((row as [number, unknown])[0] === op.tag) emit((row as [number, unknown])[1]); });
      case 'mapStates': {
        const f = this.call(op.call);
        const { timeMs, timeoutMs } = op;
        const given = guarded((row) => {
          const [key, [entries, values]] = pairOf(row) as [unknown, [[unknown, number][], unknown[]]];
          const state = new MappedState(entries.map(([value]) => value));
          const mapped = values.map((value) => {
            state.again();
            return f(key, value, state);
          });
          if (values.length === 0 && timeoutMs !== null && entries[0]![1] < timeMs - timeoutMs) {
            state.timeOut();
            return [[f(key, null, state)], undefined];
          }
          return [mapped, state.exists() ? [key, [state.get(), values.length > 0 ? timeMs : entries[0]![1]]] : undefined];
        });
        return from((row) => {
          const [mapped, kept] = given(row) as [unknown[], unknown];
          for (const one of mapped) if (one !== null && one !== undefined) emit([1, one]);
          if (kept) emit([0, kept]);
        });
      }
      case 'keyBy': { const f = guarded(this.call(op.call)); return from((row) => emit([f(row), row])); }
      case 'mapPartitions': case 'mapPartitionsWithIndex': {
        const f = this.call(op.call);
        const rows = this.rows(parent, partition)[Symbol.iterator]();
        try {
          const out = op.t === 'mapPartitions' ? f(rows, partition) : f(partition, rows);
          for (const made of iterable(out, step)) emit(made);
        } catch (thrown) {
          if (thrown === enough || thrown instanceof UserFunctionError) throw thrown;
          throw new UserFunctionError(thrown, step, undefined);
        }
        return;
      }
      case 'keys': return from((row) => emit(pairOf(row)[0]));
      case 'values': return from((row) => emit(pairOf(row)[1]));
      case 'pairs': return from((row) => emit([row, null]));
      case 'glom': return emit(this.rows(parent, partition));
      case 'sample': {
        const random = new PartitionRandom(op.seed, partition);
        return from((row) => {
          for (let times = op.withReplacement ? random.poisson(op.fraction) : Number(random.next() < op.fraction); times > 0; times--) emit(row);
        });
      }
      case 'zipWithIndex': { let index = op.offsets[partition] ?? 0; return from((row) => emit([row, index++])); }
      case 'zipWithUniqueId': { let id = partition; return from((row) => { emit([row, id]); id += op.partitions; }); }
      case 'sort': {
        const rows = this.rows(parent, partition);
        sortRows(rows, op.by ? this.call(op.by) : undefined, op.ascending).forEach((row) => emit(row));
        return;
      }
      default: throw new Error(`${op.t} is no step of one partition`);
    }
  }

  /** Puts values of equal keys together. */
  combiner(aggregate: Aggregate): Combiner { return new Combiner(this, aggregate); }
}

/** Pairs by key, in the order in which their keys were first met. */
export class Combiner {
  readonly #groups = new Map<unknown, [unknown, unknown]>();
  readonly #create: (value: unknown) => unknown;
  readonly #merge: UserFunction;
  readonly #combine: UserFunction;

  constructor(compute: Compute, aggregate: Aggregate) {
    const append = (list: unknown, value: unknown) => { (list as unknown[]).push(value); return list; };
    switch (aggregate.t) {
      case 'group':
        this.#create = (value) => [value];
        this.#merge = append;
        this.#combine = (a, b) => { for (const value of b as unknown[]) append(a, value); return a; };
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
    const id = identity(pair[0]);
    const group = this.#groups.get(id);
    try {
      if (!group) this.#groups.set(id, [pair[0], merged ? value : this.#create(value)]);
      else group[1] = merged ? this.#combine(group[1], value) : this.#merge(group[1], value);
    } catch (thrown) {
      throw thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, 'combineByKey', row);
    }
  }

  pairs(): IterableIterator<[unknown, unknown]> { return this.#groups.values(); }
}

/** A row that must be a pair. */
export function pairOf(row: unknown): [unknown, unknown] {
  if (Array.isArray(row) && row.length === 2) return row as [unknown, unknown];
  throw new UserFunctionError(new TypeError('a pair [key, value] is needed here'), 'pair operation', row);
}

function iterable(value: unknown, step: string): Iterable<unknown> {
  if (value !== null && value !== undefined && typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function') return value as Iterable<unknown>;
  throw new TypeError(`the function of ${step} must return an iterable, not ${value === null ? 'null' : typeof value}`);
}

/** What is lazy runs to its end here, where its errors are the step's. */
function listed(value: unknown, step: string): readonly unknown[] { return Array.isArray(value) ? value : [...iterable(value, step)]; }

/** Stable; keys are computed once. */
export function sortRows(rows: unknown[], by: UserFunction | undefined, ascending: boolean): unknown[] {
  const key = by ?? ((row: unknown) => pairOf(row)[0]);
  const keys = new Array<unknown>(rows.length);
  for (let i = 0; i < rows.length; i++) keys[i] = key(rows[i]);
  return sortByKeys(rows, keys, ascending);
}
