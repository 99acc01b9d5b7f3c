import type { RelationKind } from '../connect/messages.js';
import { runRows } from './actions.js';
import { planOf, type Context } from './plan.js';
import type { Row } from '../values/rows.js';

/** A table or view. */
export interface CatalogTable {
  name: string;
  tableType: string;
  isTemporary: boolean;
  catalog: string | null;
  namespace: string[] | null;
  description: string | null;
}

type CatalogKind = Extract<RelationKind, { case: 'catalog' }>['value']['catType'];

/** Tables and views by name: `spark.catalog`. */
export class Catalog {
  /** @internal */
  constructor(private readonly context: Context) {}

  async #rows(catType: CatalogKind): Promise<Row[]> {
    return runRows(this.context, planOf(this.context, { case: 'catalog', value: { catType } }));
  }
  /** All tables and views, or those whose name fits a pattern (`*` stands for any text). */
  async listTables(pattern?: string): Promise<CatalogTable[]> {
    return (await this.#rows({ case: 'listTables', value: { pattern } })) as CatalogTable[];
  }
  /** Whether there is a table or view of that name. */
  async tableExists(tableName: string): Promise<boolean> {
    return Object.values((await this.#rows({ case: 'tableExists', value: { tableName } }))[0] ?? {})[0] === true;
  }
  /** Drops a view; whether there was one. */
  async dropTempView(viewName: string): Promise<boolean> {
    return Object.values((await this.#rows({ case: 'dropTempView', value: { viewName } }))[0] ?? {})[0] === true;
  }
  /** Lets all kept results go. */
  async clearCache(): Promise<void> {
    await this.#rows({ case: 'clearCache', value: {} });
  }
}
