import type { Literal } from '../connect/messages.js';
import { typeToMessage } from '../connect/type_message.js';
import { DataFrame } from '../sql/dataframe.js';
import { type Context, planOf } from '../sql/plan.js';
import { DoubleType } from '../values/types.js';
import { DenseVector, SparseVector, type Vector, vectorLiteral } from './vector.js';

/** The object that stands for functions without a model. */
const HELPER = '______ML_CONNECT_HELPER______';

/** An argument of a function that the engine answers as a DataFrame. @internal */
export type Argument = DataFrame | string | boolean | number | bigint | Vector | readonly number[];

function literal(value: Exclude<Argument, DataFrame>): Literal {
  if (value instanceof DenseVector || value instanceof SparseVector) return vectorLiteral(value);
  switch (typeof value) {
    case 'string':
      return { literalType: { case: 'string', value } };
    case 'boolean':
      return { literalType: { case: 'boolean', value } };
    case 'bigint':
      return { literalType: { case: 'integer', value: Number(value) } };
    case 'number':
      return { literalType: { case: 'double', value } };
    default: {
      const elements = (value as readonly number[]).map((item) => literal(item));
      return { literalType: { case: 'array', value: { elementType: typeToMessage(DoubleType), elements } } };
    }
  }
}

/** A DataFrame that the engine makes of an object: a model, its summary (`of`), or the functions without one. @internal */
export function fetched(context: Context, id: string, method: string, args: readonly Argument[], of: readonly string[] = []): DataFrame {
  const datasets = args.filter((value) => value instanceof DataFrame);
  const sent = args.map((value) => ({
    argsType:
      value instanceof DataFrame
        ? { case: 'input' as const, value: value.plan.relation }
        : { case: 'param' as const, value: literal(value) },
  }));
  const fetch = { objRef: { id }, methods: [...of.map((before) => ({ method: before, args: [] })), { method, args: sent }] };
  const relation = { case: 'mlRelation' as const, value: { mlType: { case: 'fetch' as const, value: fetch } } };
  return new DataFrame(context, planOf(context, relation, ...datasets.map((df) => df.plan)));
}

/** A DataFrame of a function of `pyspark.ml.stat` over a dataset. @internal */
export const statistic = (df: DataFrame, method: string, ...args: readonly Argument[]): DataFrame =>
  fetched(df.context, HELPER, method, [df, ...args]);

/** A DataFrame of a method of a fitted model. @internal */
export function ofModel(model: object, method: string, ...args: readonly Argument[]): DataFrame {
  const { context, id } = model as { context: Context; id: string };
  return fetched(context, id, method, args);
}

/** A function from a kind of models to a DataFrame. */
export type DataFrameOf<M> = (model: M) => DataFrame;

/** @internal */
export function dataFrameOf<M extends object>(method: string): DataFrameOf<M> {
  return (model) => ofModel(model, method);
}
