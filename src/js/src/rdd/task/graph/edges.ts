/** Edges and triplets as values, and how they are dealt out. */
import { SparkTypeError } from '../../../errors.js';
import { describe } from '../keys.js';
import { compareIds, halves, idOf, idPartition, type VertexId } from './ids.js';

/** An edge with its attribute. */
export interface Edge<ED> {
  srcId: VertexId;
  dstId: VertexId;
  attr: ED;
}

/** An edge with the attributes of both ends. */
export interface EdgeTriplet<VD, ED> extends Edge<ED> {
  srcAttr: VD;
  dstAttr: VD;
}

/** Returns the edge that a row says: `{ srcId, dstId, attr }`, or `[source, destination, attribute]`. */
export function edgeOf(row: unknown): Edge<unknown> {
  if (Array.isArray(row) && (row.length === 2 || row.length === 3)) return { srcId: idOf(row[0]), dstId: idOf(row[1]), attr: row[2] };
  if (row !== null && typeof row === 'object' && 'srcId' in row && 'dstId' in row) {
    const { srcId, dstId, attr } = row as Edge<unknown>;
    return { srcId: idOf(srcId), dstId: idOf(dstId), attr };
  }
  throw new SparkTypeError(`${describe(row)} is not an edge: edges are { srcId, dstId, attr } or [source, destination, attribute]`, {
    condition: 'RIVULET_EDGE',
  });
}

/** Edges in the order of their sources, then of their destinations (`Edge.lexicographicOrdering`); stable. */
export function sortEdges<E extends Edge<unknown>>(edges: E[]): E[] {
  return edges.sort((a, b) => compareIds(a.srcId, b.srcId) || compareIds(a.dstId, b.dstId));
}

/** Growing columns of ids, and of attributes as doubles. */
class EdgeColumns {
  readonly #sources: number[] = [];
  readonly #targets: number[] = [];
  readonly #values: number[] = [];

  constructor(private readonly values: boolean) {}

  add({ srcId, dstId, attr }: Edge<unknown>): void {
    push(this.#sources, srcId);
    push(this.#targets, dstId);
    if (!this.values) return;
    if (typeof attr !== 'number')
      throw new SparkTypeError(`the attribute ${describe(attr)} of an edge is not a number`, { condition: 'RIVULET_EDGE' });
    this.#values.push(attr);
  }

  /** Number of edges, whether they have values, sources, targets, values; all little-endian. */
  bytes(): Uint8Array {
    const count = this.#sources.length / 2;
    const out = new Uint8Array(8 + 16 * count + 8 * this.#values.length);
    const view = new DataView(out.buffer);
    view.setUint32(0, count, true);
    view.setUint32(4, this.values ? 1 : 0, true);
    out.set(new Uint8Array(Int32Array.from(this.#sources).buffer), 8);
    out.set(new Uint8Array(Int32Array.from(this.#targets).buffer), 8 + 8 * count);
    out.set(new Uint8Array(Float64Array.from(this.#values).buffer), 8 + 16 * count);
    return out;
  }
}

/** Adds an id as two 32-bit numbers, the lower half first. */
function push(to: number[], id: VertexId): void {
  const [high, low] = halves(id);
  to.push(low | 0, high | 0);
}

/** A block for each partition, and how many rows it has. */
interface Dealt {
  blocks: Uint8Array[];
  rows: number[];
}

/** Deals edges out to the engine: each to the partitions of both ends. */
export function dealEnds(each: (emit: (row: unknown) => void) => void, partitions: number, values: boolean): Dealt {
  const parts = Array.from({ length: partitions }, () => new EdgeColumns(values));
  const rows = new Array<number>(partitions).fill(0);
  each((row) => {
    const edge = row as Edge<unknown>;
    const [from, to] = [idPartition(edge.srcId, partitions), idPartition(edge.dstId, partitions)];
    for (const part of from === to ? [from] : [from, to]) {
      parts[part]!.add(edge);
      rows[part]!++;
    }
  });
  return { blocks: parts.map((part) => part.bytes()), rows };
}

/** Deals ids of vertices out to the engine: their number, then the ids. */
export function dealIds(each: (emit: (row: unknown) => void) => void, partitions: number): Dealt {
  const parts = Array.from({ length: partitions }, (): number[] => []);
  each((row) => {
    const [id] = row as [VertexId, unknown];
    push(parts[idPartition(id, partitions)]!, id);
  });
  const blocks = parts.map((part) => {
    const out = new Uint8Array(4 + 4 * part.length);
    new DataView(out.buffer).setUint32(0, part.length / 2, true);
    out.set(new Uint8Array(Int32Array.from(part).buffer), 4);
    return out;
  });
  return { blocks, rows: parts.map((part) => part.length / 2) };
}
