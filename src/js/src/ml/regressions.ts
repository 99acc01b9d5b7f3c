import {
  CLASSIFYING,
  type Classes,
  type ClassifierMethods,
  type Classifying,
  type Counts,
  LABELLED,
  type Labelled,
  PREDICTS,
  type PredictMethod,
  SCORES,
  UNWEIGHTED,
} from './learner_parts.js';
import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { DenseMatrix, DenseVector, Vector } from './vector.js';

interface LinearAttributes extends Counts {
  /** Returns a number per feature. */
  coefficients: Vector;
  /** Returns what is added. */
  intercept: number;
}

// --------------------------------------------------------------------------------------- linear support vector machine

interface PlaneParams extends Omit<Classifying, 'probabilityCol' | 'thresholds'> {
  /** The most steps; 100 by default. */
  maxIter: number;
  /** How little a step may change before the training ends; 1e-6 by default. */
  tol: number;
  /** How much the squares of coefficients cost; 0 by default. */
  regParam: number;
  /** Whether there is an intercept; true by default. */
  fitIntercept: boolean;
  /** Whether features are scaled before coefficients cost; true by default. */
  standardization: boolean;
  /** The second class is predicted above this raw prediction; 0 by default. */
  threshold: number;
}
interface PlaneMethods extends Omit<ClassifierMethods, 'predictProbability'> {
  /** Returns the raw prediction of one vector: how far it is on either side. */
  predictRaw(features: Vector): Promise<DenseVector>;
}
const PLANE = `${LABELLED} rawPredictionCol="rawPrediction" fitIntercept=true maxIter=100 regParam=0 standardization=true threshold=0 tol=0.000001`;
const plane = model<PlaneParams, LinearAttributes & Pick<Classes, 'numClasses'>>(
  spec('classification.LinearSVCModel', PLANE, 'coefficients intercept numFeatures numClasses predict predictRaw'),
);
/** A fitted {@link LinearSVC}. */
export type LinearSVCModel = ModelOf<PlaneParams, LinearAttributes & Pick<Classes, 'numClasses'>> & PlaneMethods;
/** Predicts two classes by the sides of a plane (`LinearSVCModel`). */
export const LinearSVCModel = plane as unknown as ModelClassOf<LinearSVCModel>;
/**
 * Learns linear support vector machines of two classes (`LinearSVC`).
 * @example
 * ```ts
 * const rows = [[0, -1], [0, -2], [1, 1], [1, 2]].map(([label, x]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(x!)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const model = await new ml.LinearSVC({ regParam: 0.1 }).fit(spark.createDataFrame(rows, schema));
 * await model.predict(ml.Vectors.dense(3)); // → 1
 * ```
 */
export const LinearSVC = estimator(spec('classification.LinearSVC', PLANE), plane) as unknown as StageClass<
  PlaneParams,
  Estimator<LinearSVCModel> & MLWritable
>;
/** An instance of {@link LinearSVC}. */
export type LinearSVC = InstanceType<typeof LinearSVC>;

// -------------------------------------------------------------------------------------------- generalized linear models

interface GeneralParams extends Labelled {
  /** How labels vary around their mean; `gaussian` by default. */
  family: 'gaussian' | 'binomial' | 'poisson' | 'gamma' | 'tweedie';
  /** Which function of the mean is linear in the features; by the family if it is not set. */
  link: 'identity' | 'log' | 'inverse' | 'logit' | 'probit' | 'cloglog' | 'sqrt';
  /** Of the family tweedie, the power of the mean that is linear in the features; 1 - `variancePower` by default. */
  linkPower: number;
  /** Of the family tweedie, the power of the mean that the variance is: 0, or from 1 on. */
  variancePower: number;
  /** Column for the linear part of the prediction; none by default. */
  linkPredictionCol: string;
  /** Column of what is added to the linear part; 0 by default. */
  offsetCol: string;
  /** The most steps; 25 by default. */
  maxIter: number;
  /** How little coefficients may change before the training ends; 1e-6 by default. */
  tol: number;
  /** How much the squares of coefficients cost; 0 by default. */
  regParam: number;
  /** Whether there is an intercept; true by default. */
  fitIntercept: boolean;
}
const GENERAL = `${LABELLED} family="gaussian" fitIntercept=true link linkPower linkPredictionCol maxIter=25 offsetCol regParam=0 tol=0.000001 variancePower=0`;
const general = model<GeneralParams, LinearAttributes>(
  spec('regression.GeneralizedLinearRegressionModel', GENERAL, 'coefficients intercept numFeatures predict'),
);
/** A fitted {@link GeneralizedLinearRegression}. */
export type GeneralizedLinearRegressionModel = ModelOf<GeneralParams, LinearAttributes> & PredictMethod;
/** Predicts means by a function of a sum over features (`GeneralizedLinearRegressionModel`). */
export const GeneralizedLinearRegressionModel = general as unknown as ModelClassOf<GeneralizedLinearRegressionModel>;
/**
 * Learns generalized linear models: of numbers, shares, counts and positive numbers (`GeneralizedLinearRegression`).
 * @example
 * ```ts
 * const rows = [[1, 0], [2, 1], [4, 2]].map(([label, x]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(x!)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const counts = await new ml.GeneralizedLinearRegression({ family: 'poisson' }).fit(spark.createDataFrame(rows, schema));
 * Math.round(await counts.predict(ml.Vectors.dense(3))); // → 8
 * ```
 */
