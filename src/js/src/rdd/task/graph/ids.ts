/** Ids of vertices: 64-bit whole numbers, as numbers where these are exact, else as bigints. */
import { SparkTypeError } from '../../../errors.js';
import { describe } from '../keys.js';

/** A vertex's id: a number up to 2^53 − 1, beyond it a bigint. */
export type VertexId = number | bigint;

const [LOWEST, HIGHEST] = [-(2n ** 63n), 2n ** 63n - 1n];
const [SAFE_LOWEST, SAFE_HIGHEST] = [BigInt(Number.MIN_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER)];
const WORD = 2 ** 32;

/** Returns an id in its one form. Throws a SparkTypeError for what is not a whole number of 64 bits, or not exact. */
export function idOf(value: unknown): VertexId {
  if (typeof value === 'number') {
    // Also of −0.
    if (Number.isSafeInteger(value)) return value + 0;
    const why = Number.isInteger(value) ? 'a number beyond 2^53 − 1 is not exact: give a bigint' : 'an id is a whole number';
    throw badId(value, why);
  }
  if (typeof value !== 'bigint') throw badId(value, 'an id is a number or a bigint');
  if (value < LOWEST || value > HIGHEST) throw badId(value, 'an id has 64 bits');
  return value >= SAFE_LOWEST && value <= SAFE_HIGHEST ? Number(value) : value;
}

function badId(value: unknown, why: string): SparkTypeError {
  return new SparkTypeError(`${typeof value === 'number' ? value : describe(value)} cannot be the id of a vertex: ${why}`, {
    condition: 'RIVULET_VERTEX_ID',
  });
}

/** Returns the upper and the lower half of an id, as a signed and an unsigned number. */
export function halves(id: VertexId): [high: number, low: number] {
  if (typeof id === 'number') return [Math.floor(id / WORD), id >>> 0];
  return [Number(BigInt.asIntN(32, id >> 32n)), Number(BigInt.asUintN(32, id))];
}

/** `java.lang.Long.hashCode`. */
export function longHash(id: VertexId): number {
  const [high, low] = halves(id);
  return (high ^ low) | 0;
}

/** The partition of a vertex (`HashPartitioner`). */
export function idPartition(id: VertexId, partitions: number): number {
  const rest = longHash(id) % partitions;
  return rest < 0 ? rest + partitions : rest;
}

/** The order of ids. */
export function compareIds(a: VertexId, b: VertexId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
