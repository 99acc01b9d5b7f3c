/**
 * Rows as JSON, one per line, as the engine's JSON source reads them. What JSON has a form for is written so, and judged by the source;
 * other values are written in the form in which the source reads the column's type: bytes in base64, `NaN` and `Infinity` as
 * words, all digits of a bigint.
 */
import { decimalText } from './decimals.js';
import * as fit from './fit.js';
import { dayOf, dayText, instantOf, instantText } from './instants.js';
import { fitted, Misfit, shown, within } from './misfit.js';
import * as T from './types.js';

type Write = (value: unknown) => string;

/** The types of times whose strings the source reads by a format that an option sets. */
export type Formats = ReadonlySet<T.DataType>;

const FORMATS: Readonly<Record<string, T.DataType>> = {
  dateformat: T.DateType,
  timestampformat: T.TimestampType,
  timestampntzformat: T.TimestampNTZType,
};

/** What the options of a JSON source say of {@link Formats}. */
export function formatsOf(options: Readonly<Record<string, unknown>>): Formats {
  return new Set(Object.keys(options).flatMap((key) => FORMATS[key.toLowerCase()] ?? []));
}

/** Rows as lines of JSON with the members of the schema. A missing member is left out; a value that does not fit is an error. */
export function jsonOfRows(rows: readonly unknown[], schema: T.StructType, formats: Formats): string {
  const members = schema.fields.map(({ name, dataType }) => ({ name, write: writer(dataType, formats) }));
  return rows
    .map((row, at) => {
      const object = fit.rowOf(plain(row), schema, at);
      return `${objectOf(members, (name, write) => {
        try {
          return write(fit.memberOf(object, name));
        } catch (thrown) {
          throw thrown instanceof Misfit ? thrown.error({ column: name, row: at }) : thrown;
        }
      })}\n`;
    })
    .join('');
}

function objectOf(members: readonly { name: string; write: Write }[], text: (name: string, write: Write) => string): string {
  const written = members.map(({ name, write }) => [name, text(name, write)] as const).filter(([, value]) => value !== '');
  return `{${written.map(([name, value]) => `${keyText(name)}:${value}`).join(',')}}`;
}

const keyText = (key: string) => JSON.stringify(fit.stringOf(key));

/** Writes values of a type; undefined is written as nothing. */
function writer(type: T.DataType, formats: Formats): Write {
  const write = present(type, formats);
  return (value) => (value === undefined ? '' : value === null ? 'null' : write(plain(value)));
}

/** What an object says that it is in JSON. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' ? (toJSON.call(value) as unknown) : value;
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

function present(type: T.DataType, formats: Formats): Write {
  if (fit.isIntegral(type)) {
    const whole = type === T.LongType ? (value: unknown) => fit.longOf(value) : (value: unknown) => fit.intOf(value, type);
    return (value) => (isNumber(value) ? String(whole(value)) : anyText(value, type));
  }
  if (type instanceof T.DecimalType) {
    return (value) => (isNumber(value) || isText(value) ? decimalText(fit.unscaledOf(value, type), type.scale) : anyText(value, type));
  }
  if (type instanceof T.StructType) return structWriter(type, formats);
  if (type instanceof T.ArrayType) return arrayWriter(type, formats);
  if (type instanceof T.MapType) return mapWriter(type, formats);
  switch (type) {
    case T.DoubleType:
    case T.FloatType:
      return (value) => (isNumber(value) ? numberText(fit.doubleOf(value, type)) : anyText(value, type));
    case T.DateType:
      return timeWriter(type, formats, (value) => dayText(dayOf(value, type)));
    case T.TimestampType:
      return timeWriter(type, formats, (value) => `${instantText(instantOf(value, type))}Z`);
    case T.TimestampNTZType:
      return timeWriter(type, formats, (value) => instantText(instantOf(value, type)));
  }
  return (value) => anyText(value, type);
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Strings are the source's to read. A number is the source's own form of an instant, whole seconds, and of nothing else. */
function timeWriter(type: T.DataType, formats: Formats, text: Write): Write {
  return (value) => {
    if (isText(value)) return anyText(value, type);
    if (typeof value === 'number' && type === T.TimestampType) return secondsText(value, type);
    if (typeof value === 'number') throw new Misfit(value, type, 'the JSON source reads no number so; give a Date or a string');
    if (formats.has(type)) throw new Misfit(value, type, 'the source reads its strings by a format of its own; give a string');
    return `"${text(value)}"`;
  };
}

