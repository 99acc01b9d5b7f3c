import { evaluator, spec, type Evaluator, type Savable, type StageClass } from './stage.js';

type J<P> = StageClass<P, Evaluator & Savable>;

/** Area under the ROC or precision-recall curve of two classes. */
export const BinaryClassificationEvaluator: J<{
  metricName: 'areaUnderROC' | 'areaUnderPR'; labelCol: string; rawPredictionCol: string; weightCol: string; numBins: number;
}> = evaluator(spec(
  'evaluation.BinaryClassificationEvaluator', 'labelCol="label" metricName="areaUnderROC" numBins=1000 rawPredictionCol="rawPrediction" weightCol',
));

/** The metrics of {@link MulticlassClassificationEvaluator}. */
export type MulticlassMetric =
  | 'f1' | 'accuracy' | 'weightedPrecision' | 'weightedRecall' | 'weightedTruePositiveRate' | 'weightedFalsePositiveRate' | 'weightedFMeasure'
  | 'truePositiveRateByLabel' | 'falsePositiveRateByLabel' | 'precisionByLabel' | 'recallByLabel' | 'fMeasureByLabel' | 'logLoss' | 'hammingLoss';

/** What a confusion matrix says of any number of classes. */
export const MulticlassClassificationEvaluator: J<{
  metricName: MulticlassMetric; labelCol: string; predictionCol: string; probabilityCol: string; weightCol: string;
  metricLabel: number; beta: number; eps: number;
}> = evaluator(spec(
  'evaluation.MulticlassClassificationEvaluator',
  'beta=1 eps=1e-15 labelCol="label" metricLabel=0 metricName="f1" predictionCol="prediction" probabilityCol="probability" weightCol',
), ['weightedFalsePositiveRate', 'falsePositiveRateByLabel', 'logLoss', 'hammingLoss']);
