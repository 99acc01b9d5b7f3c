import type { Literal } from '../connect/messages.js';
import { typeToMessage } from '../connect/type_message.js';
import { IllegalArgumentException } from '../errors.js';
import { uuid } from '../uuid.js';
import { jsonOf } from '../values/json.js';
import { shown } from '../values/misfit.js';
import { ArrayType, DoubleType, IntegerType, StringType } from '../values/types.js';
import { DenseMatrix, DenseVector, matrixLiteral, SparseVector, type Vector, vectorLiteral } from './vector.js';

/** What a param can be set to. */
export type ParamValue = boolean | number | string | readonly (string | number | readonly number[])[] | Vector | DenseMatrix;
/** i INT, l BIGINT, d DOUBLE, b BOOLEAN, s STRING, v vector, m matrix, I integers, S strings, D doubles, L lists of doubles. */
type Kind = 'i' | 'l' | 'd' | 'b' | 's' | 'v' | 'm' | 'I' | 'S' | 'D' | 'L';

/** Every param: name, kind, what it means. */
const PARAMS = new Map(
  `
alpha d how sure a rating of one makes
batchId i number of the batch; one that is not above the last is not learned again
beta d weight of recall in weightedFMeasure and fMeasureByLabel
binary b all counts that are not zero become 1
blockSize i rows that make a block
bootstrap b whether a tree may take a row several times
bucketLength d length of a bucket of the projections
caseSensitive b whether words are compared with their case
categoricalCols S numeric columns whose values are categories
censorCol s column name that says whether a lifetime ended
checkpointInterval i steps between checkpoints; the engine makes none
coldStartStrategy s nan or drop, for users and items that training did not see
convergenceTol d how little a step may change before a batch is learned
decayFactor d what earlier weights are multiplied by, per batch or row
degree i highest degree of the products
dim i numbers of a random centre
distanceMeasure s the distance: squaredEuclidean or cosine
docConcentration D how much documents are about each topic before one is read; one number for all, or one per topic
dropLast b whether the last category has no place in the vector
elasticNetParam d share of the penalty that is by absolute values
eps d least probability in logLoss
epsilon d how many times the scale an error may be to count by its square
factorSize i factors of a feature
family s auto, binomial or multinomial
fdr d share of false discoveries
featureIndex i which feature of a column of vectors
featureSubsetStrategy s features that may decide at a node: auto, all, onethird, sqrt, log2, a number or a share
featureType s categorical or continuous
featuresCol s features column name
fitIntercept b whether there is an intercept
fitLinear b whether there is a number per feature
forceIndexLabel b whether a label of numbers becomes an index, too
formula s formula of features and label, such as y ~ a + b
fpr d p-value that a feature must be below
fwe d family-wise error rate
gaps b whether the pattern matches gaps between words, or the words
halfLife d batches or points after which what was learned counts half
handleInvalid s what to do with invalid values: skip, error or keep
implicitPrefs b whether ratings are how sure a preference is
impurity s how mixed rows are measured: gini or entropy
indices I indices of the features, in their new order
initMode s how k-means begins: k-means|| or random
initStd d deviation of the factors to begin with
initSteps i steps of k-means||
initialCenterWeights D weights of the centres to begin with
initialCenters L centres to begin with
initialModel s id of the model to continue from
initialWeights v weights to begin with
inputCol s input column name
inputCols S input column names
inverse b whether to transform back
isotonic b whether predictions rise with the feature
itemCol s column name of the items' ids
itemsCol s column name of the lists of items
k i how many recommendations count, or principal components or topics to find
keepLastCheckpoint b whether the last checkpoint stays; the engine makes none
labelCol s label column name
labelType s categorical or continuous
labels S labels in the order of their indices
layers I sizes of the layers, from the features to the classes
learningDecay d how fast steps of learning become shorter
learningOffset d how short the first steps of learning are
leafCol s column name for the number of the leaf
link s which function of the mean is linear in the features
linkPower d power of the mean that is linear in the features
linkPredictionCol s column name for the linear part of the prediction
locale s locale of the words' lower case
loss s squaredError or huber
lossType s which errors count
lower d lower quantile of the range
lowerBoundsOnCoefficients m least coefficients
lowerBoundsOnIntercepts v least intercepts
max d upper bound of the scaled values
maxBins i most bins of a feature's values
maxCategories i most different values of a feature that is a category
maxDF d most documents (or share of them) that a word may be in
maxDepth i most decisions from the root to a leaf
maxIter i most steps
maxMemoryInMB i memory for the bins of open nodes
maxSentenceLength i longer lists of words are cut
metricLabel d the class of the metrics by label
metricName s the metric
min d lower bound of the scaled values
minConfidence d least share of the rows with an antecedent in which a rule holds
minCount i least times that a word occurs
minDF d least documents (or share of them) that a word must be in
minDivisibleClusterSize d least rows (or share of them) of a cluster that is divided
minDocFreq i least documents that a term must be in
minInfoGain d least gain of a decision
minInstancesPerNode i least rows of a leaf
minSupport d least share of the rows that have a set
minTF d least count (or share of the words) that a word must have in its document
minTokenLength i least length of a word
minWeightFractionPerNode d least share of the weight of a leaf
miniBatchFraction d share of the rows that a step takes
missingValue d the value that stands for a missing one
modelType s multinomial, complement, bernoulli or gaussian
n i words in a gram
names S names of the features, in their new order
nonnegative b whether factors are not below 0
numBins i points that the curves are reduced to; 0 keeps all
numBuckets i number of buckets
numBucketsArray I number of buckets of each column
numFeatures i number of features
numHashTables i hashes per vector
numIterations i most steps of a batch
numItemBlocks i parts that items are dealt out in
numPartitions i parts that rows are dealt out in
numTopFeatures i number of features to select
numTrees i number of trees
numUserBlocks i parts that users are dealt out in
offsetCol s column name of what is added to the linear part
optimizeDocConcentration b whether docConcentration is learned
optimizer s online, or em, which the engine lacks
parallelism i how many models are fitted at a time
outputCol s output column name
outputCols S output column names
p d which norm
pattern s Java regular expression
percentile d share of features to select
predictionCol s prediction column name
probabilityCol s column name for class probabilities
quantileProbabilities D probabilities of the quantiles
quantilesCol s column name for the quantiles
rank i factors of a user or item
ratingCol s column name of the ratings
rawPredictionCol s raw prediction column name
regParam d how much large coefficients cost
relativeError d share of the rows by which the rank of a quantile may be off
scalingVec v what each feature is multiplied with
seed l seed of the random numbers
selectionMode s numTopFeatures, percentile, fpr, fdr or fwe
selectionThreshold d number, share or bound, by selectionMode
selectorType s numTopFeatures, percentile, fpr, fdr or fwe
size i size of the vectors
smoothing d what is added to every count
solver s how the training searches
splits D bounds of the buckets, ascending
splitsArray L bounds of the buckets of each column
standardization b whether features are scaled before coefficients cost
statement s SQL statement over __THIS__
stepSize d what the predictions of trees are multiplied with
stopWords S the words to remove
strategy s mean, median or mode
stringIndexerOrderType s order of the categories: frequencyDesc, frequencyAsc, alphabetDesc or alphabetAsc
stringOrderType s order of the labels: frequencyDesc, frequencyAsc, alphabetDesc or alphabetAsc
subsamplingRate d share of the rows that a tree or a step takes
threshold d values above it become 1
thresholds D one per class (or column): a prediction is the class with the largest probability / threshold
throughOrigin b whether the regression goes through the origin
timeUnit s what halfLife counts: batches or points
toLowercase b whether strings are converted to lower case first
tol d how little a step may change before the training ends
topicConcentration d how often topics have each term before a document is read
topicDistributionCol s column name for the topics of documents
upper d upper quantile of the range
upperBoundsOnCoefficients m largest coefficients
upperBoundsOnIntercepts v largest intercepts
userCol s column name of the users' ids
validationIndicatorCol s column name that is true for rows for validation
validationTol d least part by which the error of validation must fall for another tree
varianceCol s column name for the variance of the leaf
variancePower d power of the mean that the variance is
varianceThreshold d variance that a feature must exceed to be selected
vectorSize i values of a word's vector
vocabSize i most words in the vocabulary
weight d weight of each random centre
weightCol s weight column name
windowSize i words on either side that are near
withCentering b whether to subtract the median
withMean b whether to subtract the mean
withScaling b whether to divide by the range of quantiles
withStd b whether to divide by the standard deviation
`
    .trim()
    .split('\n')
    .map((line): [string, { kind: Kind; doc: string }] => {
      const [name = '', kind = ''] = line.split(' ', 2);
      return [name, { kind: kind as Kind, doc: line.slice(name.length + 3) }];
    }),
);

