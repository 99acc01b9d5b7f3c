import type { Literal } from '../connect/messages.js';
import { SparkTypeError } from '../errors.js';
import { doubleOf } from '../values/fit.js';
import { fitted } from '../values/misfit.js';
import { ArrayType, ByteType, DoubleType, IntegerType, StructField, StructType } from '../values/types.js';

/** Numbers as a vector holds them; other values would become numbers, or none, in silence. */
function doubles(values: Iterable<number>): Float64Array {
  return Float64Array.from(values, (value) => fitted(() => doubleOf(value, DoubleType)));
}

/** A vector that holds every value (`DenseVector`). */
export class DenseVector {
  /** All values. */
  readonly values: Float64Array;

  /** Makes a vector of these values. Throws a SparkTypeError for a value that is not a number. */
  constructor(values: Iterable<number>) {
    this.values = doubles(values);
  }

  /** The number of values. */
  get size(): number {
    return this.values.length;
  }
  /** Returns the value at an index; 0 outside. */
  at(index: number): number {
    return this.values[index] ?? 0;
  }
  /** Returns all values. */
  toArray(): number[] {
    return [...this.values];
  }
  /** Returns the form `[1,0,3]`. */
  toString(): string {
    return `[${this.toArray().join(',')}]`;
  }
}

/** A vector that holds the values at some indices, which ascend; all others are 0 (`SparseVector`). */
export class SparseVector {
  /** The indices of the values it holds, ascending. */
  readonly indices: Int32Array;
  /** The values it holds. */
  readonly values: Float64Array;

  /** Makes a vector. Throws INVALID_VECTOR unless the indices ascend, are below `size`, and have a value each. */
  constructor(
    /** The number of values, zeros included. */ readonly size: number,
    indices: Iterable<number>,
    values: Iterable<number>,
  ) {
    const places = [...indices];
    this.indices = Int32Array.from(places);
    this.values = doubles(values);
    const fit =
      Number.isInteger(size) &&
      size < 2 ** 31 &&
      this.indices.every((at, i) => at === places[i] && at < size && at > (i === 0 ? -1 : (this.indices[i - 1] as number)));
    if (!fit || this.indices.length !== this.values.length) {
      throw new SparkTypeError('Indices of a sparse vector are whole numbers that ascend, are below its size, and have a value each', {
        condition: 'INVALID_VECTOR',
      });
    }
  }

  /** Returns the value at an index; 0 outside. */
  at(index: number): number {
    const found = this.indices.indexOf(index);
    return found < 0 ? 0 : (this.values[found] as number);
  }
  /** Returns all values, zeros included. */
  toArray(): number[] {
    const all = new Array<number>(this.size).fill(0);
    this.indices.forEach((at, i) => {
      all[at] = this.values[i] as number;
    });
    return all;
  }
  /** Returns the form `(3,[0,2],[1,3])`. */
  toString(): string {
    return `(${this.size},[${this.indices.join(',')}],[${this.values.join(',')}])`;
  }
}

/** A vector of either form. */
export type Vector = DenseVector | SparseVector;

/**
 * Makes vectors, as `pyspark.ml.linalg.Vectors` does.
 * @example
 * ```ts
 * const sparse = ml.Vectors.sparse(3, [0, 2], [1, 3]);
 * sparse.toArray(); // → [1, 0, 3]
 * ```
 */
export const Vectors = {
  /** Makes a vector of these values. */
  dense: (...values: (number | readonly number[])[]): DenseVector => new DenseVector(values.flat()),
  /** Makes a vector of `size` values with these at these indices. */
  sparse: (size: number, indices: Iterable<number>, values: Iterable<number>): SparseVector => new SparseVector(size, indices, values),
  /** Returns the vector in a row's column: rows hold vectors as the struct that Spark stores. */
  of(value: VectorStruct | Vector): Vector {
    if (value instanceof DenseVector || value instanceof SparseVector) return value;
    return value.type === 1 ? new DenseVector(value.values) : new SparseVector(value.size ?? 0, value.indices ?? [], value.values);
  },
  /** Returns the form in which `createDataFrame` takes a vector, in a column of {@link VectorType}. */
  toStruct(vector: Vector): VectorStruct {
    return vector instanceof DenseVector
      ? { type: 1, size: null, indices: null, values: vector.toArray() }
      : { type: 0, size: vector.size, indices: [...vector.indices], values: [...vector.values] };
  },
};

