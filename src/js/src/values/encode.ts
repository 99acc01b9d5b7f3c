import * as A from '@uwdata/flechette';
import { SparkTypeError } from '../errors.js';
import * as fit from './fit.js';
import { dayOf, instantOf } from './instants.js';
import { Misfit, shown, within } from './misfit.js';
import * as T from './types.js';

/** Rows as one Arrow IPC stream. A missing member is null; a value that does not fit is an error that says where it stands. */
export function encodeRows(rows: readonly unknown[], schema: T.StructType): Uint8Array {
  const objects = rows.map((row, at) => fit.rowOf(row, schema, at));
  const late: LateUnit[] = [];
  const columns = schema.fields.map((field): [string, A.Column<unknown>] => {
    const { name } = field;
    const encode = codec(field.dataType, late);
    const read = memberReader(field);
    const values = objects.map((row, at) => {
      try {
        const value = read(row);
        return value === null || value === undefined ? nullOf(field) : encode.encode(value as never);
      } catch (thrown) {
        throw thrown instanceof Misfit ? thrown.error({ column: name, row: at }) : thrown;
      }
    });
    return [name, A.columnFromValues(values, encode.arrow)];
  });
  for (const type of late) type.unit = A.TimeUnit.MICROSECOND;
  const bytes = A.tableToIPC(A.tableFromColumns(columns), { format: 'stream' });
  if (!bytes) throw new SparkTypeError('The rows could not be encoded');
  return bytes;
}

/** The Arrow types of a schema's columns. */
export function arrowTypesOf(schema: T.StructType): A.DataType[] {
  const late: LateUnit[] = [];
  const types = schema.fields.map(({ dataType }) => codec(dataType, late).arrow);
  for (const type of late) type.unit = A.TimeUnit.MICROSECOND;
  return types;
}

function memberReader({ name }: T.StructField): (row: Record<string, unknown>) => unknown {
  return name in Object.prototype ? (row) => fit.memberOf(row, name) : (row) => row[name];
}

function nullOf({ name, dataType, nullable }: T.StructField): null {
  if (!nullable) throw new Misfit(null, dataType, `${name} is NOT NULL`, 'FIELD_NOT_NULLABLE');
  return null;
}

interface Codec {
  arrow: A.DataType;
  encode: (value: never) => unknown;
}

/**
 * A type of instants while columns are built. Flechette multiplies instants by a thousand, as doubles, where their unit is the
 * microsecond, and takes them as they are where it is the millisecond: ours are microseconds already.
 */
type LateUnit = { unit: number };

const NUMBERS = new Map<T.DataType, () => A.DataType>([
  [T.ByteType, A.int8],
  [T.ShortType, A.int16],
  [T.IntegerType, A.int32],
  [T.FloatType, A.float32],
  [T.DoubleType, A.float64],
]);
const DAY_MS = 86_400_000;

/** Arrow type and encoding for values of `type` that are not null. */
function codec(type: T.DataType, late: LateUnit[]): Codec {
  const number = NUMBERS.get(type);
  if (number) {
    const encode = fit.isIntegral(type) ? (v: unknown) => fit.intOf(v, type) : (v: unknown) => fit.doubleOf(v, type);
    return { arrow: number(), encode };
  }
  switch (type) {
    case T.LongType:
      return { arrow: A.int64(), encode: (v: unknown) => fit.longOf(v, type) };
    case T.BooleanType:
      return { arrow: A.bool(), encode: (v: unknown) => (typeof v === 'boolean' ? v : refused(v, type)) };
    case T.NullType:
      return { arrow: A.nullType(), encode: (v: unknown) => refused(v, type) };
    case T.StringType:
      return { arrow: A.utf8(), encode: (v: unknown) => fit.stringOf(v, type) };
    case T.BinaryType:
      return { arrow: A.binary(), encode: (v: unknown) => fit.bytesOf(v, type) };
    case T.DateType:
      return { arrow: A.dateDay(), encode: (v: unknown) => dayOf(v, type) * DAY_MS };
    case T.TimestampType:
    case T.TimestampNTZType: {
      const arrow = A.timestamp(A.TimeUnit.MILLISECOND, type === T.TimestampType ? 'UTC' : null);
      late.push(arrow);
      return { arrow, encode: (v: unknown) => instantOf(v, type) };
    }
  }
  if (type instanceof T.DecimalType) {
    return { arrow: A.decimal(type.precision, type.scale, 128), encode: (v: unknown) => fit.unscaledOf(v, type) };
  }
  return nestedCodec(type, late);
}

function refused(value: unknown, type: T.DataType): never {
  throw new Misfit(value, type);
}

function unsupported(type: T.DataType): never {
  throw new SparkTypeError(`Rows cannot be made of type ${type}`, { condition: 'UNSUPPORTED_DATATYPE' });
}

/** The codec of a part of a nested type; Flechette has no parts without values. */
function partCodec(type: T.DataType, late: LateUnit[]): Codec {
  return type === T.NullType ? unsupported(type) : codec(type, late);
}

function nestedCodec(type: T.DataType, late: LateUnit[]): Codec {
  if (type instanceof T.ArrayType) {
    const item = partCodec(type.elementType, late);
    const encode = optional(item, type.containsNull, type.elementType);
    return {
      arrow: A.list(A.field('element', item.arrow, type.containsNull)),
      encode: (v: unknown) => {
        const elements = fit.elementsOf(v, type);
        const out = new Array<unknown>(elements.length);
        let at = 0;
        try {
          for (; at < out.length; at++) out[at] = encode(elements[at]);
        } catch (thrown) {
          throw within(thrown, `[${at}]`);
        }
        return out;
      },
    };
  }
  if (type instanceof T.MapType) {
    const [key, value] = [partCodec(type.keyType, late), partCodec(type.valueType, late)];
    const encode = optional(value, type.valueContainsNull, type.valueType);
    return {
      arrow: A.map(A.field('key', key.arrow, false), A.field('value', value.arrow, type.valueContainsNull)),
      encode: (v: unknown) =>
        fit.entriesOf(v, type).map(([k, x]) => {
          try {
            return [k === null || k === undefined ? refused(k, type.keyType) : key.encode(k as never), encode(x)];
          } catch (thrown) {
            throw within(thrown, `[${shown(k)}]`);
          }
        }),
    };
  }
  if (type instanceof T.StructType) return structCodec(type, late);
  return unsupported(type);
}

function structCodec(type: T.StructType, late: LateUnit[]): Codec {
  const members = type.fields.map((field) => {
    const { arrow, encode } = partCodec(field.dataType, late);
    return { field, arrow, encode, read: memberReader(field) };
  });
  return {
    arrow: A.struct(members.map(({ field, arrow }) => A.field(field.name, arrow, field.nullable))),
    encode: (v: unknown) => {
      const object = fit.membersOf(v, type);
      return Object.fromEntries(
        members.map(({ field, encode, read }) => {
          try {
            const value = read(object);
            return [field.name, value === null || value === undefined ? nullOf(field) : encode(value as never)];
          } catch (thrown) {
            throw within(thrown, `.${field.name}`);
          }
        }),
      );
    },
  };
}

function optional({ encode }: Codec, nullable: boolean, type: T.DataType): (value: unknown) => unknown {
  return (value) => {
    if (value !== null && value !== undefined) return encode(value as never);
    if (!nullable) throw new Misfit(null, type, 'null is not allowed here', 'FIELD_NOT_NULLABLE');
    return null;
  };
}
