/** A job's plan: its nodes, and the functions and values that they need. */
import { urlOf } from '../cluster/places.js';
import type { Accumulator } from './accumulator.js';
import { framed } from './framing.js';
import type { AccumulatorMark, Action, Call, FunctionSource, PlanNode, RddPlan } from './job_plan.js';
import type { RddNode } from './node.js';
import { type AnyRemote, type Bound, boundValue, sourceOf } from './remote.js';
import { encode } from './value_codec.js';

/** Gathers what a plan needs beside its nodes: functions and values, each once. */
export class PlanBuilder {
  readonly functions: FunctionSource[] = [];
  readonly values: Uint8Array[] = [];
  /** Accumulators that the plan's functions add to, by number. */
  readonly accumulators = new Map<number, Accumulator<unknown>>();
  readonly #known = new Map<string, number>();
  readonly #bound = new Map<Bound, number>();

  call(f: AnyRemote, method: string, bound?: Bound): Call {
    const source: FunctionSource =
      typeof f === 'function'
        ? { source: sourceOf(f, method) }
        : { module: urlOf(f.module, globalThis.document?.baseURI).href, export: f.export };
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

  value(value: unknown): number {
    return this.values.push(encode([value])) - 1;
  }
}

/** What a job says beside its lineage. */
export type JobHeader = Pick<RddPlan, 'description' | 'forget' | 'unkeep' | 'pool'>;

/** A plan as bytes, and the accumulators that it adds to. */
export interface PlannedJob {
  value: Uint8Array;
  accumulators: ReadonlyMap<number, Accumulator<unknown>>;
}

/** How a plan of a job is made. */
export interface PlanOptions {
  /** Partitions that the action wants; all without it. */
  only?: number[] | undefined;
  /** Whether the driver holds a source. */
  holds?: (dataset: RddNode) => boolean;
}

/** A plan that runs nothing: datasets are forgotten. */
export function forgetting(about: JobHeader): Uint8Array {
  return framed([new TextEncoder().encode(JSON.stringify({ ...about, nodes: [], root: 0 }))]);
}

/** The plan of an action, as bytes: length and JSON, then each blob after its length. */
export function planBytes(
  root: RddNode,
  action: (plan: PlanBuilder) => Action,
  about: JobHeader,
  { only, holds = () => false }: PlanOptions = {},
): PlannedJob {
  const builder = new PlanBuilder();
  const order: RddNode[] = [];
  const place = new Map<RddNode, number>();
  const visit = (dataset: RddNode) => {
    if (place.has(dataset)) return;
    for (const parent of dataset.parents) visit(parent);
    place.set(dataset, order.push(dataset) - 1);
  };
  visit(root);
  const sources: Uint8Array[] = [];
  const nodes = order.map((dataset): PlanNode => {
    const node: PlanNode = {
      id: dataset.id,
      key: dataset.key,
      name: dataset.name.find((name) => !name.startsWith('+')) ?? '',
      kind: dataset.kind,
      partitions: dataset.partitions,
      parents: dataset.parents.map((parent) => place.get(parent)!),
    };
    for (const [id, accumulator] of dataset.accumulators ?? []) builder.accumulators.set(id, accumulator);
    if (dataset.groups) node.groups = dataset.groups;
    if (dataset.wide) node.wide = dataset.wide;
    if (dataset.level) Object.assign(node, { cached: true, level: dataset.level });
    if (dataset.op) node.op = dataset.op(builder);
    if (dataset.write) node.write = dataset.write(builder);
    if (dataset.sources && holds(dataset)) node.held = true;
    else if (dataset.sources) {
      node.firstSource = sources.length;
      sources.push(...dataset.sources);
    }
    return node;
  });
  const plan: RddPlan = {
    ...about,
    nodes,
    root: place.get(root)!,
    action: action(builder),
    functions: builder.functions,
    values: builder.values.length,
    ...(only && { only }),
  };
  return {
    value: framed([new TextEncoder().encode(JSON.stringify(plan)), ...builder.values, ...sources]),
    accumulators: builder.accumulators,
  };
}
