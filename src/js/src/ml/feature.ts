import {
  estimator,
  model,
  spec,
  transformer,
  type Estimator,
  type MLWritable,
  type ModelClass,
  type ModelOf,
  type StageClass,
  type Transformer,
} from './stage.js';
import type { DenseVector, Vector } from './vector.js';

/** The param of a stage that reads one column (`HasInputCol`). */
export interface HasInputCol {
  /** Name of the column to read. */
  inputCol: string;
}
/** The param of a stage that adds one column (`HasOutputCol`). */
export interface HasOutputCol {
  /** Name of the column to add; `<uid>__output` by default. */
  outputCol: string;
}
/** The param of a stage that reads several columns (`HasInputCols`). */
export interface HasInputCols {
  /** Names of the columns to read. */
  inputCols: readonly string[];
}
/** The param of a stage that adds several columns (`HasOutputCols`). */
export interface HasOutputCols {
  /** Names of the columns to add, as many as there are input columns. */
  outputCols: readonly string[];
}
/** The param that says what a stage does with values it cannot take (`HasHandleInvalid`). */
export interface HasHandleInvalid {
  /** `error` (the default) fails the query, `skip` drops the row, `keep` maps the value to a place of its own. */
  handleInvalid: 'skip' | 'error' | 'keep';
}

type One = HasInputCol & HasOutputCol;
type OneOrMany = One & HasInputCols & HasOutputCols;
type T<P> = StageClass<P, Transformer & MLWritable>;
type E<P, A> = StageClass<P, Estimator<ModelOf<P, A>> & MLWritable>;

const ONE = 'inputCol outputCol';
const ONE_OR_MANY = `${ONE} inputCols outputCols`;
const INVALID = 'handleInvalid="error"';

/** Splits strings into lower-case words at white space (`Tokenizer`). */
export const Tokenizer: T<One> = transformer(spec('feature.Tokenizer', ONE));
/** An instance of {@link Tokenizer}. */
export type Tokenizer = InstanceType<typeof Tokenizer>;

/** Splits strings into words by a regular expression of Java's (`RegexTokenizer`). */
export const RegexTokenizer: T<One & { pattern: string; gaps: boolean; minTokenLength: number; toLowercase: boolean }> = transformer(
  spec('feature.RegexTokenizer', `${ONE} gaps=true minTokenLength=1 pattern="\\\\s+" toLowercase=true`),
);
/** An instance of {@link RegexTokenizer}. */
export type RegexTokenizer = InstanceType<typeof RegexTokenizer>;

/** Removes stop words from lists of words: those of English by default, see {@link loadDefaultStopWords} (`StopWordsRemover`). */
export const StopWordsRemover: T<OneOrMany & { stopWords: readonly string[]; caseSensitive: boolean; locale: string }> = transformer(
  spec('feature.StopWordsRemover', `${ONE_OR_MANY} stopWords caseSensitive=false locale="en_US"`),
);
/** An instance of {@link StopWordsRemover}. */
export type StopWordsRemover = InstanceType<typeof StopWordsRemover>;

/** Turns lists of words into lists of runs of `n` words, joined by spaces; empty for fewer than `n` words (`NGram`). */
export const NGram: T<One & { n: number }> = transformer(spec('feature.NGram', `${ONE} n=2`));
/** An instance of {@link NGram}. */
export type NGram = InstanceType<typeof NGram>;

/** Counts words into sparse vectors, at indices that Murmur3 hashes of the words choose (`HashingTF`). */
export const HashingTF: T<One & { numFeatures: number; binary: boolean }> = transformer(
  spec('feature.HashingTF', `${ONE} binary=false numFeatures=262144`),
);
/** An instance of {@link HashingTF}. */
export type HashingTF = InstanceType<typeof HashingTF>;

/** Turns indices back into labels: those of `labels`, or of the column's metadata (`IndexToString`). */
export const IndexToString: T<One & { labels: readonly string[] }> = transformer(spec('feature.IndexToString', `${ONE} labels`));
/** An instance of {@link IndexToString}. */
export type IndexToString = InstanceType<typeof IndexToString>;

/** Joins numbers, booleans and vectors into one vector per row (`VectorAssembler`). */
export const VectorAssembler: T<HasHandleInvalid & HasInputCols & HasOutputCol> = transformer(
  spec('feature.VectorAssembler', `inputCols outputCol ${INVALID}`),
);
/** An instance of {@link VectorAssembler}. */
export type VectorAssembler = InstanceType<typeof VectorAssembler>;

