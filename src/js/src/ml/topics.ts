import type { DataFrame } from '../sql/dataframe.js';
import type { Context } from '../sql/plan.js';
import { ofModel } from './relations.js';
import {
  type Estimator,
  estimator,
  type MLWritable,
  type ModelClassOf,
  type ModelOf,
  mlCommand,
  model,
  type StageClass,
  spec,
} from './stage.js';
import type { DenseMatrix, DenseVector } from './vector.js';

interface LDAParams {
  /** Column of the documents, vectors of how often each term occurs; `features` by default. */
  featuresCol: string;
  /** Column for the topics of each document, shares that add up to 1; `topicDistribution` by default. */
  topicDistributionCol: string;
  /** How many topics; 10 by default. */
  k: number;
  /** How many steps; 20 by default. */
  maxIter: number;
  /** Seed of the topics it begins with, and of the documents that are drawn. */
  seed: number;
  /** `online`: the engine lacks `em`. */
  optimizer: string;
  /** Share of the documents that a step draws; 0.05 by default. */
  subsamplingRate: number;
  /** How short the first steps are: the larger, the less they count; 1024 by default. */
  learningOffset: number;
  /** How fast steps become shorter, above 0.5 to come to an end; 0.51 by default. */
  learningDecay: number;
  /** How much documents are about each topic before one is read: one number for all topics, or one per topic; 1 / k by default. */
  docConcentration: readonly number[];
  /** Whether that is learned; true by default. */
  optimizeDocConcentration: boolean;
  /** How often topics have each term before a document is read; 1 / k by default. */
  topicConcentration: number;
  /** Spark's steps between checkpoints; the engine makes none. */
  checkpointInterval: number;
  /** Whether Spark's last checkpoint stays; the engine makes none. */
  keepLastCheckpoint: boolean;
}
interface LDAAttributes {
  /** Returns how many terms documents have. */
  vocabSize: number;
  /** Returns how often topics have terms, about: a row per term, a column per topic. */
  topicsMatrix: DenseMatrix;
  /** Returns how much documents are about each topic before one is read. */
  estimatedDocConcentration: DenseVector;
  /** Returns whether it holds the documents, too: never, without `em`. */
  isDistributed: boolean;
}
const TOPICS =
  'checkpointInterval=10 docConcentration featuresCol="features" k=10 keepLastCheckpoint=true learningDecay=0.51 learningOffset=1024 maxIter=20 optimizeDocConcentration=true optimizer="online" seed subsamplingRate=0.05 topicConcentration topicDistributionCol="topicDistribution"';
const topics = model<LDAParams, LDAAttributes>(
  spec('clustering.LocalLDAModel', TOPICS, 'vocabSize topicsMatrix estimatedDocConcentration isDistributed'),
);
/** A fitted {@link LDA}. */
export type LocalLDAModel = ModelOf<LDAParams, LDAAttributes>;
/** Says which topics a document is about (`LocalLDAModel`). */
export const LocalLDAModel = topics as unknown as ModelClassOf<LocalLDAModel>;
/** What {@link LDA} trains: with the optimizer `online`, a {@link LocalLDAModel}. */
export type LDAModel = LocalLDAModel;
/**
 * Learns the topics of documents, by online variational Bayes (`LDA`). With the same seed and partitions, topics are Spark's.
 * @example
 * ```ts
 * const documents = [[4, 3, 0, 0], [3, 5, 0, 0], [0, 0, 5, 2], [0, 0, 3, 4]];
 * const rows = documents.map((counts) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(counts)) }));
 * const df = spark.createDataFrame(rows, new StructType([new StructField('features', ml.VectorType)]));
 * const model = await new ml.LDA({ k: 2, seed: 2, subsamplingRate: 1, learningOffset: 1 }).fit(df);
 * const topics = await ml.describeTopics(model, 2).collect();
 * topics.map(({ termIndices }) => [...termIndices].sort()); // → [[0, 1], [2, 3]]
 * ```
 */
export const LDA = estimator(spec('clustering.LDA', TOPICS), topics) as unknown as StageClass<LDAParams, Estimator<LDAModel> & MLWritable>;
/** An instance of {@link LDA}. */
export type LDA = InstanceType<typeof LDA>;

/**
 * Returns the most frequent terms of each topic (`LDAModel.describeTopics`): `topic`, `termIndices`, and `termWeights`, their shares of the
 * topic.
 */
export const describeTopics = (fitted: LDAModel, maxTermsPerTopic = 10): DataFrame =>
  ofModel(fitted, 'describeTopics', BigInt(maxTermsPerTopic));

const measured = async (fitted: LDAModel, method: string, dataset: DataFrame): Promise<number> => {
  const { context, id } = fitted as unknown as { context: Context; id: string };
  const args = [{ argsType: { case: 'input' as const, value: dataset.plan.relation } }];
  const fetch = { objRef: { id }, methods: [{ method, args }] };
  return (await mlCommand(context, { case: 'fetch', value: fetch }, dataset.plan.needs)).value as number;
};

/** Returns the logarithm of how probable documents are, at least (`LDAModel.logLikelihood`). */
export const logLikelihood = (fitted: LDAModel, dataset: DataFrame): Promise<number> => measured(fitted, 'logLikelihood', dataset);

/** Returns how surprising each token of documents is, at most: less is better (`LDAModel.logPerplexity`). */
export const logPerplexity = (fitted: LDAModel, dataset: DataFrame): Promise<number> => measured(fitted, 'logPerplexity', dataset);
