import type { FileSource } from '../files/registry.js';
import { parseSchema } from '../values/ddl.js';
import type { StructType } from '../values/types.js';
import { DataFrame } from './dataframe.js';
import { optionTexts } from './option.js';
import { type Context, planOf } from './plan.js';
import { loadPlan, type ReadSettings } from './relations.js';

/** What batch and stream readers have in common. */
export abstract class Reader {
  /** @internal */ protected readonly read: ReadSettings = { options: {} };

  /** @internal */
  constructor(/** @internal */ protected readonly context: Context) {}

  /** Sets the data source: `json`, `csv`, `text`, `kafka`, and for streams `rate`, `websocket`… */
  format(source: string): this {
    this.read.format = source;
    return this;
  }
  /**
   * Sets the schema, as DDL or StructType; without it the source is looked at first. Throws a ParseException for DDL that cannot be
   * parsed.
   */
  schema(schema: string | StructType): this {
    if (typeof schema === 'string' && !schema.trimStart().startsWith('{')) parseSchema(schema);
    this.read.schema = typeof schema === 'string' ? schema : schema.json();
    return this;
  }
  /** Sets an option of the data source, such as `header` or `mode`; undefined leaves it as it is. */
  option(key: string, value: string | number | boolean): this {
    Object.assign(this.read.options, optionTexts({ [key]: value }));
    return this;
  }
  /** Sets several options. */
  options(options: Readonly<Record<string, string | number | boolean>>): this {
    for (const [key, value] of Object.entries(options)) this.option(key, value);
    return this;
  }
}

/** Says where a table comes from: `spark.read` (`DataFrameReader`). */
export class DataFrameReader extends Reader {
  /** @internal */
  constructor(context: Context) {
    super(context);
  }

  /**
   * Returns the table of the sources: files, folders, URLs, or paths of the engine. Topics of `kafka` are named by options; which of their
   * records there are is asked for when an action runs.
   */
  load(...sources: FileSource[]): DataFrame {
    return new DataFrame(this.context, loadPlan(this.context, this.read, sources, false));
  }
  /**
   * Reads JSON objects, one per line (option `multiLine`: one per file). A malformed line is a row of nulls (mode PERMISSIVE).
   * @example
   * ```ts
   * const file = new Blob(['{"a": 1}\n{"a": 2}\n']);
   * (await spark.read.json(file).collect()).map((row) => row['a']); // → [1, 2]
   * ```
   */
  json(...sources: FileSource[]): DataFrame {
    return this.format('json').load(...sources);
  }
  /**
   * Reads CSV; option `header` says whether the first line has the names. An empty field is null.
   * @example
   * ```ts
   * const csv = new Blob(['name,age\nAda,36\n']);
   * await spark.read.option('header', true).schema('name STRING, age INT').csv(csv).first(); // → { name: 'Ada', age: 36 }
   * ```
   */
  csv(...sources: FileSource[]): DataFrame {
    return this.format('csv').load(...sources);
  }
  /** Reads lines, as column `value`. */
  text(...sources: FileSource[]): DataFrame {
    return this.format('text').load(...sources);
  }
  /** Returns a table or view. An unknown name is the error TABLE_OR_VIEW_NOT_FOUND of the first action. */
  table(name: string): DataFrame {
    return new DataFrame(
      this.context,
      planOf(this.context, {
        case: 'read',
        value: { readType: { case: 'namedTable', value: { unparsedIdentifier: name, options: this.read.options } } },
      }),
    );
  }
}
