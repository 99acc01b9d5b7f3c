import type { DataFrame } from '../sql/dataframe.js';
import type { HasInputCol, HasOutputCol } from './feature.js';
import { ofModel } from './relations.js';
import { type Estimator, estimator, type MLWritable, type ModelClass, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { Vector } from './vector.js';

type E<P> = StageClass<P, Estimator<ModelOf<P, object>> & MLWritable>;

interface LshParams extends HasInputCol, HasOutputCol {
  /** Hashes per vector: more find more neighbours, at more cost; 1 by default. */
  numHashTables: number;
  /** Seed of the random numbers. */
  seed: number;
}
interface ProjectionParams extends LshParams {
  /** Length of a bucket: longer ones find more neighbours, at more cost. */
  bucketLength: number;
}

const MODEL_PARAMS = 'inputCol outputCol numHashTables=1';
const PARAMS = `${MODEL_PARAMS} seed`;

/** Hashes vectors so that those at a small euclidean distance share hashes (`BucketedRandomProjectionLSHModel`). */
export const BucketedRandomProjectionLSHModel: ModelClass<ProjectionParams, object> = model(
  spec('feature.BucketedRandomProjectionLSHModel', `bucketLength ${MODEL_PARAMS}`),
);
/** A fitted {@link BucketedRandomProjectionLSH}. */
export type BucketedRandomProjectionLSHModel = InstanceType<typeof BucketedRandomProjectionLSHModel>;
/** Draws random directions to hash vectors by, for the euclidean distance (`BucketedRandomProjectionLSH`). */
export const BucketedRandomProjectionLSH: E<ProjectionParams> = estimator(
  spec('feature.BucketedRandomProjectionLSH', `bucketLength ${PARAMS}`),
  BucketedRandomProjectionLSHModel,
);
/** An instance of {@link BucketedRandomProjectionLSH}. */
export type BucketedRandomProjectionLSH = InstanceType<typeof BucketedRandomProjectionLSH>;

/** Hashes vectors, taken as the sets of their indices that are not 0, so that similar sets share hashes (`MinHashLSHModel`). */
export const MinHashLSHModel: ModelClass<LshParams, object> = model(spec('feature.MinHashLSHModel', MODEL_PARAMS));
/** A fitted {@link MinHashLSH}. */
export type MinHashLSHModel = InstanceType<typeof MinHashLSHModel>;
/** Draws random hash functions of sets, for the Jaccard distance (`MinHashLSH`). */
export const MinHashLSH: E<LshParams> = estimator(spec('feature.MinHashLSH', PARAMS), MinHashLSHModel);
/** An instance of {@link MinHashLSH}. */
export type MinHashLSH = InstanceType<typeof MinHashLSH>;

/** A model that hashes vectors. */
export type LSHModel = BucketedRandomProjectionLSHModel | MinHashLSHModel;

/** Returns the rows nearest to a key, among those with a hash of its: at most `count`, with their distance (`approxNearestNeighbors`). */
export function approxNearestNeighbors(hashing: LSHModel, df: DataFrame, key: Vector, count: number, distCol = 'distCol'): DataFrame {
  return ofModel(hashing, 'approxNearestNeighbors', df, key, BigInt(count), distCol);
}

/**
 * Returns the pairs of rows, among those with a hash in common, that are nearer than `threshold`: as structs `datasetA` and `datasetB`,
 * with their distance (`approxSimilarityJoin`).
 */
export function approxSimilarityJoin(
  hashing: LSHModel,
  datasetA: DataFrame,
  datasetB: DataFrame,
  threshold: number,
  distCol = 'distCol',
): DataFrame {
  return ofModel(hashing, 'approxSimilarityJoin', datasetA, datasetB, threshold, distCol);
}