/** The params of a stage with their defaults, from `name=default …`. */
export function paramTable(text: string): ReadonlyMap<string, ParamValue | undefined> {
  return new Map(
    text.split(' ').map((entry) => {
      const [name = '', value] = entry.split('=');
      if (!PARAMS.has(name)) throw new TypeError(`The param ${name} has no kind`);
      return [name, value === undefined ? undefined : (JSON.parse(value) as ParamValue)];
    }),
  );
}

/** Params for one fit: which stage's param has which value. */
export type ParamMap = readonly ParamPair[];
/** A param of a stage, and its value for one fit. */
export interface ParamPair {
  /** The stage, or one with the same uid. */
  readonly stage: Params;
  /** Name of the param. */
  readonly name: string;
  /** Its value. */
  readonly value: ParamValue;
}

/** Anything with params: pipelines, their stages, evaluators (`Params`). */
export abstract class Params {
  /** Identifies this stage among others. */
  readonly uid: string;
  /** @internal */ readonly explicit = new Map<string, ParamValue>();

  /** @internal */ readonly table: ReadonlyMap<string, ParamValue | undefined>;

  /** @internal */
  constructor(name?: string, table: ReadonlyMap<string, ParamValue | undefined> = new Map(), uid?: string) {
    this.table = table;
    this.uid = uid ?? `${name ?? new.target.name}_${uuid().slice(-12)}`;
  }

