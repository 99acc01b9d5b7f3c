import { SparkTypeError } from '../errors.js';
import { isRecord, memberNames, memberOf, rowOf } from './fit.js';
import { kindOf, shown } from './misfit.js';
import * as T from './types.js';

/** The types of the elements of typed arrays, as PySpark has them for `array.array`: unsigned ones are of the next wider type. */
const ELEMENTS: [type: new (length: number) => ArrayBufferView, element: T.DataType][] = [
  [Int8Array, T.ByteType],
  [Uint8ClampedArray, T.ShortType],
  [Int16Array, T.ShortType],
  [Uint16Array, T.IntegerType],
  [Int32Array, T.IntegerType],
  [Uint32Array, T.LongType],
  [BigInt64Array, T.LongType],
  [BigUint64Array, new T.DecimalType(20, 0)],
  [Float32Array, T.FloatType],
  [Float64Array, T.DoubleType],
];

/** The Spark type of a JavaScript value, as PySpark infers it: whole numbers are BIGINT, others, and −0, DOUBLE. */
export function inferType(value: unknown, depth = 0): T.DataType {
  switch (typeof value) {
    case 'boolean':
      return T.BooleanType;
    case 'bigint':
      return T.LongType;
    case 'string':
      return T.StringType;
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? T.LongType : T.DoubleType;
    case 'undefined':
      return T.NullType;
    case 'object':
      return inferObject(value, depth + 1);
    default:
      return unknownType(value);
  }
}

function unknownType(value: unknown): never {
  throw new SparkTypeError(`${shown(value)} (${kindOf(value)}) has no Spark type`, { condition: 'CANNOT_INFER_TYPE_FOR_FIELD' });
}

/** How deep a value may be nested: one that holds itself has no end. */
const MAX_DEPTH = 500;

function inferObject(value: object | null, depth: number): T.DataType {
  if (value === null) return T.NullType;
  if (depth > MAX_DEPTH)
    throw new SparkTypeError(`A value is nested deeper than ${MAX_DEPTH} levels`, { condition: 'CANNOT_INFER_TYPE_FOR_FIELD' });
  if (value instanceof Date) return T.TimestampType;
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return T.BinaryType;
  if (Array.isArray(value)) return new T.ArrayType(inferAll(value, depth));
  const typed = ELEMENTS.find(([type]) => value instanceof type);
  if (typed) return new T.ArrayType(typed[1]);
  if (value instanceof Map) return new T.MapType(inferAll(value.keys(), depth), inferAll(value.values(), depth));
  return isRecord(value) ? inferRecord(value, depth) : unknownType(value);
}

function inferRecord(value: Record<string, unknown>, depth = 0): T.StructType {
  return new T.StructType(
    memberNames(value).map((name) => {
      try {
        return new T.StructField(name, inferType(memberOf(value, name), depth));
      } catch (error) {
        if (error instanceof SparkTypeError && !/^Member /.test(error.message)) error.message = `Member ${name}: ${error.message}`;
        throw error;
      }
    }),
  );
}

function inferAll(values: Iterable<unknown>, depth: number): T.DataType {
  let type: T.DataType = T.NullType;
  for (const value of values) type = unify(type, inferType(value, depth));
  return type;
}

/** The type that holds values of both. */
function unify(a: T.DataType, b: T.DataType): T.DataType {
  if (a === T.NullType) return b;
  if (b === T.NullType || a.simpleString() === b.simpleString()) return a;
  if (isNumber(a) && isNumber(b)) return unifyNumbers(a, b);
  if (a instanceof T.ArrayType && b instanceof T.ArrayType) return new T.ArrayType(unify(a.elementType, b.elementType));
  if (a instanceof T.MapType && b instanceof T.MapType) return new T.MapType(unify(a.keyType, b.keyType), unify(a.valueType, b.valueType));
  if (a instanceof T.StructType && b instanceof T.StructType) return unifyStructs(a, b);
  throw new SparkTypeError(`Can not merge type ${a} and ${b}`, { condition: 'CANNOT_MERGE_TYPE' });
}

/** The types of numbers. Each holds what those before it hold, but a DOUBLE is not exact beyond 2^53. */
const NUMBERS: readonly T.DataType[] = [T.ByteType, T.ShortType, T.IntegerType, T.LongType, T.FloatType, T.DoubleType];

const isNumber = (type: T.DataType): boolean => NUMBERS.includes(type);

function unifyNumbers(a: T.DataType, b: T.DataType): T.DataType {
  const wider = NUMBERS.indexOf(a) > NUMBERS.indexOf(b) ? a : b;
  // A FLOAT is exact for whole numbers of 16 bits.
  const narrower = wider === a ? b : a;
  return wider === T.FloatType && narrower !== T.ByteType && narrower !== T.ShortType ? T.DoubleType : wider;
}

function unifyStructs(a: T.StructType, b: T.StructType): T.StructType {
  const names = [...new Set([...a.names, ...b.names])];
  return new T.StructType(
    names.map((name) => {
      const type = unify(a.field(name)?.dataType ?? T.NullType, b.field(name)?.dataType ?? T.NullType);
      return new T.StructField(name, type);
    }),
  );
}

/** Whether nothing but nulls was seen of a type, or of a part of it (`has_nulltype`). */
function hasNull(type: T.DataType): boolean {
  if (type instanceof T.ArrayType) return hasNull(type.elementType);
  if (type instanceof T.MapType) return hasNull(type.keyType) || hasNull(type.valueType);
  return type === T.NullType || (type instanceof T.StructType && type.fields.some(({ dataType }) => hasNull(dataType)));
}

/** The schema of rows given as objects (names from the objects) or arrays (names from `names`, else `_1`, `_2`…). */
export function inferSchema(rows: readonly unknown[], names?: readonly string[]): T.StructType {
  if (rows.length === 0)
    throw new SparkTypeError('Can not infer a schema from no rows; give one', { condition: 'CANNOT_INFER_EMPTY_SCHEMA' });
  let schema = new T.StructType();
  rows.forEach((row, at) => {
    schema = unifyStructs(schema, inferRecord(asObject(row, names, at)));
  });
  const unknown = schema.fields.find(({ dataType }) => hasNull(dataType));
  if (unknown) {
    const what = unknown.dataType === T.NullType ? 'All values' : 'All values of a part';
    throw new SparkTypeError(`${what} of column ${unknown.name} are null, or there are none: give a schema`, {
      condition: 'CANNOT_DETERMINE_TYPE',
    });
  }
  return schema;
}

/** A row as an object, whichever of the two forms it has. */
function asObject(row: unknown, names: readonly string[] | undefined, at: number): Record<string, unknown> {
  if (!Array.isArray(row)) return rowOf(row, new T.StructType(), at);
  return Object.fromEntries(Array.from(row, (value: unknown, i) => [names?.[i] ?? `_${i + 1}`, value]));
}
