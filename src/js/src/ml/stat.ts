import type { Column } from '../sql/column.js';
import type { DataFrame } from '../sql/dataframe.js';
import { functions as F } from '../sql/functions/index.js';
import { statistic } from './relations.js';

/** Correlations between the features of vectors (`Correlation`). */
export const Correlation = {
  /** Returns one row with the matrix of correlations, in a column `pearson(column)`; `spearman` correlates ranks, and keeps all vectors. */
  corr: (df: DataFrame, column: string, method: 'pearson' | 'spearman' = 'pearson'): DataFrame =>
    statistic(df, 'correlation', column, method),
};

/** Tests of each feature's independence from the label, both of categories (`ChiSquareTest`). */
export const ChiSquareTest = {
  /** Returns `pValues`, `degreesOfFreedom`, `statistics` in one row; flattened, a row per feature. */
  test: (df: DataFrame, featuresCol: string, labelCol: string, flatten = false): DataFrame =>
    statistic(df, 'chiSquareTest', featuresCol, labelCol, flatten),
};

/** Tests whether the mean of each feature differs between labels (`ANOVATest`). */
export const ANOVATest = {
  /** Returns `pValues`, `degreesOfFreedom`, `fValues` in one row; flattened, a row per feature. */
  test: (df: DataFrame, featuresCol: string, labelCol: string, flatten = false): DataFrame =>
    statistic(df, 'anovaTest', featuresCol, labelCol, flatten),
};

/** Tests a linear regression of the label on each feature (`FValueTest`). */
export const FValueTest = {
  /** Returns `pValues`, `degreesOfFreedom`, `fValues` in one row; flattened, a row per feature. */
  test: (df: DataFrame, featuresCol: string, labelCol: string, flatten = false): DataFrame =>
    statistic(df, 'fValueTest', featuresCol, labelCol, flatten),
};

/** Tests whether a sample comes from a normal distribution (`KolmogorovSmirnovTest`). */
export const KolmogorovSmirnovTest = {
  /** Returns `pValue` and `statistic`; `params` are mean and standard deviation, 0 and 1 by default. */
  test: (df: DataFrame, sampleCol: string, distribution: 'norm', ...params: readonly number[]): DataFrame =>
    statistic(df, 'kolmogorovSmirnovTest', sampleCol, distribution, params),
};

/** The statistics of {@link Summarizer}. */
export type SummaryMetric =
  | 'mean'
  | 'sum'
  | 'variance'
  | 'std'
  | 'count'
  | 'numNonZeros'
  | 'weightSum'
  | 'max'
  | 'min'
  | 'normL1'
  | 'normL2';

/** Statistics of each feature of vectors, as aggregates (`Summarizer`). */
export const Summarizer = {
  /** Returns an aggregate of several statistics: a struct with a field for each. */
  metrics: (...metrics: readonly SummaryMetric[]) => ({
    /** Returns the aggregate over a column of vectors and, if given, one of weights. */
    summary: (features: Column, weight: Column = F.lit(1)): Column =>
      F.callFunction('aggregate_metrics', F.array(...metrics.map((metric) => F.lit(metric))), features, weight),
  }),
};
