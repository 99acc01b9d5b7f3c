import type { Expression, SortOrder } from '../connect/messages.js';
import {
  Expression_SortOrder_SortDirection as Direction,
  Expression_SortOrder_NullOrdering as Nulls,
} from '../generated/spark/connect/expressions_pb.js';

/** A call of a function of Spark by name; operators are functions too (`+`, `==`, `and`). */
export function call(functionName: string, args: Expression[], isDistinct = false): Expression {
  return { exprType: { case: 'unresolvedFunction', value: { functionName, arguments: args, isDistinct } } };
}

/** A column by name; `*` and `t.*` stand for all columns. */
export function attribute(name: string, planId?: bigint): Expression {
  if (name === '*') return { exprType: { case: 'unresolvedStar', value: { planId } } };
  if (name.endsWith('.*')) return { exprType: { case: 'unresolvedStar', value: { unparsedTarget: name, planId } } };
  return { exprType: { case: 'unresolvedAttribute', value: { unparsedIdentifier: name, planId } } };
}

/** A sort order. Spark puts nulls first when ascending and last when descending, unless `nullsFirst` is set. */
export function sortBy(child: Expression, ascending: boolean, nullsFirst = ascending): SortOrder {
  return {
    child,
    direction: ascending ? Direction.ASCENDING : Direction.DESCENDING,
    nullOrdering: nullsFirst ? Nulls.SORT_NULLS_FIRST : Nulls.SORT_NULLS_LAST,
  };
}

/** The sort order that an expression is, or ascending order by it. */
export function asSortOrder(expression: Expression): SortOrder {
  return expression.exprType?.case === 'sortOrder' ? (expression.exprType.value as SortOrder) : sortBy(expression, true);
}
