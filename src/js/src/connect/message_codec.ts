/**
 * Protobuf in the shapes of protobuf-es, from a table of fields that is a tenth of its descriptors. A message is a plain
 * object: oneofs are `{case, value}`, 64-bit integers bigints, maps objects, absent messages undefined. The table and the
 * types are generated from the .proto files (scripts/build/generate-proto.mjs); tests compare every byte with protobuf-es.
 */
import { MESSAGES } from '../generated/table.js';
import { stringOf } from '../values/fit.js';
import { fitted, Misfit } from '../values/misfit.js';

type Kind = 'i' | 'e' | 'u' | 'l' | 'b' | 'd' | 'f' | 's' | 'y' | 'm';
interface Field {
  name: string;
  number: number;
  kind: Kind;
  /** '' one, '?' optional, '*' repeated, '%' map from string. */
  label: string;
  /** Type of a message field. */
  message: string;
  /** Name of the oneof that it belongs to. */
  oneof: string;
}
interface Type {
  fields: Field[];
  byNumber: Map<number, Field>;
}
type Message = Record<string, unknown>;

const types = new Map<string, Type>();

/** The fields of a message; read from the table when first needed. */
function typeOf(name: string): Type {
  let type = types.get(name);
  if (type) return type;
  const start = MESSAGES.indexOf(`\n${name}:`);
  const text = MESSAGES.slice(start + name.length + 2, MESSAGES.indexOf('\n', start + 1));
  const fields =
    text === ''
      ? []
      : text.split(',').map((entry): Field => {
          const [field = '', number = '', what = '', oneof = ''] = entry.split(' ');
          const label = '?*%'.includes(what[0] as string) ? (what[0] as string) : '';
          return {
            name: field,
            number: Number(number),
            label,
            kind: what[label.length] as Kind,
            message: what.slice(label.length + 1),
            oneof,
          };
        });
  type = { fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
  types.set(name, type);
  return type;
}

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];
const wireType = ({ kind }: Field): number => ('iulbe'.includes(kind) ? VARINT : kind === 'd' ? FIXED64 : kind === 'f' ? FIXED32 : BYTES);
const text = new TextEncoder();
// A mark of byte order within a string is a letter of it.
const untext = new TextDecoder('utf-8', { ignoreBOM: true });

/** The least and the greatest value of the kinds of whole numbers. */
const BOUNDS: Partial<Record<Kind, readonly [bigint, bigint]>> = {
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  e: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  l: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** A whole number that its field holds. */
function whole({ name, kind }: Field, value: unknown): bigint | number {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) throw new Misfit(value, `${name} (a whole number)`).error();
  const [low, high] = BOUNDS[kind] as readonly [bigint, bigint];
  if ((value as number) < low || (value as number) > high)
    throw new Misfit(value, name, `it must be between ${low} and ${high} (inclusive)`, 'VALUE_OUT_OF_BOUNDS').error();
  return value as bigint | number;
}

/** Pieces of a message: small ones gathered, large byte strings by reference. */
class MessageWriter {
  readonly #pieces: Uint8Array[] = [];
  #small: number[] = [];
  length = 0;

  varint(value: bigint | number): void {
    if (typeof value === 'number' && value >= 0 && value < 0x80) return this.#byte(value);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }
  #byte(value: number): void {
    this.#small.push(value);
    this.length += 1;
  }
  bytes(value: Uint8Array): void {
    this.#flush();
    this.#pieces.push(value);
    this.length += value.byteLength;
  }
  nested(inner: MessageWriter): void {
    this.varint(inner.length);
    inner.#flush();
    this.#flush();
    this.#pieces.push(...inner.#pieces);
    this.length += inner.length;
  }
  #flush(): void {
    if (this.#small.length > 0) this.#pieces.push(Uint8Array.from(this.#small));
    this.#small = [];
  }
  finish(): Uint8Array {
    this.#flush();
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
    }
    return whole;
  }
}

function writeMessage(name: string, message: Message): MessageWriter {
  const out = new MessageWriter();
  for (const field of typeOf(name).fields) {
    const value = fieldValue(field, message);
    if (value === undefined || value === null) continue;
    if (field.label === '*') writeRepeated(out, field, value as unknown[]);
    else if (field.label === '%') writeMap(out, field, value as Message);
    else if (field.label !== '' || field.oneof !== '' || field.kind === 'm' || !isZero(value)) writeField(out, field, value);
  }
  return out;
}

function fieldValue({ name, oneof }: Field, message: Message): unknown {
  if (oneof === '') return message[name];
  const choice = message[oneof] as { case?: string; value?: unknown } | undefined;
  return choice?.case === name ? choice.value : undefined;
}

function isZero(value: unknown): boolean {
  return value instanceof Uint8Array ? value.byteLength === 0 : value === 0n || value === '' || value === false || Object.is(value, 0);
}

function writeRepeated(out: MessageWriter, field: Field, values: unknown[]): void {
  if (values.length === 0) return;
  if (wireType(field) === BYTES) {
    for (const value of values) writeField(out, field, value);
    return;
  }
  const packed = new MessageWriter();
  for (const value of values) writeValue(packed, field, value);
  out.varint((field.number << 3) | BYTES);
  out.nested(packed);
}

