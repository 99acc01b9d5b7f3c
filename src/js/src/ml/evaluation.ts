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

/**
 * Computes how far predictions are from labels (`RegressionEvaluator`).
 * @example
 * ```ts
 * const scored = spark.createDataFrame([[1, 2], [3, 3]], 'prediction DOUBLE, label DOUBLE');
 * await new ml.RegressionEvaluator({ metricName: 'mae' }).evaluate(scored); // → 0.5
 * ```
 */
export const RegressionEvaluator: J<{
  /** The metric: an error, the share of the variance that is explained, or the explained variance; `rmse` by default. */
  metricName: 'rmse' | 'mse' | 'r2' | 'mae' | 'var';
  /** Column of the true values; `label` by default. */
  labelCol: string;
  /** Column of the predicted values; `prediction` by default. */
  predictionCol: string;
  /** Column of the rows' weights; all are 1 by default. */
  weightCol: string;
  /** Whether `r2` is of a regression through the origin; false by default. */
  throughOrigin: boolean;
}> = evaluator(
  spec('evaluation.RegressionEvaluator', 'labelCol="label" metricName="rmse" predictionCol="prediction" throughOrigin=false weightCol'),
  ['rmse', 'mse', 'mae'],
);
/** An instance of {@link RegressionEvaluator}. */
export type RegressionEvaluator = InstanceType<typeof RegressionEvaluator>;

/** Computes the mean silhouette of a clustering: near 1 if points are nearer to their own cluster than to others (`ClusteringEvaluator`). */
export const ClusteringEvaluator: J<{
  /** The metric. */
  metricName: 'silhouette';
  /** The distance between points; `squaredEuclidean` by default. */
  distanceMeasure: 'squaredEuclidean' | 'cosine';
  /** Column of the points; `features` by default. */
  featuresCol: string;
  /** Column of the clusters' numbers; `prediction` by default. */
  predictionCol: string;
  /** Column of the points' weights; all are 1 by default. */
  weightCol: string;
}> = evaluator(
  spec(
    'evaluation.ClusteringEvaluator',
    'distanceMeasure="squaredEuclidean" featuresCol="features" metricName="silhouette" predictionCol="prediction" weightCol',
  ),
);
/** An instance of {@link ClusteringEvaluator}. */
export type ClusteringEvaluator = InstanceType<typeof ClusteringEvaluator>;

/** Computes how well lists of recommendations are ordered (`RankingEvaluator`). */
export const RankingEvaluator: J<{
  /** The metric; `meanAveragePrecision` by default. */
  metricName: 'meanAveragePrecision' | 'meanAveragePrecisionAtK' | 'precisionAtK' | 'ndcgAtK' | 'recallAtK';
  /** Column of the relevant items: lists of doubles; `label` by default. */
  labelCol: string;
  /** Column of the recommendations, best first: lists of doubles; `prediction` by default. */
  predictionCol: string;
  /** How many recommendations the metrics "at K" look at; 10 by default. */
  k: number;
}> = evaluator(spec('evaluation.RankingEvaluator', 'k=10 labelCol="label" metricName="meanAveragePrecision" predictionCol="prediction"'));
/** An instance of {@link RankingEvaluator}. */
export type RankingEvaluator = InstanceType<typeof RankingEvaluator>;

/** The metrics of {@link MultilabelClassificationEvaluator}. */
export type MultilabelMetric =
  | 'subsetAccuracy'
  | 'accuracy'
  | 'hammingLoss'
  | 'precision'
  | 'recall'
  | 'f1Measure'
  | 'precisionByLabel'
  | 'recallByLabel'
  | 'f1MeasureByLabel'
  | 'microPrecision'
  | 'microRecall'
  | 'microF1Measure';

/** Computes a metric of predictions of several labels per row (`MultilabelClassificationEvaluator`). */
export const MultilabelClassificationEvaluator: J<{
  /** The metric; `f1Measure` by default. */
  metricName: MultilabelMetric;
  /** Column of the true labels: lists of doubles; `label` by default. */
  labelCol: string;
  /** Column of the predicted labels: lists of doubles; `prediction` by default. */
  predictionCol: string;
  /** The label of the metrics by label; 0 by default. */
  metricLabel: number;
}> = evaluator(
  spec('evaluation.MultilabelClassificationEvaluator', 'labelCol="label" metricLabel=0 metricName="f1Measure" predictionCol="prediction"'),
  ['hammingLoss'],
);
/** An instance of {@link MultilabelClassificationEvaluator}. */
export type MultilabelClassificationEvaluator = InstanceType<typeof MultilabelClassificationEvaluator>;
