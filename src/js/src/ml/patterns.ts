import type { DataFrame } from '../sql/dataframe.js';
import type { HasInputCol, HasOutputCol } from './feature.js';
import { ofModel, statistic } from './relations.js';
import { type Estimator, estimator, type MLWritable, type ModelClassOf, type ModelOf, model, type StageClass, spec } from './stage.js';
import type { Vector } from './vector.js';

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

// -------------------------------------------------------------------------------------------------------------- patterns

interface FPGrowthParams {
  /** Column of the lists of items, of any type; `items` by default. */
  itemsCol: string;
  /** Column for what follows from the items; `prediction` by default. */
  predictionCol: string;
  /** The least share of the rows that a frequent set is in; 0.3 by default. */
  minSupport: number;
  /** The least share of the rows with its antecedent in which a rule holds; 0.8 by default. */
  minConfidence: number;
  /** In how many parts Spark mines; it does not matter here. */
  numPartitions: number;
}
const GROWTH = 'itemsCol="items" minConfidence=0.8 minSupport=0.3 numPartitions predictionCol="prediction"';
const sets = model<FPGrowthParams, object>(spec('fpm.FPGrowthModel', GROWTH));
/** A fitted {@link FPGrowth}. */
export type FPGrowthModel = ModelOf<FPGrowthParams, object>;
/** Says which items follow from those of a list, by rules (`FPGrowthModel`). */
export const FPGrowthModel = sets as unknown as ModelClassOf<FPGrowthModel>;
/**
 * Finds the sets of items that many rows have, and rules between them (`FPGrowth`).
 * @example
 * ```ts
 * const baskets = await spark.sql("SELECT * FROM VALUES (array('tea', 'milk')), (array('tea', 'milk', 'cake')), (array('cake')) AS t(items)");
 * const model = await new ml.FPGrowth({ minSupport: 0.5 }).fit(baskets);
 * const rules = await ml.associationRules(model).orderBy('antecedent').collect();
 * rules.map((rule) => [rule['antecedent'], rule['consequent'], rule['confidence']]); // → [[['milk'], ['tea'], 1], [['tea'], ['milk'], 1]]
 * ```
 */
export const FPGrowth = estimator(spec('fpm.FPGrowth', GROWTH), sets) as unknown as StageClass<
  FPGrowthParams,
  Estimator<FPGrowthModel> & MLWritable
>;
/** An instance of {@link FPGrowth}. */
export type FPGrowth = InstanceType<typeof FPGrowth>;

/** Returns the frequent sets: `items`, and `freq`, how many rows have them all (`FPGrowthModel.freqItemsets`). */
export const freqItemsets = (fitted: FPGrowthModel): DataFrame => ofModel(fitted, 'freqItemsets');
/** Returns rules: `antecedent`, `consequent`, `confidence`, `lift` and `support` (`FPGrowthModel.associationRules`). */
export const associationRules = (fitted: FPGrowthModel): DataFrame => ofModel(fitted, 'associationRules');

/** How {@link findFrequentSequentialPatterns} finds patterns. */
export interface PrefixSpanOptions {
  /** Column of the sequences, lists of lists of items; `sequence` by default. */
  sequenceCol?: string;
  /** The least share of the rows that a pattern is in; 0.1 by default. */
  minSupport?: number;
  /** The most items of a pattern; 10 by default. */
  maxPatternLength?: number;
}
/**
 * Finds the sequences of sets of items that are part of many rows (`PrefixSpan.findFrequentSequentialPatterns`): `sequence`, and `freq`,
 * how many rows it is part of.
 * @example
 * ```ts
 * const visits = await spark.sql("SELECT * FROM VALUES (array(array('home'), array('shop'))), (array(array('home'), array('help'), array('shop'))) AS t(sequence)");
 * const found = await ml.findFrequentSequentialPatterns(visits, { minSupport: 1 }).where('size(sequence) = 2').collect();
 * found.map((pattern) => pattern['sequence']); // → [[['home'], ['shop']]]
 * ```
 */
export function findFrequentSequentialPatterns(df: DataFrame, options: PrefixSpanOptions = {}): DataFrame {
  const { sequenceCol = 'sequence', minSupport = 0.1, maxPatternLength = 10 } = options;
  const most = BigInt(maxPatternLength);
  return statistic(df, 'prefixSpanFindFrequentSequentialPatterns', minSupport, most, 32_000_000n, sequenceCol);
}

// ----------------------------------------------------------------------------------------------------------------- words

