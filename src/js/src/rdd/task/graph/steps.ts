/** Steps over the vertices or the edges of a graph, as a partition of a dataset has them. */
import { SparkRuntimeException, SparkTypeError } from '../../../errors.js';
import type { GraphOp } from '../../job_plan.js';
import { describe } from '../keys.js';
import { pairOf, UserFunctionError } from '../steps.js';
import { type GraphTask, userCall } from './call.js';
import { type Edge, type EdgeTriplet, edgeOf, sortEdges } from './edges.js';
import { idOf, type VertexId } from './ids.js';
import { pregelFirst, pregelResume, pregelSend, pregelVertices } from './pregel.js';

type Step = (task: GraphTask, op: GraphOp) => void;
type Pair = [id: VertexId, value: unknown];
type Triplet = EdgeTriplet<unknown, unknown>;

/** A check of a row; what it throws names the row. */
function checked<T>(op: GraphOp, row: unknown, work: (row: unknown) => T): T {
  try {
    return work(row);
  } catch (thrown) {
    throw new UserFunctionError(thrown, op.method ?? op.step, row);
  }
}

/** Pairs by their ids; of equal ones the first counts. */
function byId(rows: readonly unknown[]): Map<VertexId, unknown> {
  const found = new Map<VertexId, unknown>();
  for (const row of rows) {
    const [id, value] = pairOf(row) as Pair;
    const key = idOf(id);
    if (!found.has(key)) found.set(key, value);
  }
  return found;
}

/** Gets messages out of a function that sends them (`EdgeContext`). */
class EdgeContext implements Triplet {
  declare srcId: VertexId;
  declare srcAttr: unknown;
  declare dstId: VertexId;
  declare dstAttr: unknown;
  declare attr: unknown;
  readonly #emit: (row: unknown) => void;

  constructor(emit: (row: unknown) => void) {
    this.#emit = emit;
  }
  at(triplet: Triplet): this {
    ({ srcId: this.srcId, srcAttr: this.srcAttr, dstId: this.dstId, dstAttr: this.dstAttr, attr: this.attr } = triplet);
    return this;
  }
  sendToSrc(message: unknown): void {
    this.#emit([this.srcId, message]);
  }
  sendToDst(message: unknown): void {
    this.#emit([this.dstId, message]);
  }
  toEdgeTriplet(): Triplet {
    const { srcId, srcAttr, dstId, dstAttr, attr } = this;
    return { srcId, srcAttr, dstId, dstAttr, attr };
  }
}

const edge = ({ srcId, dstId, attr }: Edge<unknown>, changed: { attr?: unknown } = {}) => ({ srcId, dstId, attr, ...changed });

