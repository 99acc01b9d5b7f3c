/**
 * Blocks of JavaScript values as bytes: how partitions travel between page, driver and executors.
 *
 * A block is a column. Columns of one kind are packed (numbers as doubles, strings as one UTF-8 text, pairs as two
 * columns); anything else is written value by value. Values that structured cloning can copy can be written, but for class
 * instances, which would come back without their class: those, functions and symbols are a {@link NotCloneableError}.
 */
import { SparkRuntimeException, SparkTypeError } from '../errors.js';
import { isWellFormed } from '../values/fit.js';

/** A value that cannot travel. `path` says where in the record it was found. */
export class NotCloneableError extends SparkTypeError {
  override readonly name = 'NotCloneableError';
  constructor(
    readonly what: string,
    readonly path: string,
  ) {
    super(
      `${what} cannot be sent to or from an executor${path ? ` (at ${path})` : ''}: only plain objects, arrays, Maps, Sets, ` +
        'Dates, typed arrays and primitive values travel between workers',
      { condition: 'RIVULET_NOT_CLONEABLE' },
    );
  }
}

const enum Column {
  Values,
  Doubles,
  Ints,
  Strings,
  Pairs,
  Constant,
}
const enum Tag {
  Undefined,
  Null,
  False,
  True,
  Int,
  Double,
  BigInt,
  String,
  Date,
  Array,
  Object,
  Map,
  Set,
  Buffer,
  Typed,
  Error,
  Backreference,
}

const TYPED = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;
const MAX_DEPTH = 200;
const utf8 = new TextEncoder();
// A mark of byte order within a string is a letter of it.
const text = new TextDecoder('utf-8', { ignoreBOM: true });

class BlockWriter {
  bytes = new Uint8Array(256);
  #view = new DataView(this.bytes.buffer);
  at = 0;

  room(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.at + size, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
  byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }
  u32(value: number): void {
    this.room(4);
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }
  i32(value: number): void {
    this.room(4);
    this.#view.setInt32(this.at, value, true);
    this.at += 4;
  }
  f64(value: number): void {
    this.room(8);
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }
  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
  string(value: string): void {
    this.room(4 + value.length * 3);
    const { written } = utf8.encodeInto(value, this.bytes.subarray(this.at + 4));
    this.u32(written);
    this.at += written;
  }
  align(size: number): void {
    while (this.at % size) this.byte(0);
  }
}

class BlockReader {
  readonly #view: DataView;
  at = 0;
  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  byte(): number {
    return this.#view.getUint8(this.at++);
  }
  u32(): number {
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }
  i32(): number {
    this.at += 4;
    return this.#view.getInt32(this.at - 4, true);
  }
  f64(): number {
    this.at += 8;
    return this.#view.getFloat64(this.at - 8, true);
  }
  raw(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new RangeError('a block of values is cut short');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  string(): string {
    return text.decode(this.raw(this.u32()));
  }
  align(size: number): void {
    this.at = Math.ceil(this.at / size) * size;
  }
}

/** Values as a block. */
export function encode(values: readonly unknown[]): Uint8Array {
  const writer = new BlockWriter();
  writer.u32(values.length);
  writeColumn(writer, values, '');
  return writer.bytes.slice(0, writer.at);
}

/** Numbers in a row: of 32 bits where all are whole and small enough. */
export type NumberColumn = Int32Array | Float64Array;

/** Returns pairs of whole numbers as the block that {@link encode} makes of them, without a pair in between. */
export function encodePairs(first: NumberColumn, second: NumberColumn): Uint8Array {
  const writer = new BlockWriter();
  // The most there will be: the head, and twice a kind with at most seven bytes before its column.
  writer.room(32 + first.byteLength + second.byteLength);
  writer.u32(first.length);
  if (first.length === 0) writer.byte(Column.Values);
  else {
    writer.byte(Column.Pairs);
    for (const column of [first, second]) {
      const ints = column instanceof Int32Array;
      writer.byte(ints ? Column.Ints : Column.Doubles);
      writer.align(ints ? 4 : 8);
      writer.raw(new Uint8Array(column.buffer as ArrayBuffer, column.byteOffset, column.byteLength));
    }
  }
  return writer.bytes.subarray(0, writer.at);
}

/**
 * Returns the two columns of pairs of numbers in some blocks, without a pair in between where the blocks are columns; undefined if they
 * hold anything else. Throws INTERNAL_ERROR for a block that is damaged.
 */
export function decodePairs(blocks: readonly Uint8Array[]): [NumberColumn, NumberColumn] | undefined {
  const parts: [NumberColumn, NumberColumn][] = [];
  for (const block of blocks) {
    const [first, second] = pairsOf(block);
    if (!first || !second) return undefined;
    parts.push([first, second]);
  }
  return [joined(parts.map(([first]) => first)), joined(parts.map(([, second]) => second))];
}

/** Returns the columns of one block; undefined for one that is not of numbers. */
function pairsOf(block: Uint8Array): (NumberColumn | undefined)[] {
  if (block[4] === Column.Pairs) {
    return undamaged(() => {
      const reader = new BlockReader(block);
      const length = reader.u32();
      reader.byte();
      return [readNumbers(reader, length), readNumbers(reader, length)];
    });
  }
  const pairs = decode(block);
  if (!pairs.every((pair): pair is unknown[] => Array.isArray(pair) && pair.length === 2)) return [];
  return [0, 1].map((side) => numbersOf(pairs.map((pair) => pair[side])));
}

/** Returns numbers as a column; undefined if there is anything else among them. */
function numbersOf(values: readonly unknown[]): NumberColumn | undefined {
  if (!values.every((value): value is number => typeof value === 'number')) return undefined;
  return values.every(isInt) ? Int32Array.from(values) : Float64Array.from(values);
}

function joined(parts: NumberColumn[]): NumberColumn {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const out = parts.every((part) => part instanceof Int32Array) ? new Int32Array(length) : new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Returns the values of a block. Throws INTERNAL_ERROR for one that is damaged. */
export function decode(block: Uint8Array): unknown[] {
  if (block.length === 0) return [];
  const reader = new BlockReader(block);
  return undamaged(() => readColumn(reader, reader.u32()));
}

function undamaged<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SparkRuntimeException('A block of values is damaged', { cause });
  }
}

