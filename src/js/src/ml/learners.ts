import {
  CLASSIFYING,
  type Classes,
  type ClassifierMethods,
  type Classifying,
  type Counts,
  type Features,
  LABELLED,
  type Labelled,
  PREDICTS,
  type PredictMethod,
} from './learner_parts.js';
import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { DenseMatrix, DenseVector, Vector } from './vector.js';

// ------------------------------------------------------------------------------------------------------------ logistic

interface LogisticParams extends Classifying {
  /** The most steps; 100 by default. */
  maxIter: number;
  /** How little a step may change before the training ends; 1e-6 by default. */
  tol: number;
  /** How much large coefficients cost; 0 by default. */
  regParam: number;
  /** Which share of that is by absolute values, which makes coefficients 0; the rest is by squares. */
  elasticNetParam: number;
  /** Whether there is an intercept; true by default. */
  fitIntercept: boolean;
  /** Whether features are scaled before coefficients cost; true by default. */
  standardization: boolean;
  /** `binomial` for one row of coefficients, `multinomial` for one per class; `auto` by the number of classes. */
  family: 'auto' | 'binomial' | 'multinomial';
  /** Of two classes, the second is predicted above this probability; 0.5 by default. */
  threshold: number;
  /** The least coefficients: one row for two classes, else one per class. */
  lowerBoundsOnCoefficients: DenseMatrix;
  /** The largest coefficients: one row for two classes, else one per class. */
  upperBoundsOnCoefficients: DenseMatrix;
  /** The least intercepts: one for two classes, else one per class. */
  lowerBoundsOnIntercepts: Vector;
  /** The largest intercepts: one for two classes, else one per class. */
  upperBoundsOnIntercepts: Vector;
}
interface LogisticAttributes extends Classes {
  /** Returns the coefficients of two classes. */
  coefficients: Vector;
  /** Returns the intercept of two classes. */
  intercept: number;
  /** Returns the coefficients: one row for two classes, else one per class. */
  coefficientMatrix: DenseMatrix;
  /** Returns the intercepts: one for two classes, else one per class. */
  interceptVector: Vector;
}
const LOGISTIC = `${CLASSIFYING} elasticNetParam=0 family="auto" fitIntercept=true lowerBoundsOnCoefficients lowerBoundsOnIntercepts maxIter=100 regParam=0 standardization=true threshold=0.5 tol=0.000001 upperBoundsOnCoefficients upperBoundsOnIntercepts`;
const logistic = model<LogisticParams, LogisticAttributes>(
  spec('classification.LogisticRegressionModel', LOGISTIC, `coefficients intercept coefficientMatrix interceptVector ${PREDICTS}`),
);
/** A fitted {@link LogisticRegression}. */
export type LogisticRegressionModel = ModelOf<LogisticParams, LogisticAttributes> & ClassifierMethods;
/** Predicts classes by sums of features times coefficients (`LogisticRegressionModel`). */
export const LogisticRegressionModel = logistic as unknown as ModelClassOf<LogisticRegressionModel>;
/**
 * Learns logistic regressions of two classes or more, with an elastic net (`LogisticRegression`).
 * @example
 * ```ts
 * const rows = [[0, -1], [0, -2], [1, 1], [1, 2]].map(([label, x]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(x!)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const model = await new ml.LogisticRegression({ regParam: 0.1 }).fit(spark.createDataFrame(rows, schema));
 * await model.predict(ml.Vectors.dense(3)); // → 1
 * ```
 */
export const LogisticRegression = estimator(spec('classification.LogisticRegression', LOGISTIC), logistic) as unknown as StageClass<
  LogisticParams,
  Estimator<LogisticRegressionModel> & MLWritable
>;
/** An instance of {@link LogisticRegression}. */
export type LogisticRegression = InstanceType<typeof LogisticRegression>;

// ---------------------------------------------------------------------------------------------------- linear regression

