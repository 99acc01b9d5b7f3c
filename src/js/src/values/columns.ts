import { type DataType as ArrowType, type Batch, TimeUnit, Type } from '@uwdata/flechette';
import { SparkRuntimeException } from '../errors.js';

/** Reads a value of a column that is not null. */
export type Convert = (value: never) => unknown;

/** How many units of 2^32 a number may have so that it is exact. */
const EXACT_HIGH = 2 ** 21;

/** The halves of 64-bit numbers: low and high, in turns. */
const halves = (values: BigInt64Array) => new Int32Array(values.buffer, values.byteOffset, values.length * 2);

/** Puts LONGs as numbers where those are exact, as bigints elsewhere. */
function longs(values: BigInt64Array, out: unknown[]): void {
  const parts = halves(values);
  for (let i = 0; i < values.length; i++) {
    const high = parts[2 * i + 1] as number;
    const value = high * 2 ** 32 + ((parts[2 * i] as number) >>> 0);
    // −2^53 is beyond the exact numbers, though its high half is not.
    out.push(high >= -EXACT_HIGH && high < EXACT_HIGH && Number.isSafeInteger(value) ? value : values[i]);
  }
}

/** How far `Date` reaches, ms from the epoch: to the year 275760. */
const DATE_REACH_MS = 8.64e15;

/** Returns an instant in ms as a Date. Throws RIVULET_DATE_RANGE for one that Date does not hold. */
export function dateOf(millis: number): Date {
  if (Math.abs(millis) > DATE_REACH_MS) {
    const message = 'A TIMESTAMP of a row is beyond the years that a Date of JavaScript has: cast it to STRING';
    throw new SparkRuntimeException(`[RIVULET_DATE_RANGE] ${message}`, { condition: 'RIVULET_DATE_RANGE' });
  }
  return new Date(millis);
}

/** Returns an instant in units of 1/`perMilli` ms as a Date, rounded down to milliseconds. */
export function dateOfUnits(units: bigint, perMilli: bigint): Date {
  const rest = units % perMilli;
  return dateOf(Number((units - (rest < 0n ? rest + perMilli : rest)) / perMilli));
}

/** Puts instants in µs as dates, whose milliseconds are rounded down. Nulls have any bits, and are not read. */
function instants(values: BigInt64Array, isNull: IsNull, out: unknown[]): void {
  const parts = halves(values);
  for (let i = 0; i < values.length; i++) {
    const high = parts[2 * i + 1] as number;
    if (isNull(i)) {
      out.push(null);
    } else if (high >= -EXACT_HIGH && high < EXACT_HIGH) {
      const micros = high * 2 ** 32 + ((parts[2 * i] as number) >>> 0);
      const rest = micros % 1000;
      out.push(new Date((micros - (rest < 0 ? rest + 1000 : rest)) / 1000));
    } else {
      out.push(dateOfUnits(values[i] as bigint, 1000n));
    }
  }
}

// A mark of byte order within a string is a letter of it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Puts strings: all are decoded at once, and cut where each byte is a letter. */
function strings(values: Uint8Array, offsets: Int32Array, length: number, out: unknown[]): void {
  const first = offsets[0] as number;
  const bytes = values.subarray(first, offsets[length]);
  const all = decoder.decode(bytes);
  const plain = all.length === bytes.length;
  for (let i = 0; i < length; i++) {
    const [from, to] = [offsets[i] as number, offsets[i + 1] as number];
    out.push(plain ? all.slice(from - first, to - first) : decoder.decode(values.subarray(from, to)));
  }
}

/** Puts the values of a batch by what they lie in; false if its type has no such way. */
function direct(batch: Batch<unknown>, type: ArrowType, { bigint, micros }: FlatOptions, out: unknown[]): boolean {
  const { values, offsets, length } = batch as unknown as { values: unknown; offsets: unknown; length: number };
  if (type.typeId === Type.Utf8 && values instanceof Uint8Array && offsets instanceof Int32Array) {
    strings(values, offsets, length, out);
  } else if (type.typeId === Type.Int && values instanceof BigInt64Array && !bigint) {
    longs(values.subarray(0, length), out);
  } else if (type.typeId === Type.Timestamp && type.unit === TimeUnit.MICROSECOND && values instanceof BigInt64Array && !micros) {
    instants(values.subarray(0, length), nullsOf(batch), out);
  } else if (
    values instanceof Float64Array ||
    values instanceof Float32Array ||
    values instanceof Int32Array ||
    values instanceof Int16Array ||
    values instanceof Int8Array
  ) {
    if (type.typeId !== Type.Float && type.typeId !== Type.Int) return false;
    for (let i = 0; i < length; i++) out.push(values[i]);
  } else return false;
  return true;
}

/** How flat values are read. */
export interface FlatOptions {
  /** LONG always as bigint. */
  bigint: boolean;
  /** Instants as bigints of microseconds, and not as `Date`. */
  micros?: boolean;
}

type IsNull = (index: number) => boolean;

/** Whether the value at an index of a batch is null. */
export function nullsOf(batch: Batch<unknown>): IsNull {
  if (batch.nullCount === 0) return () => false;
  const validity = batch.validity as Uint8Array;
  return validity.length === 0 ? () => false : (i) => (((validity[i >> 3] as number) >> (i & 7)) & 1) === 0;
}

/**
 * The values of a batch, null where one is missing. Types that lie flat in their buffers are read from those; the others value by
 * value, with `convert`.
 */
export function flatValues(batch: Batch<unknown>, type: ArrowType, options: FlatOptions, convert: Convert): unknown[] {
  const out: unknown[] = [];
  if (!direct(batch, type, options, out)) {
    for (let i = 0; i < batch.length; i++) {
      const value: unknown = batch.at(i);
      out.push(value === null || value === undefined ? null : convert(value as never));
    }
  } else if (batch.nullCount > 0) {
    const isNull = nullsOf(batch);
    for (let i = 0; i < batch.length; i++) if (isNull(i)) out[i] = null;
  }
  return out;
}