const STEPS: Record<GraphOp['step'], Step> = {
  /** Pairs of id and attribute, and ids that edges name: each vertex once. */
  vertices(task, op) {
    const vertices = new Map<VertexId, unknown>();
    for (const row of task.parent(0)) {
      const [id, attr] = checked(op, row, (r) => {
        const pair = pairOf(r);
        return [idOf(pair[0]), pair[1]] as Pair;
      });
      if (!vertices.has(id)) vertices.set(id, attr);
    }
    for (const row of task.parent(1)) {
      const [id] = row as Pair;
      if (!vertices.has(id)) vertices.set(id, task.blob(op.value!));
    }
    for (const pair of vertices) task.emit(pair);
  },
  /** Rows that are edges. */
  edges(task, op) {
    for (const one of sortEdges(task.parent(0).map((row) => checked(op, row, edgeOf)))) task.emit(one);
  },
  /** Rows that are pairs of ids. */
  tuples(task, op) {
    const edges = task.parent(0).map((row) =>
      checked(op, row, (r) => {
        const [src, dst] = pairOf(r);
        return { srcId: idOf(src), dstId: idOf(dst), attr: 1 };
      }),
    );
    for (const one of sortEdges(edges)) task.emit(one);
  },
  /** Lines of a list of edges: two ids with white space between them; what comes after is ignored. */
  lines(task, op) {
    const { canonical } = op.options as { canonical: boolean };
    const edges: Edge<unknown>[] = [];
    for (const row of task.parent(0)) {
      const line = row as string;
      if (line === '' || line.startsWith('#')) continue;
      const ids = line.split(/\s+/);
      if (ids.length < 2 || ![ids[0]!, ids[1]!].every((id) => /^[+-]?\d+$/.test(id)))
        throw new UserFunctionError(new SparkTypeError(`Invalid line: ${line}`), 'edgeListFile', line);
      const [srcId, dstId] = checked(op, line, () => ids.slice(0, 2).map((id) => idOf(BigInt(id.replace('+', ''))))) as [
        VertexId,
        VertexId,
      ];
      edges.push(canonical && srcId > dstId ? { srcId: dstId, dstId: srcId, attr: 1 } : { srcId, dstId, attr: 1 });
    }
    for (const one of sortEdges(edges)) task.emit(one);
  },
  /** Rows of a table with a column `id`. */
  vertexRows(task) {
    for (const row of task.parent(0) as { id: unknown }[]) task.emit([row.id, row]);
  },
  /** Rows of a table with the columns `src` and `dst`. */
  edgeRows(task, op) {
    const edges = (task.parent(0) as { src: unknown; dst: unknown }[]).map((row) =>
      checked(op, row, () => ({ srcId: idOf(row.src), dstId: idOf(row.dst), attr: row })),
    );
    for (const one of sortEdges(edges)) task.emit(one);
  },
  sorted(task) {
    for (const one of sortEdges(task.parent(0) as Edge<unknown>[])) task.emit(one);
  },
  /** Which vertices the edges of this partition name, and as what: 1 as a source, 2 as a destination, 3 as both. */
  routing(task) {
    const named = new Map<VertexId, number>();
    for (const { srcId, dstId } of task.parent(0) as Edge<unknown>[]) {
      named.set(srcId, (named.get(srcId) ?? 0) | 1);
      named.set(dstId, (named.get(dstId) ?? 0) | 2);
    }
    for (const [id, as] of named) task.emit([id, [task.partition, as]]);
  },
  /** Attributes of vertices on their way to the partitions of edges that name them. */
  ship(task, op) {
    const { as } = op.options as { as: number };
    const attrs = byId(task.parent(0));
    for (const row of task.parent(1)) {
      const [id, [to, named]] = row as [VertexId, [number, number]];
      if (named & as && attrs.has(id)) task.emit([to, [id, attrs.get(id)]]);
    }
  },
  triplets(task, op) {
    const { as } = op.options as { as: number };
    const attrs = new Map((task.parent(1) as [number, Pair][]).map(([, pair]) => pair));
    for (const { srcId, dstId, attr } of task.parent(0) as Edge<unknown>[]) {
      const [srcAttr, dstAttr] = [as & 1 ? attrs.get(srcId) : undefined, as & 2 ? attrs.get(dstId) : undefined];
      task.emit({ srcId, srcAttr, dstId, dstAttr, attr });
    }
  },
  mapVertices(task, op) {
    const f = userCall(task, op, 0)!;
    for (const row of task.parent(0)) {
      const [id, attr] = row as Pair;
      task.emit([id, f(row, id, attr)]);
    }
  },
  mapEdges(task, op) {
    const f = userCall(task, op, 0)!;
    for (const row of task.parent(0) as Edge<unknown>[]) task.emit(edge(row, { attr: f(row, row) }));
  },
  filterVertices(task, op) {
    const f = userCall(task, op, 0)!;
    for (const row of task.parent(0)) {
      const [id, attr] = row as Pair;
      if (f(row, id, attr)) task.emit(row);
    }
  },
  /** Triplets whose ends and which themselves are to stay, as edges. */
  filterEdges(task, op) {
    const [ofEdge, ofVertex] = [userCall(task, op, 0), userCall(task, op, 1)];
    for (const row of task.parent(0) as Triplet[]) {
      const { srcId, srcAttr, dstId, dstAttr } = row;
      if (ofVertex && !(ofVertex([srcId, srcAttr], srcId, srcAttr) && ofVertex([dstId, dstAttr], dstId, dstAttr))) continue;
      if (!ofEdge || ofEdge(row, row)) task.emit(edge(row));
    }
  },
  reverse(task) {
    const turned = (task.parent(0) as Edge<unknown>[]).map(({ srcId, dstId, attr }) => ({ srcId: dstId, dstId: srcId, attr }));
    for (const one of sortEdges(turned)) task.emit(one);
  },
  withoutLoops(task) {
    for (const one of task.parent(0) as Edge<unknown>[]) if (one.srcId !== one.dstId) task.emit(one);
  },
  /** Edges of this partition that have both ends in common become one. */
  groupEdges(task, op) {
    const f = userCall(task, op, 0);
    let last: Edge<unknown> | undefined;
    for (const one of task.parent(0) as Edge<unknown>[]) {
      if (last && last.srcId === one.srcId && last.dstId === one.dstId) {
        last.attr = f ? f([last, one], last.attr, one.attr) : (last.attr as number) + (one.attr as number);
        continue;
      }
      if (last) task.emit(last);
      last = edge(one);
    }
    if (last) task.emit(last);
  },
  /** Vertices with the values of others that have the same id. */
  joinVertices(task, op) {
    const f = userCall(task, op, 0);
    const { kind } = op.options as { kind: 'outer' | 'inner' | 'kept' | 'lists' | 'zero' };
    const others = byId(task.parent(1));
    for (const row of task.parent(0)) {
      const [id, attr] = row as Pair;
      const met = others.has(id);
      if (kind === 'lists') task.emit([id, others.get(id) ?? []]);
      else if (kind === 'zero') task.emit([id, others.get(id) ?? 0]);
      else if (kind === 'outer' || met) task.emit([id, f ? f(row, id, attr, others.get(id)) : attr]);
      else if (kind === 'kept') task.emit(row);
    }
  },
  /** Edges that the other graph has, too. */
  maskEdges(task) {
    const others = new Map<VertexId, Set<VertexId>>();
    for (const { srcId, dstId } of task.parent(1) as Edge<unknown>[]) {
      const found = others.get(srcId);
      if (found) found.add(dstId);
      else others.set(srcId, new Set([dstId]));
    }
    for (const one of task.parent(0) as Edge<unknown>[]) if (others.get(one.srcId)?.has(one.dstId)) task.emit(one);
  },
  /** Messages along the edges, by the vertex that gets them. */
  send(task, op) {
    const f = userCall(task, op, 0)!;
    const context = new EdgeContext(task.emit);
    for (const triplet of task.parent(0) as Triplet[]) f(triplet, context.at(triplet));
  },
  /** What each vertex is next to: ids, or pairs of id and attribute. */
  neighbors(task, op) {
    const { incoming, outgoing, attrs } = op.options as { incoming: boolean; outgoing: boolean; attrs: boolean };
    for (const { srcId, srcAttr, dstId, dstAttr } of task.parent(0) as Triplet[]) {
      if (outgoing) task.emit([srcId, attrs ? [dstId, dstAttr] : dstId]);
      if (incoming) task.emit([dstId, attrs ? [srcId, srcAttr] : srcId]);
    }
  },
  /** The share of its source's rank that goes along an edge. */
  weights(task) {
    for (const row of task.parent(0) as Triplet[]) task.emit(edge(row, { attr: 1 / (row.srcAttr as number) }));
  },
  edgeAttrs(task) {
    for (const { attr } of task.parent(0) as Edge<unknown>[]) task.emit(attr);
  },
  /** What a partition of edges asks of vertices elsewhere (Pregel). */
  pregelAsks(task, op) {
    const { partitions } = op.options as { partitions: number };
    const asked = new Set<VertexId>();
    for (const { srcId } of task.parent(0) as Edge<unknown>[]) asked.add(srcId);
    if (partitions > 1) for (const id of asked) task.emit([id, task.partition]);
  },
  pregelFirst,
  pregelResume,
  pregelSend,
  pregelVertices,
};

/** Makes the rows of a partition by a step over a graph. */
export function graphStep(task: GraphTask, op: GraphOp): void {
  const step = STEPS[op.step];
  if (!step) throw new SparkRuntimeException(`${describe(op.step)} is not a step over a graph`);
  step(task, op);
}