/** A number that is a whole number of 32 bits, and not −0. */
const isInt = (value: number) => (value | 0) === value && (value !== 0 || 1 / value > 0);

function kindOf(values: readonly unknown[]): Column {
  const first = values[0];
  if (typeof first === 'number') {
    let ints = true;
    for (const value of values) {
      if (typeof value !== 'number') return Column.Values;
      if (ints && !isInt(value)) ints = false;
    }
    if (!ints) return Column.Doubles;
    return values.every((value) => value === first) ? Column.Constant : Column.Ints;
  }
  if (typeof first === 'string') return values.every((value) => typeof value === 'string') ? Column.Strings : Column.Values;
  // Without a hole, and nothing beside the two elements.
  if (Array.isArray(first) && values.length > 1) {
    for (const value of values) {
      if (!Array.isArray(value) || value.length !== 2 || !(0 in value) || !(1 in value)) return Column.Values;
    }
    return Column.Pairs;
  }
  return Column.Values;
}

function writeColumn(writer: BlockWriter, values: readonly unknown[], path: string): void {
  const kind = values.length === 0 ? Column.Values : kindOf(values);
  writer.byte(kind);
  switch (kind) {
    case Column.Constant:
      return writer.i32(values[0] as number);
    case Column.Ints: {
      writer.align(4);
      return writer.raw(new Uint8Array(new Int32Array(values as number[]).buffer));
    }
    case Column.Doubles: {
      writer.align(8);
      return writer.raw(new Uint8Array(new Float64Array(values as number[]).buffer));
    }
    case Column.Strings: {
      // Lengths in UTF-16 units, so that one decoded text can be cut apart. A lone surrogate does not survive UTF-8.
      const all = (values as string[]).join('');
      writer.align(4);
      writer.raw(new Uint8Array(Uint32Array.from(values as string[], (value) => value.length).buffer));
      const whole = isWellFormed(all);
      writer.byte(whole ? 1 : 0);
      if (whole) return writer.string(all);
      const units = Uint16Array.from({ length: all.length }, (_, i) => all.charCodeAt(i));
      writer.u32(units.byteLength);
      return writer.raw(new Uint8Array(units.buffer));
    }
    case Column.Pairs: {
      const column = new Array<unknown>(values.length);
      for (const side of [0, 1]) {
        for (let i = 0; i < column.length; i++) column[i] = (values[i] as unknown[])[side];
        writeColumn(writer, column, `${path}[${side}]`);
      }
      return;
    }
    default: {
      const seen = new Map<object, number>();
      for (const value of values) writeValue(writer, value, path, seen, 0);
    }
  }
}

/** A loop is several times as fast as Array.from here. */
function listOf(numbers: Int32Array | Float64Array): number[] {
  const out = new Array<number>(numbers.length);
  for (let i = 0; i < numbers.length; i++) out[i] = numbers[i]!;
  return out;
}