interface LinearParams extends Labelled {
  /** The most steps of a search; 100 by default. */
  maxIter: number;
  /** How little a step may change before the search ends; 1e-6 by default. */
  tol: number;
  /** How much large coefficients cost; 0 by default. */
  regParam: number;
  /** Which share of that is by absolute values, which makes coefficients 0; the rest is by squares. */
  elasticNetParam: number;
  /** Whether there is an intercept; true by default. */
  fitIntercept: boolean;
  /** Whether features are scaled before coefficients cost; true by default. */
  standardization: boolean;
  /** By the normal equations, or step by step; `auto` by the number of features. */
  solver: 'auto' | 'normal' | 'l-bfgs';
  /** Whether large errors count by their squares, or, with Huber's loss, by themselves; `squaredError` by default. */
  loss: 'squaredError' | 'huber';
  /** With Huber's loss, how many times the scale an error may be to count by its square; 1.35 by default. */
  epsilon: number;
}
interface LinearAttributes extends Counts {
  /** Returns a number per feature. */
  coefficients: Vector;
  /** Returns what is added. */
  intercept: number;
  /** Returns the scale that Huber's loss has found; 1 for others. */
  scale: number;
}
const LINEAR = `${LABELLED} elasticNetParam=0 epsilon=1.35 fitIntercept=true loss="squaredError" maxIter=100 regParam=0 solver="auto" standardization=true tol=0.000001`;
const linear = model<LinearParams, LinearAttributes>(
  spec('regression.LinearRegressionModel', LINEAR, 'coefficients intercept scale numFeatures predict'),
);
/** A fitted {@link LinearRegression}. */
export type LinearRegressionModel = ModelOf<LinearParams, LinearAttributes> & PredictMethod;
/** Predicts numbers by sums of features times coefficients (`LinearRegressionModel`). */
export const LinearRegressionModel = linear as unknown as ModelClassOf<LinearRegressionModel>;
/** Learns linear regressions by least squares, with an elastic net (`LinearRegression`). */
export const LinearRegression = estimator(spec('regression.LinearRegression', LINEAR), linear) as unknown as StageClass<
  LinearParams,
  Estimator<LinearRegressionModel> & MLWritable
>;
/** An instance of {@link LinearRegression}. */
export type LinearRegression = InstanceType<typeof LinearRegression>;

// --------------------------------------------------------------------------------------------------------------- trees

interface TreeParams {
  /** The most decisions from the root to a leaf; 5 by default. */
  maxDepth: number;
  /** The most bins that the values of a feature are put into, and the most categories of one; 32 by default. */
  maxBins: number;
  /** The least rows of a leaf; 1 by default. */
  minInstancesPerNode: number;
  /** The least share of the rows' weight of a leaf. */
  minWeightFractionPerNode: number;
  /** The least gain of a decision. */
  minInfoGain: number;
  /** How much memory the bins of open nodes may take at once; 256 by default. */
  maxMemoryInMB: number;
  /** Column for the number of the leaf, or of each tree's; none by default. */
  leafCol: string;
  /** Seed of the random numbers. */
  seed: number;
}
interface ForestParams extends TreeParams {
  /** How many trees; 20 by default. */
  numTrees: number;
  /** How many features may decide at a node: auto, all, onethird, sqrt, log2, a number or a share; `auto` by default. */
  featureSubsetStrategy: string;
  /** The share of the rows that a tree takes, about; 1 by default. */
  subsamplingRate: number;
  /** Whether a tree may take a row several times; true by default. */
  bootstrap: boolean;
}
interface BoostedParams extends TreeParams {
  /** How many trees; 20 by default. */
  maxIter: number;
  /** What the predictions of trees after the first are multiplied with; 0.1 by default. */
  stepSize: number;
  /** How many features may decide at a node; `all` by default. */
  featureSubsetStrategy: string;
  /** The share of the rows that a tree takes, about; 1 by default. */
  subsamplingRate: number;
  /** Column of booleans: rows that are true are for validation. Training ends when they are no longer predicted better; none by default. */
  validationIndicatorCol: string;
  /** The least part by which the error of validation must fall for another tree; 0.01 by default. */
  validationTol: number;
}
interface ClassImpurity {
  /** How mixed rows are measured; `gini` by default. */
  impurity: 'gini' | 'entropy';
}
interface AnyTree extends Counts {
  /** Returns how much each feature decides, as shares of one. */
  featureImportances: Vector;
  /** Returns the decisions as lines of text. */
  toDebugString: string;
}
interface OneTree extends AnyTree {
  numNodes: number;
  depth: number;
}
interface ManyTrees extends AnyTree {
  totalNumNodes: number;
  treeWeights: number[];
}