function secondsText(seconds: number, type: T.DataType): string {
  if (!Number.isInteger(seconds)) throw new Misfit(seconds, type, 'a number is whole seconds in JSON; give a Date or a string');
  instantOf(fit.longOf(seconds, type) * 1_000_000n, type);
  return String(seconds);
}

function structWriter(type: T.StructType, formats: Formats): Write {
  const members = type.fields.map(({ name, dataType }) => ({ name, write: writer(dataType, formats) }));
  return (value) => {
    if (typeof value !== 'object') return anyText(value, type);
    const object = fit.membersOf(value, type);
    return objectOf(members, (name, write) => {
      try {
        return write(fit.memberOf(object, name));
      } catch (thrown) {
        throw within(thrown, `.${name}`);
      }
    });
  };
}

function arrayWriter(type: T.ArrayType, formats: Formats): Write {
  const write = writer(type.elementType, formats);
  return (value) => (typeof value === 'object' ? listText(fit.elementsOf(value, type), write) : anyText(value, type));
}

function listText(elements: readonly unknown[], write: Write): string {
  const parts: string[] = [];
  let at = 0;
  try {
    for (; at < elements.length; at++) parts.push(write(elements[at]) || 'null');
  } catch (thrown) {
    throw within(thrown, `[${at}]`);
  }
  return `[${parts.join(',')}]`;
}

function mapWriter(type: T.MapType, formats: Formats): Write {
  const [key, write] = [present(type.keyType, formats), writer(type.valueType, formats)];
  const keyOf = (value: unknown) => {
    if (value === null || value === undefined) throw new Misfit(value, type.keyType);
    const text = key(value);
    return text.startsWith('"') ? text : JSON.stringify(text);
  };
  return (value) => {
    if (typeof value !== 'object') return anyText(value, type);
    if (type.keyType !== T.StringType) throw new Misfit(value, type, 'the JSON source reads no map but one whose keys are strings');
    return entriesText(fit.entriesOf(value, type), keyOf, write);
  };
}

function entriesText(entries: (readonly [unknown, unknown])[], key: Write, write: Write): string {
  const parts = entries.map(([k, value]) => {
    try {
      return `${key(k)}:${write(value) || 'null'}`;
    } catch (thrown) {
      throw within(thrown, `[${shown(k)}]`);
    }
  });
  return `{${parts.join(',')}}`;
}

/** A double as JSON has it, and as Spark's JSON has what JSON lacks. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

/** Any value as JSON, as {@link jsonOfRows} writes what has no type; undefined as that word. Throws a SparkTypeError. */
export function jsonOf(value: unknown): string {
  return value === undefined ? 'undefined' : fitted(() => anyText(plain(value), 'JSON'));
}

/** How deep a value of no known type may be nested: one that holds itself has no end. */
const MAX_DEPTH = 500;

/** Any value as JSON, whatever the type of its column: the source says whether it fits. */
function anyText(value: unknown, type: T.DataType | string, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(fit.stringOf(value, type));
    case 'number':
      return numberText(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (depth < MAX_DEPTH) return objectText(value, type, depth);
  }
  throw new Misfit(value, type);
}

function objectText(value: object, type: T.DataType | string, depth: number): string {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Misfit(value, type);
    return JSON.stringify(value);
  }
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return `"${base64(fit.bytesOf(value))}"`;
  const write: Write = (inner) => (inner === undefined ? '' : anyText(plain(inner), type, depth + 1));
  if (value instanceof Map || fit.isRecord(value)) {
    const entries = value instanceof Map ? [...value] : fit.memberNames(value).map((name) => [name, fit.memberOf(value, name)] as const);
    return entriesText(
      entries.filter(([, inner]) => inner !== undefined),
      (key) => keyText(String(key)),
      write,
    );
  }
  return listText(fit.elementsOf(value, type), write);
}

/** How many bytes `String.fromCharCode` takes at once. */
const AT_ONCE = 8192;

function base64(bytes: Uint8Array): string {
  let letters = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE) letters += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(letters);
}
