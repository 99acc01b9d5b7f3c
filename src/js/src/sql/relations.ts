/** Relations that more than one class of this room makes. */
import type { Relation, RelationKind } from '../connect/messages.js';
import type { FileSource } from '../files/registry.js';
import type { StructType } from '../values/types.js';
import { type Column, type LiteralValue, operand } from './column.js';
import { part } from './load_part.js';
import { type Context, type Plan, planOf } from './plan.js';

/** What a reader has been asked for so far. @internal */
export interface ReadSettings {
  format?: string;
  schema?: string;
  options: Record<string, string>;
}

/** The plan of a data source over files or URLs of the page, paths of the engine, or nothing. @internal */
export function loadPlan(context: Context, read: ReadSettings, sources: readonly FileSource[], isStreaming: boolean): Plan {
  const { paths, ready } = context.files.register(sources, isStreaming);
  const plan = planOf(context, {
    case: 'read',
    value: {
      isStreaming,
      readType: { case: 'dataSource', value: { format: read.format, schema: read.schema, options: read.options, paths } },
    },
  });
  return { ...plan, needs: sources.length === 0 ? [] : [ready] };
}

/** A LocalRelation of rows that fit `schema`: an Arrow IPC stream and the schema's DDL. @internal */
export function localRelation(rows: readonly unknown[], schema: StructType): Extract<RelationKind, { case: 'localRelation' }> {
  return { case: 'localRelation', value: { data: part().encodeRows(rows, schema), schema: schema.json() } };
}

/** Values for the markers of an SQL string: by name for `:name`, in order for `?`. */
export type SqlArguments = Readonly<Record<string, Column | LiteralValue>> | readonly (Column | LiteralValue)[];

/** Has the engine run (a command) or resolve (a query) an SQL string, and returns the plan of its result. @internal */
export async function sqlPlan(context: Context, query: string, args: SqlArguments = {}): Promise<Plan> {
  const value = Array.isArray(args)
    ? { query, posArguments: args.map((arg: Column | LiteralValue) => operand(arg)) }
    : { query, namedArguments: Object.fromEntries(Object.entries(args).map(([name, arg]) => [name, operand(arg as LiteralValue)])) };
  const plan = planOf(context, { case: 'sql', value });
  const result = await context.client.command({ case: 'sqlCommand', value: { input: plan.relation } }, 'sqlCommandResult');
  return result?.relation ? { relation: result.relation as unknown as Relation, needs: [] } : plan;
}