const TREE = 'leafCol maxBins=32 maxDepth=5 maxMemoryInMB=256 minInfoGain=0 minInstancesPerNode=1 minWeightFractionPerNode=0 seed';
const FOREST = `${TREE} bootstrap=true featureSubsetStrategy="auto" numTrees=20 subsamplingRate=1`;
const BOOSTED = `${TREE} featureSubsetStrategy="all" maxIter=20 stepSize=0.1 subsamplingRate=1 validationIndicatorCol validationTol=0.01`;
const ONE = 'featureImportances toDebugString numNodes depth predictLeaf';
const MANY = 'featureImportances toDebugString totalNumNodes treeWeights predictLeaf';

interface LeafMethod {
  /** Returns the number of the leaf that one vector comes to. */
  predictLeaf(features: Vector): Promise<number>;
}
interface LeavesMethod {
  /** Returns the number of the leaf that one vector comes to in each tree. */
  predictLeaf(features: Vector): Promise<DenseVector>;
}

type TreeClassifierParams = Classifying & TreeParams & ClassImpurity;
const TREE_CLASSIFIER = `${CLASSIFYING} ${TREE} impurity="gini"`;
const treeOfClasses = model<TreeClassifierParams, OneTree & Classes>(
  spec('classification.DecisionTreeClassificationModel', TREE_CLASSIFIER, `${ONE} ${PREDICTS}`),
);
/** A fitted {@link DecisionTreeClassifier}. */
export type DecisionTreeClassificationModel = ModelOf<TreeClassifierParams, OneTree & Classes> & ClassifierMethods & LeafMethod;
/** Predicts classes by the decisions of a tree (`DecisionTreeClassificationModel`). */
export const DecisionTreeClassificationModel = treeOfClasses as unknown as ModelClassOf<DecisionTreeClassificationModel>;
/** Learns a decision tree of classes (`DecisionTreeClassifier`). */
export const DecisionTreeClassifier = estimator(
  spec('classification.DecisionTreeClassifier', TREE_CLASSIFIER),
  treeOfClasses,
) as unknown as StageClass<TreeClassifierParams, Estimator<DecisionTreeClassificationModel> & MLWritable>;
/** An instance of {@link DecisionTreeClassifier}. */
export type DecisionTreeClassifier = InstanceType<typeof DecisionTreeClassifier>;

interface TreeRegressorParams extends Labelled, TreeParams {
  /** Column for the variance of the leaf; none by default. */
  varianceCol: string;
}
const TREE_REGRESSOR = `${LABELLED} ${TREE} varianceCol`;
const treeOfNumbers = model<TreeRegressorParams, OneTree>(
  spec('regression.DecisionTreeRegressionModel', TREE_REGRESSOR, `${ONE} numFeatures predict`),
);
/** A fitted {@link DecisionTreeRegressor}. */
export type DecisionTreeRegressionModel = ModelOf<TreeRegressorParams, OneTree> & PredictMethod & LeafMethod;
/** Predicts numbers by the decisions of a tree (`DecisionTreeRegressionModel`). */
export const DecisionTreeRegressionModel = treeOfNumbers as unknown as ModelClassOf<DecisionTreeRegressionModel>;
/** Learns a decision tree of numbers (`DecisionTreeRegressor`). */
export const DecisionTreeRegressor = estimator(
  spec('regression.DecisionTreeRegressor', TREE_REGRESSOR),
  treeOfNumbers,
) as unknown as StageClass<TreeRegressorParams, Estimator<DecisionTreeRegressionModel> & MLWritable>;
/** An instance of {@link DecisionTreeRegressor}. */
export type DecisionTreeRegressor = InstanceType<typeof DecisionTreeRegressor>;

