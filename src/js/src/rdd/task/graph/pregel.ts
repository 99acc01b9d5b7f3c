/**
 * Pregel with the user's functions. An edge is with the vertex where it ends, so each partition has its vertices, their incoming
 * edges, and asks others for the vertices where these begin.
 *
 * ```text
 *  vertices ═ state, values asked for ═▶ send ═ state, messages ═▶ vertices ═ … one superstep is both
 * ```
 *
 * All goes through the shuffle, state too, so what a lost executor had is made again from lineage.
 */
import { SparkRuntimeException, SparkTypeError } from '../../../errors.js';
import type { GraphOp } from '../../job_plan.js';
import { decode, encode } from '../../value_codec.js';
import { describe } from '../keys.js';
import { iterable, UserFunctionError } from '../steps.js';
import { type GraphTask, userCall } from './call.js';
import type { Edge } from './edges.js';
import { idOf, idPartition, type VertexId } from './ids.js';

/** Vertices with their values and whether they got messages in the last superstep. */
interface Vertices {
  ids: VertexId[];
  attrs: unknown[];
  active: Uint8Array;
}

/** A row of vertices: for which partition, the columns, and how many of the whole state are active. */
type Said = [to: number, block: [ids: Uint8Array, attrs: Uint8Array, active: Uint8Array, activeCount: number]];
/** A row of messages, or of the state that passes through; the ids that it is about and their values. */
type Sent = [to: number, block: [what: 'state' | 'messages', ids: Uint8Array, values: Uint8Array]];

const count = (active: Uint8Array) => active.reduce((sum, one) => sum + one, 0);

/** Emits the state for the own partition, and for each other one what it asked for. */
function say(task: GraphTask, { ids, attrs, active }: Vertices, asked: readonly unknown[]): void {
  const total = count(active);
  const said = (to: number, own: Vertices): Said => [to, [encode(own.ids), encode(own.attrs), own.active, total]];
  task.emit(said(task.partition, { ids, attrs, active }));
  const places = new Map(ids.map((id, at) => [id, at]));
  const wanted = new Map<number, number[]>();
  for (const row of asked) {
    const [id, to] = row as [VertexId, number];
    const at = places.get(id);
    if (to === task.partition || at === undefined) continue;
    const list = wanted.get(to);
    if (list) list.push(at);
    else wanted.set(to, [at]);
  }
  for (let to = 0; to < task.partitions; to++) {
    if (to === task.partition) continue;
    const list = wanted.get(to) ?? [];
    const [itsIds, itsAttrs] = [list.map((at) => ids[at]!), list.map((at) => attrs[at])];
    task.emit(said(to, { ids: itsIds, attrs: itsAttrs, active: Uint8Array.from(list, (at) => active[at]!) }));
  }
}

/** The program of all vertices on the initial message. */
export function pregelFirst(task: GraphTask, op: GraphOp): void {
  const program = userCall(task, op, 0)!;
  const ids: VertexId[] = [];
  const attrs: unknown[] = [];
  for (const row of task.parent(1)) {
    const [id, attr] = row as [VertexId, unknown];
    ids.push(id);
    attrs.push(program(row, id, attr, task.blob(op.value!)));
  }
  say(task, { ids, attrs, active: new Uint8Array(ids.length).fill(1) }, task.parent(0));
}

/** The state that a job ended with. */
export function pregelResume(task: GraphTask, _: GraphOp): void {
  const [block, active] = task.parent(1) as [Uint8Array, Uint8Array];
  const pairs = decode(block) as [VertexId, unknown][];
  say(task, { ids: pairs.map(([id]) => id), attrs: pairs.map(([, attr]) => attr), active }, task.parent(0));
}

/** Whether a triplet may send, by which of its ends got messages (`EdgeDirection`). */
const SENDS: Record<string, (src: number, dst: number) => number> = {
  Either: (src, dst) => src | dst,
  Both: (src, dst) => src & dst,
  Out: (src) => src,
  In: (_, dst) => dst,
};