  /** Returns whether there is such a param. */
  hasParam(name: string): boolean {
    return this.table.has(name);
  }
  /** Returns whether the param is set, and not left at its default. */
  isSet(name: string): boolean {
    return this.explicit.has(name);
  }
  /** Sets a param. Throws an IllegalArgumentException for an unknown name or a value that does not fit. */
  setParam(name: string, value: ParamValue): this {
    if (!this.hasParam(name)) throw new IllegalArgumentException(`Param ${name} does not exist.`, { condition: 'RIVULET_NO_SUCH_PARAM' });
    if (!fits(PARAMS.get(name)?.kind, value))
      throw new IllegalArgumentException(`${this.uid} parameter ${name} given invalid value ${shown(value)}.`, {
        condition: 'RIVULET_INVALID_PARAM',
      });
    this.explicit.set(name, value);
    return this;
  }
  /** Returns the value of a param, set or default; undefined if it has neither. */
  getParam(name: string): ParamValue | undefined {
    const value = this.explicit.get(name) ?? this.table.get(name);
    return value ?? (name === 'outputCol' ? `${this.uid}__output` : undefined);
  }
  /** Returns what a param is for, its default and its value. */
  explainParam(name: string): string {
    const show = (value: ParamValue | undefined) => (value === undefined ? 'undefined' : typeof value === 'string' ? value : jsonOf(value));
    const [fallback, current] = [this.table.get(name), this.explicit.get(name)];
    const values = [fallback === undefined ? '' : `default: ${show(fallback)}`, current === undefined ? '' : `current: ${show(current)}`];
    return `${name}: ${PARAMS.get(name)?.doc ?? ''}. (${values.filter(Boolean).join(', ') || 'undefined'})`;
  }
  /** Returns {@link explainParam} of all params. */
  explainParams(): string {
    return [...this.table.keys()]
      .sort()
      .map((name) => this.explainParam(name))
      .join('\n');
  }

  /** Returns a copy with the same uid, and with the params of `extra` that are this stage's. */
  abstract copy(extra?: ParamMap): Params;

  /** @internal */
  copyInto<T extends Params>(other: T, extra: ParamMap = []): T {
    for (const [name, value] of this.explicit) other.explicit.set(name, value);
    for (const { stage, name, value } of extra) if (stage.uid === this.uid) other.setParam(name, value);
    return other;
  }

  /** @internal The params that are set, as messages. */
  message(): { params: Record<string, Literal> } {
    return { params: Object.fromEntries([...this.explicit].map(([name, value]) => [name, literalOf(PARAMS.get(name)?.kind, value)])) };
  }
}

function fits(kind: Kind | undefined, value: ParamValue): boolean {
  const number = (v: unknown) => typeof v === 'number';
  switch (kind) {
    case 'i':
      return Number.isInteger(value) && ((value as number) | 0) === value;
    case 'd':
      return number(value);
    case 'b':
      return typeof value === 'boolean';
    case 's':
      return typeof value === 'string';
    case 'l':
      return Number.isSafeInteger(value);
    case 'v':
      return value instanceof DenseVector || value instanceof SparseVector;
    case 'm':
      return value instanceof DenseMatrix;
    case 'I':
      return Array.isArray(value) && value.every((v) => Number.isInteger(v) && ((v as number) | 0) === v);
    case 'S':
      return Array.isArray(value) && value.every((v) => typeof v === 'string');
    case 'D':
      return Array.isArray(value) && value.every(number);
    default:
      return Array.isArray(value) && value.every((v) => Array.isArray(v) && v.every(number));
  }
}

const ONE = { i: 'integer', l: 'long', d: 'double', b: 'boolean', s: 'string' } as const;
const MANY = { I: 'i', S: 's', D: 'd', L: 'D' } as const;
const ELEMENTS = { i: IntegerType, s: StringType, d: DoubleType, D: new ArrayType(DoubleType) } as const;

function literalOf(kind: Kind | undefined, value: ParamValue): Literal {
  if (kind === 'v') return vectorLiteral(value as Vector);
  if (kind === 'm') return matrixLiteral(value as DenseMatrix);
  if (kind === 'l') return { literalType: { case: 'long', value: BigInt(value as number) } };
  if (kind === 'I' || kind === 'S' || kind === 'D' || kind === 'L') {
    const element = MANY[kind];
    const elements = (value as readonly ParamValue[]).map((item) => literalOf(element, item));
    const elementType = typeToMessage(ELEMENTS[element]);
    return { literalType: { case: 'array', value: { elementType, elements } } };
  }
  return { literalType: { case: ONE[kind ?? 's'] as 'string', value: value as string } };
}