function writeMap(out: MessageWriter, field: Field, map: Message): void {
  for (const [key, value] of Object.entries(map)) {
    const entry = new MessageWriter();
    writeField(entry, { ...field, number: 1, kind: 's' }, key);
    writeField(entry, { ...field, number: 2 }, value);
    out.varint((field.number << 3) | BYTES);
    out.nested(entry);
  }
}

function writeField(out: MessageWriter, field: Field, value: unknown): void {
  out.varint((field.number << 3) | wireType(field));
  writeValue(out, field, value);
}

function writeValue(out: MessageWriter, field: Field, value: unknown): void {
  const { kind, message } = field;
  switch (kind) {
    case 'b':
      return out.varint(value ? 1 : 0);
    case 'd':
      return out.bytes(new Uint8Array(Float64Array.of(value as number).buffer));
    case 'f':
      return out.bytes(new Uint8Array(Float32Array.of(value as number).buffer));
    case 'm':
      return out.nested(writeMessage(message, value as Message));
    case 's':
    case 'y': {
      const bytes = kind === 's' ? text.encode(fitted(() => stringOf(value))) : (value as Uint8Array);
      out.varint(bytes.byteLength);
      return out.bytes(bytes);
    }
    default:
      return out.varint(whole(field, value));
  }
}

/**
 * Bytes of a message. Members that the table does not know are ignored. Throws a SparkTypeError for a whole number that its field
 * does not hold, and for a string that UTF-8 does not.
 */
export function encodeMessage(name: string, message: object): Uint8Array {
  return writeMessage(name, message as Message).finish();
}

class MessageReader {
  #at = 0;
  readonly #view: DataView;

  constructor(readonly source: Uint8Array) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }
  get more(): boolean {
    return this.#at < this.source.byteLength;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#view.getUint8(this.#at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  bytes(): Uint8Array {
    const length = Number(this.varint());
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.source.byteLength) throw new RangeError('a message ends in the middle of a field');
    return this.source.subarray(start, this.#at);
  }
  fixed(size: 4 | 8): number {
    const at = this.#at;
    this.#at += size;
    return size === 8 ? this.#view.getFloat64(at, true) : this.#view.getFloat32(at, true);
  }
  skip(type: number): void {
    if (type === VARINT) this.varint();
    else if (type === BYTES) this.bytes();
    else this.#at += type === FIXED64 ? 8 : 4;
  }
}

function readValue(reader: MessageReader, { kind, message }: Field): unknown {
  switch (kind) {
    case 'b':
      return reader.varint() !== 0n;
    case 'd':
      return reader.fixed(8);
    case 'f':
      return reader.fixed(4);
    case 'i':
    case 'e':
      return Number(BigInt.asIntN(32, reader.varint()));
    case 'u':
      return Number(BigInt.asUintN(32, reader.varint()));
    case 'l':
      return BigInt.asIntN(64, reader.varint());
    case 's':
      return untext.decode(reader.bytes());
    // A copy: Arrow wants its buffers aligned, and the rest of the response can go.
    case 'y':
      return reader.bytes().slice();
    case 'm':
      return decodeMessage(message, reader.bytes());
  }
}

function zeroOf({ kind, label }: Field): unknown {
  if (label === '*') return [];
  if (label === '%') return {};
  if (label === '?' || kind === 'm') return undefined;
  return kind === 's' ? '' : kind === 'b' ? false : kind === 'l' ? 0n : kind === 'y' ? new Uint8Array() : 0;
}

/** The message in `bytes`, with zero values for what is absent, as protobuf-es has them. Unknown fields are skipped. */
export function decodeMessage(name: string, bytes: Uint8Array): Message {
  const type = typeOf(name);
  const message: Message = {};
  for (const field of type.fields) {
    if (field.oneof === '') message[field.name] = zeroOf(field);
    else message[field.oneof] ??= { case: undefined };
  }
  const reader = new MessageReader(bytes);
  while (reader.more) {
    const tag = Number(reader.varint());
    const field = type.byNumber.get(tag >>> 3);
    if (!field) reader.skip(tag & 7);
    else if (field.label === '%') readEntry(reader, field, message[field.name] as Message);
    else if (field.label === '*') readRepeated(reader, field, tag & 7, message[field.name] as unknown[]);
    else if (field.oneof !== '') message[field.oneof] = { case: field.name, value: readValue(reader, field) };
    else message[field.name] = readValue(reader, field);
  }
  return message;
}

function readRepeated(reader: MessageReader, field: Field, type: number, into: unknown[]): void {
  if (type !== BYTES || wireType(field) === BYTES) {
    into.push(readValue(reader, field));
    return;
  }
  const packed = new MessageReader(reader.bytes());
  while (packed.more) into.push(readValue(packed, field));
}

function readEntry(reader: MessageReader, field: Field, into: Message): void {
  const entry = new MessageReader(reader.bytes());
  let key = '';
  let value: unknown = zeroOf({ ...field, label: '' });
  while (entry.more) {
    const tag = Number(entry.varint());
    if (tag >>> 3 === 1) key = untext.decode(entry.bytes());
    else if (tag >>> 3 === 2) value = readValue(entry, field);
    else entry.skip(tag & 7);
  }
  into[key] = value;
}
