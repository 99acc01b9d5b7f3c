import { IllegalArgumentException } from '../errors.js';
import type { LearnerKind } from './batch_learner.js';
import { LinearRegressionModel, LogisticRegressionModel } from './learners.js';
import type { ModelSource } from './model_path.js';
import { type ParamValue, paramTable } from './params.js';
import type { Model, SessionLike } from './stage.js';
import { type LabeledPoint, StreamLearner } from './stream_learner.js';
import { DenseVector, SparseVector, type Vector } from './vector.js';

/** Params of {@link StreamingLinearRegressionWithSGD}. */
export interface StreamingRegressionParams {
  /** Column of the feature vectors; `features` by default. */
  featuresCol: string;
  /** Column of the labels; `label` by default. */
  labelCol: string;
  /** Column for the prediction; `prediction` by default. */
  predictionCol: string;
  /** How long the first step is; step n is shorter by √n. 0.1 by default. */
  stepSize: number;
  /** The most steps of a batch; 50 by default. */
  numIterations: number;
  /** The share of the rows that a step looks at; 1 by default. */
  miniBatchFraction: number;
  /** How little a step may change before a batch is learned; 0.001 by default. */
  convergenceTol: number;
  /** How much large weights cost; 0 by default. A linear regression does not look at it, as in Spark. */
  regParam: number;
}
/** Params of {@link StreamingLogisticRegressionWithSGD}. */
export interface StreamingLogisticParams extends StreamingRegressionParams {
  /** Column for the probabilities of the two classes; `probability` by default. */
  probabilityCol: string;
  /** Column for what the probabilities are made of; `rawPrediction` by default. */
  rawPredictionCol: string;
}

const PARAMS =
  'featuresCol="features" labelCol="label" predictionCol="prediction" stepSize=0.1 numIterations=50 miniBatchFraction=1 ' +
  'convergenceTol=0.001 regParam=0 initialWeights initialModel batchId';

/** What both regressions have. */
abstract class StreamingRegression<M extends Model> extends StreamLearner<M, LabeledPoint> {
  protected override readonly isLabeled = true;

  /** Sets the weights to begin with, one per feature. */
  setInitialWeights(weights: Vector | readonly number[]): this {
    this.model = undefined;
    const isVector = weights instanceof DenseVector || weights instanceof SparseVector;
    return this.setParam('initialWeights', isVector ? weights : new DenseVector(weights));
  }
  /** Sets how long the first step is. */
  setStepSize(stepSize: number): this {
    return this.setParam('stepSize', stepSize);
  }
  /** Sets the most steps of a batch. */
  setNumIterations(numIterations: number): this {
    return this.setParam('numIterations', numIterations);
  }
  /** Sets the share of the rows that a step looks at. */
  setMiniBatchFraction(miniBatchFraction: number): this {
    return this.setParam('miniBatchFraction', miniBatchFraction);
  }
  /** Sets how much large weights cost. */
  setRegParam(regParam: number): this {
    return this.setParam('regParam', regParam);
  }
  /** Sets how little a step may change before a batch is learned. */
  setConvergenceTol(convergenceTol: number): this {
    return this.setParam('convergenceTol', convergenceTol);
  }

  protected override checkStart(work: 'training' | 'prediction'): void {
    if (!this.hasModel && !this.isSet('initialWeights'))
      throw new IllegalArgumentException(`Model must be initialized before starting ${work}.`);
  }

  /** Sets the params of a saved model, then others. @internal */
  protected continueFrom(model: M, params: object): this {
    for (const [name, value] of model.explicit) if (this.hasParam(name)) this.setParam(name, value);
    for (const [name, value] of Object.entries(params)) if (value !== undefined) this.setParam(name, value as ParamValue);
    this.model = model;
    return this;
  }
}

const LINEAR: LearnerKind<LinearRegressionModel> = {
  engineClass: 'org.apache.spark.mllib.regression.StreamingLinearRegressionWithSGD',
  models: LinearRegressionModel,
};

/**
 * A linear regression without intercept that learns from every batch of a stream, by gradient descent from the weights of the batch
 * before (`StreamingLinearRegressionWithSGD` of Spark's `mllib`). Learns from DataFrames by `update`, from DStreams by `trainOn`.
 * @example
 * ```ts
 * const learner = new ml.StreamingLinearRegressionWithSGD({ stepSize: 0.5, numIterations: 200 }).setInitialWeights([0]);
 * const rows = [[2, 1], [4, 2]].map(([label, ...x]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(x)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * await learner.update(spark.createDataFrame(rows, schema));
 * Math.round(await learner.latestModel()!.predict(ml.Vectors.dense(3))); // → 6
 * ```
 */
export class StreamingLinearRegressionWithSGD extends StreamingRegression<LinearRegressionModel> {
  /** Makes a learner without weights. */
  constructor(params: Partial<StreamingRegressionParams> = {}, uid?: string) {
    super('StreamingLinearRegressionWithSGD', paramTable(PARAMS), LINEAR, params, uid);
  }
  /** Returns a copy that has the same model. */
  override copy(): StreamingLinearRegressionWithSGD {
    const other = this.copyInto(new StreamingLinearRegressionWithSGD({}, this.uid));
    other.model = this.model;
    return other;
  }
  /** Continues from a model that was saved. `params` say how it learns: a model knows of these `regParam` alone. */
  static async load(session: SessionLike, source: ModelSource, params: Partial<StreamingRegressionParams> = {}) {
    const model = await LinearRegressionModel.load(session, source);
    return new StreamingLinearRegressionWithSGD({}, model.uid).continueFrom(model, params);
  }
}

const LOGISTIC: LearnerKind<LogisticRegressionModel> = {
  engineClass: 'org.apache.spark.mllib.classification.StreamingLogisticRegressionWithSGD',
  models: LogisticRegressionModel,
};

/**
 * A logistic regression of two classes, without intercept, that learns from every batch of a stream, by gradient descent from the weights
 * of the batch before (`StreamingLogisticRegressionWithSGD` of Spark's `mllib`). Labels are 0 and 1. Learns from DataFrames by `update`,
 * from DStreams by `trainOn`.
 * @example
 * ```ts
 * const learner = new ml.StreamingLogisticRegressionWithSGD({ stepSize: 1 }).setInitialWeights([0]);
 * const rows = [[0, -1], [1, 2]].map(([label, ...x]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(x)) }));
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * await learner.update(spark.createDataFrame(rows, schema));
 * await learner.latestModel()!.predict(ml.Vectors.dense(3)); // → 1
 * ```
 */
export class StreamingLogisticRegressionWithSGD extends StreamingRegression<LogisticRegressionModel> {
  /** Makes a learner without weights. */
  constructor(params: Partial<StreamingLogisticParams> = {}, uid?: string) {
    const table = paramTable(`${PARAMS} probabilityCol="probability" rawPredictionCol="rawPrediction"`);
    super('StreamingLogisticRegressionWithSGD', table, LOGISTIC, params, uid);
  }
  /** Returns a copy that has the same model. */
  override copy(): StreamingLogisticRegressionWithSGD {
    const other = this.copyInto(new StreamingLogisticRegressionWithSGD({}, this.uid));
    other.model = this.model;
    return other;
  }
  /** Continues from a model that was saved. `params` say how it learns: a model knows of these `regParam` alone. */
  static async load(session: SessionLike, source: ModelSource, params: Partial<StreamingLogisticParams> = {}) {
    const model = await LogisticRegressionModel.load(session, source);
    return new StreamingLogisticRegressionWithSGD({}, model.uid).continueFrom(model, params);
  }
}
