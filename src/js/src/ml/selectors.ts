import type { HasOutputCol } from './feature.js';
import { type Estimator, estimator, type MLWritable, type ModelClass, type ModelOf, model, type StageClass, spec } from './stage.js';

type E<P, A> = StageClass<P, Estimator<ModelOf<P, A>> & MLWritable>;

interface SelectorParams extends HasOutputCol {
  /** Name of the column of vectors to select from; `features` by default. */
  featuresCol: string;
  /** Name of the column of labels; `label` by default. */
  labelCol: string;
}
interface Selected {
  /** Returns the indices of the selected features. */
  selectedFeatures: readonly number[];
}
/** By what features are chosen: their number, share, p-value, share of false discoveries, or family-wise error rate. */
export type SelectionMode = 'numTopFeatures' | 'percentile' | 'fpr' | 'fdr' | 'fwe';

const COLUMNS = 'featuresCol="features" labelCol="label" outputCol';

interface ChiSqParams extends SelectorParams {
  /** By which of the params below features are chosen; `numTopFeatures` by default. */
  selectorType: SelectionMode;
  /** Number of features; 50 by default. */
  numTopFeatures: number;
  /** Share of features; 0.1 by default. */
  percentile: number;
  /** p-value that a feature must be below; 0.05 by default. */
  fpr: number;
  /** Share of false discoveries; 0.05 by default. */
  fdr: number;
  /** Family-wise error rate; 0.05 by default. */
  fwe: number;
}
const CHI_SQ_PARAMS = `${COLUMNS} fdr=0.05 fpr=0.05 fwe=0.05 numTopFeatures=50 percentile=0.1 selectorType="numTopFeatures"`;
/** Keeps the features that a {@link ChiSqSelector} chose (`ChiSqSelectorModel`). */
export const ChiSqSelectorModel: ModelClass<ChiSqParams, Selected> = model(
  spec('feature.ChiSqSelectorModel', CHI_SQ_PARAMS, 'selectedFeatures'),
);
/** A fitted {@link ChiSqSelector}. */
export type ChiSqSelectorModel = InstanceType<typeof ChiSqSelectorModel>;
/** Selects features of categories by chi-squared tests of independence from the label (`ChiSqSelector`). */
export const ChiSqSelector: E<ChiSqParams, Selected> = estimator(spec('feature.ChiSqSelector', CHI_SQ_PARAMS), ChiSqSelectorModel);
/** An instance of {@link ChiSqSelector}. */
export type ChiSqSelector = InstanceType<typeof ChiSqSelector>;

interface UnivariateParams extends SelectorParams {
  /** What the features are. */
  featureType: 'categorical' | 'continuous';
  /** What the label is. */
  labelType: 'categorical' | 'continuous';
  /** By what features are chosen; `numTopFeatures` by default. */
  selectionMode: SelectionMode;
  /** The number, share or bound of `selectionMode`; 50, 0.1 or 0.05 by default. */
  selectionThreshold: number;
}
const UNIVARIATE_PARAMS = `${COLUMNS} featureType labelType selectionMode="numTopFeatures" selectionThreshold`;
/** Keeps the features that a {@link UnivariateFeatureSelector} chose (`UnivariateFeatureSelectorModel`). */
export const UnivariateFeatureSelectorModel: ModelClass<UnivariateParams, Selected> = model(
  spec('feature.UnivariateFeatureSelectorModel', UNIVARIATE_PARAMS, 'selectedFeatures'),
);
/** A fitted {@link UnivariateFeatureSelector}. */
export type UnivariateFeatureSelectorModel = InstanceType<typeof UnivariateFeatureSelectorModel>;
/** Selects features by a test against the label: chi-squared, analysis of variance or F-test, by the types of both (`UnivariateFeatureSelector`). */
export const UnivariateFeatureSelector: E<UnivariateParams, Selected> = estimator(
  spec('feature.UnivariateFeatureSelector', UNIVARIATE_PARAMS),
  UnivariateFeatureSelectorModel,
);
/** An instance of {@link UnivariateFeatureSelector}. */
export type UnivariateFeatureSelector = InstanceType<typeof UnivariateFeatureSelector>;