type ForestClassifierParams = Classifying & ForestParams & ClassImpurity;
const FOREST_CLASSIFIER = `${CLASSIFYING} ${FOREST} impurity="gini"`;
const forestOfClasses = model<ForestClassifierParams, ManyTrees & Classes>(
  spec('classification.RandomForestClassificationModel', FOREST_CLASSIFIER, `${MANY} ${PREDICTS}`),
);
/** A fitted {@link RandomForestClassifier}. */
export type RandomForestClassificationModel = ModelOf<ForestClassifierParams, ManyTrees & Classes> & ClassifierMethods & LeavesMethod;
/** Predicts classes by the votes of trees (`RandomForestClassificationModel`). */
export const RandomForestClassificationModel = forestOfClasses as unknown as ModelClassOf<RandomForestClassificationModel>;
/** Learns many decision trees of classes, each over rows that are drawn for it (`RandomForestClassifier`). */
export const RandomForestClassifier = estimator(
  spec('classification.RandomForestClassifier', FOREST_CLASSIFIER),
  forestOfClasses,
) as unknown as StageClass<ForestClassifierParams, Estimator<RandomForestClassificationModel> & MLWritable>;
/** An instance of {@link RandomForestClassifier}. */
export type RandomForestClassifier = InstanceType<typeof RandomForestClassifier>;

type ForestRegressorParams = Labelled & ForestParams;
const FOREST_REGRESSOR = `${LABELLED} ${FOREST}`;
const forestOfNumbers = model<ForestRegressorParams, ManyTrees>(
  spec('regression.RandomForestRegressionModel', FOREST_REGRESSOR, `${MANY} numFeatures predict`),
);
/** A fitted {@link RandomForestRegressor}. */
export type RandomForestRegressionModel = ModelOf<ForestRegressorParams, ManyTrees> & PredictMethod & LeavesMethod;
/** Predicts numbers by the mean of trees (`RandomForestRegressionModel`). */
export const RandomForestRegressionModel = forestOfNumbers as unknown as ModelClassOf<RandomForestRegressionModel>;
/** Learns many decision trees of numbers (`RandomForestRegressor`). */
export const RandomForestRegressor = estimator(
  spec('regression.RandomForestRegressor', FOREST_REGRESSOR),
  forestOfNumbers,
) as unknown as StageClass<ForestRegressorParams, Estimator<RandomForestRegressionModel> & MLWritable>;
/** An instance of {@link RandomForestRegressor}. */
export type RandomForestRegressor = InstanceType<typeof RandomForestRegressor>;

type BoostedClassifierParams = Classifying & BoostedParams;
const BOOSTED_CLASSIFIER = `${CLASSIFYING} ${BOOSTED}`;
const boostedClasses = model<BoostedClassifierParams, ManyTrees & Classes>(
  spec('classification.GBTClassificationModel', BOOSTED_CLASSIFIER, `${MANY} ${PREDICTS}`),
);
/** A fitted {@link GBTClassifier}. */
export type GBTClassificationModel = ModelOf<BoostedClassifierParams, ManyTrees & Classes> & ClassifierMethods & LeavesMethod;
/** Predicts one of two classes by a sum of trees (`GBTClassificationModel`). */
export const GBTClassificationModel = boostedClasses as unknown as ModelClassOf<GBTClassificationModel>;
/** Learns trees one after the other, each of what the ones before leave; two classes (`GBTClassifier`). */
export const GBTClassifier = estimator(spec('classification.GBTClassifier', BOOSTED_CLASSIFIER), boostedClasses) as unknown as StageClass<
  BoostedClassifierParams,
  Estimator<GBTClassificationModel> & MLWritable
