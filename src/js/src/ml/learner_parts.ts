import type { DenseVector, Vector } from './vector.js';

// What learners' params, attributes and methods have in common.

/** Params of everything that reads features. */
export interface Features {
  /** Column of the feature vectors; `features` by default. */
  featuresCol: string;
  /** Column for the prediction; `prediction` by default. */
  predictionCol: string;
  /** Column of the rows' weights; all are 1 by default. */
  weightCol: string;
}
/** Params of what is trained on labels. */
export interface Labelled extends Features {
  /** Column of the labels; `label` by default. */
  labelCol: string;
}
/** Params of what predicts classes. */
export interface Classifying extends Labelled {
  /** Column for the probabilities of the classes; `probability` by default. */
  probabilityCol: string;
  /** Column for the raw predictions; `rawPrediction` by default. */
  rawPredictionCol: string;
  /** One per class: a prediction is the class with the largest probability / threshold. */
  thresholds: readonly number[];
}
/** Methods of models that predict classes. */
export interface ClassifierMethods {
  /** Predicts the class of one vector. */
  predict(features: Vector): Promise<number>;
  /** Returns the raw prediction of one vector, a number per class. */
  predictRaw(features: Vector): Promise<DenseVector>;
  /** Returns the class probabilities of one vector. */
  predictProbability(features: Vector): Promise<DenseVector>;
}
/** The method of models that predict numbers. */
export interface PredictMethod {
  /** Predicts the number of one vector. */
  predict(features: Vector): Promise<number>;
}
/** How many features a model has. */
export interface Counts {
  /** Returns the number of features. */
  numFeatures: number;
}
/** How many classes a model has, too. */
export interface Classes extends Counts {
  numClasses: number;
}

/** Params of what is trained on labels, all of one weight. @internal */
export const UNWEIGHTED = 'featuresCol="features" labelCol="label" predictionCol="prediction"';
/** @internal */
export const LABELLED = `${UNWEIGHTED} weightCol`;
/** Params of columns and thresholds for classes. @internal */
export const SCORES = 'probabilityCol="probability" rawPredictionCol="rawPrediction" thresholds';
/** @internal */
export const CLASSIFYING = `${LABELLED} ${SCORES}`;
/** @internal */
export const PREDICTS = 'numFeatures numClasses predict predictRaw predictProbability';