export const GeneralizedLinearRegression = estimator(
  spec('regression.GeneralizedLinearRegression', GENERAL),
  general,
) as unknown as StageClass<GeneralParams, Estimator<GeneralizedLinearRegressionModel> & MLWritable>;
/** An instance of {@link GeneralizedLinearRegression}. */
export type GeneralizedLinearRegression = InstanceType<typeof GeneralizedLinearRegression>;

// -------------------------------------------------------------------------------------------------- survival regression

interface SurvivalParams extends Omit<Labelled, 'weightCol'> {
  /** Column that says whether a lifetime ended: 1, or 0 if it was longer than the label; `censor` by default. */
  censorCol: string;
  /** Column for the quantiles of the lifetime; none by default. */
  quantilesCol: string;
  /** Probabilities of the quantiles, without 0 and 1. */
  quantileProbabilities: readonly number[];
  /** The most steps; 100 by default. */
  maxIter: number;
  /** How little a step may change before the training ends; 1e-6 by default. */
  tol: number;
  /** Whether there is an intercept; true by default. */
  fitIntercept: boolean;
}
interface SurvivalAttributes extends LinearAttributes {
  /** Returns how much lifetimes vary: one over the shape of Weibull's distribution. */
  scale: number;
}
interface SurvivalMethods extends PredictMethod {
  /** Returns the quantiles of the lifetime of one vector. */
  predictQuantiles(features: Vector): Promise<DenseVector>;
}
const SURVIVAL = `${UNWEIGHTED} censorCol="censor" fitIntercept=true maxIter=100 quantileProbabilities=[0.01,0.05,0.1,0.25,0.5,0.75,0.9,0.95,0.99] quantilesCol tol=0.000001`;
const survival = model<SurvivalParams, SurvivalAttributes>(
  spec('regression.AFTSurvivalRegressionModel', SURVIVAL, 'coefficients intercept scale numFeatures predict predictQuantiles'),
);
/** A fitted {@link AFTSurvivalRegression}. */
export type AFTSurvivalRegressionModel = ModelOf<SurvivalParams, SurvivalAttributes> & SurvivalMethods;
/** Predicts lifetimes and their quantiles (`AFTSurvivalRegressionModel`). */
export const AFTSurvivalRegressionModel = survival as unknown as ModelClassOf<AFTSurvivalRegressionModel>;
/** Learns what makes lifetimes longer or shorter; some may be longer than is known (`AFTSurvivalRegression`). */
export const AFTSurvivalRegression = estimator(spec('regression.AFTSurvivalRegression', SURVIVAL), survival) as unknown as StageClass<
  SurvivalParams,
  Estimator<AFTSurvivalRegressionModel> & MLWritable
>;
/** An instance of {@link AFTSurvivalRegression}. */
export type AFTSurvivalRegression = InstanceType<typeof AFTSurvivalRegression>;

// -------------------------------------------------------------------------------------------------- isotonic regression

