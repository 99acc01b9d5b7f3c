import { FUNCTIONS, type GeneratedFunctions } from '../../generated/functions.js';
import { Column, columnOf, operand, type ColumnOrName as C, type LiteralValue } from '../column.js';
import { attribute, call } from '../expression.js';
import { StructType } from '../../values/types.js';
import { fromTable, optionsMap, type Options } from './table.js';

/** Functions that are more than a call of a function of Spark SQL. */
export interface BasicFunctions {
  /** Returns the column of a name: `a`, `t.a`, `struct.member`, `*`. Names with dots or spaces inside go in backticks. */
  col(name: string): Column;
  /** Same as col. */
  column(name: string): Column;
  /** Returns a value as a column. */
  lit(value: Column | LiteralValue): Column;
  /** Returns the column of an SQL expression. */
  expr(sql: string): Column;
  /** Calls any function of Spark by its SQL name; strings are column names. */
  callFunction(name: string, ...args: (Column | LiteralValue)[]): Column;
  /** Returns the value where the condition holds; continue with `.when(…)` and `.otherwise(…)`. Null where no condition holds. */
  when(condition: Column, value: Column | LiteralValue): Column;
  /** Counts the rows (`count('*')`) or the values that are not null. */
  count(column: C): Column;
  /** Counts the different combinations without nulls. */
  countDistinct(column: C, ...more: C[]): Column;
  /** Returns the sum of the different values. */
  sumDistinct(column: C): Column;
  /** Returns the column in ascending order. */
  asc(column: C): Column;
  /** Returns the column in descending order. */
  desc(column: C): Column;
  /** Reads JSON by a schema (DDL or StructType). Null where the string is null or empty; malformed values are null fields. */
  fromJson(column: C, schema: string | StructType | Column, options?: Options): Column;
  /** Reads a CSV record by a schema. Null where the string is null; missing and malformed values are null fields. */
  fromCsv(column: C, schema: string | StructType | Column, options?: Options): Column;
  /**
   * Returns the windows that a time falls into: one when tumbling, several when `slideDuration` is shorter than
   * `windowDuration`. The result is a struct `window` with `start` and `end`. Durations are strings such as `10 minutes`. Rows
   * whose time is null are in no window.
   */
  window(timeColumn: C, windowDuration: string, slideDuration?: string, startTime?: string): Column;
}

/** All functions. */
export interface Functions extends BasicFunctions, GeneratedFunctions {}

const generated = fromTable<GeneratedFunctions>(FUNCTIONS);

/** Arguments that PySpark sends when they are missing: where, and what. */
const DEFAULTS: Record<string, [number, LiteralValue]> = {
  first: [1, false], fromUnixtime: [1, 'yyyy-MM-dd HH:mm:ss'], lag: [1, 1], last: [1, false], lead: [1, 1], locate: [2, 1],
  monthsBetween: [2, true], percentile: [2, 1], percentileApprox: [2, 10000], sortArray: [1, true], split: [2, -1],
  unixTimestamp: [1, 'yyyy-MM-dd HH:mm:ss'],
};
const callable = generated as unknown as Record<string, (...args: unknown[]) => Column>;
for (const [name, [at, value]] of Object.entries(DEFAULTS)) {
  const plain = callable[name]!;
  callable[name] = (...args) => {
    if (args.length >= at) args[at] ??= value;
    return plain(...args);
  };
}

const column = (name: string) => new Column(attribute(name));
const reader = (name: string) => (text: C, schema: string | StructType | Column, options?: Options) =>
  new Column(call(name, [
    columnOf(text), operand(schema instanceof StructType ? schema.json() : schema), ...(options ? [optionsMap(options)] : []),
  ]));

/**
 * Spark's functions, in camelCase: `functions.collectList('tag')` is `collect_list(tag)`. Where a function takes a column, a
 * string is a column's name, and other values are literals; write `lit('text')` for a string.
 */
export const functions: Functions = {
  ...generated,
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
  fromJson: reader('from_json'),
  fromCsv: reader('from_csv'),
  window(timeColumn, windowDuration, slideDuration, startTime) {
    const durations = startTime !== undefined ? [windowDuration, slideDuration ?? windowDuration, startTime]
      : slideDuration !== undefined ? [windowDuration, slideDuration] : [windowDuration];
    return new Column(call('window', [columnOf(timeColumn), ...durations.map(operand)]));
  },
};

/** A column by name; see {@link BasicFunctions.col}. */
export const col: (name: string) => Column = column;
/** A literal; see {@link BasicFunctions.lit}. */
export const lit: (value: Column | LiteralValue) => Column = functions.lit;
