import { type DataType as ArrowType, type Batch, type Column, TimeUnit, Type } from '@uwdata/flechette';

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

/** Puts instants in µs as dates, whose milliseconds are rounded down. */
function instants(values: BigInt64Array, out: unknown[]): void {
  const parts = halves(values);
  for (let i = 0; i < values.length; i++) {
    const high = parts[2 * i + 1] as number;
    if (high >= -EXACT_HIGH && high < EXACT_HIGH) {
      const micros = high * 2 ** 32 + ((parts[2 * i] as number) >>> 0);
      const rest = micros % 1000;
      out.push(new Date((micros - (rest < 0 ? rest + 1000 : rest)) / 1000));
    } else {
      const micros = values[i] as bigint;
      const rest = micros % 1000n;
      out.push(new Date(Number((micros - (rest < 0n ? rest + 1000n : rest)) / 1000n)));
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
function direct(batch: Batch<unknown>, type: ArrowType, bigint: boolean, out: unknown[]): boolean {
  const { values, offsets, length } = batch as unknown as { values: unknown; offsets: unknown; length: number };
  if (type.typeId === Type.Utf8 && values instanceof Uint8Array && offsets instanceof Int32Array) {
    strings(values, offsets, length, out);
  } else if (type.typeId === Type.Int && values instanceof BigInt64Array && !bigint) {
    longs(values.subarray(0, length), out);
  } else if (type.typeId === Type.Timestamp && type.unit === TimeUnit.MICROSECOND && values instanceof BigInt64Array) {
    instants(values.subarray(0, length), out);
  } else if (
    values instanceof Float64Array ||
    values instanceof Int32Array ||
    values instanceof Int16Array ||
    values instanceof Int8Array
  ) {
    if (type.typeId !== Type.Float && type.typeId !== Type.Int) return false;
    for (let i = 0; i < length; i++) out.push(values[i]);
  } else return false;
  return true;
}

/**
 * The values of a column, null where one is missing. Types that lie flat in their buffers are read from those; the others value
 * by value, with `convert`.
 */
export function valuesOf(column: Column<unknown>, type: ArrowType, bigint: boolean, convert: Convert): unknown[] {
  const out: unknown[] = [];
  for (const batch of column.data) {
    const start = out.length;
    if (!direct(batch, type, bigint, out)) {
      for (let i = 0; i < batch.length; i++) {
        const value: unknown = batch.at(i);
        out.push(value === null || value === undefined ? null : convert(value as never));
      }
    } else if (batch.nullCount > 0) {
      const validity = batch.validity as Uint8Array;
      for (let i = 0; i < batch.length; i++) if ((((validity[i >> 3] as number) >> (i & 7)) & 1) === 0) out[start + i] = null;
    }
  }
  return out;
}