interface StepsParams extends Labelled {
  /** Whether predictions rise with the feature; true by default. Otherwise they fall. */
  isotonic: boolean;
  /** Which feature of a column of vectors; the first by default. */
  featureIndex: number;
}
interface StepsAttributes extends Counts {
  /** Returns the values of the feature at which predictions are known, ascending. */
  boundaries: DenseVector;
  /** Returns the predictions at the boundaries. */
  predictions: DenseVector;
}
interface StepsMethods {
  /** Predicts the number of one value of the feature. */
  predict(value: number): Promise<number>;
}
const STEPS = `${LABELLED} featureIndex=0 isotonic=true`;
const steps = model<StepsParams, StepsAttributes>(
  spec('regression.IsotonicRegressionModel', STEPS, 'boundaries predictions numFeatures predict'),
);
/** A fitted {@link IsotonicRegression}. */
export type IsotonicRegressionModel = ModelOf<StepsParams, StepsAttributes> & StepsMethods;
/** Predicts numbers by the line between the boundaries around a value (`IsotonicRegressionModel`). */
export const IsotonicRegressionModel = steps as unknown as ModelClassOf<IsotonicRegressionModel>;
/**
 * Learns numbers that rise, or fall, with one feature (`IsotonicRegression`); the feature is a column of doubles, or one of vectors.
 * @example
 * ```ts
 * const rows = [[1, 0], [3, 1], [2, 2], [5, 3]].map(([label, x]) => ({ label, x }));
 * const rising = await new ml.IsotonicRegression({ featuresCol: 'x' }).fit(spark.createDataFrame(rows, 'label DOUBLE, x DOUBLE'));
 * await rising.predict(1.5); // → 2.5
 * ```
 */
export const IsotonicRegression = estimator(spec('regression.IsotonicRegression', STEPS), steps) as unknown as StageClass<
  StepsParams,
  Estimator<IsotonicRegressionModel> & MLWritable
>;
/** An instance of {@link IsotonicRegression}. */
export type IsotonicRegression = InstanceType<typeof IsotonicRegression>;

// ---------------------------------------------------------------------------------------------------------- perceptrons

interface NetworkParams extends Omit<Classifying, 'weightCol'> {
  /** The sizes of the layers, from the features to the classes. */
  layers: readonly number[];
  /** By L-BFGS, or by gradient descent; `l-bfgs` by default. */
  solver: 'l-bfgs' | 'gd';
  /** The most steps; 100 by default. */
  maxIter: number;
  /** How little a step may change before the training ends; 1e-6 by default. */
  tol: number;
  /** How long steps of gradient descent are; 0.03 by default. */
  stepSize: number;
  /** How many rows make a block, whose mean error counts as one; 128 by default. */
  blockSize: number;
  /** The weights to begin with, layer after layer; drawn by default. */
  initialWeights: Vector;
  /** Seed of the random numbers. */
  seed: number;
}
interface NetworkAttributes extends Classes {
  /** Returns the weights, layer after layer. */
  weights: DenseVector;
}
const NETWORK = `${UNWEIGHTED} ${SCORES} blockSize=128 initialWeights layers maxIter=100 seed solver="l-bfgs" stepSize=0.03 tol=0.000001`;
const network = model<NetworkParams, NetworkAttributes>(
  spec('classification.MultilayerPerceptronClassificationModel', NETWORK, `weights ${PREDICTS}`),
);
/** A fitted {@link MultilayerPerceptronClassifier}. */
export type MultilayerPerceptronClassificationModel = ModelOf<NetworkParams, NetworkAttributes> & ClassifierMethods;
/** Predicts classes by layers of neurons (`MultilayerPerceptronClassificationModel`). */
export const MultilayerPerceptronClassificationModel = network as unknown as ModelClassOf<MultilayerPerceptronClassificationModel>;
/**
 * Learns layers of neurons that tell classes apart (`MultilayerPerceptronClassifier`).
 * @example
 * ```ts
 * const rows = [[0, 0, 0], [1, 0, 1], [1, 1, 0], [0, 1, 1]].map(([label, a, b]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(a!, b!)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const either = await new ml.MultilayerPerceptronClassifier({ layers: [2, 5, 2], seed: 123 }).fit(spark.createDataFrame(rows, schema));
 * await either.predict(ml.Vectors.dense(1, 0)); // → 1
 * ```
 */
export const MultilayerPerceptronClassifier = estimator(
  spec('classification.MultilayerPerceptronClassifier', NETWORK),
  network,
) as unknown as StageClass<NetworkParams, Estimator<MultilayerPerceptronClassificationModel> & MLWritable>;
/** An instance of {@link MultilayerPerceptronClassifier}. */
export type MultilayerPerceptronClassifier = InstanceType<typeof MultilayerPerceptronClassifier>;

