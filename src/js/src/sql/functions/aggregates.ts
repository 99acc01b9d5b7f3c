import type { Column, ColumnOrName as C, LiteralValue } from '../column.js';
import { fromTable } from './table.js';

/** Aggregate and window functions. Aggregates skip nulls unless they say otherwise. */
export interface AggregateFunctions {
  /** Sum; of no rows null. */
  sum(column: C): Column;
  /** Mean; of no rows null. */
  avg(column: C): Column;
  /** Same as avg. */
  mean(column: C): Column;
  /** Smallest value. */
  min(column: C): Column;
  /** Largest value. */
  max(column: C): Column;
  /** Value of `column` where `order` is largest. */
  maxBy(column: C, order: C): Column;
  /** Value of `column` where `order` is smallest. */
  minBy(column: C, order: C): Column;
  /** Some value, the first where the order is defined. */
  first(column: C, ignoreNulls?: boolean): Column;
  /** Some value, the last where the order is defined. */
  last(column: C, ignoreNulls?: boolean): Column;
  /** Some value. */
  anyValue(column: C, ignoreNulls?: boolean): Column;
  /** All values as an array, duplicates too. */
  collectList(column: C): Column;
  /** All different values as an array, in no order. */
  collectSet(column: C): Column;
  /** All values as an array, nulls too. */
  arrayAgg(column: C): Column;
  /** Estimate of the number of different values. */
  approxCountDistinct(column: C, relativeError?: number): Column;
  /** Number of rows where the condition holds. */
  countIf(column: C): Column;
  /** True if all are. */
  boolAnd(column: C): Column;
  /** True if one is. */
  boolOr(column: C): Column;
  /** True if all are. */
  every(column: C): Column;
  /** True if one is. */
  some(column: C): Column;
  /** Sample standard deviation. */
  stddev(column: C): Column;
  /** Sample standard deviation. */
  stddevSamp(column: C): Column;
  /** Population standard deviation. */
  stddevPop(column: C): Column;
  /** Sample variance. */
  variance(column: C): Column;
  /** Sample variance. */
  varSamp(column: C): Column;
  /** Population variance. */
  varPop(column: C): Column;
  /** Skewness. */
  skewness(column: C): Column;
  /** Excess kurtosis. */
  kurtosis(column: C): Column;
  /** Pearson correlation. */
  corr(column1: C, column2: C): Column;
  /** Sample covariance. */
  covarSamp(column1: C, column2: C): Column;
  /** Population covariance. */
  covarPop(column1: C, column2: C): Column;
  /** Exact percentile, 0 to 1. */
  percentile(column: C, percentage: number | Column, frequency?: number | Column): Column;
  /** Approximate percentile, 0 to 1. */
  percentileApprox(column: C, percentage: number | Column, accuracy?: number): Column;
  /** Middle value. */
  median(column: C): Column;
  /** Most frequent value. */
  mode(column: C, deterministic?: boolean): Column;
  /** Product. */
  product(column: C): Column;
  /** Bitwise and of all. */
  bitAnd(column: C): Column;
  /** Bitwise or of all. */
  bitOr(column: C): Column;
  /** Bitwise exclusive or of all. */
  bitXor(column: C): Column;
  /** In rollup and cube: 1 where the column is aggregated away. */
  grouping(column: C): Column;
  /** In rollup and cube: the grouping bits of all columns. */
  groupingId(...columns: C[]): Column;
  /** All texts joined by the delimiter. */
  listagg(column: C, delimiter?: string): Column;
  /** Number of the row in its window partition, from 1. */
  rowNumber(): Column;
  /** Rank with gaps. */
  rank(): Column;
  /** Rank without gaps. */
  denseRank(): Column;
  /** Rank from 0 to 1. */
  percentRank(): Column;
  /** Share of rows at or before this one. */
  cumeDist(): Column;
  /** Number of the row's part when the partition is cut into n parts. */
  ntile(n: number): Column;
  /** Value `offset` rows before. */
  lag(column: C, offset?: number, defaultValue?: LiteralValue): Column;
  /** Value `offset` rows after. */
  lead(column: C, offset?: number, defaultValue?: LiteralValue): Column;
  /** Value of the nth row of the frame, from 1. */
  nthValue(column: C, n: number, ignoreNulls?: boolean): Column;
}

export const aggregateFunctions: AggregateFunctions = {
  ...fromTable<AggregateFunctions>(`
    sum avg mean=avg min max maxBy minBy first last anyValue collectList collectSet arrayAgg approxCountDistinct countIf boolAnd boolOr
    every some stddev stddevSamp stddevPop variance varSamp varPop skewness kurtosis corr covarSamp covarPop percentile percentileApprox
    median mode product bitAnd bitOr bitXor grouping groupingId listagg:cl rowNumber rank denseRank percentRank cumeDist ntile
    lag:cl lead:cl nthValue:cl`),
};
const { lag, lead, first, last, percentile, percentileApprox } = aggregateFunctions;
// The defaults that PySpark sends too.
Object.assign(aggregateFunctions, {
  lag: (column: C, offset = 1, value?: LiteralValue) => lag(column, offset, value),
  lead: (column: C, offset = 1, value?: LiteralValue) => lead(column, offset, value),
  first: (column: C, ignoreNulls = false) => first(column, ignoreNulls),
  last: (column: C, ignoreNulls = false) => last(column, ignoreNulls),
  percentile: (column: C, share: number | Column, frequency: number | Column = 1) => percentile(column, share, frequency),
  percentileApprox: (column: C, share: number | Column, accuracy = 10000) => percentileApprox(column, share, accuracy),
});
