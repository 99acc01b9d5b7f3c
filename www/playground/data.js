// Tables: files that are dropped, and those that samples make.
import { compressors, parquetMetadataAsync, parquetReadObjects } from 'tables';
import { generated } from '../sources.js';

const COUNTRIES = ['Chile', 'Denmark', 'Ghana', 'India', 'Japan', 'Mexico', 'Portugal', 'Vietnam'];
const DAY_MS = 86_400_000;

/** A name that SQL takes without quotes. */
export function tableName(fileName) {
  const name = fileName
    .replace(/(\.(gz|deflate))?$/i, '')
    .replace(/\.\w+$/, '')
    .replace(/\W+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
  return /^[a-z]/.test(name) ? name : `t_${name}`;
}

const formatOf = (name) => /\.(\w+?)(?:\.(?:gz|deflate))?$/i.exec(name)?.[1]?.toLowerCase() ?? '';

/** Parquet's types as Spark's; undefined for those whose columns are inferred from their values. */
function sparkType({ type, converted_type: converted, logical_type: logical, repetition_type: repetition, num_children: children }) {
  if (children || repetition === 'REPEATED') return undefined;
  const kind = logical?.type ?? converted;
  if (kind === 'STRING' || kind === 'UTF8' || kind === 'ENUM') return 'STRING';
  if (kind === 'DATE') return 'DATE';
  if (/^TIMESTAMP/.test(kind ?? '') || type === 'INT96') return 'TIMESTAMP';
  if (kind && kind !== 'INTEGER' && !/^INT_/.test(kind)) return undefined;
  return { BOOLEAN: 'BOOLEAN', INT32: 'INT', INT64: 'BIGINT', FLOAT: 'FLOAT', DOUBLE: 'DOUBLE' }[type];
}

async function parquet(spark, file) {
  const buffer = { byteLength: file.size, slice: (start, end) => file.slice(start, end ?? file.size).arrayBuffer() };
  const metadata = await parquetMetadataAsync(buffer);
  const rows = await parquetReadObjects({ file: buffer, metadata, compressors });
  const [root, ...columns] = metadata.schema;
  const types = columns.map((column) => [column.name, sparkType(column)]);
  for (const [name, type] of types) if (type === 'DATE') for (const row of rows) row[name] = row[name]?.toISOString().slice(0, 10) ?? null;
  const flat = columns.length === root.num_children && types.every(([, type]) => type);
  return spark.createDataFrame(rows, flat ? types.map(([name, type]) => `\`${name}\` ${type}`).join(', ') : undefined);
}

/** The DataFrame of a file, by its name. */
async function read(spark, file) {
  switch (formatOf(file.name)) {
    case 'parquet':
      return parquet(spark, file);
    case 'arrow':
    case 'arrows':
    case 'feather':
      return spark.read.format('arrow').load(file);
    case 'csv':
    case 'tsv':
      return spark.read.options({ header: true, inferSchema: true, ...(/\.tsv/i.test(file.name) && { sep: '\t' }) }).csv(file);
    case 'txt':
      return spark.read.text(file);
    default: {
      const array = /^\s*\[/.test(await file.slice(0, 1_024).text());
      return spark.read.option('multiLine', array).json(file);
    }
  }
}

/** 20,000 orders of 90 days, always the same. */
function* orders() {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  for (let id = 0; id < 20_000; id++) {
    const country = COUNTRIES[Math.floor(COUNTRIES.length * random() ** 1.6)];
    const placed = new Date(Date.UTC(2026, 0, 1) + Math.floor(random() * 90 * DAY_MS));
    yield { id, placed, country, amount: Math.round(500 * random() ** 3 * 100) / 100 };
  }
}

/** Tables that samples read, by name. Each returns a DataFrame and, for a stream, what ends it. */
const MADE = {
  orders: (spark) => ({ df: spark.createDataFrame(orders(), 'id INT, placed TIMESTAMP, country STRING, amount DOUBLE') }),
  tweets: (spark) => {
    const { df, stop } = generated(spark, { rate: 500, speed: 60, seed: 42 });
    return { df: df.withWatermark('createdAt', '10 minutes'), end: stop };
  },
};

/** The tables of a session: views, with their columns. */
export class Tables {
  /** @type {Map<string, { columns: [string, string][], note: string, end?: () => void }>} */
  known = new Map();

  constructor(onChange) {
    this.onChange = onChange;
  }

  async #add(name, df, note, end) {
    await df.createOrReplaceTempView(name);
    this.known.get(name)?.end?.();
    this.known.set(name, { columns: await df.dtypes(), note, end });
    this.onChange();
  }

  /** Makes a table of a file; returns its name. */
  async addFile(spark, file) {
    const name = tableName(file.name);
    await this.#add(name, await read(spark, file), file.name);
    return name;
  }

  /** Makes the tables that a sample reads and that are not there. A stream is made anew, since a query takes it to its end. */
  async prepare(spark, names) {
    for (const name of names) {
      if (this.known.has(name) && !this.known.get(name).end) continue;
      const { df, end } = MADE[name](spark);
      await this.#add(name, df, end ? 'a stream of made-up tweets' : 'made in this page', end);
    }
  }

  /** Names of known samples' tables that a text mentions. */
  static mentioned(text) {
    return Object.keys(MADE).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  }

  /** Ends the streams. */
  endStreams() {
    for (const table of this.known.values()) table.end?.();
  }

  async drop(spark, name) {
    this.known.get(name)?.end?.();
    await (await spark.sql(`DROP VIEW ${name}`)).collect();
    this.known.delete(name);
    this.onChange();
  }

  /** Columns by table, as the editor completes them. */
  get schema() {
    return Object.fromEntries(
      [...this.known].map(([name, { columns }]) => [name, columns.map(([label, detail]) => ({ label, detail, type: 'property' }))]),
    );
  }
}
