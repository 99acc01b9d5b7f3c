import {
  type Estimator,
  estimator,
  type MLWritable,
  type ModelClass,
  type ModelOf,
  model,
  type StageClass,
  spec,
  type Transformer,
  transformer,
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

/**
 * Splits strings into lower-case words at white space (`Tokenizer`).
 * @example
 * ```ts
 * const words = new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }).transform(spark.createDataFrame([{ text: 'To be' }]));
 * (await words.first())!['words']; // → ['to', 'be']
 * ```
 */
export const Tokenizer: T<One> = transformer(spec('feature.Tokenizer', ONE));
/** An instance of {@link Tokenizer}. */
export type Tokenizer = InstanceType<typeof Tokenizer>;

/** Splits strings into words by a regular expression of Java's (`RegexTokenizer`). */
export const RegexTokenizer: T<
  One & {
    /** Regular expression of Java's: of the gaps between words, or of the words; white space by default. */
    pattern: string;
    /** Whether the pattern matches the gaps between words (the default), or the words. */
    gaps: boolean;
    /** Shortest word that is kept; 1 by default. */
    minTokenLength: number;
    /** Whether strings are converted to lower case first; true by default. */
    toLowercase: boolean;
  }
> = transformer(spec('feature.RegexTokenizer', `${ONE} gaps=true minTokenLength=1 pattern="\\\\s+" toLowercase=true`));
/** An instance of {@link RegexTokenizer}. */
export type RegexTokenizer = InstanceType<typeof RegexTokenizer>;

/** Removes stop words from lists of words: those of English by default, see {@link loadDefaultStopWords} (`StopWordsRemover`). */
export const StopWordsRemover: T<
  OneOrMany & {
    /** The words to remove; those of English by default. */
    stopWords: readonly string[];
    /** Whether words are compared with their case; false by default. */
    caseSensitive: boolean;
    /** Locale of the comparison without case; `en_US` by default. */
    locale: string;
  }
> = transformer(spec('feature.StopWordsRemover', `${ONE_OR_MANY} stopWords caseSensitive=false locale="en_US"`));
/** An instance of {@link StopWordsRemover}. */
export type StopWordsRemover = InstanceType<typeof StopWordsRemover>;

/** Turns lists of words into lists of runs of `n` words, joined by spaces; empty for fewer than `n` words (`NGram`). */
export const NGram: T<One & { /** Words per run; 2 by default. */ n: number }> = transformer(spec('feature.NGram', `${ONE} n=2`));
/** An instance of {@link NGram}. */
export type NGram = InstanceType<typeof NGram>;

/** Counts words into sparse vectors, at indices that Murmur3 hashes of the words choose (`HashingTF`). */
export const HashingTF: T<
  One & {
    /** Number of features; 262,144 by default. */
    numFeatures: number;
    /** Whether every count that is not 0 becomes 1; false by default. */
    binary: boolean;
  }
> = transformer(spec('feature.HashingTF', `${ONE} binary=false numFeatures=262144`));
/** An instance of {@link HashingTF}. */
export type HashingTF = InstanceType<typeof HashingTF>;

/** Turns indices back into labels: those of `labels`, or of the column's metadata (`IndexToString`). */
export const IndexToString: T<One & { /** The labels, in the order of their indices. */ labels: readonly string[] }> = transformer(
  spec('feature.IndexToString', `${ONE} labels`),
);
/** An instance of {@link IndexToString}. */
export type IndexToString = InstanceType<typeof IndexToString>;

/**
 * Joins numbers, booleans and vectors into one vector per row (`VectorAssembler`).
 * @example
 * ```ts
 * const assembler = new ml.VectorAssembler({ inputCols: ['age', 'adult'], outputCol: 'features' });
 * const row = await assembler.transform(people.withColumn('adult', F.col('age').gt(18))).orderBy('age').first();
 * ml.Vectors.of(row!['features']).toArray(); // → [29, 1]
 * ```
 */
export const VectorAssembler: T<HasHandleInvalid & HasInputCols & HasOutputCol> = transformer(
  spec('feature.VectorAssembler', `inputCols outputCol ${INVALID}`),
);
/** An instance of {@link VectorAssembler}. */
export type VectorAssembler = InstanceType<typeof VectorAssembler>;

/** Maps values above a threshold to 1 and all others to 0 (`Binarizer`). */
export const Binarizer: T<
  OneOrMany & {
    /** Values above it become 1; 0 by default. */
    threshold: number;
    /** A threshold for each column. */
    thresholds: readonly number[];
  }
> = transformer(spec('feature.Binarizer', `${ONE_OR_MANY} threshold=0 thresholds`));
/** An instance of {@link Binarizer}. */
export type Binarizer = InstanceType<typeof Binarizer>;

/** Maps numbers to the index of the bucket they are in; the last bucket is closed (`Bucketizer`). */
export const Bucketizer: T<
  OneOrMany &
    HasHandleInvalid & {
      /** Bounds of the buckets, ascending. */
      splits: readonly number[];
      /** Bounds of the buckets of each column. */
      splitsArray: readonly (readonly number[])[];
    }
> = transformer(spec('feature.Bucketizer', `${ONE_OR_MANY} ${INVALID} splits splitsArray`));
/** An instance of {@link Bucketizer}. */
export type Bucketizer = InstanceType<typeof Bucketizer>;

/** Divides vectors by their p-norm; a vector of zeros stays as it is (`Normalizer`). */
export const Normalizer: T<One & { /** Which norm; 2 by default. */ p: number }> = transformer(spec('feature.Normalizer', `${ONE} p=2`));
/** An instance of {@link Normalizer}. */
export type Normalizer = InstanceType<typeof Normalizer>;

/** Runs an SQL statement over the input, which it names `__THIS__` (`SQLTransformer`). */
export const SQLTransformer: T<{ /** The SQL, which names its input `__THIS__`. */ statement: string }> = transformer(
  spec('feature.SQLTransformer', 'statement'),
);
/** An instance of {@link SQLTransformer}. */
export type SQLTransformer = InstanceType<typeof SQLTransformer>;

interface IdfParams extends One {
  /** Fewest documents that a term must occur in; 0 by default. */
  minDocFreq: number;
}
interface IdfAttributes {
  /** Returns the inverse document frequencies of the terms. */
  idf: DenseVector;
  /** Returns the number of documents with each term. */
  docFreq: number[];
  /** Returns the number of documents. */
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
  /** Most words in the vocabulary; 262,144 by default. */
  vocabSize: number;
  /** Fewest documents (or least share of them) that a word must occur in; 1 by default. */
  minDF: number;
  /** Most documents (or largest share of them) that a word may occur in; no limit by default. */
  maxDF: number;
  /** Least count (or share of the words) that a word must have in its document; 1 by default. */
  minTF: number;
  /** Whether every count that is not 0 becomes 1; false by default. */
  binary: boolean;
}
interface CountAttributes {
  /** Returns the words, in the order of their indices. */
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
  /** Order of the labels; `frequencyDesc` by default, ties in alphabetical order. */
  stringOrderType: 'frequencyDesc' | 'frequencyAsc' | 'alphabetDesc' | 'alphabetAsc';
}
interface IndexerAttributes {
  /** Returns the labels, in the order of their indices. */
  labels: string[];
  /** Returns the labels of each column. */
  labelsArray: string[][];
}
const INDEXER_PARAMS = `${ONE_OR_MANY} ${INVALID} stringOrderType="frequencyDesc"`;
/** Maps labels to their indices (`StringIndexerModel`). */
export const StringIndexerModel: ModelClass<IndexerParams, IndexerAttributes> = model(
  spec('feature.StringIndexerModel', INDEXER_PARAMS, 'labels labelsArray'),
);
/** A fitted {@link StringIndexer}. */
export type StringIndexerModel = InstanceType<typeof StringIndexerModel>;
/**
 * Learns the labels of a column and their order; null is invalid (`StringIndexer`).
 * @example
 * ```ts
 * const indexer = new ml.StringIndexer({ inputCol: 'team', outputCol: 'index' });
 * const model = await indexer.fit(people);
 * await model.labels(); // → ['a', 'b']
 * ```
 */
export const StringIndexer: E<IndexerParams, IndexerAttributes> = estimator(
  spec('feature.StringIndexer', INDEXER_PARAMS),
  StringIndexerModel,
);
/** An instance of {@link StringIndexer}. */
export type StringIndexer = InstanceType<typeof StringIndexer>;

interface OneHotParams extends One, HasInputCols, HasOutputCols {
  /** Whether the last category has no place in the vector; true by default. */
  dropLast: boolean;
  handleInvalid: 'error' | 'keep';
}
interface OneHotAttributes {
  /** Returns the number of categories of each column. */
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
  /** Whether the mean is subtracted, which makes vectors dense; false by default. */
  withMean: boolean;
  /** Whether to divide by the standard deviation; true by default. */
  withStd: boolean;
}
interface StandardAttributes {
  /** Returns the mean of each feature. */
  mean: DenseVector;
  /** Returns the standard deviation of each feature. */
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
  /** Lower bound of the scaled values; 0 by default. */
  min: number;
  /** Upper bound of the scaled values; 1 by default. */
  max: number;
}
interface MinMaxAttributes {
  /** Returns the smallest value of each feature. */
  originalMin: Vector;
  /** Returns the largest value of each feature. */
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
  /** Returns the largest absolute value of each feature. */
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

interface VarianceParams extends HasOutputCol {
  /** Name of the column of vectors to select from; `features` by default. */
  featuresCol: string;
  /** Variance that a feature must exceed, at least 0; 0 by default. */
  varianceThreshold: number;
}
interface VarianceAttributes {
  /** Returns the indices of the selected features, ascending. */
  selectedFeatures: readonly number[];
}
const VARIANCE_PARAMS = 'featuresCol="features" outputCol varianceThreshold=0';
/** Keeps the features that were selected in training; null vectors are errors (`VarianceThresholdSelectorModel`). */
export const VarianceThresholdSelectorModel: ModelClass<VarianceParams, VarianceAttributes> = model(
  spec('feature.VarianceThresholdSelectorModel', VARIANCE_PARAMS, 'selectedFeatures'),
);
/** A fitted {@link VarianceThresholdSelector}. */
export type VarianceThresholdSelectorModel = InstanceType<typeof VarianceThresholdSelectorModel>;
/** Selects the features whose variance is above a threshold: all that are not constant by default (`VarianceThresholdSelector`). */
export const VarianceThresholdSelector: E<VarianceParams, VarianceAttributes> = estimator(
  spec('feature.VarianceThresholdSelector', VARIANCE_PARAMS),
  VarianceThresholdSelectorModel,
);
/** An instance of {@link VarianceThresholdSelector}. */
export type VarianceThresholdSelector = InstanceType<typeof VarianceThresholdSelector>;
