import type { DataFrame } from '../sql/dataframe.js';
import type { Counts, Features, PredictMethod } from './learner_parts.js';
import { ofModel } from './relations.js';
import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { DenseMatrix, DenseVector, Vector } from './vector.js';

// ----------------------------------------------------------------------------------------------------------------- mixtures

interface GaussianMixtureParams extends Features {
  /** How many normal distributions; 2 by default. */
  k: number;
  /** The most steps; 100 by default. */
  maxIter: number;
  /** How little the logarithm of the likelihood changes in the last step; 0.01 by default. */
  tol: number;
  /** Column for the probabilities of the parts; `probability` by default. */
  probabilityCol: string;
  /** Seed of the rows it begins with. */
  seed: number;
}
interface GaussianMixtureAttributes extends Counts {
  /** Returns how much of all each part is. */
  weights: number[];
}
interface MixtureMethods extends PredictMethod {
  /** Returns how probable each part is at one vector. */
  predictProbability(features: Vector): Promise<DenseVector>;
}
const MIXTURE = 'featuresCol="features" k=2 maxIter=100 predictionCol="prediction" probabilityCol="probability" seed tol=0.01 weightCol';
const mixture = model<GaussianMixtureParams, GaussianMixtureAttributes>(
  spec('clustering.GaussianMixtureModel', MIXTURE, 'weights numFeatures predict predictProbability'),
);
/** A fitted {@link GaussianMixture}. */
export type GaussianMixtureModel = ModelOf<GaussianMixtureParams, GaussianMixtureAttributes> & MixtureMethods;
/** Says how probable each normal distribution is at a vector (`GaussianMixtureModel`). */
export const GaussianMixtureModel = mixture as unknown as ModelClassOf<GaussianMixtureModel>;
/**
 * Learns a mixture of normal distributions, by expectation and maximisation (`GaussianMixture`).
 * @example
 * ```ts
 * const rows = [[0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]].map((v) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(v)) }));
 * const points = spark.createDataFrame(rows, new StructType([new StructField('features', ml.VectorType)]));
 * const model = await new ml.GaussianMixture({ k: 2, seed: 5, tol: 1e-6 }).fit(points);
 * const [near, far] = await Promise.all([model.predict(ml.Vectors.dense(1, 1)), model.predict(ml.Vectors.dense(8, 8))]);
 * near === far; // → false
 * ```
 */
export const GaussianMixture = estimator(spec('clustering.GaussianMixture', MIXTURE), mixture) as unknown as StageClass<
  GaussianMixtureParams,
  Estimator<GaussianMixtureModel> & MLWritable
>;
/** An instance of {@link GaussianMixture}. */
export type GaussianMixture = InstanceType<typeof GaussianMixture>;

/** Returns the normal distributions: `mean`, a vector, and `cov`, the matrix of their covariance (`GaussianMixtureModel.gaussiansDF`). */
export const gaussians = (fitted: GaussianMixtureModel): DataFrame => ofModel(fitted, 'gaussiansDF');

// -------------------------------------------------------------------------------------------------------- bisecting k-means

interface BisectingKMeansParams extends Features {
  /** The most clusters; 4 by default. */
  k: number;
  /** Steps for each division; 20 by default. */
  maxIter: number;
  /** The least number of rows of a cluster that is divided, or below 1 their share of all; 1 by default. */
  minDivisibleClusterSize: number;
  /** Lengths of differences, or angles; `euclidean` by default. */
  distanceMeasure: 'euclidean' | 'cosine';
  /** Seed of where divisions begin. */
  seed: number;
}
interface BisectingKMeansAttributes extends Counts {
  /** Returns the centres, a row per cluster. */
  clusterCenterMatrix: DenseMatrix;
}
const BISECTING =
  'distanceMeasure="euclidean" featuresCol="features" k=4 maxIter=20 minDivisibleClusterSize=1 predictionCol="prediction" seed weightCol';
const divided = model<BisectingKMeansParams, BisectingKMeansAttributes>(
  spec('clustering.BisectingKMeansModel', BISECTING, 'clusterCenterMatrix numFeatures predict'),
);
/** A fitted {@link BisectingKMeans}. */
export type BisectingKMeansModel = ModelOf<BisectingKMeansParams, BisectingKMeansAttributes> & PredictMethod;
/** Goes down to the nearest centre of each division (`BisectingKMeansModel`). */
export const BisectingKMeansModel = divided as unknown as ModelClassOf<BisectingKMeansModel>;
/**
 * Divides all rows in two clusters, these again, and so on (`BisectingKMeans`).
 * @example
 * ```ts
 * const rows = [[0, 0], [0, 1], [9, 9], [9, 8]].map((v) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(v)) }));
 * const points = spark.createDataFrame(rows, new StructType([new StructField('features', ml.VectorType)]));
 * const model = await new ml.BisectingKMeans({ k: 2, seed: 1 }).fit(points);
 * await ml.summaryOf(model).get('trainingCost'); // → 1
 * ```
 */
export const BisectingKMeans = estimator(spec('clustering.BisectingKMeans', BISECTING), divided) as unknown as StageClass<
  BisectingKMeansParams,
  Estimator<BisectingKMeansModel> & MLWritable
>;
/** An instance of {@link BisectingKMeans}. */
export type BisectingKMeans = InstanceType<typeof BisectingKMeans>;
