import { estimator, model, spec, transformer, type Estimator, type ModelOf, type StageClass, type Savable, type Transformer } from './stage.js';
import type { DenseVector, Vector } from './vector.js';

/** One column in, one column out. */
export interface InOut { inputCol: string; outputCol: string }
/** Several columns in, as many out. */
export interface InsOuts { inputCols: readonly string[]; outputCols: readonly string[] }
/** What to do with values that a stage cannot take. */
export interface HandleInvalid { handleInvalid: 'skip' | 'error' | 'keep' }

type T<P> = StageClass<P, Transformer & Savable>;
type E<P, A> = StageClass<P, Estimator<ModelOf<P, A>> & Savable>;

const IN_OUT = 'inputCol outputCol';
const BOTH = `${IN_OUT} inputCols outputCols`;
const INVALID = 'handleInvalid="error"';

/** Texts to lower-case words, at white space. */
export const Tokenizer: T<InOut> = transformer(spec('feature.Tokenizer', IN_OUT));
/** Texts to words by a regular expression. */
export const RegexTokenizer: T<InOut & { pattern: string; gaps: boolean; minTokenLength: number; toLowercase: boolean }> =
  transformer(spec('feature.RegexTokenizer', `${IN_OUT} gaps=true minTokenLength=1 pattern="\\\\s+" toLowercase=true`));
/** Words without the stop words: those of English, unless others are given (see `loadDefaultStopWords`). */
export const StopWordsRemover: T<InOut & InsOuts & { stopWords: readonly string[]; caseSensitive: boolean; locale: string }> =
  transformer(spec('feature.StopWordsRemover', `${BOTH} stopWords caseSensitive=false locale="en_US"`));
/** Words to runs of n words. */
export const NGram: T<InOut & { n: number }> = transformer(spec('feature.NGram', `${IN_OUT} n=2`));
/** Words to counts at hashed indices. */
export const HashingTF: T<InOut & { numFeatures: number; binary: boolean }> =
  transformer(spec('feature.HashingTF', `${IN_OUT} binary=false numFeatures=262144`));
/** Indices back to labels. */
export const IndexToString: T<InOut & { labels: readonly string[] }> = transformer(spec('feature.IndexToString', `${IN_OUT} labels`));
/** Numbers, booleans and vectors to one vector. */
export const VectorAssembler: T<HandleInvalid & { inputCols: readonly string[]; outputCol: string }> =
  transformer(spec('feature.VectorAssembler', `inputCols outputCol ${INVALID}`));
/** 1 above a threshold, else 0. */
export const Binarizer: T<InOut & InsOuts & { threshold: number; thresholds: readonly number[] }> =
  transformer(spec('feature.Binarizer', `${BOTH} threshold=0 thresholds`));
/** Numbers to the index of their bucket. */
export const Bucketizer: T<InOut & InsOuts & HandleInvalid & { splits: readonly number[]; splitsArray: readonly (readonly number[])[] }> =
  transformer(spec('feature.Bucketizer', `${BOTH} ${INVALID} splits splitsArray`));
/** Vectors divided by their p-norm. */
export const Normalizer: T<InOut & { p: number }> = transformer(spec('feature.Normalizer', `${IN_OUT} p=2`));
/** A SQL statement over the input, `__THIS__`. */
export const SQLTransformer: T<{ statement: string }> = transformer(spec('feature.SQLTransformer', 'statement'));

interface IdfParams extends InOut { minDocFreq: number }
interface IdfAttributes { idf: DenseVector; docFreq: number[]; numDocs: number }
const IDF_PARAMS = `${IN_OUT} minDocFreq=0`;
/** Weights of terms by how few documents have them. */
export const IDFModel = model<IdfParams, IdfAttributes>(spec('feature.IDFModel', IDF_PARAMS, 'idf docFreq numDocs'));
/** Learns the weights of {@link IDFModel}. */
export const IDF: E<IdfParams, IdfAttributes> = estimator(spec('feature.IDF', IDF_PARAMS), IDFModel);

