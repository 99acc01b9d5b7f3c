/**
 * Keys of pair datasets: what is equal, where a key goes, and in which order keys stand.
 *
 * Numbers, strings, booleans, bigints, null and undefined are keys as they are; arrays and Dates are equal when their parts
 * are. The hash is the JVM's `hashCode` of the boxed value (`HashPartitioner`), so that placement is Spark's.
 */
import { SparkTypeError } from '../../errors.js';

/** A key that has no hash: it changes, or its equality is by identity. */
export class UnhashableKeyError extends SparkTypeError {
  override readonly name = 'UnhashableKeyError';
  constructor(key: unknown) {
    super(`The key ${describe(key)} cannot be hashed: keys are numbers, strings, booleans, bigints, null, Dates, and arrays of these`, {
      condition: 'RIVULET_UNHASHABLE_KEY',
    });
  }
}

/** A value in a few words, for errors. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return `[function ${value.name || 'anonymous'}]`;
  try {
    const json = JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v)) ?? String(value);
    return json.length > 120 ? `${json.slice(0, 117)}…` : json;
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** What stands for a key in a Map: equal keys have the same. */
export function identity(key: unknown): unknown {
  if (typeof key !== 'object' || key === null) {
    if (typeof key === 'function' || typeof key === 'symbol') throw new UnhashableKeyError(key);
    // A text that looks as what stands for another key is spelled out, too.
    return typeof key === 'string' && key.charCodeAt(0) === 0 ? `\u0000${spelled(key)}` : key;
  }
  return `\u0000${spelled(key)}`;
}

function spelled(key: unknown): string {
  switch (typeof key) {
    case 'string':
      return JSON.stringify(key);
    case 'number':
      return `${Object.is(key, -0) ? 0 : key}`;
    case 'bigint':
      return `${key}n`;
    case 'boolean':
    case 'undefined':
      return String(key);
    case 'object':
      if (key === null) return 'null';
      if (Array.isArray(key)) return `[${key.map(spelled).join(',')}]`;
      if (isValidDate(key)) return `@${key.getTime()}`;
  }
  throw new UnhashableKeyError(key);
}

const isValidDate = (key: unknown): key is Date => key instanceof Date && !Number.isNaN(key.getTime());

const bits = new DataView(new ArrayBuffer(8));

/** `hashCode` of a key, as a signed 32-bit number. */
export function hashCode(key: unknown): number {
  switch (typeof key) {
    case 'string': {
      let hash = 0;
      for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
      return hash;
    }
    case 'number': {
      if ((key | 0) === key) return key | 0;
      return Number.isSafeInteger(key) ? longHash(BigInt(key)) : longHashOf(key);
    }
    case 'bigint':
      return longHash(key);
    case 'boolean':
      return key ? 1231 : 1237;
    case 'undefined':
      return 0;
    case 'object': {
      if (key === null) return 0;
      if (isValidDate(key)) return longHash(BigInt(key.getTime()));
      // As java.util.List.
      if (Array.isArray(key)) return key.reduce<number>((hash, part) => (Math.imul(hash, 31) + hashCode(part)) | 0, 1);
    }
  }
  throw new UnhashableKeyError(key);
}

/** `Double.hashCode`. */
function longHashOf(value: number): number {
  bits.setFloat64(0, value);
  return Number.isNaN(value) ? 0x7ff80000 : bits.getInt32(0) ^ bits.getInt32(4);
}

function longHash(value: bigint): number {
  const wide = BigInt.asUintN(64, value);
  return Number(BigInt.asIntN(32, wide ^ (wide >> 32n)));
}

/** How keys that are numbers hash: as an Integer or Long where they are whole, or all of them as a Double. */
export type NumberKeys = 'any' | 'double';

/** Spark's hash of a key, where numbers hash as `keys` says. */
export function hashOf(key: unknown, keys: NumberKeys): number {
  return keys === 'double' && typeof key === 'number' ? longHashOf(key) : hashCode(key);
}

/** The partition of a key among `partitions`. */
export function hashPartition(key: unknown, partitions: number, keys: NumberKeys = 'any'): number {
  return modulo(hashOf(key, keys), partitions);
}

/** `Utils.nonNegativeMod`. */
export function modulo(hash: number, partitions: number): number {
  return ((hash % partitions) + partitions) % partitions;
}

const RANK: Partial<Record<string, number>> = { undefined: 0, object: 1, boolean: 2, number: 3, bigint: 3, string: 4 };
const rank = (value: unknown) => (Array.isArray(value) ? 6 : value instanceof Date ? 5 : (RANK[typeof value] ?? 9));

/** The natural order: numbers by value, strings by their UTF-16 units, arrays part by part; null before everything. */
export function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : 1;
  if (a == null || b == null) return a == null ? (b == null ? 0 : -1) : 1;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compare(a[i], b[i]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime();
  const ranks = rank(a) - rank(b);
  if (ranks !== 0) return ranks;
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
