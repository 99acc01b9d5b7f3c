/**
 * Spark's data types, with the two text forms Spark has for them: DDL (`a INT, b ARRAY<STRING>`) and JSON.
 */

/** JSON form of a type as Spark writes it: a name, or an object for nested types. */
export type TypeJson = string | { type: string; [key: string]: unknown };

/** A type of Spark SQL. Compare types by {@link DataType.simpleString}. */
export abstract class DataType {
  /** Short form, as in `int`, `array<string>`, `struct<a:int>`. */
  abstract simpleString(): string;
  /** Form in DDL and in `CAST`: `INT`, `ARRAY<STRING>`. */
  toDDL(): string {
    return this.simpleString().toUpperCase();
  }
  /** Spark's JSON form, as an object. */
  abstract jsonValue(): TypeJson;
  /** Spark's JSON form, as text. */
  json(): string {
    return JSON.stringify(this.jsonValue());
  }
  toString(): string {
    return this.simpleString();
  }
}

/** A type without parameters; the constants below are all there are. */
export class AtomicType extends DataType {
  constructor(
    /** `int`, `string`… */
    readonly typeName: string,
    private readonly jsonName: string = typeName,
  ) {
    super();
  }
  override simpleString(): string {
    return this.typeName;
  }
  override jsonValue(): TypeJson {
    return this.jsonName;
  }
}

/** Decimal numbers of fixed precision; values are strings on the JavaScript side. */
export class DecimalType extends DataType {
  constructor(
    readonly precision = 10,
    readonly scale = 0,
  ) {
    super();
  }
  override simpleString(): string {
    return `decimal(${this.precision},${this.scale})`;
  }
  override jsonValue(): TypeJson {
    return this.simpleString();
  }
}

/** Lists of one type; JavaScript arrays. */
export class ArrayType extends DataType {
  constructor(
    readonly elementType: DataType,
    readonly containsNull = true,
  ) {
    super();
  }
  override simpleString(): string {
    return `array<${this.elementType.simpleString()}>`;
  }
  override toDDL(): string {
    return `ARRAY<${this.elementType.toDDL()}>`;
  }
  override jsonValue(): TypeJson {
    return { type: 'array', elementType: this.elementType.jsonValue(), containsNull: this.containsNull };
  }
}

/** Maps; JavaScript `Map`s. */
export class MapType extends DataType {
  constructor(
    readonly keyType: DataType,
    readonly valueType: DataType,
    readonly valueContainsNull = true,
  ) {
    super();
  }
  override simpleString(): string {
    return `map<${this.keyType.simpleString()},${this.valueType.simpleString()}>`;
  }
  override toDDL(): string {
    return `MAP<${this.keyType.toDDL()}, ${this.valueType.toDDL()}>`;
  }
  override jsonValue(): TypeJson {
    return {
      type: 'map',
      keyType: this.keyType.jsonValue(),
      valueType: this.valueType.jsonValue(),
      valueContainsNull: this.valueContainsNull,
    };
  }
}

/** One named member of a {@link StructType}. */
export class StructField {
  constructor(
    readonly name: string,
    readonly dataType: DataType,
    readonly nullable = true,
    readonly metadata: Readonly<Record<string, unknown>> = {},
  ) {}
  simpleString(): string {
    return `${this.name}:${this.dataType.simpleString()}`;
  }
  jsonValue(): Record<string, unknown> {
    return { name: this.name, type: this.dataType.jsonValue(), nullable: this.nullable, metadata: this.metadata };
  }
}

/** A row type: the schema of a DataFrame, or a nested object. */
export class StructType extends DataType {
  constructor(readonly fields: readonly StructField[] = []) {
    super();
  }
  /** A new schema with one more field. */
  add(name: string, dataType: DataType, nullable = true): StructType {
    return new StructType([...this.fields, new StructField(name, dataType, nullable)]);
  }
  /** Names of the fields, in order. */
  get names(): string[] {
    return this.fields.map((field) => field.name);
  }
  /** The field of that name, or undefined. */
  field(name: string): StructField | undefined {
    return this.fields.find((field) => field.name === name);
  }
  override simpleString(): string {
    return `struct<${this.fields.map((field) => field.simpleString()).join(',')}>`;
  }
  override toDDL(): string {
    return this.fields.map((f) => `${quoteName(f.name)} ${nestedDDL(f.dataType)}${f.nullable ? '' : ' NOT NULL'}`).join(',');
  }
  override jsonValue(): TypeJson {
    return { type: 'struct', fields: this.fields.map((field) => field.jsonValue()) };
  }
}

function nestedDDL(type: DataType): string {
  if (!(type instanceof StructType)) return type.toDDL();
  return `STRUCT<${type.fields.map((f) => `${quoteName(f.name)}: ${nestedDDL(f.dataType)}${f.nullable ? '' : ' NOT NULL'}`).join(', ')}>`;
}

/** A name as SQL needs it: in backticks unless it is a plain word. */
export function quoteName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

/** The type of a bare NULL. */
export const NullType = new AtomicType('void');
/** `true` and `false`. */
export const BooleanType = new AtomicType('boolean');
/** 8-bit integers. */
export const ByteType = new AtomicType('tinyint', 'byte');
/** 16-bit integers. */
export const ShortType = new AtomicType('smallint', 'short');
/** 32-bit integers. */
export const IntegerType = new AtomicType('int', 'integer');
/** 64-bit integers: numbers where they are exact, else bigints. */
export const LongType = new AtomicType('bigint', 'long');
/** 32-bit floating point. */
export const FloatType = new AtomicType('float');
/** 64-bit floating point: JavaScript's number. */
export const DoubleType = new AtomicType('double');
/** Text. */
export const StringType = new AtomicType('string');
/** Bytes: `Uint8Array`. */
export const BinaryType = new AtomicType('binary');
/** Calendar days: strings `YYYY-MM-DD`. */
export const DateType = new AtomicType('date');
/** Instants with microseconds: `Date`, which keeps the milliseconds. */
export const TimestampType = new AtomicType('timestamp');
/** Local date and time without a zone: `Date` read as UTC. */
export const TimestampNTZType = new AtomicType('timestamp_ntz');
