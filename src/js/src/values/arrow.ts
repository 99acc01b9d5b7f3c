/** Arrow from elsewhere, whose columns are found by name. */
import * as A from '@uwdata/flechette';
import { SparkTypeError } from '../errors.js';
import { arrowTypesOf, encodeRows } from './encode.js';
import { rowsOf, tableOf } from './rows.js';
import type { StructType } from './types.js';

/** The first bytes of an Arrow file; a stream has none. */
const FILE_MAGIC = 'ARROW1';

/**
 * Arrow bytes as a stream with the columns of a schema, in its order and types. Columns are matched by name; those that the schema
 * does not have are left out. What cannot be read is returned as it is: the engine says what is wrong with it. Throws a SparkTypeError
 * for a column that is missing, and for a value that does not fit.
 */
export function arrowBySchema(bytes: Uint8Array, schema: StructType): Uint8Array {
  let table: A.Table;
  try {
    table = tableOf(bytes);
  } catch {
    return bytes;
  }
  const { fields } = table.schema;
  const types = arrowTypesOf(schema);
  const isFile = String.fromCharCode(...bytes.subarray(0, FILE_MAGIC.length)) === FILE_MAGIC;
  const isSame = ({ name, type }: A.Field, at: number) => {
    const wanted = schema.fields[at];
    return wanted?.name === name && (wanted.nullable || table.getChildAt(at).nullCount === 0) && sameType(type, types[at] as A.DataType);
  };
  if (!isFile && fields.length === types.length && fields.every(isSame)) return bytes;
  const missing = schema.names.filter((name) => !fields.some((field) => field.name === name));
  if (missing.length > 0) {
    const has = fields.map(({ name }) => name).join(', ');
    throw new SparkTypeError(`An Arrow table without the column ${missing.join(', ')} does not fit the schema; it has ${has}`, {
      condition: 'RIVULET_ARROW_COLUMN_MISSING',
      parameters: { column: missing.join(', ') },
    });
  }
  return encodeRows(rowsOf(table, { bigint: true, micros: true }), schema);
}

/** What says how the values of an Arrow type lie in their buffers, and what they are. */
interface TypeParts {
  typeId: number;
  bitWidth?: number;
  signed?: boolean;
  precision?: number;
  scale?: number;
  unit?: number;
  timezone?: string | null;
  children?: readonly A.Field[];
}

function sameType(a: A.DataType, b: A.DataType): boolean {
  const [one, other] = [a as TypeParts, b as TypeParts];
  const parts = ['typeId', 'bitWidth', 'signed', 'precision', 'scale', 'unit'] as const;
  if (parts.some((part) => one[part] !== other[part]) || !one.timezone !== !other.timezone) return false;
  const [mine, others] = [one.children ?? [], other.children ?? []];
  return mine.length === others.length && mine.every((child, i) => sameChild(child, others[i] as A.Field, a));
}

/** The members of a struct have names; what a list or a map calls its parts means nothing. */
function sameChild(a: A.Field, b: A.Field, parent: A.DataType): boolean {
  return (parent.typeId !== A.Type.Struct || a.name === b.name) && sameType(a.type, b.type);
}
