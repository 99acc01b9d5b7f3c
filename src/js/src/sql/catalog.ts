import type { RelationKind } from '../connect/messages.js';
import type { Row } from '../values/rows.js';
import { runRows } from './actions.js';
import { type Context, planOf } from './plan.js';

/** A table or view. */
export interface CatalogTable {
  /** Its name, without catalog and namespace. */
  name: string;
  /** `TEMPORARY` for a view of this session, else the kind of table. */
  tableType: string;
  /** Whether it ends with the session. */
  isTemporary: boolean;
  /** The catalog it is in; null for a temporary view. */
  catalog: string | null;
  /** The namespace it is in; empty or null for a temporary view. */
  namespace: string[] | null;
  /** What was written about it, or null. */
  description: string | null;
}

type CatalogKind = Extract<RelationKind, { case: 'catalog' }>['value']['catType'];

/** Tables and views by name: `spark.catalog` (`Catalog`). The engine in the page has temporary views and the tables of memory sinks. */
export class Catalog {
  /** @internal */
  constructor(private readonly context: Context) {}

  async #rows(catType: CatalogKind): Promise<Row[]> {
    return runRows(this.context, planOf(this.context, { case: 'catalog', value: { catType } }));
  }
  /** Returns all tables and views, or those whose name fits a pattern (`*` stands for any string). */
  async listTables(pattern?: string): Promise<CatalogTable[]> {
    return (await this.#rows({ case: 'listTables', value: { pattern } })) as CatalogTable[];
  }
  /** Returns whether there is a table or view of that name. */
  async tableExists(tableName: string): Promise<boolean> {
    return Object.values((await this.#rows({ case: 'tableExists', value: { tableName } }))[0] ?? {})[0] === true;
  }
  /** Drops a view; returns whether there was one. */
  async dropTempView(viewName: string): Promise<boolean> {
    return Object.values((await this.#rows({ case: 'dropTempView', value: { viewName } }))[0] ?? {})[0] === true;
  }
  /** Frees all kept results. */
  async clearCache(): Promise<void> {
    await this.#rows({ case: 'clearCache', value: {} });
  }
}