// ------------------------------------------------------------------------------------------------ factorization machines

interface FactorParams {
  /** How many factors a feature has; 8 by default. */
  factorSize: number;
  /** Whether there is an intercept; true by default. */
  fitIntercept: boolean;
  /** Whether there is a number per feature, beside the pairs; true by default. */
  fitLinear: boolean;
  /** The deviation of the factors that are drawn to begin with; 0.01 by default. */
  initStd: number;
  /** The most steps; 100 by default. */
  maxIter: number;
  /** Which share of the rows a step takes; all by default. */
  miniBatchFraction: number;
  /** How much the squares of coefficients cost; 0 by default. */
  regParam: number;
  /** AdamW, or plain gradient descent; `adamW` by default. */
  solver: 'adamW' | 'gd';
  /** How long steps are; 1 by default. */
  stepSize: number;
  /** How little a step may change before the training ends; 1e-6 by default. */
  tol: number;
  /** Seed of the random numbers. */
  seed: number;
}
interface FactorAttributes extends Counts {
  /** Returns the factors, a row per feature. */
  factors: DenseMatrix;
  /** Returns a number per feature. */
  linear: Vector;
  /** Returns what is added. */
  intercept: number;
}
const FACTORS =
  'factorSize=8 fitIntercept=true fitLinear=true initStd=0.01 maxIter=100 miniBatchFraction=1 regParam=0 seed solver="adamW" stepSize=1 tol=0.000001';
const FACTOR_ATTRIBUTES = 'factors linear intercept';

type FactorClassifierParams = Classifying & FactorParams;
const FACTOR_CLASSES = `${CLASSIFYING} ${FACTORS}`;
const factorClasses = model<FactorClassifierParams, FactorAttributes & Classes>(
  spec('classification.FMClassificationModel', FACTOR_CLASSES, `${FACTOR_ATTRIBUTES} ${PREDICTS}`),
);
/** A fitted {@link FMClassifier}. */
export type FMClassificationModel = ModelOf<FactorClassifierParams, FactorAttributes & Classes> & ClassifierMethods;
/** Predicts two classes by sums over features and pairs of them (`FMClassificationModel`). */
export const FMClassificationModel = factorClasses as unknown as ModelClassOf<FMClassificationModel>;
/** Learns factorization machines of two classes (`FMClassifier`). */
export const FMClassifier = estimator(spec('classification.FMClassifier', FACTOR_CLASSES), factorClasses) as unknown as StageClass<
  FactorClassifierParams,
  Estimator<FMClassificationModel> & MLWritable
>;
/** An instance of {@link FMClassifier}. */
export type FMClassifier = InstanceType<typeof FMClassifier>;

type FactorRegressorParams = Labelled & FactorParams;
const FACTOR_NUMBERS = `${LABELLED} ${FACTORS}`;
const factorNumbers = model<FactorRegressorParams, FactorAttributes>(
  spec('regression.FMRegressionModel', FACTOR_NUMBERS, `${FACTOR_ATTRIBUTES} numFeatures predict`),
);
/** A fitted {@link FMRegressor}. */
export type FMRegressionModel = ModelOf<FactorRegressorParams, FactorAttributes> & PredictMethod;
/** Predicts numbers by sums over features and pairs of them (`FMRegressionModel`). */
export const FMRegressionModel = factorNumbers as unknown as ModelClassOf<FMRegressionModel>;
/**
 * Learns factorization machines of numbers: also of pairs of features that no row has together (`FMRegressor`).
 * @example
 * ```ts
 * const rows = [[0, 0, 0], [1, 1, 0], [2, 0, 1], [6, 1, 1]].map(([label, a, b]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(a!, b!)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const pairs = await new ml.FMRegressor({ factorSize: 2, stepSize: 0.1, initStd: 0.5, seed: 4, maxIter: 300 }).fit(spark.createDataFrame(rows, schema));
 * Math.round(await pairs.predict(ml.Vectors.dense(1, 1))); // → 6
 * ```
 */
export const FMRegressor = estimator(spec('regression.FMRegressor', FACTOR_NUMBERS), factorNumbers) as unknown as StageClass<
  FactorRegressorParams,
  Estimator<FMRegressionModel> & MLWritable
>;
/** An instance of {@link FMRegressor}. */
export type FMRegressor = InstanceType<typeof FMRegressor>;
