import type { Literal } from '../connect/messages.js';
import { SparkTypeError } from '../errors.js';
import { ArrayType, ByteType, DoubleType, IntegerType, StructField, StructType } from '../values/types.js';

/** A vector that holds every value. */
export class DenseVector {
  readonly values: Float64Array;

  constructor(values: Iterable<number>) {
    this.values = Float64Array.from(values);
  }

  get size(): number {
    return this.values.length;
  }
  /** The value at an index. */
  at(index: number): number {
    return this.values[index] ?? 0;
  }
  /** All values. */
  toArray(): number[] {
    return [...this.values];
  }
  toString(): string {
    return `[${this.toArray().join(',')}]`;
  }
}

/** A vector that holds the values at some indices, which ascend; all others are 0. */
export class SparseVector {
  readonly indices: Int32Array;
  readonly values: Float64Array;

  constructor(
    readonly size: number,
    indices: Iterable<number>,
    values: Iterable<number>,
  ) {
    this.indices = Int32Array.from(indices);
    this.values = Float64Array.from(values);
    const fit = this.indices.every((at, i) => at < size && at > (i === 0 ? -1 : (this.indices[i - 1] as number)));
    if (!fit || this.indices.length !== this.values.length) {
      throw new SparkTypeError('Indices of a sparse vector ascend, are below its size, and have a value each', {
        condition: 'INVALID_VECTOR',
      });
    }
  }

  /** The value at an index. */
  at(index: number): number {
    const found = this.indices.indexOf(index);
    return found < 0 ? 0 : (this.values[found] as number);
  }
  /** All values, zeros too. */
  toArray(): number[] {
    const all = new Array<number>(this.size).fill(0);
    this.indices.forEach((at, i) => {
      all[at] = this.values[i] as number;
    });
    return all;
  }
  toString(): string {
    return `(${this.size},[${this.indices.join(',')}],[${this.values.join(',')}])`;
  }
}

/** A vector of either form. */
export type Vector = DenseVector | SparseVector;

/** Makes vectors, as `pyspark.ml.linalg.Vectors` does. */
export const Vectors = {
  /** A vector of these values. */
  dense: (...values: (number | readonly number[])[]): DenseVector => new DenseVector(values.flat()),
  /** A vector of `size` values with these at these indices. */
  sparse: (size: number, indices: Iterable<number>, values: Iterable<number>): SparseVector => new SparseVector(size, indices, values),
  /** The vector in a row's column: rows hold vectors as the struct that Spark stores. */
  of(value: VectorStruct | Vector): Vector {
    if (value instanceof DenseVector || value instanceof SparseVector) return value;
    return value.type === 1 ? new DenseVector(value.values) : new SparseVector(value.size ?? 0, value.indices ?? [], value.values);
  },
  /** The form in which `createDataFrame` takes a vector, in a column of {@link VectorType}. */
  toStruct(vector: Vector): VectorStruct {
    return vector instanceof DenseVector
      ? { type: 1, size: null, indices: null, values: vector.toArray() }
      : { type: 0, size: vector.size, indices: [...vector.indices], values: [...vector.values] };
  },
};

/** A vector as Spark stores it: type 1 is dense, 0 sparse. */
export interface VectorStruct {
  type: number;
  size: number | null;
  indices: number[] | null;
  values: number[];
}

/** The type of columns of vectors (`VectorUDT`). */
export const VectorType = new StructType([
  new StructField('type', ByteType),
  new StructField('size', IntegerType),
  new StructField('indices', new ArrayType(IntegerType)),
  new StructField('values', new ArrayType(DoubleType)),
]);

/** A matrix of doubles. */
export class DenseMatrix {
  /** `values` go row after row. */
  constructor(
    readonly numRows: number,
    readonly numCols: number,
    readonly values: Float64Array,
  ) {}

  /** The value in a row and column. */
  at(row: number, column: number): number {
    return this.values[row * this.numCols + column] ?? Number.NaN;
  }
  /** The rows. */
  toArray(): number[][] {
    return Array.from({ length: this.numRows }, (_, row) => [...this.values.subarray(row * this.numCols, (row + 1) * this.numCols)]);
  }
}

/** A vector as a literal. @internal */
export function vectorLiteral(vector: Vector): Literal {
  const { type, size, indices, values } = Vectors.toStruct(vector);
  const literal = (literalType: NonNullable<Literal['literalType']>): Literal => ({ literalType });
  const nothing = literal({ case: 'null', value: { kind: { case: 'null', value: {} } } });
  const list = (items: readonly number[], kind: 'integer' | 'double') =>
    literal({
      case: 'array',
      value: { elementType: { kind: { case: kind, value: {} } }, elements: items.map((value) => literal({ case: kind, value })) },
    });
  const elements = [
    literal({ case: 'byte', value: type }),
    size === null ? nothing : literal({ case: 'integer', value: size }),
    indices === null ? nothing : list(indices, 'integer'),
    list(values, 'double'),
  ];
  const structType = { kind: { case: 'udt' as const, value: { type: 'udt', jvmClass: 'org.apache.spark.ml.linalg.VectorUDT' } } };
  return literal({ case: 'struct', value: { structType, elements } });
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