/** Messages of one superstep, merged as far as one partition can. */
export function pregelSend(task: GraphTask, op: GraphOp): void {
  const [send, merge] = [userCall(task, op, 0)!, userCall(task, op, 1)!];
  const { direction } = op.options as { direction: string };
  const maySend = SENDS[direction]!;
  const places = new Map<VertexId, number>();
  const attrs: unknown[] = [];
  const actives: number[] = [];
  const said = task.parent(1) as Said[];
  let total = 0;
  for (const row of said) {
    const [ids, values, active, ofAll] = row[1];
    total += ofAll;
    const own = decode(values);
    decode(ids).forEach((id, i) => {
      places.set(id as VertexId, attrs.length);
      attrs.push(own[i]);
      actives.push(active[i]!);
    });
  }
  // Each partition has one row for each.
  const state = said[task.partition];
  if (!state) throw new SparkRuntimeException('the state of a partition of a graph is missing');
  task.emit([task.partition, ['state', state[1][0], state[1][1]]] satisfies Sent);
  if (total === 0) return;
  const messages = new Map<VertexId, unknown>();
  for (const { srcId, dstId, attr } of task.parent(0) as Edge<unknown>[]) {
    const [src, dst] = [places.get(srcId), places.get(dstId)];
    if (src === undefined || dst === undefined) throw new SparkRuntimeException('a vertex of a graph is missing');
    if (!maySend(actives[src]!, actives[dst]!)) continue;
    const triplet = { srcId, srcAttr: attrs[src], dstId, dstAttr: attrs[dst], attr };
    const sent = send(triplet, triplet);
    if (sent === null || sent === undefined) continue;
    for (const one of guardedMessages(sent, triplet)) {
      const to = target(one, triplet);
      const message = (one as unknown[])[1];
      messages.set(to, messages.has(to) ? merge(one, messages.get(to), message) : message);
    }
  }
  const parts = Array.from({ length: task.partitions }, () => ({ ids: [] as VertexId[], values: [] as unknown[] }));
  for (const [id, message] of messages) {
    const part = parts[idPartition(id, task.partitions)]!;
    part.ids.push(id);
    part.values.push(message);
  }
  parts.forEach(({ ids, values }, to) => {
    if (ids.length > 0) task.emit([to, ['messages', encode(ids), encode(values)]] satisfies Sent);
  });
}

/** What a function that sends has returned, as messages. */
function guardedMessages(sent: unknown, triplet: unknown): Iterable<unknown> {
  try {
    return [...iterable(sent, 'pregel')];
  } catch (thrown) {
    throw new UserFunctionError(thrown, 'pregel', triplet);
  }
}

/** The vertex that gets a message: one of the triplet's ends. */
function target(message: unknown, triplet: Edge<unknown>): VertexId {
  const to = Array.isArray(message) && message.length === 2 ? idOf(message[0]) : undefined;
  if (to !== undefined && (to === triplet.srcId || to === triplet.dstId)) return to;
  const why = to === undefined ? 'a message is a pair [id, message]' : 'a message goes to an end of its triplet';
  throw new UserFunctionError(new SparkTypeError(`${why}, got ${describe(message)}`), 'pregel', triplet);
}

/** The program of the vertices that got messages. */
export function pregelVertices(task: GraphTask, op: GraphOp): void {
  const [program, merge] = [userCall(task, op, 0)!, userCall(task, op, 1)!];
  const sent = task.parent(1) as Sent[];
  const state = sent.find(([, [what]]) => what === 'state')?.[1];
  if (!state) throw new SparkRuntimeException('the state of a partition of a graph is missing');
  const ids = decode(state[1]) as VertexId[];
  const attrs = decode(state[2]);
  const places = new Map(ids.map((id, at) => [id, at]));
  const got = new Map<number, unknown>();
  for (const [, [what, theirs, values]] of sent) {
    if (what !== 'messages') continue;
    const messages = decode(values);
    decode(theirs).forEach((id, i) => {
      const at = places.get(id as VertexId);
      if (at === undefined) return;
      got.set(at, got.has(at) ? merge([id, messages[i]], got.get(at), messages[i]) : messages[i]);
    });
  }
  const active = new Uint8Array(ids.length);
  for (const [at, message] of got) {
    attrs[at] = program([ids[at], attrs[at]], ids[at], attrs[at], message);
    active[at] = 1;
  }
  say(task, { ids, attrs, active }, task.parent(0));
}

/** The state of a partition as the driver takes it: how many vertices are active, then pairs and flags. */
export function stateBytes(rows: readonly unknown[], partition: number): Uint8Array {
  const own = (rows as Said[]).find(([to]) => to === partition);
  if (!own) throw new SparkRuntimeException('the state of a partition of a graph is missing');
  const [ids, attrs, active, total] = own[1];
  const values = decode(attrs);
  const pairs = encode(decode(ids).map((id, i) => [id, values[i]]));
  const block = encode([pairs, active]);
  const out = new Uint8Array(4 + block.length);
  new DataView(out.buffer).setUint32(0, total, true);
  out.set(block, 4);
  return out;
}