/** Reads a column of 32-bit whole numbers or of doubles, whose kind has been read. */
function readPlain(reader: BlockReader, kind: Column.Ints | Column.Doubles, length: number): NumberColumn {
  const width = kind === Column.Ints ? 4 : 8;
  reader.align(width);
  const { buffer } = reader.raw(length * width).slice();
  return kind === Column.Ints ? new Int32Array(buffer) : new Float64Array(buffer);
}

/** Reads a column of numbers; undefined if it has anything else. */
function readNumbers(reader: BlockReader, length: number): NumberColumn | undefined {
  const kind: Column = reader.bytes[reader.at]!;
  if (kind !== Column.Ints && kind !== Column.Doubles) return numbersOf(readColumn(reader, length));
  reader.at++;
  return readPlain(reader, kind, length);
}

function readColumn(reader: BlockReader, length: number): unknown[] {
  const kind: Column = reader.byte();
  switch (kind) {
    case Column.Constant:
      return new Array<unknown>(length).fill(reader.i32());
    case Column.Ints:
    case Column.Doubles:
      return listOf(readPlain(reader, kind, length));
    case Column.Strings: {
      reader.align(4);
      const lengths = new Uint32Array(reader.raw(length * 4).slice().buffer);
      const whole = reader.byte() === 1;
      let all = '';
      if (whole) all = reader.string();
      else for (const unit of new Uint16Array(reader.raw(reader.u32()).slice().buffer)) all += String.fromCharCode(unit);
      const out = new Array<string>(length);
      for (let i = 0, at = 0; i < length; i++) out[i] = all.slice(at, (at += lengths[i]!));
      return out;
    }
    case Column.Pairs: {
      const first = readColumn(reader, length);
      const second = readColumn(reader, length);
      for (let i = 0; i < length; i++) first[i] = [first[i], second[i]];
      return first;
    }
    case Column.Values: {
      const seen: unknown[] = [];
      const out = new Array<unknown>(length);
      for (let i = 0; i < length; i++) out[i] = readValue(reader, seen);
      return out;
    }
    default:
      throw new RangeError(`a block of values has a column of unknown kind ${String(kind)}`);
  }
}

function writeValue(writer: BlockWriter, value: unknown, path: string, seen: Map<object, number>, depth: number): void {
  if (depth > MAX_DEPTH) throw new NotCloneableError(`a value nested deeper than ${MAX_DEPTH} levels`, path);
  switch (typeof value) {
    case 'undefined':
      return writer.byte(Tag.Undefined);
    case 'boolean':
      return writer.byte(value ? Tag.True : Tag.False);
    case 'number':
      if (isInt(value)) {
        writer.byte(Tag.Int);
        return writer.i32(value);
      }
      writer.byte(Tag.Double);
      return writer.f64(value);
    case 'bigint':
      writer.byte(Tag.BigInt);
      return writer.string(value.toString(36));
    case 'string':
      return writeText(writer, value);
    case 'function':
      throw new NotCloneableError(`the function ${value.name || '(anonymous)'}`, path);
    case 'symbol':
      throw new NotCloneableError(String(value), path);
  }
  if (value === null) return writer.byte(Tag.Null);
  const object = value as object;
  const before = seen.get(object);
  if (before !== undefined) {
    writer.byte(Tag.Backreference);
    return writer.u32(before);
  }
  seen.set(object, seen.size);
  if (Array.isArray(object)) {
    writer.byte(Tag.Array);
    writer.u32(object.length);
    for (let i = 0; i < object.length; i++) writeValue(writer, object[i], `${path}[${i}]`, seen, depth + 1);
  } else if (object instanceof Date) {
    writer.byte(Tag.Date);
    writer.f64(object.getTime());
  } else if (object instanceof Map) {
    writer.byte(Tag.Map);
    writer.u32(object.size);
    for (const [key, item] of object) {
      writeValue(writer, key, `${path}.keys()`, seen, depth + 1);
      writeValue(writer, item, `${path}.get(…)`, seen, depth + 1);
    }
  } else if (object instanceof Set) {
    writer.byte(Tag.Set);
    writer.u32(object.size);
    for (const item of object) writeValue(writer, item, `${path}.values()`, seen, depth + 1);
  } else if (object instanceof ArrayBuffer) {
    writer.byte(Tag.Buffer);
    writer.u32(object.byteLength);
    writer.raw(new Uint8Array(object));
  } else if (ArrayBuffer.isView(object)) {
    const kind = TYPED.findIndex((type) => object instanceof type);
    if (kind < 0) throw new NotCloneableError(`a ${object.constructor.name}`, path);
    writer.byte(Tag.Typed);
    writer.byte(kind);
    writer.u32(object.byteLength);
    writer.raw(new Uint8Array(object.buffer as ArrayBuffer, object.byteOffset, object.byteLength));
  } else if (object instanceof Error) {
    writer.byte(Tag.Error);
    writeText(writer, object.name);
    writeText(writer, object.message);
    writeText(writer, object.stack ?? '');
  } else {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== null && prototype !== Object.prototype) {
      const name = (prototype as { constructor?: { name?: string } }).constructor?.name ?? 'a class';
      throw new NotCloneableError(`an instance of ${name}`, path);
    }
    const keys = Object.keys(object);
    writer.byte(Tag.Object);
    writer.u32(keys.length);
    for (const key of keys) {
      writeText(writer, key);
      writeValue(writer, (object as Record<string, unknown>)[key], `${path}.${key}`, seen, depth + 1);
    }
  }
}

