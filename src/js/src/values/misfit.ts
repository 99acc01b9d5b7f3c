import { SparkTypeError } from '../errors.js';
import type { DataType } from './types.js';

/** How many characters of a value, or elements of a list, a message has at most. */
const SHOWN_LENGTH = 80;

const cut = (text: string) => (text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);

/** A value as a message has it: short, and of any kind. */
export function shown(value: unknown): string {
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  return cut(described(isList ? Array.from((value as unknown[]).slice(0, SHOWN_LENGTH)) : value));
}

/** A value of any kind as text for people; nothing is thrown. */
export function described(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Map || value instanceof Set) return `${kindOf(value)}(${value.size})`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  try {
    return JSON.stringify(value, (_, v: unknown) => (isOutsideJson(v) ? describedNumber(v) : v)) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const isOutsideJson = (value: unknown): value is number | bigint =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
const describedNumber = (value: number | bigint) => (typeof value === 'bigint' ? `${value}n` : String(value));

/** What JavaScript calls the kind of a value. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return typeof value;
  const made = (value as { constructor?: unknown }).constructor;
  return typeof made === 'function' && made !== Object && made.name !== '' ? made.name : 'object';
}

/** A value that its type does not hold; whoever knows where it stands adds that. */
export class Misfit {
  /** Where it stands within the value of its column, as in `.a[2]`. */
  path = '';

  constructor(
    readonly value: unknown,
    readonly type: DataType | string,
    /** Why, where the type does not say it. */
    readonly why = '',
    readonly condition = 'CANNOT_ACCEPT_OBJECT_IN_TYPE',
  ) {}

  /** The error that names the value, its type, and its place. */
  error(place?: { column: string; row: number }): SparkTypeError {
    const { value, type, why, condition, path } = this;
    const column = place && `${place.column}${cut(path)}`;
    const where = place ? `Column ${column}, row ${place.row}: ` : '';
    const message = `${where}${shown(value)} (${kindOf(value)}) is not a value of type ${type}${why && `: ${why}`}`;
    const parameters = { value: shown(value), type: String(type), ...(place && { column, row: `${place.row}` }) };
    return new SparkTypeError(message, { condition, parameters });
  }
}

/** What was thrown, with one more step of the way to it. */
export function within(thrown: unknown, step: string): unknown {
  if (thrown instanceof Misfit) thrown.path = step + thrown.path;
  return thrown;
}

/** Does work on a value that stands alone: what does not fit is an error. */
export function fitted<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof Misfit ? thrown.error() : thrown;
  }
}
