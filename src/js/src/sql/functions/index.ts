import { Column, columnOf, operand, type ColumnOrName as C, type LiteralValue } from '../column.js';
import { attribute, call } from '../expression.js';
import { aggregateFunctions, type AggregateFunctions } from './aggregates.js';
import { collectionFunctions, type CollectionFunctions } from './collections.js';
import { numberFunctions, type NumberFunctions } from './numbers.js';
import { fromTable } from './table.js';
import { textFunctions, type TextFunctions } from './texts.js';
import { timeFunctions, type TimeFunctions } from './times.js';

/** Functions that belong to no kind. */
export interface BasicFunctions {
  /** A column by name: `a`, `t.a`, `struct.member`, `*`. Names with dots or spaces inside go in backticks. */
  col(name: string): Column;
  /** Same as col. */
  column(name: string): Column;
  /** A value. */
  lit(value: Column | LiteralValue): Column;
  /** An SQL expression. */
  expr(sql: string): Column;
  /** Any function of Spark by its SQL name; strings are column names. */
  callFunction(name: string, ...args: (Column | LiteralValue)[]): Column;
  /** The value where the condition holds; go on with `.when(…)` and `.otherwise(…)`. */
  when(condition: Column, value: Column | LiteralValue): Column;
  /** Number of rows (`count('*')`) or of values that are not null. */
  count(column: C): Column;
  /** Number of different combinations without nulls. */
  countDistinct(column: C, ...more: C[]): Column;
  /** Sum of the different values. */
  sumDistinct(column: C): Column;
  /** The first that is not null. */
  coalesce(...columns: C[]): Column;
  /** The largest, nulls skipped. */
  greatest(...columns: C[]): Column;
  /** The smallest, nulls skipped. */
  least(...columns: C[]): Column;
  /** The second where the first is null. */
  ifnull(column: C, value: C): Column;
  /** The second where the first is null. */
  nvl(column: C, value: C): Column;
  /** Null where both are equal. */
  nullif(column: C, value: C): Column;
  /** The opposite. */
  not(column: C): Column;
  /** True for null. */
  isnull(column: C): Column;
  /** True for what is not null. */
  isnotnull(column: C): Column;
  /** Ascending order. */
  asc(column: C): Column;
  /** Descending order. */
  desc(column: C): Column;
  /** Increasing numbers, unique but with gaps. */
  monotonicallyIncreasingId(): Column;
  /** Number of the row's partition. */
  sparkPartitionId(): Column;
  /** Path of the file that the row came from. */
  inputFileName(): Column;
  /** Spark's name of the value's type. */
  typeof(column: C): Column;
}

/** All functions. */
export interface Functions
  extends BasicFunctions, AggregateFunctions, NumberFunctions, TextFunctions, TimeFunctions, CollectionFunctions {}

const column = (name: string) => new Column(attribute(name));

/**
 * Spark's functions, in camelCase: `functions.collectList('tag')` is `collect_list(tag)`. Where a function takes a column, a
 * string is a column's name, and other values are literals; write `lit('text')` for a text.
 */
export const functions: Functions = {
  ...aggregateFunctions,
  ...numberFunctions,
  ...textFunctions,
  ...timeFunctions,
  ...collectionFunctions,
  ...fromTable<Omit<BasicFunctions, 'col' | 'column' | 'lit' | 'expr' | 'callFunction' | 'when' | 'count' | 'countDistinct' | 'sumDistinct' | 'asc' | 'desc'>>(
    'coalesce greatest least ifnull nvl nullif not isnull isnotnull monotonicallyIncreasingId sparkPartitionId inputFileName typeof'),
  col: column,
  column,
  lit: (value) => new Column(operand(value)),
  expr: (expression) => new Column({ exprType: { case: 'expressionString', value: { expression } } }),
  callFunction: (functionName, ...args) =>
    new Column({ exprType: { case: 'callFunction', value: { functionName, arguments: args.map(columnOf) } } }),
  when: (condition, value) => new Column(call('when', [condition.expr, operand(value)])),
  // `count(*)` counts rows: Spark's analyser reads it as count(1).
  count: (counted) => new Column(call('count', [counted === '*' ? operand(1) : columnOf(counted)])),
  countDistinct: (...columns) => new Column(call('count', columns.map(columnOf), true)),
  sumDistinct: (summed) => new Column(call('sum', [columnOf(summed)], true)),
  asc: (sorted) => new Column(columnOf(sorted)).asc(),
  desc: (sorted) => new Column(columnOf(sorted)).desc(),
};

/** A column by name; see {@link BasicFunctions.col}. */
export const col: (name: string) => Column = column;
/** A literal; see {@link BasicFunctions.lit}. */
export const lit: (value: Column | LiteralValue) => Column = functions.lit;
