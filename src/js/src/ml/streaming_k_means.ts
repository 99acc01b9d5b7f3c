import { IllegalArgumentException, IllegalStateException } from '../errors.js';
import type { LearnerKind } from './batch_learner.js';
import type { PredictMethod } from './learner_parts.js';
import { KMEANS, type KMeansAttributes, type KMeansParams } from './learners.js';
import type { ModelSource } from './model_path.js';
import { type ParamValue, paramTable } from './params.js';
import { type ModelClassOf, type ModelOf, model, type SessionLike, spec } from './stage.js';
import { StreamLearner, type VectorRow } from './stream_learner.js';
import { DenseVector, SparseVector, type Vector } from './vector.js';

/** Params of {@link StreamingKMeans}. */
export interface StreamingKMeansParams {
  /** Column of the feature vectors; `features` by default. */
  featuresCol: string;
  /** Column for the number of the nearest cluster; `prediction` by default. */
  predictionCol: string;
  /** How many clusters; 2 by default. */
  k: number;
  /** What the weights of earlier rows are multiplied by: 1, the default, forgets nothing, 0 all but the last batch. */
  decayFactor: number;
  /** Batches or rows after which a weight is half, in place of `decayFactor`. */
  halfLife: number;
  /** What `decayFactor` is per, and `halfLife` counts; `batches` by default. */
  timeUnit: 'batches' | 'points';
}

const PARAMS =
  'featuresCol="features" predictionCol="prediction" k=2 decayFactor=1 halfLife timeUnit="batches" initialCenters initialCenterWeights ' +
  'dim weight=0 seed initialModel batchId';

interface Attributes {
  /** Returns the centres, by cluster. */
  clusterCenters: number[][];
  /** Returns by cluster how many rows it stands for, less what was forgotten. */
  clusterWeights: DenseVector;
}
const models = model<KMeansParams, KMeansAttributes & Attributes>(
  spec('clustering.KMeansModel', KMEANS, 'clusterCenterMatrix numFeatures predict clusterCenters clusterWeights'),
);
/** What a {@link StreamingKMeans} has learned; Spark loads it as a `KMeansModel`. */
export type StreamingKMeansModel = ModelOf<KMeansParams, KMeansAttributes & Attributes> & PredictMethod;
/** Finds the nearest centre (`StreamingKMeansModel`). */
export const StreamingKMeansModel = models as unknown as ModelClassOf<StreamingKMeansModel>;

const KIND: LearnerKind<StreamingKMeansModel> = {
  engineClass: 'org.apache.spark.mllib.clustering.StreamingKMeans',
  models: StreamingKMeansModel,
};

/**
 * Clusters whose centres move with every batch of a stream (`StreamingKMeans` of Spark's `mllib`). A centre is the mean of the rows that
 * were nearest to it; a cluster without rows becomes one half of the largest when its weight has died away. Learns from DataFrames by
 * `update`, from DStreams by `trainOn`.
 * @example
 * ```ts
 * const learner = new ml.StreamingKMeans({ k: 2, decayFactor: 0.5 }).setInitialCenters([[0], [10]], [1, 2]);
 * const points = (...values: number[]) => spark.createDataFrame(
 *   values.map((v) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(v)) })), new StructType([new StructField('features', ml.VectorType)]));
 * await learner.update(points(2, 3, 12));
 * const model = learner.latestModel()!;
 * await model.clusterCenters(); // → [[2], [11]]
 * (await model.clusterWeights()).toArray(); // → [2.5, 2]
 * ```
 */
export class StreamingKMeans extends StreamLearner<StreamingKMeansModel, VectorRow> {
  protected override readonly isLabeled = false;

  /** Makes a learner without centres. */
  constructor(params: Partial<StreamingKMeansParams> = {}, uid?: string) {
    super('StreamingKMeans', paramTable(PARAMS), KIND, params, uid);
  }

  /** Sets how many clusters there are. */
  setK(k: number): this {
    return this.setParam('k', k);
  }
  /** Sets what earlier weights are multiplied by, in place of a half-life. */
  setDecayFactor(decayFactor: number): this {
    this.explicit.delete('halfLife');
    return this.setParam('decayFactor', decayFactor);
  }
  /** Sets after how many batches or points a weight is half. */
  setHalfLife(halfLife: number, timeUnit: 'batches' | 'points'): this {
    return this.setParam('timeUnit', timeUnit).setParam('halfLife', halfLife);
  }
  /** Sets a param. Throws an IllegalArgumentException for an unknown name or a value that does not fit. */
  override setParam(name: string, value: ParamValue): this {
    if (name === 'timeUnit' && value !== 'batches' && value !== 'points')
      throw new IllegalArgumentException(`Invalid time unit for decay: ${String(value)}`);
    return super.setParam(name, value);
  }
  /** Sets the centres to begin with, and the weight of each; there are `k`. */
  setInitialCenters(centers: readonly (Vector | readonly number[])[], weights: readonly number[]): this {
    this.model = undefined;
    const plain = (center: Vector | readonly number[]) =>
      center instanceof DenseVector || center instanceof SparseVector ? center.toArray() : center;
    return this.setParam('initialCenters', centers.map(plain)).setParam('initialCenterWeights', weights);
  }
  /** Begins with random centres of `dim` numbers, which all have a weight; they are those of Spark's Scala with the same seed. */
  setRandomCenters(dim: number, weight: number, seed: number): this {
    this.model = undefined;
    this.explicit.delete('initialCenters');
    return this.setParam('dim', dim).setParam('weight', weight).setParam('seed', seed);
  }

  protected override checkStart(): void {
    if (!this.hasModel && !this.isSet('initialCenters') && !this.isSet('dim'))
      throw new IllegalStateException('Initial cluster centers must be set before starting predictions');
  }
  protected override describes(name: string, value: ParamValue): boolean {
    // A model of one cluster cannot say so by its param.
    return name !== 'k' || (value as number) > 1;
  }

  /** Returns a copy that has the same model. */
  override copy(): StreamingKMeans {
    const other = this.copyInto(new StreamingKMeans({}, this.uid));
    other.model = this.model;
    return other;
  }

  /** Continues from a model that was saved. `params` say how it forgets: a model has no such params. */
  static async load(session: SessionLike, source: ModelSource, params: Partial<StreamingKMeansParams> = {}): Promise<StreamingKMeans> {
    const model = await StreamingKMeansModel.load(session, source);
    const learner = new StreamingKMeans({}, model.uid);
    for (const [name, value] of model.explicit) if (learner.hasParam(name)) learner.setParam(name, value);
    for (const [name, value] of Object.entries(params)) learner.setParam(name, value as ParamValue);
    learner.model = model;
    return learner;
  }
}
