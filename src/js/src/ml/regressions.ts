import { CLASSIFYING, type Classes, type ClassifierMethods, type Classifying } from './learner_parts.js';
import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { DenseVector, Vector } from './vector.js';

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
interface PlaneAttributes extends Classes {
  /** Returns a number per feature. */
  coefficients: Vector;
  /** Returns what is added. */
  intercept: number;
}
interface PlaneMethods extends Omit<ClassifierMethods, 'predictProbability'> {
  /** Returns the raw prediction of one vector: how far it is on either side. */
  predictRaw(features: Vector): Promise<DenseVector>;
}
const PLANE = `${CLASSIFYING.replace(' probabilityCol="probability"', '').replace(' thresholds', '')} fitIntercept=true maxIter=100 regParam=0 standardization=true threshold=0 tol=0.000001`;
const plane = model<PlaneParams, PlaneAttributes>(
  spec('classification.LinearSVCModel', PLANE, 'coefficients intercept numFeatures numClasses predict predictRaw'),
);
/** A fitted {@link LinearSVC}. */
export type LinearSVCModel = ModelOf<PlaneParams, PlaneAttributes> & PlaneMethods;
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
