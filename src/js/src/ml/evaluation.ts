import { type Evaluator, evaluator, type MLWritable, type StageClass, spec } from './stage.js';

type J<P> = StageClass<P, Evaluator & MLWritable>;

/** Computes the area under the ROC or precision-recall curve of two classes (`BinaryClassificationEvaluator`). */
export const BinaryClassificationEvaluator: J<{
  /** The metric. */
  metricName: 'areaUnderROC' | 'areaUnderPR';
  /** Column of the true classes; `label` by default. */
  labelCol: string;
  /** Column of the scores; `rawPrediction` by default. */
  rawPredictionCol: string;
  /** Column of the rows' weights; all are 1 by default. */
  weightCol: string;
  /** Points that the curves are reduced to; 0 keeps all; 1,000 by default. */
  numBins: number;
}> = evaluator(
  spec(
    'evaluation.BinaryClassificationEvaluator',
    'labelCol="label" metricName="areaUnderROC" numBins=1000 rawPredictionCol="rawPrediction" weightCol',
  ),
);
/** An instance of {@link BinaryClassificationEvaluator}. */
export type BinaryClassificationEvaluator = InstanceType<typeof BinaryClassificationEvaluator>;

/** The metrics of {@link MulticlassClassificationEvaluator}. */
export type MulticlassMetric =
  | 'f1'
  | 'accuracy'
  | 'weightedPrecision'
  | 'weightedRecall'
  | 'weightedTruePositiveRate'
  | 'weightedFalsePositiveRate'
  | 'weightedFMeasure'
  | 'truePositiveRateByLabel'
  | 'falsePositiveRateByLabel'
  | 'precisionByLabel'
  | 'recallByLabel'
  | 'fMeasureByLabel'
  | 'logLoss'
  | 'hammingLoss';

/**
 * Computes a metric of the confusion matrix of any number of classes (`MulticlassClassificationEvaluator`).
 * @example
 * ```ts
 * const scored = spark.createDataFrame([[0, 0], [1, 1], [1, 0], [0, 0]], 'prediction DOUBLE, label DOUBLE');
 * await new ml.MulticlassClassificationEvaluator({ metricName: 'accuracy' }).evaluate(scored); // → 0.75
 * ```
 */
export const MulticlassClassificationEvaluator: J<{
  /** The metric. */
  metricName: MulticlassMetric;
  /** Column of the true classes; `label` by default. */
  labelCol: string;
  /** Column of the predicted classes; `prediction` by default. */
  predictionCol: string;
  /** Column of the class probabilities, for `logLoss`; `probability` by default. */
  probabilityCol: string;
  /** Column of the rows' weights; all are 1 by default. */
  weightCol: string;
  /** The class of the metrics by label; 0 by default. */
  metricLabel: number;
  /** Weight of recall in `weightedFMeasure` and `fMeasureByLabel`; 1 by default. */
  beta: number;
  /** Least probability in `logLoss`; 1e-15 by default. */
  eps: number;
}> = evaluator(
  spec(
    'evaluation.MulticlassClassificationEvaluator',
    'beta=1 eps=1e-15 labelCol="label" metricLabel=0 metricName="f1" predictionCol="prediction" probabilityCol="probability" weightCol',
  ),
  ['weightedFalsePositiveRate', 'falsePositiveRateByLabel', 'logLoss', 'hammingLoss'],
);
/** An instance of {@link MulticlassClassificationEvaluator}. */
export type MulticlassClassificationEvaluator = InstanceType<typeof MulticlassClassificationEvaluator>;
