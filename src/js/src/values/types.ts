/**
 * Spark's data types, with the two text forms Spark has for them: DDL (`a INT, b ARRAY<STRING>`) and JSON.
 */

/** JSON form of a type as Spark writes it: a name, or an object for nested types. */
export type TypeJson = string | { type: string; [key: string]: unknown };

/** A type of Spark SQL (`DataType`). Compare types by {@link DataType.simpleString}. */
export abstract class DataType {
  /** Returns the short form, as in `int`, `array<string>`, `struct<a:int>`. */
  abstract simpleString(): string;
  /** Returns the form in DDL and in `CAST`: `INT`, `ARRAY<STRING>`. */
  toDDL(): string {
    return this.simpleString().toUpperCase();
  }
  /** Returns Spark's JSON form, as an object. */
  abstract jsonValue(): TypeJson;
  /** Returns Spark's JSON form, as a string. */
  json(): string {
    return JSON.stringify(this.jsonValue());
  }
  /** Does the same as {@link simpleString}. */
  toString(): string {
    return this.simpleString();
  }
}

/** A type without parameters; the constants below are all there are. */
export class AtomicType extends DataType {
  /** Makes a type of that name; for types that this client has no constant for. */
  constructor(
    /** `int`, `string`… */
    readonly typeName: string,
    private readonly jsonName: string = typeName,
  ) {
    super();
  }
  /** Returns the name. */
  override simpleString(): string {
    return this.typeName;
  }
  /** Returns the name in JSON. */
  override jsonValue(): TypeJson {
    return this.jsonName;
  }
}

/** Decimal numbers of fixed precision; strings in JavaScript. */
export class DecimalType extends DataType {
  /** Makes the type with `precision` digits, `scale` of them after the point. */
  constructor(
    /** Digits, at most 38. */ readonly precision = 10,
    /** Digits after the point. */ readonly scale = 0,
  ) {
    super();
  }
  /** Returns the form `decimal(10,2)`. */
  override simpleString(): string {
    return `decimal(${this.precision},${this.scale})`;
  }
  /** Returns the form `decimal(10,2)`. */
  override jsonValue(): TypeJson {
    return this.simpleString();
  }
}

/** Lists of one type; JavaScript arrays. */
export class ArrayType extends DataType {
  /** Makes the type of lists whose elements have this type. */
  constructor(
    /** Type of the elements. */ readonly elementType: DataType,
    /** Whether elements may be null. */ readonly containsNull = true,
  ) {
    super();
  }
  /** Returns the form `array<int>`. */
  override simpleString(): string {
    return `array<${this.elementType.simpleString()}>`;
  }
  /** Returns the form `ARRAY<INT>`. */
  override toDDL(): string {
    return `ARRAY<${nestedDDL(this.elementType)}>`;
  }
  /** Returns Spark's JSON form, as an object. */
  override jsonValue(): TypeJson {
    return { type: 'array', elementType: this.elementType.jsonValue(), containsNull: this.containsNull };
  }
}

/** Maps; JavaScript `Map`s. */
export class MapType extends DataType {
  /** Makes the type of maps with keys and values of these types. */
  constructor(
    /** Type of the keys, which are never null. */ readonly keyType: DataType,
    /** Type of the values. */ readonly valueType: DataType,
    /** Whether values may be null. */ readonly valueContainsNull = true,
  ) {
    super();
  }
  /** Returns the form `map<string,int>`. */
  override simpleString(): string {
    return `map<${this.keyType.simpleString()},${this.valueType.simpleString()}>`;
  }
  /** Returns the form `MAP<STRING, INT>`. */
  override toDDL(): string {
    return `MAP<${nestedDDL(this.keyType)}, ${nestedDDL(this.valueType)}>`;
  }
  /** Returns Spark's JSON form, as an object. */
  override jsonValue(): TypeJson {
    return {
      type: 'map',
      keyType: this.keyType.jsonValue(),
      valueType: this.valueType.jsonValue(),
      valueContainsNull: this.valueContainsNull,
    };
  }
}

/** One named member of a {@link StructType} (`StructField`). */
export class StructField {
  /** Makes a member. */
  constructor(
    /** Its name. */ readonly name: string,
    /** Its type. */ readonly dataType: DataType,
    /** Whether it may be null. */ readonly nullable = true,
    /** What else is known of it, such as a comment. */ readonly metadata: Readonly<Record<string, unknown>> = {},
  ) {}
  /** Returns the form `name:int`. */
  simpleString(): string {
    return `${this.name}:${this.dataType.simpleString()}`;
  }
  /** Returns Spark's JSON form, as an object. */
  jsonValue(): Record<string, unknown> {
    return { name: this.name, type: this.dataType.jsonValue(), nullable: this.nullable, metadata: this.metadata };
  }
}

/**
 * A row type: the schema of a DataFrame, or a nested object (`StructType`).
 * @example
 * ```ts
 * const schema = new StructType().add('name', StringType).add('ages', new ArrayType(IntegerType));
 * schema.simpleString(); // → 'struct<name:string,ages:array<int>>'
 * ```
 */
export class StructType extends DataType {
  /** The members, in order. */
  readonly fields: readonly StructField[];

  /** Makes a row type of these members. */
  constructor(fields: readonly StructField[] = []) {
    super();
    this.fields = fields;
  }
  /** Returns a new schema with one more field. */
  add(name: string, dataType: DataType, nullable = true): StructType {
    return new StructType([...this.fields, new StructField(name, dataType, nullable)]);
  }
  /** The names of the fields, in order. */
  get names(): string[] {
    return this.fields.map((field) => field.name);
  }
  /** Returns the field of that name, or undefined. */
  field(name: string): StructField | undefined {
    return this.fields.find((field) => field.name === name);
  }
  /** Returns the form `struct<a:int>`. */
  override simpleString(): string {
    return `struct<${this.fields.map((field) => field.simpleString()).join(',')}>`;
  }
  /** Returns the members as DDL: `a INT,b STRING`. */
  override toDDL(): string {
    return this.fields.map((f) => `${quoteName(f.name)} ${nestedDDL(f.dataType)}${f.nullable ? '' : ' NOT NULL'}`).join(',');
  }
  /** Returns Spark's JSON form, as an object. */
  override jsonValue(): TypeJson {
    return { type: 'struct', fields: this.fields.map((field) => field.jsonValue()) };
  }
}

function nestedDDL(type: DataType): string {
  if (!(type instanceof StructType)) return type.toDDL();
  return `STRUCT<${type.fields.map((f) => `${quoteName(f.name)}: ${nestedDDL(f.dataType)}${f.nullable ? '' : ' NOT NULL'}`).join(', ')}>`;
}

/** Returns a name as SQL needs it: in backticks unless it is a plain word. */
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
/** Strings. */
export const StringType = new AtomicType('string');
/** Bytes: `Uint8Array`. */
export const BinaryType = new AtomicType('binary');
/** Calendar days: strings `YYYY-MM-DD`, with a sign before a year that is negative or has more digits. */
export const DateType = new AtomicType('date');
/** Instants with microseconds: `Date`, which keeps the milliseconds. A bigint of microseconds, or a string, keeps all on the way in. */
export const TimestampType = new AtomicType('timestamp');
/** Local date and time without a zone: `Date` read as UTC. */
export const TimestampNTZType = new AtomicType('timestamp_ntz');
