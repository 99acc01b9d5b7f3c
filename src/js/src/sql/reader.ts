import type { FileSource } from '../files/registry.js';
import { DataFrame } from './dataframe.js';
import { parseSchema } from '../values/ddl.js';
import { loadPlan, type ReadSettings } from './relations.js';
import { planOf, type Context } from './plan.js';
import type { StructType } from '../values/types.js';

/** What batch and stream readers have in common. */
export abstract class Reader {
  /** @internal */ protected readonly read: ReadSettings = { options: {} };

  /** @internal */
  constructor(/** @internal */ protected readonly context: Context) {}

  /** The data source: `json`, `csv`, `text`, `rate`, `websocket`… */
  format(source: string): this {
    this.read.format = source;
    return this;
  }
  /** The schema, as DDL or StructType; without it the source is looked at first. */
  schema(schema: string | StructType): this {
    if (typeof schema === 'string' && !schema.trimStart().startsWith('{')) parseSchema(schema);
    this.read.schema = typeof schema === 'string' ? schema : schema.json();
    return this;
  }
  /** An option of the data source, such as `header` or `mode`. */
  option(key: string, value: string | number | boolean): this {
    this.read.options[key] = String(value);
    return this;
  }
  /** Several options. */
  options(options: Readonly<Record<string, string | number | boolean>>): this {
    for (const [key, value] of Object.entries(options)) this.option(key, value);
    return this;
  }
}

/** Says where a table comes from: `spark.read`. */
export class DataFrameReader extends Reader {
  /** @internal */
  constructor(context: Context) {
    super(context);
  }

  /** The table of the sources. */
  load(...sources: FileSource[]): DataFrame {
    return new DataFrame(this.context, loadPlan(this.context, this.read, sources, false));
  }
  /** JSON objects, one a line (option `multiLine` for whole files). */
  json(...sources: FileSource[]): DataFrame {
    return this.format('json').load(...sources);
  }
  /** CSV; option `header` says whether the first line has names. */
  csv(...sources: FileSource[]): DataFrame {
    return this.format('csv').load(...sources);
  }
  /** Lines, as column `value`. */
  text(...sources: FileSource[]): DataFrame {
    return this.format('text').load(...sources);
  }
  /** A table or view. */
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