interface CountParams extends InOut { vocabSize: number; minDF: number; maxDF: number; minTF: number; binary: boolean }
interface CountAttributes { vocabulary: string[] }
const COUNT_PARAMS = `${IN_OUT} binary=false maxDF=9223372036854775807 minDF=1 minTF=1 vocabSize=262144`;
/** Words to counts at the indices of a vocabulary. */
export const CountVectorizerModel = model<CountParams, CountAttributes>(spec('feature.CountVectorizerModel', COUNT_PARAMS, 'vocabulary'));
/** Learns the vocabulary of {@link CountVectorizerModel}: the most frequent words. */
export const CountVectorizer: E<CountParams, CountAttributes> = estimator(spec('feature.CountVectorizer', COUNT_PARAMS), CountVectorizerModel);

interface IndexerParams extends InOut, InsOuts, HandleInvalid { stringOrderType: 'frequencyDesc' | 'frequencyAsc' | 'alphabetDesc' | 'alphabetAsc' }
interface IndexerAttributes { labels: string[]; labelsArray: string[][] }
const INDEXER_PARAMS = `${BOTH} ${INVALID} stringOrderType="frequencyDesc"`;
/** Labels to their indices. */
export const StringIndexerModel = model<IndexerParams, IndexerAttributes>(spec('feature.StringIndexerModel', INDEXER_PARAMS, 'labels labelsArray'));
/** Learns the labels of {@link StringIndexerModel} and their order. */
export const StringIndexer: E<IndexerParams, IndexerAttributes> = estimator(spec('feature.StringIndexer', INDEXER_PARAMS), StringIndexerModel);

interface OneHotParams extends InOut, InsOuts { dropLast: boolean; handleInvalid: 'error' | 'keep' }
interface OneHotAttributes { categorySizes: number[] }
const ONE_HOT_PARAMS = `${BOTH} dropLast=true ${INVALID}`;
/** Category indices to vectors with a single 1. */
export const OneHotEncoderModel = model<OneHotParams, OneHotAttributes>(spec('feature.OneHotEncoderModel', ONE_HOT_PARAMS, 'categorySizes'));
/** Learns how many categories {@link OneHotEncoderModel} has. */
export const OneHotEncoder: E<OneHotParams, OneHotAttributes> = estimator(spec('feature.OneHotEncoder', ONE_HOT_PARAMS), OneHotEncoderModel);

interface StandardParams extends InOut { withMean: boolean; withStd: boolean }
interface StandardAttributes { mean: DenseVector; std: DenseVector }
const STANDARD_PARAMS = `${IN_OUT} withMean=false withStd=true`;
/** Features brought to a mean of 0 and a deviation of 1. */
export const StandardScalerModel = model<StandardParams, StandardAttributes>(spec('feature.StandardScalerModel', STANDARD_PARAMS, 'mean std'));
/** Learns mean and deviation of {@link StandardScalerModel}. */
export const StandardScaler: E<StandardParams, StandardAttributes> = estimator(spec('feature.StandardScaler', STANDARD_PARAMS), StandardScalerModel);

interface MinMaxParams extends InOut { min: number; max: number }
interface MinMaxAttributes { originalMin: Vector; originalMax: Vector }
const MIN_MAX_PARAMS = `${IN_OUT} max=1 min=0`;
/** Features brought into a range. */
export const MinMaxScalerModel = model<MinMaxParams, MinMaxAttributes>(spec('feature.MinMaxScalerModel', MIN_MAX_PARAMS, 'originalMin originalMax'));
/** Learns the ranges of {@link MinMaxScalerModel}. */
export const MinMaxScaler: E<MinMaxParams, MinMaxAttributes> = estimator(spec('feature.MinMaxScaler', MIN_MAX_PARAMS), MinMaxScalerModel);

/** Features divided by their largest absolute value. */
export const MaxAbsScalerModel = model<InOut, { maxAbs: Vector }>(spec('feature.MaxAbsScalerModel', IN_OUT, 'maxAbs'));
/** Learns the largest absolute values of {@link MaxAbsScalerModel}. */
export const MaxAbsScaler: E<InOut, { maxAbs: Vector }> = estimator(spec('feature.MaxAbsScaler', IN_OUT), MaxAbsScalerModel);
