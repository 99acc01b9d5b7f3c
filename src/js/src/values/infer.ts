import { SparkTypeError } from '../errors.js';
import * as T from './types.js';

/** The Spark type of a JavaScript value, as PySpark infers it: whole numbers are BIGINT, others DOUBLE. */
export function inferType(value: unknown): T.DataType {
  switch (typeof value) {
    case 'boolean':
      return T.BooleanType;
    case 'bigint':
      return T.LongType;
    case 'string':
      return T.StringType;
    case 'number':
      return Number.isSafeInteger(value) ? T.LongType : T.DoubleType;
    case 'undefined':
      return T.NullType;
    case 'object':
      return inferObject(value);
    default:
      throw new SparkTypeError(`A ${typeof value} has no Spark type`, { condition: 'CANNOT_INFER_TYPE_FOR_FIELD' });
  }
}

function inferObject(value: object | null): T.DataType {
  if (value === null) return T.NullType;
  if (value instanceof Date) return T.TimestampType;
  if (value instanceof Uint8Array) return T.BinaryType;
  if (Array.isArray(value)) return new T.ArrayType(inferAll(value));
  if (value instanceof Map) return new T.MapType(inferAll(value.keys()), inferAll(value.values()));
  return new T.StructType(Object.entries(value).map(([name, member]) => new T.StructField(name, inferType(member))));
}

function inferAll(values: Iterable<unknown>): T.DataType {
  let type: T.DataType = T.NullType;
  for (const value of values) type = unify(type, inferType(value));
  return type;
}

/** The type that holds values of both. */
function unify(a: T.DataType, b: T.DataType): T.DataType {
  if (a === T.NullType) return b;
  if (b === T.NullType || a.simpleString() === b.simpleString()) return a;
  if (isNumber(a) && isNumber(b)) return T.DoubleType;
  if (a instanceof T.ArrayType && b instanceof T.ArrayType) return new T.ArrayType(unify(a.elementType, b.elementType));
  if (a instanceof T.MapType && b instanceof T.MapType) return new T.MapType(unify(a.keyType, b.keyType), unify(a.valueType, b.valueType));
  if (a instanceof T.StructType && b instanceof T.StructType) return unifyStructs(a, b);
  throw new SparkTypeError(`Can not merge type ${a} and ${b}`, { condition: 'CANNOT_MERGE_TYPE' });
}

function isNumber(type: T.DataType): boolean {
  return type === T.LongType || type === T.DoubleType;
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

/** The schema of rows given as objects (names from the objects) or arrays (names from `names`, else `_1`, `_2`…). */
export function inferSchema(rows: readonly unknown[], names?: readonly string[]): T.StructType {
  if (rows.length === 0)
    throw new SparkTypeError('Can not infer a schema from no rows; give one', { condition: 'CANNOT_INFER_EMPTY_SCHEMA' });
  let schema = new T.StructType();
  for (const row of rows) schema = unifyStructs(schema, inferObject(asObject(row, names)) as T.StructType);
  const unknown = schema.fields.find((field) => field.dataType === T.NullType);
  if (unknown) {
    throw new SparkTypeError(`All values of column ${unknown.name} are null: give a schema`, { condition: 'CANNOT_DETERMINE_TYPE' });
  }
  return schema;
}

/** A row as an object, whichever of the two forms it has. */
export function asObject(row: unknown, names?: readonly string[]): Record<string, unknown> {
  if (Array.isArray(row)) return Object.fromEntries(row.map((value, index) => [names?.[index] ?? `_${index + 1}`, value as unknown]));
  if (typeof row === 'object' && row !== null) return row as Record<string, unknown>;
  throw new SparkTypeError(`A row must be an object or an array, not ${JSON.stringify(row)}`, {
    condition: 'CANNOT_INFER_SCHEMA_FOR_TYPE',
  });
}
