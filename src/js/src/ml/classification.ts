import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { DenseMatrix, DenseVector, Vector } from './vector.js';

/** Params of {@link NaiveBayes} and its models. */
export interface NaiveBayesParams {
  /** Column of the feature vectors; `features` by default. */
  featuresCol: string;
  /** Column of the classes, whole numbers from 0; `label` by default. */
  labelCol: string;
  /** Column for the predicted class; `prediction` by default. */
  predictionCol: string;
  /** Column for the probabilities of the classes; `probability` by default. */
  probabilityCol: string;
  /** Column for the logarithms of the classes' likelihoods; `rawPrediction` by default. */
  rawPredictionCol: string;
  /** Column of the rows' weights; all are 1 by default. */
  weightCol: string;
  /** The kind of model; `multinomial` by default. */
  modelType: 'multinomial' | 'complement' | 'bernoulli' | 'gaussian';
  /** Added to every count. */
  smoothing: number;
  /** One per class: a prediction is the class with the largest probability / threshold. */
  thresholds: readonly number[];
}

interface Attributes {
  /** Returns the logarithms of the classes' probabilities. */
  pi: DenseVector;
  /** Returns, per class and feature, the logarithm of its probability, or its mean. */
  theta: DenseMatrix;
  /** Returns, per class and feature, its variance, in Gaussian models. */
  sigma: DenseMatrix;
  numClasses: number;
  numFeatures: number;
}

interface Methods {
  /** Predicts the class of one vector. */
  predict(features: Vector): Promise<number>;
  /** Returns the logarithm of class probability and likelihood of one vector, up to a constant. */
  predictRaw(features: Vector): Promise<DenseVector>;
  /** Returns the class probabilities of one vector. */
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
/**
 * Learns multinomial, complement, Bernoulli or Gaussian naive Bayes models (`NaiveBayes`).
 * @example
 * ```ts
 * const rows = [[0, 1, 0], [0, 2, 0], [1, 0, 1]].map(([label, ...v]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(v)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const model = await new ml.NaiveBayes({ smoothing: 1 }).fit(spark.createDataFrame(rows, schema));
 * await model.predict(ml.Vectors.dense(0, 1)); // → 1
 * ```
 */
export const NaiveBayes = estimator(spec('classification.NaiveBayes', PARAMS), models) as unknown as StageClass<
  NaiveBayesParams,
  Estimator<NaiveBayesModel> & MLWritable
>;
/** An instance of {@link NaiveBayes}. */
export type NaiveBayes = InstanceType<typeof NaiveBayes>;
