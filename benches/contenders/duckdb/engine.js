// The engine, one thread (`eh`): its bundle with threads loads no extensions and was not faster.
import * as duckdb from '@duckdb/duckdb-wasm';

const DIST = '/npm/@duckdb/duckdb-wasm/dist/';

/** A started duckdb with one connection. */
export class Engine {
  async start() {
    this.worker = new Worker(`${DIST}duckdb-browser-eh.worker.js`);
    this.db = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), this.worker);
    await this.db.instantiate(`${DIST}duckdb-eh.wasm`);
    await this.db.open({ query: { castBigIntToDouble: true } });
    this.connection = await this.db.connect();
  }

  stop() {
    this.worker.terminate();
  }

  sql(text) {
    return this.connection.query(text);
  }

  /** Makes a table of an Arrow stream, or appends to it. */
  insert(name, bytes, create = true) {
    return this.connection.insertArrowFromIPCStream(bytes, { name, create });
  }

  /** Returns the one number that a query answers. */
  async number(text) {
    const table = await this.sql(text);
    return Number(table.getChildAt(0).get(0));
  }

  /** Returns a query's columns as arrays. */
  async columns(text) {
    return columnsOf(await this.sql(text));
  }

  async drop(...names) {
    for (const name of names) await this.sql(`DROP TABLE IF EXISTS ${name}`);
  }
}

/** Returns the columns of an Arrow table as arrays, without copies where they are numbers. */
export function columnsOf(table) {
  return Object.fromEntries(table.schema.fields.map(({ name }) => [name, table.getChild(name).toArray()]));
}
