import type { Relation } from '../connect/messages.js';
import { operand, type Column, type LiteralValue } from './column.js';
import { planOf, type Context, type Plan } from './plan.js';
import type { SqlArguments } from './sql_arguments.js';

/** Has the engine run (a command) or resolve (a query) SQL text, and returns the plan of its result. */
export async function sqlPlan(context: Context, text: string, args: SqlArguments = {}): Promise<Plan> {
  const value = Array.isArray(args)
    ? { query: text, posArguments: args.map((arg: Column | LiteralValue) => operand(arg)) }
    : { query: text, namedArguments: Object.fromEntries(Object.entries(args).map(([name, arg]) => [name, operand(arg as LiteralValue)])) };
  const plan = planOf(context, { case: 'sql', value });
  const result = await context.client.command({ case: 'sqlCommand', value: { input: plan.relation } }, 'sqlCommandResult');
  return result?.relation ? { relation: result.relation as unknown as Relation, needs: [] } : plan;
}