/** A vector as Spark stores it. */
export interface VectorStruct {
  /** 1 is dense, 0 sparse. */
  type: number;
  /** Number of values of a sparse vector; null for a dense one. */
  size: number | null;
  /** Indices of a sparse vector's values; null for a dense one. */
  indices: number[] | null;
  /** The values it holds. */
  values: number[];
}

/** The type of columns of vectors (`VectorUDT`). */
export const VectorType = new StructType([
  new StructField('type', ByteType),
  new StructField('size', IntegerType),
  new StructField('indices', new ArrayType(IntegerType)),
  new StructField('values', new ArrayType(DoubleType)),
]);

/** A matrix of doubles (`DenseMatrix`). */
export class DenseMatrix {
  /** Makes a matrix; `values` go row after row. */
  constructor(
    /** The number of rows. */ readonly numRows: number,
    /** The number of columns. */ readonly numCols: number,
    /** All values, row after row. */ readonly values: Float64Array,
  ) {}

  /** Returns the value in a row and column; NaN outside. */
  at(row: number, column: number): number {
    return this.values[row * this.numCols + column] ?? Number.NaN;
  }
  /** Returns the rows. */
  toArray(): number[][] {
    return Array.from({ length: this.numRows }, (_, row) => [...this.values.subarray(row * this.numCols, (row + 1) * this.numCols)]);
  }
}

const literal = (literalType: NonNullable<Literal['literalType']>): Literal => ({ literalType });
const nothing = literal({ case: 'null', value: { kind: { case: 'null', value: {} } } });
const list = (items: readonly number[], kind: 'integer' | 'double') =>
  literal({
    case: 'array',
    value: { elementType: { kind: { case: kind, value: {} } }, elements: items.map((value) => literal({ case: kind, value })) },
  });
/** A value of one of Spark's types for linear algebra. */
const ofClass = (name: string, elements: Literal[]) => {
  const udt = { type: 'udt', jvmClass: `org.apache.spark.ml.linalg.${name}` };
  return literal({ case: 'struct', value: { structType: { kind: { case: 'udt', value: udt } }, elements } });
};

/** A vector as a literal. @internal */
export function vectorLiteral(vector: Vector): Literal {
  const { type, size, indices, values } = Vectors.toStruct(vector);
  return ofClass('VectorUDT', [
    literal({ case: 'byte', value: type }),
    size === null ? nothing : literal({ case: 'integer', value: size }),
    indices === null ? nothing : list(indices, 'integer'),
    list(values, 'double'),
  ]);
}

/** A matrix as a literal: dense, row after row. @internal */
export function matrixLiteral({ numRows, numCols, values }: DenseMatrix): Literal {
  return ofClass('MatrixUDT', [
    literal({ case: 'byte', value: 1 }),
    literal({ case: 'integer', value: numRows }),
    literal({ case: 'integer', value: numCols }),
    nothing,
    nothing,
    list([...values], 'double'),
    literal({ case: 'boolean', value: true }),
  ]);
}

type Read = { literalType: { case?: string | undefined; value?: unknown } };

/** The JavaScript value of a literal that the engine answers with: vectors and matrices become such. @internal */
export function valueOfLiteral(literal: Read): unknown {
  const { case: kind, value } = literal.literalType;
  switch (kind) {
    case 'array':
      return (value as { elements: Read[] }).elements.map(valueOfLiteral);
    case 'specializedArray': {
      const { valueType } = value as { valueType: { value?: { values: unknown[] } } };
      return (valueType.value?.values ?? []).map(plain);
    }
    case 'struct':
      return structOf((value as { elements: Read[] }).elements.map(valueOfLiteral));
    case 'null':
      return null;
    default:
      return plain(value);
  }
}

const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

function structOf(parts: unknown[]): unknown {
  if (parts.length === 4) {
    const [type, size, indices, values] = parts as [number, number | null, number[] | null, number[]];
    return Vectors.of({ type, size, indices, values });
  }
  const [, rows, columns, , , values, isTransposed] = parts as [number, number, number, unknown, unknown, number[], boolean];
  const at = (i: number) => values[isTransposed ? i : (i % columns) * rows + Math.floor(i / columns)] as number;
  return new DenseMatrix(
    rows,
    columns,
    Float64Array.from(values, (_, i) => at(i)),
  );
}
