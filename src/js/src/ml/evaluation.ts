import { evaluator, spec, type Evaluator, type MLWritable, type StageClass } from './stage.js';

type J<P> = StageClass<P, Evaluator & MLWritable>;

/** Computes the area under the ROC or precision-recall curve of two classes (`BinaryClassificationEvaluator`). */
export const BinaryClassificationEvaluator: J<{
  metricName: 'areaUnderROC' | 'areaUnderPR';
  labelCol: string;
  rawPredictionCol: string;
  weightCol: string;
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

/** Computes a metric of the confusion matrix of any number of classes (`MulticlassClassificationEvaluator`). */
export const MulticlassClassificationEvaluator: J<{
  metricName: MulticlassMetric;
  labelCol: string;
  predictionCol: string;
  probabilityCol: string;
  weightCol: string;
  metricLabel: number;
  beta: number;
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
