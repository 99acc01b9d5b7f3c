/**
 * Machine learning: pipelines of feature stages, naive Bayes, logistic, linear and generalized linear regression, survival and isotonic regression, support vector machines, perceptrons, factorization machines, trees, clusterings, topics of documents, statistics, evaluation, tuning. The words are those of `pyspark.ml`; begin with
 * {@link Pipeline}.
 */

export type { BatchLearner } from './batch_learner.js';
export * from './classification.js';
export * from './clusterings.js';
export * from './estimators.js';
export * from './evaluation.js';
export * from './feature.js';
export * from './learners.js';
export * from './lsh.js';
export { type ModelSource, modelArchive } from './model_path.js';
export { OneVsRest, OneVsRestModel, type OneVsRestParams } from './one_vs_rest.js';
export { type ParamMap, type ParamPair, Params, type ParamValue } from './params.js';
export * from './patterns.js';
export { Pipeline, PipelineModel } from './pipeline.js';
export * from './regressions.js';
export type { DataFrameOf } from './relations.js';
export * from './selectors.js';
export {
  type Accessors,
  Estimator,
  Evaluator,
  loadDefaultStopWords,
  type MLReadable,
  type MLWritable,
  type Model,
  type ModelClass,
  type ModelOf,
  PipelineStage,
  type SaveOptions,
  type SessionLike,
  type StageClass,
  Transformer,
} from './stage.js';
export * from './stat.js';
export type { LabeledPoint, StreamLearner, VectorRow } from './stream_learner.js';
export * from './streaming_k_means.js';
export * from './streaming_naive_bayes.js';
export * from './streaming_regressions.js';
export * from './summaries.js';
export * from './topics.js';
export * from './transformers.js';
export * from './tuning.js';
export { DenseMatrix, DenseVector, SparseVector, type Vector, type VectorStruct, Vectors, VectorType } from './vector.js';
