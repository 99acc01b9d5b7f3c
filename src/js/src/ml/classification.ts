import { estimator, model, spec, type Estimator, type ModelClassOf, type ModelOf, type MLWritable, type StageClass } from './stage.js';
import type { DenseMatrix, DenseVector, Vector } from './vector.js';

/** Params of {@link NaiveBayes} and its models. */
export interface NaiveBayesParams {
  featuresCol: string;
  labelCol: string;
  predictionCol: string;
  probabilityCol: string;
  rawPredictionCol: string;
  weightCol: string;
  modelType: 'multinomial' | 'complement' | 'bernoulli' | 'gaussian';
  /** Added to every count. */
  smoothing: number;
  /** One a class: a prediction is the class with the largest probability / threshold. */
  thresholds: readonly number[];
}

interface Attributes {
  /** Log of the classes' probabilities. */
  pi: DenseVector;
  /** Per class and feature: log of its probability, or its mean. */
  theta: DenseMatrix;
  /** Per class and feature: its variance, in Gaussian models. */
  sigma: DenseMatrix;
  numClasses: number;
  numFeatures: number;
}

interface Methods {
  /** The class of one vector. */
  predict(features: Vector): Promise<number>;
  /** Log of class probability and likelihood of one vector, up to a constant. */
  predictRaw(features: Vector): Promise<DenseVector>;
  /** Class probabilities of one vector. */
  predictProbability(features: Vector): Promise<DenseVector>;
}

const PARAMS =
  'featuresCol="features" labelCol="label" modelType="multinomial" predictionCol="prediction" probabilityCol="probability" ' +
  'rawPredictionCol="rawPrediction" smoothing=1 thresholds weightCol';

const models = model<NaiveBayesParams, Attributes>(
  spec('classification.NaiveBayesModel', PARAMS, 'pi theta sigma numClasses numFeatures predict predictRaw predictProbability'),
);

/** A fitted {@link NaiveBayes}. */
export type NaiveBayesModel = ModelOf<NaiveBayesParams, Attributes> & Methods;
/** Predicts classes with what a {@link NaiveBayes} learned (`NaiveBayesModel`). */
export const NaiveBayesModel = models as unknown as ModelClassOf<NaiveBayesModel>;
/** Learns multinomial, complement, Bernoulli or Gaussian naive Bayes models (`NaiveBayes`). */
export const NaiveBayes = estimator(spec('classification.NaiveBayes', PARAMS), models) as unknown as StageClass<
  NaiveBayesParams,
  Estimator<NaiveBayesModel> & MLWritable
>;
/** An instance of {@link NaiveBayes}. */
export type NaiveBayes = InstanceType<typeof NaiveBayes>;
