import { BatchLearner, type LearnerKind } from './batch_learner.js';
import { NaiveBayesModel, type NaiveBayesParams } from './classification.js';
import type { ModelSource } from './model_path.js';
import { type ParamValue, paramTable } from './params.js';
import type { SessionLike } from './stage.js';

/** Params of {@link StreamingNaiveBayes}: those of naive Bayes, and how it forgets. */
export interface StreamingNaiveBayesParams extends NaiveBayesParams {
  /** Batches or points after which what was learned counts half; without it nothing is forgotten. */
  halfLife: number;
  /** What `halfLife` counts. */
  timeUnit: 'batches' | 'points';
}

const PARAMS =
  'featuresCol="features" labelCol="label" modelType="multinomial" predictionCol="prediction" probabilityCol="probability" ' +
  'rawPredictionCol="rawPrediction" smoothing=1 thresholds weightCol halfLife timeUnit="batches" initialModel batchId';
const KIND: LearnerKind<NaiveBayesModel> = {
  engineClass: 'org.apache.spark.ml.classification.StreamingNaiveBayes',
  models: NaiveBayesModel,
};

/**
 * Naive Bayes that learns from a stream, batch by batch, and can score the same stream. The model after n batches is that of one
 * training on all their rows, weighted by what forgetting left of them. A batch whose id is not above the last one's is not learned
 * again. So after a restart with `StreamingNaiveBayes.load`, a batch that the query repeats counts once, whether the model was saved
 * after it or not.
 * @example
 * ```ts
 * const schema = new StructType([new StructField('label', DoubleType), new StructField('features', ml.VectorType)]);
 * const row = (label: number, ...values: number[]) => ({ label, features: ml.Vectors.toStruct(ml.Vectors.dense(values)) });
 * const stream = spark.readStream.push({ schema });
 * const learner = new ml.StreamingNaiveBayes({ halfLife: 20 });
 * const query = await stream.df.writeStream
 *   .foreachBatch(async (batch, batchId) => {
 *     if (learner.model) await learner.model.transform(batch).count(); // scored by what was learned before this batch
 *     await learner.update(batch, batchId);
 *   })
 *   .start();
 * await stream.write([row(0, 1, 0), row(1, 0, 1)]);
 * await query.processAllAvailable();
 * await query.stop();
 * await learner.model!.predict(ml.Vectors.dense(0, 2)); // → 1
 * ```
 */
export class StreamingNaiveBayes extends BatchLearner<NaiveBayesModel> {
  /** Makes a learner without a model. */
  constructor(params: Partial<StreamingNaiveBayesParams> = {}, uid?: string) {
    super('StreamingNaiveBayes', paramTable(PARAMS), KIND, params, uid);
  }

  /** Returns a copy that has the same model. */
  override copy(): StreamingNaiveBayes {
    const other = this.copyInto(new StreamingNaiveBayes({}, this.uid));
    other.model = this.model;
    return other;
  }

  /** Continues from a model that was saved. `halfLife` and `timeUnit` are given again: a model has no such params. */
  static async load(
    session: SessionLike,
    source: ModelSource,
    params: Partial<StreamingNaiveBayesParams> = {},
  ): Promise<StreamingNaiveBayes> {
    const model = await NaiveBayesModel.load(session, source);
    const learner = new StreamingNaiveBayes({}, model.uid);
    for (const [name, value] of model.explicit) learner.setParam(name, value);
    for (const [name, value] of Object.entries(params)) learner.setParam(name, value as ParamValue);
    learner.model = model;
    return learner;
  }
}
