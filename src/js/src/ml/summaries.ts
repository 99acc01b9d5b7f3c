import type { DataFrame } from '../sql/dataframe.js';
import type { Context } from '../sql/plan.js';
import { fetched } from './relations.js';
import { mlCommand, type Transformer } from './stage.js';

/** What summaries say, by Spark's names. Each kind of model has some of them; the others are errors. */
export interface Findings {
  /** The objective before each step. */
  objectiveHistory: number[];
  /** How many steps training had. */
  totalIterations: number;
  /** The share of rows whose class is right. */
  accuracy: number;
  /** The area under the curve of true positives over false ones; of two classes. */
  areaUnderROC: number;
  /** The classes that the lists `…ByLabel` are of. */
  labels: number[];
  /** Of the rows predicted as each class, the share that is. */
  precisionByLabel: number[];
  /** Of the rows of each class, the share that is predicted so. */
  recallByLabel: number[];
  /** The same as recall. */
  truePositiveRateByLabel: number[];
  /** Of the rows of other classes, the share that is predicted as each. */
  falsePositiveRateByLabel: number[];
  /** The F-measure of each class; `beta` may be given. */
  fMeasureByLabel: number[];
  /** The mean of precisions by the classes' numbers of rows. */
  weightedPrecision: number;
  /** The mean of recalls by the classes' numbers of rows. */
  weightedRecall: number;
  /** The same as the mean of recalls. */
  weightedTruePositiveRate: number;
  /** The mean of the false positive rates by the classes' numbers of rows. */
  weightedFalsePositiveRate: number;
  /** The mean of the F-measures by the classes' numbers of rows; `beta` may be given. */
  weightedFMeasure: number;
  /** The mean of the squared errors. */
  meanSquaredError: number;
  /** The root of the mean squared error. */
  rootMeanSquaredError: number;
  /** The mean of the absolute errors. */
  meanAbsoluteError: number;
  /** The variance of the predictions around the mean label. */
  explainedVariance: number;
  /** The coefficient of determination. */
  r2: number;
  /** The same, adjusted for the number of features. */
  r2adj: number;
  /** How many rows there are. */
  numInstances: number;
  /** Rows less coefficients. */
  degreesOfFreedom: number;
  /** What the coefficients' errors are, the intercept's last; of models that were solved by normal equations. */
  coefficientStandardErrors: number[];
  /** The coefficients by their standard errors. */
  tValues: number[];
  /** How probable such a t-value is for a coefficient of 0. */
  pValues: number[];
  /** The deviance; of generalized linear models. */
  deviance: number;
  /** The deviance of a model of the intercept alone. */
  nullDeviance: number;
  /** The variance of the residuals; 1 for binomial and Poisson families. */
  dispersion: number;
  /** Akaike's information criterion. */
  aic: number;
  /** How many coefficients were fitted. */
  rank: number;
  /** Rows less the rank. */
  residualDegreeOfFreedom: number;
  /** Rows less the intercept. */
  residualDegreeOfFreedomNull: number;
  /** How many steps a generalized linear model had. */
  numIterations: number;
  /** How many clusters were wanted. */
  k: number;
  /** How many steps a clustering had. */
  numIter: number;
  /** What the rows cost at their centres. */
  trainingCost: number;
  /** How many rows each cluster has. */
  clusterSizes: number[];
  /** The logarithm of how probable the rows are; of mixtures. */
  logLikelihood: number;
}

/** What summaries have as DataFrames, by Spark's names. */
export interface SummaryFrames {
  /** The dataset with the model's columns. */
  predictions: DataFrame;
  /** `FPR`, `TPR`: the share of negative rows, and that of positive ones, that each score or a larger one finds; of two classes. */
  roc: DataFrame;
  /** `recall`, `precision` by falling score; of two classes. */
  pr: DataFrame;
  /** `threshold`, `F-Measure`; of two classes. */
  fMeasureByThreshold: DataFrame;
  /** `threshold`, `precision`; of two classes. */
  precisionByThreshold: DataFrame;
  /** `threshold`, `recall`; of two classes. */
  recallByThreshold: DataFrame;
}

/** What a model is worth over a dataset: that of its training, or another. Nothing is computed before it is asked for. */
export interface Summary {
  /** Returns what is found under a name; a job computes it if need be. */
  get<K extends keyof Findings>(name: K, ...args: number[]): Promise<Findings[K]>;
  /** Returns what there is under a name as a DataFrame, such as a curve. It needs the summary until it is computed. */
  dataFrame(name: keyof SummaryFrames): DataFrame;
}
/** A summary of its own, to be released. */
export interface EvaluationSummary extends Summary {
  /** Lets the engine forget the summary. */
  release(): Promise<void>;
}

type Held = { context: Context; id: string };

const found =
  (context: Context, id: string, before: readonly string[]): Summary['get'] =>
  async (name, ...given) => {
    const args = given.map((value) => ({
      argsType: { case: 'param' as const, value: { literalType: { case: 'double' as const, value } } },
    }));
    const methods = [...before.map((method) => ({ method, args: [] })), { method: name, args }];
    const { value } = await mlCommand(context, { case: 'fetch', value: { objRef: { id }, methods } });
    return (ArrayBuffer.isView(value) ? [...(value as unknown as Iterable<number>)] : value) as never;
  };

/**
 * Returns the summary of a model's training (`model.summary` of PySpark); a model that was loaded has none.
 * @example
 * ```ts
 * const rows = [[0, 0], [0, 1], [9, 9], [9, 8]].map((v) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(v)) }));
 * const points = spark.createDataFrame(rows, new StructType([new StructField('features', ml.VectorType)]));
 * const model = await new ml.KMeans({ k: 2, seed: 1 }).fit(points);
 * await ml.summaryOf(model).get('clusterSizes'); // → [2, 2]
 * await ml.summaryOf(model).dataFrame('predictions').count(); // → 4
 * ```
 */
export function summaryOf(model: Transformer): Summary {
  const { context, id } = model as unknown as Held;
  return { get: found(context, id, ['summary']), dataFrame: (name) => fetched(context, id, name, [], ['summary']) };
}

/** Returns the summary of a model over another dataset (`model.evaluate(dataset)` of PySpark). */
export async function evaluate(model: Transformer, dataset: DataFrame): Promise<EvaluationSummary> {
  const { context, id } = model as unknown as Held;
  const args = [{ argsType: { case: 'input' as const, value: dataset.plan.relation } }];
  const fetch = { objRef: { id }, methods: [{ method: 'evaluate', args }] };
  const { id: own = '' } = await mlCommand(context, { case: 'fetch', value: fetch }, dataset.plan.needs);
  return {
    get: found(context, own, []),
    dataFrame: (name) => fetched(context, own, name, []),
    async release() {
      await mlCommand(context, { case: 'delete', value: { objRefs: [{ id: own }] } });
    },
  };
}
