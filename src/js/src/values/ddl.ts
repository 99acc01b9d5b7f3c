import { ParseException } from '../errors.js';
import * as T from './types.js';

const NAMED: Record<string, T.DataType> = {
  void: T.NullType,
  null: T.NullType,
  boolean: T.BooleanType,
  tinyint: T.ByteType,
  byte: T.ByteType,
  smallint: T.ShortType,
  short: T.ShortType,
  int: T.IntegerType,
  integer: T.IntegerType,
  bigint: T.LongType,
  long: T.LongType,
  float: T.FloatType,
  real: T.FloatType,
  double: T.DoubleType,
  string: T.StringType,
  text: T.StringType,
  varchar: T.StringType,
  char: T.StringType,
  binary: T.BinaryType,
  date: T.DateType,
  timestamp: T.TimestampType,
  timestamp_ltz: T.TimestampType,
  timestamp_ntz: T.TimestampNTZType,
};

/**
 * Parses a schema from DDL (`a INT, b STRUCT<c: STRING>`), as Spark reads it: names are case-preserving, types case-insensitive.
 * Throws PARSE_SYNTAX_ERROR.
 * @example
 * ```ts
 * const schema = parseSchema('a int, b array<string> NOT NULL');
 * schema.toDDL(); // → 'a INT,b ARRAY<STRING> NOT NULL'
 * ```
 */
export function parseSchema(text: string): T.StructType {
  const parser = new DdlParser(text);
  const fields = parser.fields('');
  parser.end();
  return new T.StructType(fields);
}

/** Parses one type: `decimal(10,2)`, `array<int>`. Throws PARSE_SYNTAX_ERROR. */
export function parseType(text: string): T.DataType {
  const parser = new DdlParser(text);
  const type = parser.type();
  parser.end();
  return type;
}

/** Returns a type from Spark's JSON form. Throws PARSE_SYNTAX_ERROR. */
export function typeFromJson(json: T.TypeJson): T.DataType {
  if (typeof json === 'string') return parseType(json);
  const of = (key: string) => typeFromJson(json[key] as T.TypeJson);
  switch (json.type) {
    case 'array':
      return new T.ArrayType(of('elementType'), json['containsNull'] !== false);
    case 'map':
      return new T.MapType(of('keyType'), of('valueType'), json['valueContainsNull'] !== false);
    case 'struct': {
      const fields = json['fields'] as { name: string; type: T.TypeJson; nullable?: boolean; metadata?: Record<string, unknown> }[];
      return new T.StructType(fields.map((f) => new T.StructField(f.name, typeFromJson(f.type), f.nullable ?? true, f.metadata ?? {})));
    }
    default:
      throw new ParseException(`Unknown type ${JSON.stringify(json)}`, { condition: 'PARSE_SYNTAX_ERROR' });
  }
}

/** Returns DDL, JSON or a schema as a schema. */
export function asSchema(schema: string | T.StructType): T.StructType {
  if (typeof schema !== 'string') return schema;
  return schema.trimStart().startsWith('{') ? (typeFromJson(JSON.parse(schema) as T.TypeJson) as T.StructType) : parseSchema(schema);
}

class DdlParser {
  readonly #tokens: string[];
  #at = 0;

  constructor(readonly text: string) {
    this.#tokens = text.match(/`(?:[^`]|``)*`|'(?:[^'])*'|[\p{L}\p{N}_]+|\S/gu) ?? [];
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail();
  }

  fields(until: string): T.StructField[] {
    const fields: T.StructField[] = [];
    while (this.#peek() !== until) {
      const name = this.#name();
      this.#take(':');
      const type = this.type();
      const nullable = !(this.#word('not') && this.#word('null'));
      const metadata = this.#word('comment') ? { comment: this.#next().slice(1, -1) } : {};
      fields.push(new T.StructField(name, type, nullable, metadata));
      if (!this.#take(',')) break;
    }
    return fields;
  }

  type(): T.DataType {
    const word = this.#next().toLowerCase();
    switch (word) {
      case 'array':
        return new T.ArrayType(this.#between(() => this.type()));
      case 'map':
        return this.#between(() => {
          const key = this.type();
          this.#must(',');
          return new T.MapType(key, this.type());
        });
      case 'struct':
        return new T.StructType(this.#between(() => this.fields('>')));
      case 'decimal':
      case 'dec':
      case 'numeric': {
        const [precision = 10, scale = 0] = this.#numbers();
        return new T.DecimalType(precision, scale);
      }
      default: {
        const type = NAMED[word];
        if (!type) this.#fail(1);
        this.#numbers();
        return type as T.DataType;
      }
    }
  }

  #between<R>(inner: () => R): R {
    this.#must('<');
    const result = inner();
    this.#must('>');
    return result;
  }

  #numbers(): number[] {
    const numbers: number[] = [];
    if (!this.#take('(')) return numbers;
    do numbers.push(Number(this.#next()));
    while (this.#take(','));
    this.#must(')');
    return numbers;
  }

  #name(): string {
    const token = this.#next();
    return token.startsWith('`') ? token.slice(1, -1).replaceAll('``', '`') : token;
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    if (this.#at >= this.#tokens.length) this.#fail();
    return this.#tokens[this.#at++] as string;
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at += 1;
    return true;
  }

  #word(word: string): boolean {
    if (this.#peek().toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #must(token: string): void {
    if (!this.#take(token)) this.#fail();
  }

  #fail(back = 0): never {
    const near = this.#tokens[this.#at - back] ?? 'end of input';
    throw new ParseException(`[PARSE_SYNTAX_ERROR] Syntax error at or near '${near}' in the schema "${this.text}". SQLSTATE: 42601`, {
      condition: 'PARSE_SYNTAX_ERROR',
      sqlState: '42601',
      parameters: { error: `'${near}'` },
    });
  }
}
