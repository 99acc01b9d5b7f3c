import { Column, columnOf, operand, type ColumnOrName as C, type LiteralValue } from '../column.js';
import type { Expression } from '../../connect/messages.js';
import { call } from '../expression.js';
import { literalExpression } from '../literal.js';
import { StructType } from '../../values/types.js';
import { fromTable } from './table.js';

type V = Column | LiteralValue;
type Options = Record<string, string | number | boolean>;

/** Functions of arrays, maps, structs and JSON or CSV text. */
export interface CollectionFunctions {
  /** An array of columns. */
  array(...columns: C[]): Column;
  /** A map of keys and values in turn. */
  createMap(...columns: C[]): Column;
  /** A struct of columns, named as they are. */
  struct(...columns: C[]): Column;
  /** A struct of names and values in turn. */
  namedStruct(...columns: (Column | string)[]): Column;
  /** One row for each element; rows with an empty or null array vanish. */
  explode(column: C): Column;
  /** As explode, but such rows stay with null. */
  explodeOuter(column: C): Column;
  /** One row for each element, with its position. */
  posexplode(column: C): Column;
  /** As posexplode, but rows with an empty or null array stay. */
  posexplodeOuter(column: C): Column;
  /** One row for each struct of an array, its members as columns. */
  inline(column: C): Column;
  /** Number of elements. */
  size(column: C): Column;
  /** Number of elements. */
  cardinality(column: C): Column;
  /** True if the value is an element. */
  arrayContains(column: C, value: V): Column;
  /** Position of the value, from 1; 0 for none. */
  arrayPosition(column: C, value: V): Column;
  /** Without the elements equal to the value. */
  arrayRemove(column: C, value: V): Column;
  /** With a value added at the end. */
  arrayAppend(column: C, value: V): Column;
  /** With a value added at the start. */
  arrayPrepend(column: C, value: V): Column;
  /** Without duplicates. */
  arrayDistinct(column: C): Column;
  /** Elements of both. */
  arrayIntersect(column1: C, column2: C): Column;
  /** Elements of one or both. */
  arrayUnion(column1: C, column2: C): Column;
  /** Elements of the first that are not in the second. */
  arrayExcept(column1: C, column2: C): Column;
  /** True if there is a common element. */
  arraysOverlap(column1: C, column2: C): Column;
  /** Arrays to an array of structs. */
  arraysZip(...columns: C[]): Column;
  /** Elements as text. */
  arrayJoin(column: C, delimiter: string, nullReplacement?: string): Column;
  /** Largest element. */
  arrayMax(column: C): Column;
  /** Smallest element. */
  arrayMin(column: C): Column;
  /** The same element n times. */
  arrayRepeat(column: C, count: number | Column): Column;
  /** Without nulls. */
  arrayCompact(column: C): Column;
  /** Sorted; nulls first when ascending. */
  sortArray(column: C, ascending?: boolean): Column;
  /** Sorted ascending; nulls last. */
  arraySort(column: C): Column;
  /** An array of arrays as one array. */
  flatten(column: C): Column;
  /** Part of an array, from 1. */
  slice(column: C, start: number | Column, length: number | Column): Column;
  /** Element from 1 (negative: from the end), or value of a key. */
  elementAt(column: C, key: V): Column;
  /** As elementAt, but null where there is none. */
  tryElementAt(column: C, key: Column): Column;
  /** Numbers or times from start to stop. */
  sequence(start: C, stop: C, step?: C): Column;
  /** Keys of a map. */
  mapKeys(column: C): Column;
  /** Values of a map. */
  mapValues(column: C): Column;
  /** Keys and values as structs. */
  mapEntries(column: C): Column;
  /** A map of keys and values. */
  mapFromArrays(keys: C, values: C): Column;
  /** A map of an array of pairs. */
  mapFromEntries(column: C): Column;
  /** Maps in one. */
  mapConcat(...columns: C[]): Column;
  /** True if the key is in the map. */
  mapContainsKey(column: C, key: V): Column;
  /** JSON text to a value of a schema (DDL or StructType). */
  fromJson(column: C, schema: string | StructType | Column, options?: Options): Column;
  /** A value as JSON text. */
  toJson(column: C, options?: Options): Column;
  /** Part of JSON text by a path such as `$.a[0]`. */
  getJsonObject(column: C, path: string): Column;
  /** Members of JSON text as columns c0, c1… */
  jsonTuple(column: C, ...members: string[]): Column;
  /** CSV text to a struct of a schema. */
  fromCsv(column: C, schema: string | Column, options?: Options): Column;
  /** A struct as CSV text. */
  toCsv(column: C, options?: Options): Column;
  /** The function applied to each element (and its position, from 0). */
  transform(column: C, f: (x: Column, index: Column) => Column): Column;
  /** The elements for which the function is true. */
  filter(column: C, f: (x: Column, index: Column) => Column): Column;
  /** True if the function is true for an element. */
  exists(column: C, f: (x: Column) => Column): Column;
  /** True if the function is true for all elements. */
  forall(column: C, f: (x: Column) => Column): Column;
  /** Folds the elements, then finishes. */
  aggregate(column: C, initial: V, merge: (accumulator: Column, x: Column) => Column, finish?: (accumulator: Column) => Column): Column;
}