function writeText(writer: BlockWriter, value: string): void {
  writer.byte(Tag.String);
  const whole = isWellFormed(value);
  writer.byte(whole ? 1 : 0);
  if (whole) return writer.string(value);
  writer.u32(value.length);
  for (let i = 0; i < value.length; i++) {
    writer.byte(value.charCodeAt(i) & 255);
    writer.byte(value.charCodeAt(i) >> 8);
  }
}

function readText(reader: BlockReader): string {
  if (reader.byte() === 1) return reader.string();
  let out = '';
  for (let left = reader.u32(); left > 0; left--) out += String.fromCharCode(reader.byte() | (reader.byte() << 8));
  return out;
}

function readValue(reader: BlockReader, seen: unknown[]): unknown {
  const tag: Tag = reader.byte();
  switch (tag) {
    case Tag.Undefined:
      return undefined;
    case Tag.Null:
      return null;
    case Tag.False:
      return false;
    case Tag.True:
      return true;
    case Tag.Int:
      return reader.i32();
    case Tag.Double:
      return reader.f64();
    case Tag.BigInt:
      return bigintOf(reader.string());
    case Tag.String:
      return readText(reader);
    case Tag.Backreference:
      return seen[reader.u32()];
  }
  const place = seen.length++;
  const keep = <T>(value: T): T => {
    seen[place] = value;
    return value;
  };
  switch (tag) {
    case Tag.Array: {
      const out = keep(new Array<unknown>(reader.u32()));
      for (let i = 0; i < out.length; i++) out[i] = readValue(reader, seen);
      return out;
    }
    case Tag.Date:
      return keep(new Date(reader.f64()));
    case Tag.Map: {
      const out = keep(new Map<unknown, unknown>());
      for (let left = reader.u32(); left > 0; left--) {
        const key = readValue(reader, seen);
        out.set(key, readValue(reader, seen));
      }
      return out;
    }
    case Tag.Set: {
      const out = keep(new Set<unknown>());
      for (let left = reader.u32(); left > 0; left--) out.add(readValue(reader, seen));
      return out;
    }
    case Tag.Buffer:
      return keep(reader.raw(reader.u32()).slice().buffer);
    case Tag.Typed: {
      const type = (TYPED[reader.byte()] ?? Uint8Array) as new (buffer: ArrayBuffer) => ArrayBufferView;
      const buffer = reader.raw(reader.u32()).slice().buffer;
      return keep(new type(buffer));
    }
    case Tag.Error: {
      reader.byte();
      const name = readText(reader);
      reader.byte();
      const error = keep(new Error(readText(reader)));
      reader.byte();
      Object.defineProperty(error, 'name', { value: name, configurable: true });
      Object.defineProperty(error, 'stack', { value: readText(reader), configurable: true });
      return error;
    }
    case Tag.Object: {
      const out = keep<Record<string, unknown>>({});
      for (let left = reader.u32(); left > 0; left--) {
        reader.byte();
        const key = readText(reader);
        const value = readValue(reader, seen);
        // `__proto__` is a setter: as an own property it comes back as it was.
        if (key === '__proto__') Object.defineProperty(out, key, { value, writable: true, enumerable: true, configurable: true });
        else out[key] = value;
      }
      return out;
    }
    default:
      throw new RangeError(`a block of values has a value of unknown kind ${String(tag)}`);
  }
}

function bigintOf(base36: string): bigint {
  const negative = base36.startsWith('-');
  let value = 0n;
  for (const digit of negative ? base36.slice(1) : base36) value = value * 36n + BigInt(parseInt(digit, 36));
  return negative ? -value : value;
}
