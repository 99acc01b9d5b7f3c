/** Datasets that graphs are made of, before an action makes a plan of them. */
import { IllegalArgumentException } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import type { Aggregate, GraphOp, Op, Partitioner } from '../rdd/job_plan.js';
import type { Placement, RddNode } from '../rdd/node.js';
import type { PlanBuilder } from '../rdd/plan_builder.js';
import type { AnyRemote, Bound } from '../rdd/remote.js';

/** A user's function, with what is bound to it. */
export interface UserCall {
  f: AnyRemote | undefined;
  bound?: Bound | undefined;
}

/** What a step says beside its parents. */
interface Step {
  step: GraphOp['step'];
  method: string;
  calls?: readonly UserCall[];
  value?: unknown;
  options?: unknown;
}

/** Where vertices are: by the hash of their ids. */
export function idPlacement(partitions: number): Placement {
  return { partitions, partitioner: () => ({ t: 'id', partitions }), same: `id ${partitions}` };
}

/** Makes the step of a plan. */
export function stepOp({ step, method, calls, value, options }: Step): (plan: PlanBuilder) => GraphOp {
  return (plan) => ({
    t: 'graph',
    step,
    method,
    ...(calls && { calls: calls.map(({ f, bound }) => (f ? plan.call(f, method, bound) : null)) }),
    // A block of one value each: undefined travels, too.
    ...(value !== undefined && { value: plan.value((value as [unknown])[0]) }),
    ...(options !== undefined && { options }),
  });
}

/** A parent whose rows move, or stay where they are. */
type Parent = RddNode | { of: RddNode; by: Partitioner };

/** A dataset of vertices or edges made by a step of partitions that lie side by side. */
export function stepNode(
  context: SparkContext,
  name: string,
  parents: readonly Parent[],
  step: Step,
  placement?: Placement | undefined,
): RddNode {
  const nodes = parents.map((parent) => ('of' in parent ? parent.of : parent));
  const by = parents.map((parent) => ('of' in parent ? parent.by : null));
  if (nodes.length === 1 && !by[0])
    return context.node({ name: [name], kind: 'narrow', parents: nodes, partitions: nodes[0]!.partitions, op: stepOp(step), placement });
  const partitions = by.find((one) => one)?.partitions ?? nodes[0]!.partitions;
  const apart = nodes.find((node, i) => !by[i] && node.partitions !== partitions);
  if (apart)
    throw new IllegalArgumentException(`Can't zip RDDs with unequal numbers of partitions: ${partitions} and ${apart.partitions}`, {
      condition: 'RIVULET_ZIP_MISMATCH',
    });
  return context.node({
    name: [name],
    kind: 'zip',
    parents: nodes,
    partitions,
    wide: by.map((one) => one !== null),
    op: stepOp(step),
    write: () => by.map((one) => one && { partitioner: one }),
    placement,
  });
}

/** A dataset by the ids of vertices, as a parent of a step over these: it moves unless it is placed so already. */
export function byVertices(dataset: RddNode, partitions: number): Parent {
  const placement = idPlacement(partitions);
  return dataset.placement?.same === placement.same ? dataset : { of: dataset, by: { t: 'id', partitions } };
}

/** Messages by the vertex that gets them, merged before they move and after. */
export function mergedMessages(
  context: SparkContext,
  messages: RddNode,
  partitions: number,
  aggregate: (plan: PlanBuilder) => Aggregate,
  mapSide: boolean,
): RddNode {
  const placement = idPlacement(partitions);
  return context.node({
    name: ['VertexRDD'],
    kind: 'zip',
    parents: [messages],
    partitions,
    wide: [true],
    op: (plan): Op => ({ t: 'combine', aggregate: aggregate(plan), merged: mapSide }),
    write: (plan) => [{ partitioner: { t: 'id', partitions }, ...(mapSide && { aggregate: aggregate(plan) }) }],
    placement,
  });
}