interface Word2VecParams extends HasInputCol, HasOutputCol {
  /** How many values a vector has; 100 by default. */
  vectorSize: number;
  /** The least times a word occurs; 5 by default. */
  minCount: number;
  /** How many words on either side are near at most; 5 by default. */
  windowSize: number;
  /** Longer lists are cut; 1000 by default. */
  maxSentenceLength: number;
  /** Passes over all sentences; 1 by default. */
  maxIter: number;
  /** How far vectors move at first; 0.025 by default. */
  stepSize: number;
  /** In how many parts a pass is trained; their average is taken. 1 by default: the most exact. */
  numPartitions: number;
  /** Seed of the random numbers. */
  seed: number;
}
const WORD2VEC =
  'inputCol outputCol maxIter=1 maxSentenceLength=1000 minCount=5 numPartitions=1 seed stepSize=0.025 vectorSize=100 windowSize=5';
const wordVectors = model<Word2VecParams, object>(spec('feature.Word2VecModel', WORD2VEC));
/** A fitted {@link Word2Vec}. */
export type Word2VecModel = ModelOf<Word2VecParams, object>;
/** Turns lists of words into the mean of their vectors (`Word2VecModel`). */
export const Word2VecModel = wordVectors as unknown as ModelClassOf<Word2VecModel>;
/**
 * Learns vectors of words, so that words with the same words around them are near each other (`Word2Vec`).
 * @example
 * ```ts
 * const lists = await spark.sql("SELECT split('the cat sat on the mat', ' ') AS words FROM range(10)");
 * const model = await new ml.Word2Vec({ inputCol: 'words', outputCol: 'v', vectorSize: 3, seed: 1 }).fit(lists);
 * await ml.getVectors(model).count(); // → 5
 * await ml.findSynonyms(model, 'cat', 2).count(); // → 2
 * ```
 */
export const Word2Vec = estimator(spec('feature.Word2Vec', WORD2VEC), wordVectors) as unknown as StageClass<
  Word2VecParams,
  Estimator<Word2VecModel> & MLWritable
>;
/** An instance of {@link Word2Vec}. */
export type Word2Vec = InstanceType<typeof Word2Vec>;

/** Returns the words with their vectors: `word`, `vector` (`Word2VecModel.getVectors`). */
export const getVectors = (fitted: Word2VecModel): DataFrame => ofModel(fitted, 'getVectors');
/** Returns the words nearest to a word or a vector, at most `count`: `word`, `similarity`, the cosine (`Word2VecModel.findSynonyms`). */
export function findSynonyms(fitted: Word2VecModel, to: string | Vector, count: number): DataFrame {
  return ofModel(fitted, 'findSynonyms', to, BigInt(count));
}

// ------------------------------------------------------------------------------------------------ clusters of vertices

/** How {@link assignClusters} finds clusters. */
export interface PowerIterationOptions {
  /** How many clusters; 2 by default. */
  k?: number;
  /** The most steps; 20 by default. */
  maxIter?: number;
  /** What vertices begin with: random numbers, or the weight of their edges; `random` by default. */
  initMode?: 'random' | 'degree';
  /** Column of the ids where edges begin; `src` by default. */
  srcCol?: string;
  /** Column of the ids where they end; `dst` by default. */
  dstCol?: string;
  /** Column of how similar the ends are; all are 1 by default. */
  weightCol?: string;
}
/**
 * Finds clusters of the vertices of similar pairs (`PowerIterationClustering.assignClusters`): `id`, `cluster`. A pair is given once, in
 * either direction. All edges come together in one task.
 * @example
 * ```ts
 * const pairs = spark.createDataFrame([[1, 2, 1], [2, 3, 1], [1, 3, 1], [4, 5, 1], [5, 6, 1], [4, 6, 1], [3, 4, 0.01]], 'src INT, dst INT, weight DOUBLE');
 * const found = await ml.assignClusters(pairs, { weightCol: 'weight' }).orderBy('id').collect();
 * new Set(found.map((row) => row['cluster'])).size; // → 2
 * ```
 */
export function assignClusters(df: DataFrame, options: PowerIterationOptions = {}): DataFrame {
  const { k = 2, maxIter = 20, initMode = 'random', srcCol = 'src', dstCol = 'dst', weightCol = '' } = options;
  return statistic(df, 'powerIterationClusteringAssignClusters', BigInt(k), BigInt(maxIter), initMode, srcCol, dstCol, weightCol);
}