/** Maps values above a threshold to 1 and all others to 0 (`Binarizer`). */
export const Binarizer: T<OneOrMany & { threshold: number; thresholds: readonly number[] }> = transformer(
  spec('feature.Binarizer', `${ONE_OR_MANY} threshold=0 thresholds`),
);
/** An instance of {@link Binarizer}. */
export type Binarizer = InstanceType<typeof Binarizer>;

/** Maps numbers to the index of the bucket they are in; the last bucket is closed (`Bucketizer`). */
export const Bucketizer: T<OneOrMany & HasHandleInvalid & { splits: readonly number[]; splitsArray: readonly (readonly number[])[] }> =
  transformer(spec('feature.Bucketizer', `${ONE_OR_MANY} ${INVALID} splits splitsArray`));
/** An instance of {@link Bucketizer}. */
export type Bucketizer = InstanceType<typeof Bucketizer>;

/** Divides vectors by their p-norm; a vector of zeros stays as it is (`Normalizer`). */
export const Normalizer: T<One & { p: number }> = transformer(spec('feature.Normalizer', `${ONE} p=2`));
/** An instance of {@link Normalizer}. */
export type Normalizer = InstanceType<typeof Normalizer>;

/** Runs an SQL statement over the input, which it names `__THIS__` (`SQLTransformer`). */
export const SQLTransformer: T<{ statement: string }> = transformer(spec('feature.SQLTransformer', 'statement'));
/** An instance of {@link SQLTransformer}. */
export type SQLTransformer = InstanceType<typeof SQLTransformer>;

interface IdfParams extends One {
  minDocFreq: number;
}
interface IdfAttributes {
  idf: DenseVector;
  docFreq: number[];
  numDocs: number;
}
const IDF_PARAMS = `${ONE} minDocFreq=0`;
/** Multiplies term counts by the inverse document frequencies that an {@link IDF} learned (`IDFModel`). */
export const IDFModel: ModelClass<IdfParams, IdfAttributes> = model(spec('feature.IDFModel', IDF_PARAMS, 'idf docFreq numDocs'));
/** A fitted {@link IDF}. */
export type IDFModel = InstanceType<typeof IDFModel>;
/** Learns inverse document frequencies: log((documents + 1) / (documents with the term + 1)) (`IDF`). */
export const IDF: E<IdfParams, IdfAttributes> = estimator(spec('feature.IDF', IDF_PARAMS), IDFModel);
/** An instance of {@link IDF}. */
export type IDF = InstanceType<typeof IDF>;

interface CountParams extends One {
  vocabSize: number;
  minDF: number;
  maxDF: number;
  minTF: number;
  binary: boolean;
}
interface CountAttributes {
  vocabulary: string[];
}
const COUNT_PARAMS = `${ONE} binary=false maxDF=9223372036854775807 minDF=1 minTF=1 vocabSize=262144`;
/** Counts words into sparse vectors, at their indices in a vocabulary; other words are ignored (`CountVectorizerModel`). */
export const CountVectorizerModel: ModelClass<CountParams, CountAttributes> = model(
  spec('feature.CountVectorizerModel', COUNT_PARAMS, 'vocabulary'),
);
/** A fitted {@link CountVectorizer}. */
export type CountVectorizerModel = InstanceType<typeof CountVectorizerModel>;
/** Learns the vocabulary of a {@link CountVectorizerModel}: the most frequent words (`CountVectorizer`). */
export const CountVectorizer: E<CountParams, CountAttributes> = estimator(
  spec('feature.CountVectorizer', COUNT_PARAMS),
  CountVectorizerModel,
);
/** An instance of {@link CountVectorizer}. */
export type CountVectorizer = InstanceType<typeof CountVectorizer>;

interface IndexerParams extends One, HasInputCols, HasOutputCols, HasHandleInvalid {
  stringOrderType: 'frequencyDesc' | 'frequencyAsc' | 'alphabetDesc' | 'alphabetAsc';
}
interface IndexerAttributes {
  labels: string[];
  labelsArray: string[][];
}
const INDEXER_PARAMS = `${ONE_OR_MANY} ${INVALID} stringOrderType="frequencyDesc"`;
/** Maps labels to their indices (`StringIndexerModel`). */
export const StringIndexerModel: ModelClass<IndexerParams, IndexerAttributes> = model(
  spec('feature.StringIndexerModel', INDEXER_PARAMS, 'labels labelsArray'),
);
/** A fitted {@link StringIndexer}. */
export type StringIndexerModel = InstanceType<typeof StringIndexerModel>;
/** Learns the labels of a column and their order; null is invalid (`StringIndexer`). */
export const StringIndexer: E<IndexerParams, IndexerAttributes> = estimator(
  spec('feature.StringIndexer', INDEXER_PARAMS),
  StringIndexerModel,
);
/** An instance of {@link StringIndexer}. */
export type StringIndexer = InstanceType<typeof StringIndexer>;

