/**
 * What JavaScript's values are as values of Spark's types: exactly, or a {@link Misfit}. Arrow, JSON and literals are all made of
 * what these functions return.
 */
import { SparkTypeError } from '../errors.js';
import { LONG_MAX, LONG_MIN } from './instants.js';
import { kindOf, Misfit, shown } from './misfit.js';
import * as T from './types.js';

/** Bits of the integers that are numbers in Arrow. */
const BITS = new Map<T.DataType, number>([
  [T.ByteType, 8],
  [T.ShortType, 16],
  [T.IntegerType, 32],
]);

/** Whether a type's values are whole numbers. */
export const isIntegral = (type: T.DataType): boolean => type === T.LongType || BITS.has(type);

function outOfBounds(value: unknown, type: T.DataType, low: bigint | number, high: bigint | number): never {
  throw new Misfit(value, type, `it must be between ${low} and ${high} (inclusive)`, 'VALUE_OUT_OF_BOUNDS');
}

/** The value of a TINYINT, SMALLINT or INT. */
export function intOf(value: unknown, type: T.DataType): number {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) throw new Misfit(value, type);
  const high = 2 ** ((BITS.get(type) as number) - 1) - 1;
  if ((value as number) > high || (value as number) < -high - 1) outOfBounds(value, type, -high - 1, high);
  return Number(value);
}

/** The value of a BIGINT. A number beyond ±(2^53 − 1) may stand for its neighbours too, and is refused. */
export function longOf(value: unknown, type: T.DataType = T.LongType): bigint {
  if (typeof value === 'bigint') {
    if (value > LONG_MAX || value < LONG_MIN) outOfBounds(value, type, LONG_MIN, LONG_MAX);
    return value;
  }
  if (!Number.isInteger(value)) throw new Misfit(value, type);
  return BigInt(safe(value as number, type));
}

function safe(value: number, type: T.DataType): number {
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new Misfit(value, type, 'a number beyond 2^53 - 1 is not exact; give a bigint', 'VALUE_OUT_OF_BOUNDS');
  return value;
}

/** The value of a DOUBLE or FLOAT; a bigint only if it is exact, a finite number only if the type has one near to it. */
export function doubleOf(value: unknown, type: T.DataType): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') throw new Misfit(value, type);
  if (typeof value === 'bigint' && (!Number.isFinite(number) || BigInt(number) !== value)) throw new Misfit(value, type, 'it is not exact');
  if (type !== T.FloatType) return number;
  const near = Math.fround(number);
  if (Number.isFinite(number) && !Number.isFinite(near)) throw new Misfit(value, type, 'it is too large', 'VALUE_OUT_OF_BOUNDS');
  if (typeof value === 'bigint' && near !== number) throw new Misfit(value, type, 'it is not exact');
  return number;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?$/i;

/** A decimal text, number or bigint as an integer in units of the type's scale. */
export function unscaledOf(value: unknown, type: T.DecimalType): bigint {
  const text =
    typeof value === 'number' ? String(safe(value, type)) : typeof value === 'string' || typeof value === 'bigint' ? String(value) : '';
  const parts = DECIMAL.exec(text);
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts ?? [];
  const all = whole + fraction;
  if (all === '') throw new Misfit(value, type);
  const shift = Number(exponent) - fraction.length + type.scale;
  const significant = all.replace(/^0+/, '').replace(/0+$/, '');
  const zeros = all.length - all.replace(/0+$/, '').length;
  if (significant === '') return 0n;
  if (shift + zeros < 0) throw new Misfit(value, type, `it has more than ${type.scale} digits after the point`, 'VALUE_OUT_OF_BOUNDS');
  if (significant.length + shift + zeros > type.precision)
    throw new Misfit(value, type, `it has more than ${type.precision - type.scale} digits before the point`, 'VALUE_OUT_OF_BOUNDS');
  const unscaled = BigInt(significant) * 10n ** BigInt(shift + zeros);
  return sign === '-' ? -unscaled : unscaled;
}

/** `String.prototype.isWellFormed`, which is much faster, where the browser has it. */
const native = (String.prototype as { isWellFormed?: () => boolean }).isWellFormed;

/** Whether UTF-8 can hold a text: it has no half of a surrogate pair alone. */
export const isWellFormed = (text: string): boolean => native?.call(text) ?? !/\p{Surrogate}/u.test(text);

/** The value of a STRING. */
export function stringOf(value: unknown, type: T.DataType | string = T.StringType): string {
  if (typeof value !== 'string') throw new Misfit(value, type);
  if (!isWellFormed(value)) throw new Misfit(value, type, 'it has a lone surrogate, which UTF-8 cannot hold');
  return value;
}

/** The value of a BINARY. */
export function bytesOf(value: unknown, type: T.DataType = T.BinaryType): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new Misfit(value, type);
}

/** The elements of an ARRAY: of an array, whose holes are undefined, a typed array, a Set, or another iterable. */
export function elementsOf(value: unknown, type: T.DataType | string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null && !(value instanceof Map) && Symbol.iterator in value && !(value instanceof String))
    return Array.from(value as Iterable<unknown>);
  throw new Misfit(value, type);
}

/** The entries of a MAP: of a Map, or of an object's own members. */
export function entriesOf(value: unknown, type: T.DataType): (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...value];
  if (!isRecord(value)) throw new Misfit(value, type);
  return Object.entries(value);
}

/** The members of a STRUCT, by name: of an object, a Map, or an array in the order of the type's fields. */
export function membersOf(value: unknown, type: T.StructType): Record<string, unknown> {
  if (Array.isArray(value)) {
    const { fields } = type;
    if (value.length > fields.length) {
      const why = `it has ${value.length} elements for ${fields.length} fields`;
      throw new Misfit(value, type, why, 'FIELD_STRUCT_LENGTH_MISMATCH');
    }
    return Object.fromEntries(fields.map(({ name }, i) => [name, value[i] as unknown]));
  }
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
  if (!isRecord(value)) throw new Misfit(value, type);
  return value;
}

/** The members of a row, which is given as a STRUCT is; `at` is its place among the rows. */
export function rowOf(row: unknown, type: T.StructType, at: number): Record<string, unknown> {
  try {
    return membersOf(row, type);
  } catch (thrown) {
    if (!(thrown instanceof Misfit)) throw thrown;
    if (Array.isArray(row)) throw new SparkTypeError(`Row ${at}: ${shown(row)}: ${thrown.why}`, { condition: thrown.condition });
    throw new SparkTypeError(`A row must be an object or an array, not ${shown(row)} (${kindOf(row)}, row ${at})`, {
      condition: 'CANNOT_INFER_SCHEMA_FOR_TYPE',
    });
  }
}

/** What has members, but none that are data. */
const NOT_RECORDS = [Date, Set, Promise, RegExp, Error, ArrayBuffer, Number, String, Boolean, WeakMap, WeakSet];

/** Whether a value is an object with members of its own: plain, or of a class that is not JavaScript's. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  return !(value instanceof Map) && !NOT_RECORDS.some((type) => value instanceof type);
}

/** A member of an object, a getter of its class's too; what every object inherits is not one. */
export function memberOf(object: Record<string, unknown>, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(object, name) ? undefined : object[name];
}

/** The names of an object's members: its own, and the getters of its class. */
export function memberNames(object: object): string[] {
  const names = new Set(Object.keys(object));
  for (let at: unknown = Object.getPrototypeOf(object); at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) if (get) names.add(name);
  }
  return [...names];
}