>;
/** An instance of {@link GBTClassifier}. */
export type GBTClassifier = InstanceType<typeof GBTClassifier>;

interface BoostedRegressorParams extends Labelled, BoostedParams {
  /** Which errors count; `squared` by default. */
  lossType: 'squared' | 'absolute';
}
const BOOSTED_REGRESSOR = `${LABELLED} ${BOOSTED} lossType="squared"`;
const boostedNumbers = model<BoostedRegressorParams, ManyTrees>(
  spec('regression.GBTRegressionModel', BOOSTED_REGRESSOR, `${MANY} numFeatures predict`),
);
/** A fitted {@link GBTRegressor}. */
export type GBTRegressionModel = ModelOf<BoostedRegressorParams, ManyTrees> & PredictMethod & LeavesMethod;
/** Predicts numbers by a sum of trees (`GBTRegressionModel`). */
export const GBTRegressionModel = boostedNumbers as unknown as ModelClassOf<GBTRegressionModel>;
/** Learns trees one after the other, each of what the ones before leave (`GBTRegressor`). */
export const GBTRegressor = estimator(spec('regression.GBTRegressor', BOOSTED_REGRESSOR), boostedNumbers) as unknown as StageClass<
  BoostedRegressorParams,
  Estimator<GBTRegressionModel> & MLWritable
>;
/** An instance of {@link GBTRegressor}. */
export type GBTRegressor = InstanceType<typeof GBTRegressor>;

// ------------------------------------------------------------------------------------------------------------- k-means

/** Params of {@link KMeans} and its models. */
export interface KMeansParams extends Features {
  /** How many clusters; 2 by default. */
  k: number;
  /** How it begins: k-means|| or random rows. */
  initMode: 'k-means||' | 'random';
  /** Steps of k-means||; 2 by default. */
  initSteps: number;
  /** The most steps; 20 by default. */
  maxIter: number;
  /** How far centres may move in the last step; 1e-4 by default. */
  tol: number;
  /** Lengths of differences, or angles; `euclidean` by default. */
  distanceMeasure: 'euclidean' | 'cosine';
  /** Seed of the random numbers. */
  seed: number;
}
/** What models of {@link KMeans} know. */
export interface KMeansAttributes extends Counts {
  /** Returns the centres, a row per cluster. */
  clusterCenterMatrix: DenseMatrix;
}
/** @internal */
export const KMEANS =
  'distanceMeasure="euclidean" featuresCol="features" initMode="k-means||" initSteps=2 k=2 maxIter=20 predictionCol="prediction" seed tol=0.0001 weightCol';
const means = model<KMeansParams, KMeansAttributes>(spec('clustering.KMeansModel', KMEANS, 'clusterCenterMatrix numFeatures predict'));
/** A fitted {@link KMeans}. */
export type KMeansModel = ModelOf<KMeansParams, KMeansAttributes> & PredictMethod;
/** Finds the nearest centre (`KMeansModel`). */
export const KMeansModel = means as unknown as ModelClassOf<KMeansModel>;
/**
 * Learns the centres of clusters (`KMeans`).
 * @example
 * ```ts
 * const rows = [[0, 0], [0, 1], [9, 9], [9, 8]].map((v) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(v)) }));
 * const points = spark.createDataFrame(rows, new StructType([new StructField('features', ml.VectorType)]));
 * const model = await new ml.KMeans({ k: 2, seed: 1 }).fit(points);
 * const [near, far] = await Promise.all([model.predict(ml.Vectors.dense(1, 1)), model.predict(ml.Vectors.dense(8, 8))]);
 * near === far; // → false
 * ```
 */
export const KMeans = estimator(spec('clustering.KMeans', KMEANS), means) as unknown as StageClass<
  KMeansParams,
  Estimator<KMeansModel> & MLWritable
>;
/** An instance of {@link KMeans}. */
export type KMeans = InstanceType<typeof KMeans>;