interface OneHotParams extends One, HasInputCols, HasOutputCols {
  dropLast: boolean;
  handleInvalid: 'error' | 'keep';
}
interface OneHotAttributes {
  categorySizes: number[];
}
const ONE_HOT_PARAMS = `${ONE_OR_MANY} dropLast=true ${INVALID}`;
/** Maps category indices to sparse vectors with a single 1 (`OneHotEncoderModel`). */
export const OneHotEncoderModel: ModelClass<OneHotParams, OneHotAttributes> = model(
  spec('feature.OneHotEncoderModel', ONE_HOT_PARAMS, 'categorySizes'),
);
/** A fitted {@link OneHotEncoder}. */
export type OneHotEncoderModel = InstanceType<typeof OneHotEncoderModel>;
/** Learns how many categories a column has (`OneHotEncoder`). */
export const OneHotEncoder: E<OneHotParams, OneHotAttributes> = estimator(
  spec('feature.OneHotEncoder', ONE_HOT_PARAMS),
  OneHotEncoderModel,
);
/** An instance of {@link OneHotEncoder}. */
export type OneHotEncoder = InstanceType<typeof OneHotEncoder>;

interface StandardParams extends One {
  withMean: boolean;
  withStd: boolean;
}
interface StandardAttributes {
  mean: DenseVector;
  std: DenseVector;
}
const STANDARD_PARAMS = `${ONE} withMean=false withStd=true`;
/** Scales features to a standard deviation of 1, and to a mean of 0 if asked (`StandardScalerModel`). */
export const StandardScalerModel: ModelClass<StandardParams, StandardAttributes> = model(
  spec('feature.StandardScalerModel', STANDARD_PARAMS, 'mean std'),
);
/** A fitted {@link StandardScaler}. */
export type StandardScalerModel = InstanceType<typeof StandardScalerModel>;
/** Learns the mean and the standard deviation of each feature (`StandardScaler`). */
export const StandardScaler: E<StandardParams, StandardAttributes> = estimator(
  spec('feature.StandardScaler', STANDARD_PARAMS),
  StandardScalerModel,
);
/** An instance of {@link StandardScaler}. */
export type StandardScaler = InstanceType<typeof StandardScaler>;

interface MinMaxParams extends One {
  min: number;
  max: number;
}
interface MinMaxAttributes {
  originalMin: Vector;
  originalMax: Vector;
}
const MIN_MAX_PARAMS = `${ONE} max=1 min=0`;
/** Scales each feature linearly into the range from `min` to `max` (`MinMaxScalerModel`). */
export const MinMaxScalerModel: ModelClass<MinMaxParams, MinMaxAttributes> = model(
  spec('feature.MinMaxScalerModel', MIN_MAX_PARAMS, 'originalMin originalMax'),
);
/** A fitted {@link MinMaxScaler}. */
export type MinMaxScalerModel = InstanceType<typeof MinMaxScalerModel>;
/** Learns the smallest and the largest value of each feature (`MinMaxScaler`). */
export const MinMaxScaler: E<MinMaxParams, MinMaxAttributes> = estimator(spec('feature.MinMaxScaler', MIN_MAX_PARAMS), MinMaxScalerModel);
/** An instance of {@link MinMaxScaler}. */
export type MinMaxScaler = InstanceType<typeof MinMaxScaler>;

interface MaxAbsAttributes {
  maxAbs: Vector;
}
/** Divides each feature by its largest absolute value (`MaxAbsScalerModel`). */
export const MaxAbsScalerModel: ModelClass<One, MaxAbsAttributes> = model(spec('feature.MaxAbsScalerModel', ONE, 'maxAbs'));
/** A fitted {@link MaxAbsScaler}. */
export type MaxAbsScalerModel = InstanceType<typeof MaxAbsScalerModel>;
/** Learns the largest absolute value of each feature (`MaxAbsScaler`). */
export const MaxAbsScaler: E<One, MaxAbsAttributes> = estimator(spec('feature.MaxAbsScaler', ONE), MaxAbsScalerModel);
/** An instance of {@link MaxAbsScaler}. */
export type MaxAbsScaler = InstanceType<typeof MaxAbsScaler>;
