import { type DataType as ArrowType, type Table, Type, tableFromIPC } from '@uwdata/flechette';
import { SparkRuntimeException } from '../errors.js';
import { type Convert, valuesOf } from './columns.js';

/** A row: an object with a member per column. Of columns with the same name the last wins; rename them to see both. */
// biome-ignore lint/suspicious/noExplicitAny: with unknown every use of a row would need a cast; `collect<T>()` has types
export type Row = Record<string, any>;

/** How column values are converted to JavaScript. */
export interface RowOptions {
  /** LONG always as bigint; else as number where that is exact (|x| ≤ 2^53 − 1). */
  bigint: boolean;
}

const same: Convert = (value) => value;

function decodeTable(ipc: Uint8Array): Table {
  return tableFromIPC(ipc, { useBigInt: true, useDecimalInt: true });
}

/**
 * Rows of one Arrow IPC stream. TIMESTAMP comes as `Date`, DATE as `YYYY-MM-DD`, DECIMAL as string, MAP as `Map`, STRUCT as
 * object, ARRAY as array, BINARY as `Uint8Array`, LONG by {@link RowOptions.bigint}.
 */
export function rowsFromIPC(ipc: Uint8Array, options: RowOptions): Row[] {
  const table = decodeTable(ipc);
  const { fields } = table.schema;
  const names = fields.map(({ name }) => name);
  const columns = fields.map(({ type }, index) => valuesOf(table.getChildAt(index), type, options.bigint, converter(type, options)));
  const rows: Row[] = [];
  // Row by row: objects that get their members in one order are of one shape.
  for (let at = 0; at < table.numRows; at++) {
    const row: Row = {};
    for (let i = 0; i < names.length; i++) row[names[i] as string] = columns[i]?.[at];
    rows.push(row);
  }
  return rows;
}

function nullable(convert: Convert): (value: unknown) => unknown {
  return (value) => (value === null || value === undefined ? null : convert(value as never));
}

function converter(type: ArrowType, options: RowOptions): Convert {
  switch (type.typeId) {
    case Type.Int:
      return type.bitWidth === 64 && !options.bigint ? exactNumber : same;
    case Type.Timestamp:
      return dateOf;
    case Type.Date:
      return dateText;
    case Type.Decimal:
      return (unscaled: bigint | number) => decimalText(BigInt(unscaled), type.scale);
    case Type.Dictionary:
      return converter(type.dictionary, options);
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList:
    case Type.ListView:
    case Type.LargeListView: {
      const item = nullable(converter(type.children[0]!.type, options));
      return (list: Iterable<unknown>) => Array.from(list, item);
    }
    case Type.Struct: {
      const members = type.children.map((child) => [child.name, nullable(converter(child.type, options))] as const);
      return (struct: Row) => Object.fromEntries(members.map(([name, convert]) => [name, convert(struct[name])]));
    }
    case Type.Map: {
      const [key, value] = (type.children[0]!.type as { children: { type: ArrowType }[] }).children;
      const toKey = nullable(converter(key!.type, options));
      const toValue = nullable(converter(value!.type, options));
      return (entries: Iterable<[unknown, unknown]>) => new Map(Array.from(entries, ([k, v]) => [toKey(k), toValue(v)]));
    }
    default:
      return same;
  }
}

function exactNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** How far `Date` reaches, ms from the epoch: to the year 275760. */
const DATE_REACH_MS = 8.64e15;

/** The time in which the calendar comes round: 400 years, ms. */
const CYCLE_MS = 146_097 * 86_400_000;

function dateText(millis: number): string {
  if (Math.abs(millis) <= DATE_REACH_MS) {
    const iso = new Date(millis).toISOString();
    return iso.slice(0, iso.indexOf('T'));
  }
  const cycles = Math.floor(millis / CYCLE_MS);
  const iso = new Date(millis - cycles * CYCLE_MS).toISOString();
  const year = Number(iso.slice(0, 4)) + cycles * 400;
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}${iso.slice(4, 10)}`;
}

function dateOf(millis: number): Date {
  if (Math.abs(millis) > DATE_REACH_MS) {
    const message = 'A TIMESTAMP of a row is beyond the years that a Date of JavaScript has: cast it to STRING';
    throw new SparkRuntimeException(`[RIVULET_DATE_RANGE] ${message}`, { condition: 'RIVULET_DATE_RANGE' });
  }
  return new Date(Math.floor(millis));
}

/** The decimal number `unscaled`·10^−`scale`, without an exponent. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
