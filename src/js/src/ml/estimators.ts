import type { HasHandleInvalid, HasInputCol, HasInputCols, HasOutputCol, HasOutputCols } from './feature.js';
import { Bucketizer } from './feature.js';
import { type DataFrameOf, dataFrameOf } from './relations.js';
import { type Estimator, estimator, type MLWritable, type ModelClass, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { DenseMatrix, DenseVector, Vector } from './vector.js';

type One = HasInputCol & HasOutputCol;
type OneOrMany = One & HasInputCols & HasOutputCols;
type E<P, A> = StageClass<P, Estimator<ModelOf<P, A>> & MLWritable>;

const ONE = 'inputCol outputCol';
const ONE_OR_MANY = `${ONE} inputCols outputCols`;

interface RelativeError {
  /** Share of the rows by which the rank of a quantile may be off; 0.001 by default. */
  relativeError: number;
}

interface ImputerParams extends OneOrMany, RelativeError {
  /** What missing values become; `mean` by default. */
  strategy: 'mean' | 'median' | 'mode';
  /** The value that stands for a missing one, as null does; NaN by default. */
  missingValue: number;
}
const IMPUTER_PARAMS = `${ONE_OR_MANY} missingValue relativeError=0.001 strategy="mean"`;
/** Puts values in the place of missing ones (`ImputerModel`). */
export const ImputerModel: ModelClass<ImputerParams, object> = model(spec('feature.ImputerModel', IMPUTER_PARAMS));
/** A fitted {@link Imputer}. */
export type ImputerModel = InstanceType<typeof ImputerModel>;
/** Learns the mean, median or mode of numeric columns, for what is missing in them (`Imputer`). */
export const Imputer: E<ImputerParams, object> = estimator(spec('feature.Imputer', IMPUTER_PARAMS), ImputerModel);
/** An instance of {@link Imputer}. */
export type Imputer = InstanceType<typeof Imputer>;
/** Returns what missing values become: a DataFrame of one row with the input columns. */
export const surrogates: DataFrameOf<ImputerModel> = dataFrameOf('surrogateDF');

interface RobustParams extends One, RelativeError {
  /** Lower quantile of the range; 0.25 by default. */
  lower: number;
  /** Upper quantile of the range; 0.75 by default. */
  upper: number;
  /** Whether the median is subtracted, which makes vectors dense; false by default. */
  withCentering: boolean;
  /** Whether to divide by the range; true by default. */
  withScaling: boolean;
}
interface RobustAttributes {
  /** Returns the distance between the quantiles of each feature. */
  range: Vector;
  /** Returns the median of each feature. */
  median: Vector;
}
const ROBUST_PARAMS = `${ONE} lower=0.25 relativeError=0.001 upper=0.75 withCentering=false withScaling=true`;
/** Divides features by a range of quantiles, and subtracts the median if asked (`RobustScalerModel`). */
export const RobustScalerModel: ModelClass<RobustParams, RobustAttributes> = model(
  spec('feature.RobustScalerModel', ROBUST_PARAMS, 'range median'),
);
/** A fitted {@link RobustScaler}. */
export type RobustScalerModel = InstanceType<typeof RobustScalerModel>;
/** Learns the median and a range of quantiles of each feature, which outliers hardly change (`RobustScaler`). */
export const RobustScaler: E<RobustParams, RobustAttributes> = estimator(spec('feature.RobustScaler', ROBUST_PARAMS), RobustScalerModel);
/** An instance of {@link RobustScaler}. */
export type RobustScaler = InstanceType<typeof RobustScaler>;

interface DiscretizerParams extends OneOrMany, HasHandleInvalid, RelativeError {
  /** Number of buckets; 2 by default. */
  numBuckets: number;
  /** Number of buckets of each column. */
  numBucketsArray: readonly number[];
}
interface DiscretizerAttributes {
  /** Returns the bounds of the buckets of the first column. */
  getSplits: number[];
  /** Returns the bounds of the buckets of each column. */
  getSplitsArray: number[][];
}
const DISCRETIZER_PARAMS = `${ONE_OR_MANY} handleInvalid="error" numBuckets=2 numBucketsArray relativeError=0.001`;
const Buckets: ModelClass<DiscretizerParams, DiscretizerAttributes> = model(
  spec('feature.QuantileDiscretizer', DISCRETIZER_PARAMS, 'getSplits getSplitsArray'),
);
/** Learns the bounds of buckets with about equally many values; {@link bucketizerOf} makes a stage of them (`QuantileDiscretizer`). */
export const QuantileDiscretizer: E<DiscretizerParams, DiscretizerAttributes> = estimator(
  spec('feature.QuantileDiscretizer', DISCRETIZER_PARAMS),
  Buckets,
);
/** An instance of {@link QuantileDiscretizer}. */
export type QuantileDiscretizer = InstanceType<typeof QuantileDiscretizer>;
/** Returns the {@link Bucketizer} that a fitted {@link QuantileDiscretizer} is: a stage that can be saved. */
export async function bucketizerOf(fitted: ModelOf<DiscretizerParams, DiscretizerAttributes>): Promise<Bucketizer> {
  const made = new Bucketizer(undefined, fitted.uid);
  for (const name of ['inputCol', 'outputCol', 'inputCols', 'outputCols', 'handleInvalid'])
    if (fitted.isSet(name)) made.setParam(name, fitted.getParam(name)!);
  return fitted.isSet('inputCols') ? made.setSplitsArray(await fitted.getSplitsArray()) : made.setSplits(await fitted.getSplits());
}

interface VectorIndexerParams extends One, HasHandleInvalid {
  /** Most different values of a feature that is a category; 20 by default. */
  maxCategories: number;
}
interface VectorIndexerAttributes {
  /** Returns the number of features. */
  numFeatures: number;
}
const VECTOR_INDEXER_PARAMS = `${ONE} handleInvalid="error" maxCategories=20`;
/** Maps the values of features that are categories to indices (`VectorIndexerModel`). */
export const VectorIndexerModel: ModelClass<VectorIndexerParams, VectorIndexerAttributes> = model(
  spec('feature.VectorIndexerModel', VECTOR_INDEXER_PARAMS, 'numFeatures'),
);
/** A fitted {@link VectorIndexer}. */
export type VectorIndexerModel = InstanceType<typeof VectorIndexerModel>;
/** Learns which features have few different values, and numbers these (`VectorIndexer`). */
export const VectorIndexer: E<VectorIndexerParams, VectorIndexerAttributes> = estimator(
  spec('feature.VectorIndexer', VECTOR_INDEXER_PARAMS),
  VectorIndexerModel,
);
/** An instance of {@link VectorIndexer}. */
export type VectorIndexer = InstanceType<typeof VectorIndexer>;
/** Returns the indices of values: a DataFrame of `featureIndex`, `originalValue`, `categoryIndex`. */
export const categoryMaps: DataFrameOf<VectorIndexerModel> = dataFrameOf('categoryMapsDF');

interface PcaParams extends One {
  /** How many principal components to find. */
  k: number;
}
interface PcaAttributes {
  /** Returns the components as columns, a row per feature. */
  pc: DenseMatrix;
  /** Returns the share of the variance of each component. */
  explainedVariance: DenseVector;
}
/** Projects vectors on principal components (`PCAModel`). */
export const PCAModel: ModelClass<PcaParams, PcaAttributes> = model(spec('feature.PCAModel', `${ONE} k`, 'pc explainedVariance'));
/** A fitted {@link PCA}. */
export type PCAModel = InstanceType<typeof PCAModel>;
/** Learns the directions in which vectors vary most (`PCA`). */
export const PCA: E<PcaParams, PcaAttributes> = estimator(spec('feature.PCA', `${ONE} k`), PCAModel);
/** An instance of {@link PCA}. */
export type PCA = InstanceType<typeof PCA>;

interface FormulaParams extends HasHandleInvalid {
  /** The formula, such as `y ~ a + b:c - 1`. */
  formula: string;
  /** Name of the column of features that is made; `features` by default. */
  featuresCol: string;
  /** Name of the column of the label that is made; `label` by default. */
  labelCol: string;
  /** Whether a label of numbers becomes an index, too; false by default. */
  forceIndexLabel: boolean;
  /** Which category of strings comes first; `frequencyDesc` by default. The last one has no feature of its own. */
  stringIndexerOrderType: 'frequencyDesc' | 'frequencyAsc' | 'alphabetDesc' | 'alphabetAsc';
}
interface FormulaAttributes {
  /** Returns the formula over the columns of the training, as Spark prints it. */
  resolvedFormulaString: string;
}
const FORMULA_PARAMS = `featuresCol="features" forceIndexLabel=false formula handleInvalid="error" labelCol="label" stringIndexerOrderType="frequencyDesc"`;
/** Makes features and a label by a formula (`RFormulaModel`). */
export const RFormulaModel: ModelClass<FormulaParams, FormulaAttributes> = model(
  spec('feature.RFormulaModel', FORMULA_PARAMS, 'resolvedFormulaString'),
);
/** A fitted {@link RFormula}. */
export type RFormulaModel = InstanceType<typeof RFormulaModel>;
/**
 * Makes features and a label of columns by a formula of R, with `~ + - : * ^ .`, parentheses, and 0 or 1 for the intercept
 * (`RFormula`): strings become vectors with a single 1, columns that interact are multiplied.
 *
 * @example
 * ```ts
 * const visits = spark.createDataFrame([[1, 18, 'US'], [0, 12, 'CA'], [0, 15, 'US']], 'clicked DOUBLE, hour INT, country STRING');
 * const model = await new ml.RFormula({ formula: 'clicked ~ hour + country' }).fit(visits);
 * const rows = await model.transform(visits).select('features', 'label').collect();
 * rows.map((row) => [...ml.Vectors.of(row['features']).toArray(), row['label']]); // → [[18, 1, 1], [12, 0, 0], [15, 1, 0]]
 * ```
 */
export const RFormula: E<FormulaParams, FormulaAttributes> = estimator(spec('feature.RFormula', FORMULA_PARAMS), RFormulaModel);
/** An instance of {@link RFormula}. */
export type RFormula = InstanceType<typeof RFormula>;
