import type { DataFrame } from '../sql/dataframe.js';
import { ofModel } from './relations.js';
import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';

// ------------------------------------------------------------------------------------------------------- recommendation

interface RatingParams {
  /** Column of the users' ids, integers; `user` by default. */
  userCol: string;
  /** Column of the items' ids, integers; `item` by default. */
  itemCol: string;
  /** Column for the prediction; `prediction` by default. */
  predictionCol: string;
  /** What becomes of users and items that training did not see: NaN, or their rows are dropped; `nan` by default. */
  coldStartStrategy: 'nan' | 'drop';
}
interface ALSParams extends RatingParams {
  /** Column of the ratings; `rating` by default. */
  ratingCol: string;
  /** How many factors each user and each item has; 10 by default. */
  rank: number;
  /** Steps; 10 by default. */
  maxIter: number;
  /** How much large factors cost; 0.1 by default. */
  regParam: number;
  /** Whether ratings are how sure we are that a user likes an item; false by default. */
  implicitPrefs: boolean;
  /** How sure a rating of one makes, then; 1 by default. */
  alpha: number;
  /** Whether factors are not below 0; false by default. */
  nonnegative: boolean;
  /** In how many parts users are dealt out; 10 by default. */
  numUserBlocks: number;
  /** In how many parts items are dealt out; 10 by default. */
  numItemBlocks: number;
  /** Seed of the first factors. */
  seed: number;
}
const RATING = 'coldStartStrategy="nan" itemCol="item" predictionCol="prediction" userCol="user"';
const ALS_PARAMS = `${RATING} alpha=1 implicitPrefs=false maxIter=10 nonnegative=false numItemBlocks=10 numUserBlocks=10 rank=10 ratingCol="rating" regParam=0.1 seed`;
const factors = model<RatingParams, { rank: number }>(spec('recommendation.ALSModel', RATING, 'rank'));
/** A fitted {@link ALS}. */
export type ALSModel = ModelOf<RatingParams, { rank: number }>;
/** Predicts ratings by products of the factors of users and items (`ALSModel`). */
export const ALSModel = factors as unknown as ModelClassOf<ALSModel>;
/**
 * Learns factors of users and items from ratings, by alternating least squares (`ALS`).
 * @example
 * ```ts
 * const ratings = spark.createDataFrame([[0, 0, 5], [0, 1, 1], [1, 0, 5], [1, 1, 1], [2, 0, 5]], 'user INT, item INT, rating FLOAT');
 * const model = await new ml.ALS({ rank: 1, maxIter: 5, seed: 1 }).fit(ratings);
 * const [best] = await ml.recommendForAllUsers(model, 1).where('user = 2').select('recommendations.item').collect();
 * best!['item']; // → [0]
 * ```
 */
export const ALS = estimator(spec('recommendation.ALS', ALS_PARAMS), factors) as unknown as StageClass<
  ALSParams,
  Estimator<ALSModel> & MLWritable
>;
/** An instance of {@link ALS}. */
export type ALS = InstanceType<typeof ALS>;

/** Returns the factors of users: `id`, `features` (`ALSModel.userFactors`). */
export const userFactors = (fitted: ALSModel): DataFrame => ofModel(fitted, 'userFactors');
/** Returns the factors of items: `id`, `features` (`ALSModel.itemFactors`). */
export const itemFactors = (fitted: ALSModel): DataFrame => ofModel(fitted, 'itemFactors');

/** Returns the best items for each user, at most `count`, as a list `recommendations` of item and rating (`recommendForAllUsers`). */
export function recommendForAllUsers(fitted: ALSModel, count: number): DataFrame {
  return ofModel(fitted, 'recommendForAllUsers', BigInt(count));
}
/** Returns the best users for each item, at most `count`, as a list `recommendations` of user and rating (`recommendForAllItems`). */
export function recommendForAllItems(fitted: ALSModel, count: number): DataFrame {
  return ofModel(fitted, 'recommendForAllItems', BigInt(count));
}
/** Returns the best items for the users of a DataFrame, each once (`recommendForUserSubset`). */
export function recommendForUserSubset(fitted: ALSModel, users: DataFrame, count: number): DataFrame {
  return ofModel(fitted, 'recommendForUserSubset', users, BigInt(count));
}
/** Returns the best users for the items of a DataFrame, each once (`recommendForItemSubset`). */
export function recommendForItemSubset(fitted: ALSModel, items: DataFrame, count: number): DataFrame {
  return ofModel(fitted, 'recommendForItemSubset', items, BigInt(count));
}
