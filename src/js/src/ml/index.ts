/**
 * Machine learning: pipelines of feature stages and naive Bayes, evaluation, tuning. The words are those of `pyspark.ml`; begin with
 * {@link Pipeline}.
 */
export * from './feature.js';
export * from './classification.js';
export * from './evaluation.js';
export { Pipeline, PipelineModel } from './pipeline.js';
export * from './tuning.js';
export * from './streaming_naive_bayes.js';
export { Params, type ParamMap, type ParamPair, type ParamValue } from './params.js';
export {
  Estimator,
  Evaluator,
  loadDefaultStopWords,
  PipelineStage,
  Transformer,
  type Accessors,
  type Model,
  type MLReadable,
  type ModelClass,
  type ModelOf,
  type MLWritable,
  type SaveOptions,
  type SessionLike,
  type StageClass,
} from './stage.js';
export { modelArchive, type ModelSource } from './model_files.js';
export { DenseMatrix, DenseVector, SparseVector, Vectors, VectorType, type Vector, type VectorStruct } from './vector.js';
