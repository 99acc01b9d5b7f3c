import { type DataType as ArrowType, type Batch, type Table, Type, tableFromIPC } from '@uwdata/flechette';
import { SparkRuntimeException } from '../errors.js';
import { type Convert, dateOfUnits, type FlatOptions, flatValues, nullsOf } from './columns.js';
import { decimalText } from './decimals.js';
import { dayText } from './instants.js';
import { Misfit } from './misfit.js';

/** A row: an object with a member per column. Of columns with the same name the last wins; rename them to see both. */
// biome-ignore lint/suspicious/noExplicitAny: with unknown every use of a row would need a cast; `collect<T>()` has types
export type Row = Record<string, any>;

/** How column values are converted to JavaScript. */
export interface RowOptions {
  /** LONG always as bigint; else as number where that is exact (|x| ≤ 2^53 − 1). */
  bigint: boolean;
}

const same: Convert = (value) => value;

/** Reads Arrow, a stream or a file, whose values are as exact as they lie there. @internal */
export function tableOf(ipc: Uint8Array): Table {
  return tableFromIPC(ipc, { useBigInt: true, useBigIntTimestamp: true, useDecimalInt: true });
}

/**
 * Rows of one Arrow IPC stream. TIMESTAMP comes as `Date`, DATE as `YYYY-MM-DD`, DECIMAL as string, MAP as `Map`, STRUCT as
 * object, ARRAY as array, BINARY as `Uint8Array`, LONG by {@link RowOptions.bigint}. An instant that `Date` does not hold is an
 * error.
 */
export function rowsFromIPC(ipc: Uint8Array, options: RowOptions): Row[] {
  return rowsOf(tableOf(ipc), options);
}

/** Rows of a table that {@link tableOf} has read. @internal */
export function rowsOf(table: Table, options: FlatOptions): Row[] {
  const { fields } = table.schema;
  const columns = fields.map(({ name, type }, index) => {
    const read = reader(type, options);
    try {
      const { data } = table.getChildAt(index);
      return data.length === 1 ? read(data[0] as Batch<unknown>) : data.flatMap((batch) => read(batch as Batch<unknown>));
    } catch (error) {
      if (error instanceof SparkRuntimeException && error.condition === 'RIVULET_DATE_RANGE') error.message += ` (column ${name})`;
      throw error;
    }
  });
  return objects(
    fields.map(({ name }) => name),
    columns,
    table.numRows,
  );
}

/** Objects of columns. They get their members in one order, and are of one shape. */
function objects(names: readonly string[], columns: readonly unknown[][], length: number): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < length; at++) {
    const row: Row = {};
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (name === '__proto__') own(row, name, columns[i]?.[at]);
      else row[name] = columns[i]?.[at];
    }
    rows.push(row);
  }
  return rows;
}

/** `__proto__` is a setter: as a member it is defined. */
function own(row: Row, name: string, value: unknown): void {
  Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true });
}

type Read = (batch: Batch<unknown>) => unknown[];
/** What nested batches have beside those of all. */
interface Nested {
  length: number;
  children: Batch<unknown>[];
  offsets: Int32Array | BigInt64Array;
  sizes: Int32Array | BigInt64Array | undefined;
  stride: number;
}

/** Reads the values of a type's batches. @internal */
export function reader(type: ArrowType, options: FlatOptions): Read {
  switch (type.typeId) {
    case Type.List:
    case Type.LargeList:
    case Type.ListView:
    case Type.LargeListView: {
      const items = reader(type.children[0]!.type, options);
      return nested(({ length, offsets, sizes, children }) => cuts(items(children[0]!), length, offsets, sizes));
    }
    case Type.FixedSizeList: {
      const items = reader(type.children[0]!.type, options);
      const { stride } = type;
      return nested(({ length, children }) => {
        const all = items(children[0]!);
        return Array.from({ length }, (_, i) => all.slice(i * stride, (i + 1) * stride));
      });
    }
    case Type.Struct: {
      const members = type.children.map((child) => reader(child.type, options));
      const names = type.children.map(({ name }) => name);
      return nested(({ length, children }) =>
        objects(
          names,
          members.map((read, i) => read(children[i]!)),
          length,
        ),
      );
    }
    case Type.Map: {
      const [key, value] = (type.children[0]!.type as { children: { type: ArrowType }[] }).children.map((child) =>
        reader(child.type, options),
      );
      return nested(({ length, offsets, children }) => {
        const entries = (children[0] as unknown as Nested).children;
        const [keys, values] = [key!(entries[0]!), value!(entries[1]!)];
        return cuts(keys, length, offsets).map((own, i) => {
          const from = Number(offsets[i]);
          return new Map(own.map((k, at) => [k, values[from + at]]));
        });
      });
    }
    case Type.Dictionary: {
      // Words are read as they lie in the dictionary, one by one.
      const convert = converter(type.dictionary, options);
      return (batch) => flatValues(batch, type, options, convert);
    }
    default: {
      const convert = converter(type, options);
      return (batch) => flatValues(batch, type, options, convert);
    }
  }
}

/** Values of nested batches, null where a batch has nulls. */
function nested(read: (batch: Nested) => unknown[]): Read {
  return (batch) => {
    const values = read(batch as unknown as Nested);
    const isNull = nullsOf(batch);
    return batch.nullCount === 0 ? values : values.map((value, i) => (isNull(i) ? null : value));
  };
}

/** Lists as parts of all their elements. */
function cuts(all: unknown[], length: number, offsets: Nested['offsets'], sizes?: Nested['sizes']): unknown[][] {
  return Array.from({ length }, (_, i) => {
    const from = Number(offsets[i]);
    return all.slice(from, sizes ? from + Number(sizes[i]) : Number(offsets[i + 1]));
  });
}

/** Reads a value of a type that does not lie flat in its buffers. */
function converter(type: ArrowType, options: FlatOptions): Convert {
  switch (type.typeId) {
    case Type.Int:
      return type.bitWidth === 64 && !options.bigint ? exactNumber : same;
    case Type.Timestamp: {
      const perSecond = 10n ** BigInt(3 * type.unit);
      if (options.micros) return (units: bigint) => microsOf(units, perSecond);
      return (units: bigint) => (perSecond < 1000n ? dateOfUnits(units * 1000n, 1n) : dateOfUnits(units, perSecond / 1000n));
    }
    case Type.Date:
      return (millis: number) => dayText(Math.floor(millis / DAY_MS));
    case Type.Decimal:
      return (unscaled: bigint | number) => decimalText(BigInt(unscaled), type.scale);
    default:
      return same;
  }
}

const DAY_MS = 86_400_000;

function microsOf(units: bigint, perSecond: bigint): bigint {
  if (perSecond <= 1_000_000n) return units * (1_000_000n / perSecond);
  const perMicro = perSecond / 1_000_000n;
  if (units % perMicro !== 0n) throw new Misfit(units, 'timestamp', 'it has a fraction of a microsecond').error();
  return units / perMicro;
}

function exactNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
