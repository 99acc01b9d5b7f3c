/** Arrow from elsewhere, whose columns are found by name. */
import * as A from '@uwdata/flechette';
import { SparkTypeError } from '../errors.js';
import { arrowTypesOf, encodeRows } from './encode.js';
import { headOf } from './ipc.js';
import { rowsOf, tableOf } from './rows.js';
import type { StructType } from './types.js';

/** The first bytes of an Arrow file; a stream has none. */
const FILE_MAGIC = 'ARROW1';

/** Brings Arrow bytes of one origin, block after block, to the columns of a schema. @internal */
export class ArrowFitter {
  readonly #types: readonly A.DataType[];
  /** Whether what a block's columns are is all there is to know of it: else nulls are looked for. */
  readonly #isByHead: boolean;
  /** The head of the last stream that the engine reads as it is. */
  #head: Uint8Array | undefined;

  /** With `isExact`, only columns of just the schema's Arrow types are left as they are: Spark itself reads no others. */
  constructor(
    readonly schema: StructType,
    private readonly isExact = false,
  ) {
    this.#types = arrowTypesOf(schema);
    this.#isByHead = schema.fields.every(({ nullable }) => nullable);
  }

  /**
   * Arrow bytes as a stream with the columns of the schema, in its order: those given, if the engine reads them without loss. Columns
   * are matched by name; those that the schema does not have are left out. What cannot be read is returned as it is: the engine says
   * what is wrong with it. Throws a SparkTypeError for a column that is missing, and for a value that does not fit.
   */
  fit(bytes: Uint8Array): Uint8Array {
    const head = this.#isByHead ? headOf(bytes) : undefined;
    if (head && this.#head && sameBytes(head, this.#head)) return bytes;
    let table: A.Table;
    try {
      table = tableOf(bytes);
    } catch {
      return bytes;
    }
    if (table.schema.fields.length === 0) return bytes;
    if (!isFile(bytes) && this.#isReadable(table)) {
      this.#head = head?.slice();
      return bytes;
    }
    return encodeByName(table, this.schema);
  }

  #isReadable(table: A.Table): boolean {
    const { fields } = table.schema;
    const isRead = this.isExact ? sameType : isReadAs;
    const isFitting = ({ name, type }: A.Field, at: number) => {
      const wanted = this.schema.fields[at];
      const nulls = () => table.getChildAt(at).nullCount;
      return wanted?.name === name && (wanted.nullable || nulls() === 0) && isRead(type, this.#types[at] as A.DataType);
    };
    return fields.length === this.#types.length && fields.every(isFitting);
  }
}

const isFile = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(0, FILE_MAGIC.length)) === FILE_MAGIC;

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);

/** Columns picked by name, and their values written anew in the types of a schema. */
function encodeByName(table: A.Table, schema: StructType): Uint8Array {
  const { fields } = table.schema;
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

/** Whether the engine reads each value of an Arrow type as the one that it is in another: what has another form, unit or less width. */
function isReadAs(type: A.DataType, wanted: A.DataType): boolean {
  if (sameType(type, wanted)) return true;
  switch (wanted.typeId) {
    case A.Type.Timestamp:
      return type.typeId === A.Type.Timestamp && type.unit <= A.TimeUnit.MICROSECOND;
    case A.Type.Utf8: {
      const word = type.typeId === A.Type.Dictionary ? type.dictionary : type;
      return word.typeId === A.Type.Utf8 || word.typeId === A.Type.LargeUtf8;
    }
    case A.Type.Int:
      return type.typeId === A.Type.Int && (type.signed ? type.bitWidth <= wanted.bitWidth : type.bitWidth < wanted.bitWidth);
    case A.Type.Float:
      return type.typeId === A.Type.Float && type.precision === A.Precision.SINGLE && wanted.precision === A.Precision.DOUBLE;
    default:
      return false;
  }
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
