import * as A from '@uwdata/flechette';
import { SparkTypeError } from '../errors.js';
import { asObject } from './infer.js';
import * as T from './types.js';

/** Rows as one Arrow IPC stream. A missing member is null. */
export function encodeRows(rows: readonly unknown[], schema: T.StructType): Uint8Array {
  const objects = rows.map((row) => asObject(row, schema.names));
  const columns = schema.fields.map(({ name, dataType, nullable }): [string, A.Column<unknown>] => {
    const { arrow, encode } = codec(dataType);
    const values = objects.map((row) => {
      const value = row[name];
      if (value !== null && value !== undefined) return encode(value as never);
      if (!nullable)
        throw new SparkTypeError(`Column ${name} is NOT NULL, but a row has no value for it`, { condition: 'FIELD_NOT_NULLABLE' });
      return null;
    });
    return [name, A.columnFromValues(values, arrow)];
  });
  const bytes = A.tableToIPC(A.tableFromColumns(columns), { format: 'stream' });
  if (!bytes) throw new SparkTypeError('The rows could not be encoded');
  return bytes;
}

interface Codec {
  arrow: A.DataType;
  encode: (value: never) => unknown;
}

const NUMBERS = new Map<T.DataType, { arrow: A.DataType; whole: boolean }>([
  [T.ByteType, { arrow: A.int8(), whole: true }],
  [T.ShortType, { arrow: A.int16(), whole: true }],
  [T.IntegerType, { arrow: A.int32(), whole: true }],
  [T.FloatType, { arrow: A.float32(), whole: false }],
  [T.DoubleType, { arrow: A.float64(), whole: false }],
]);

function mismatch(value: unknown, type: T.DataType): never {
  throw new SparkTypeError(`${String(value)} (${typeof value}) is not a value of type ${type}`, {
    condition: 'CANNOT_ACCEPT_OBJECT_IN_TYPE',
  });
}

/** Arrow type and encoding for values of `type` that are not null. */
function codec(type: T.DataType): Codec {
  const number = NUMBERS.get(type);
  if (number) {
    const fits = number.whole ? Number.isInteger : () => true;
    return { arrow: number.arrow, encode: (v: unknown) => (typeof v === 'number' && fits(v) ? v : mismatch(v, type)) };
  }
  switch (type) {
    case T.LongType:
      return {
        arrow: A.int64(),
        encode: (v: unknown) => (typeof v === 'bigint' ? v : Number.isInteger(v) ? BigInt(v as number) : mismatch(v, type)),
      };
    case T.BooleanType:
      return { arrow: A.bool(), encode: (v: unknown) => (typeof v === 'boolean' ? v : mismatch(v, type)) };
    case T.NullType:
      return { arrow: A.bool(), encode: (v: unknown) => mismatch(v, type) };
    case T.StringType:
      return { arrow: A.utf8(), encode: (v: unknown) => (typeof v === 'string' ? v : mismatch(v, type)) };
    case T.BinaryType:
      return { arrow: A.binary(), encode: (v: unknown) => (v instanceof Uint8Array ? v : mismatch(v, type)) };
    case T.DateType:
      return { arrow: A.dateDay(), encode: (v: unknown) => instant(v, type) };
    case T.TimestampType:
      return { arrow: A.timestamp(A.TimeUnit.MICROSECOND, 'UTC'), encode: (v: unknown) => instant(v, type) };
    case T.TimestampNTZType:
      return { arrow: A.timestamp(A.TimeUnit.MICROSECOND), encode: (v: unknown) => instant(v, type) };
  }
  if (type instanceof T.DecimalType) {
    return { arrow: A.decimal(type.precision, type.scale, 128), encode: (v: unknown) => unscaled(v, type) };
  }
  return nestedCodec(type);
}

function nestedCodec(type: T.DataType): Codec {
  if (type instanceof T.ArrayType) {
    const item = codec(type.elementType);
    return {
      arrow: A.list(A.field('element', item.arrow, type.containsNull)),
      encode: (v: unknown) => (Array.isArray(v) || ArrayBuffer.isView(v) ? Array.from(v as unknown[], optional(item)) : mismatch(v, type)),
    };
  }
  if (type instanceof T.MapType) {
    const [key, value] = [codec(type.keyType), codec(type.valueType)];
    const entries = (v: unknown) => (v instanceof Map ? [...v] : typeof v === 'object' ? Object.entries(v as object) : mismatch(v, type));
    return {
      arrow: A.map(A.field('key', key.arrow, false), A.field('value', value.arrow, type.valueContainsNull)),
      encode: (v: unknown) => entries(v).map(([k, x]) => [key.encode(k as never), optional(value)(x)]),
    };
  }
  if (type instanceof T.StructType) {
    const members = type.fields.map((f) => ({ name: f.name, ...codec(f.dataType), nullable: f.nullable }));
    return {
      arrow: A.struct(members.map((m) => A.field(m.name, m.arrow, m.nullable))),
      encode: (v: unknown) => {
        const object = asObject(v, type.names);
        return Object.fromEntries(members.map((m) => [m.name, optional(m)(object[m.name])]));
      },
    };
  }
  throw new SparkTypeError(`Rows cannot be made of type ${type}`, { condition: 'UNSUPPORTED_DATATYPE' });
}

const optional =
  ({ encode }: Codec) =>
  (value: unknown) =>
    value === null || value === undefined ? null : encode(value as never);

/** Milliseconds of a Date, an ISO text or a number of milliseconds. */
function instant(value: unknown, type: T.DataType): number {
  const millis = value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Date.parse(withZone(String(value)));
  return Number.isNaN(millis) ? mismatch(value, type) : millis;
}

/** A date and time without a zone is read as UTC, Spark's session zone here, not in the browser's zone. */
function withZone(text: string): string {
  return /\d[T ]\d/.test(text) && !/(Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text.replace(' ', 'T')}Z` : text;
}

/** A decimal text or number as an integer in units of the type's scale. */
function unscaled(value: unknown, type: T.DecimalType): bigint {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(String(value));
  if (!parts || (parts[3] ?? '').length > type.scale) mismatch(value, type);
  const [, sign, whole = '', fraction = ''] = parts as unknown as string[];
  const digits = BigInt(`${whole || '0'}${fraction.padEnd(type.scale, '0')}`);
  return sign === '-' ? -digits : digits;
}