const plain = fromTable<CollectionFunctions>(`
  array createMap=map struct namedStruct explode explodeOuter posexplode posexplodeOuter inline size cardinality arrayContains:cl
  arrayPosition:cl arrayRemove:cl arrayAppend:cl arrayPrepend:cl arrayDistinct arrayIntersect arrayUnion arrayExcept arraysOverlap arraysZip
  arrayJoin:cl arrayMax arrayMin arrayRepeat arrayCompact sortArray arraySort flatten slice elementAt:cl tryElementAt sequence mapKeys
  mapValues mapEntries mapFromArrays mapFromEntries mapConcat mapContainsKey:cl getJsonObject:cl jsonTuple:cl`);

function optionsMap(options: Options | undefined): Expression[] {
  if (!options) return [];
  return [call('map', Object.entries(options).flatMap(([key, value]) => [literalExpression(key), literalExpression(String(value))]))];
}

function schemaOf(schema: string | StructType | Column): Expression {
  return operand(schema instanceof StructType ? schema.json() : schema);
}

let lambdaVariables = 0;

/** A function of columns as Spark's lambda, with fresh variable names. */
function lambda(f: (...args: never[]) => Column): Expression {
  const args = ['x', 'y', 'z'].slice(0, Math.max(f.length, 1)).map((name) => ({ nameParts: [`${name}_${lambdaVariables++}`] }));
  const columns = args.map((value) => new Column({ exprType: { case: 'unresolvedNamedLambdaVariable', value } }));
  return { exprType: { case: 'lambdaFunction', value: { function: f(...(columns as never[])).expr, arguments: args } } };
}

const higher = (name: string) => (column: C, f: (...args: never[]) => Column) => new Column(call(name, [columnOf(column), lambda(f)]));

export const collectionFunctions: CollectionFunctions = {
  ...plain,
  sortArray: (column, ascending = true) => plain.sortArray(column, ascending),
  fromJson: (column, schema, options) => new Column(call('from_json', [columnOf(column), schemaOf(schema), ...optionsMap(options)])),
  toJson: (column, options) => new Column(call('to_json', [columnOf(column), ...optionsMap(options)])),
  fromCsv: (column, schema, options) => new Column(call('from_csv', [columnOf(column), schemaOf(schema), ...optionsMap(options)])),
  toCsv: (column, options) => new Column(call('to_csv', [columnOf(column), ...optionsMap(options)])),
  transform: higher('transform'),
  filter: higher('filter'),
  exists: higher('exists'),
  forall: higher('forall'),
  aggregate: (column, initial, merge, finish) => new Column(call('aggregate', [
    columnOf(column), operand(initial), lambda(merge), ...(finish ? [lambda(finish)] : []),
  ])),
};
