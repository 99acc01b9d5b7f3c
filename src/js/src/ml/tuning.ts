import { IllegalArgumentException } from '../errors.js';
import type { DataFrame } from '../sql/dataframe.js';
import { col, functions as F } from '../sql/functions/index.js';
import { inParallel } from './parallel.js';
import type { ParamMap, Params, ParamValue } from './params.js';
import { Estimator, type Evaluator, Transformer } from './stage.js';

/**
 * Builds all combinations of params: a grid (`ParamGridBuilder`).
 * @example
 * ```ts
 * const bayes = new ml.NaiveBayes();
 * const grid = new ml.ParamGridBuilder().addGrid(bayes, 'smoothing', [0.5, 1]).addGrid(bayes, 'modelType', ['multinomial', 'bernoulli']).build();
 * grid.length; // → 4
 * ```
 */
export class ParamGridBuilder {
  #grid: ParamMap[] = [[]];

  /** Tries each of these values of a stage's param, with all that is in the grid. */
  addGrid(stage: Params, name: string, values: readonly ParamValue[]): this {
    this.#grid = this.#grid.flatMap((map) => values.map((value) => [...map, { stage, name, value }]));
    return this;
  }
  /** Sets a param to the same value everywhere. */
  baseOn(stage: Params, name: string, value: ParamValue): this {
    return this.addGrid(stage, name, [value]);
  }
  /** Returns the combinations. */
  build(): ParamMap[] {
    return this.#grid;
  }
}

/** What {@link CrossValidator} and {@link TrainValidationSplit} share. */
export interface ValidatorParams {
  /** What is fitted. */
  estimator: Estimator;
  /** The combinations of params to choose from. */
  estimatorParamMaps: readonly ParamMap[];
  /** Computes the metric to choose by. */
  evaluator: Evaluator;
  /** Decides the random split; 42 by default. */
  seed?: number;
  /** How many models are fitted at a time; 1 by default. */
  parallelism?: number;
}

const RANDOM = '__rivulet_fold';

/** Fits every combination on `training` and evaluates it on `validation`. */
async function metricsOf(params: ValidatorParams, training: DataFrame, validation: DataFrame): Promise<number[]> {
  const tasks = params.estimatorParamMaps.map((map) => async () => {
    const model = await params.estimator.fit(training, map);
    const metric = await params.evaluator.evaluate(model.transform(validation));
    if ('release' in model) await (model.release as () => Promise<void>)();
    return metric;
  });
  return inParallel(tasks, params.parallelism ?? 1);
}

function bestOf(metrics: readonly number[], evaluator: Evaluator): number {
  const better = (a: number, b: number) => (evaluator.isLargerBetter() ? a > b : a < b);
  return metrics.reduce((best, metric, index) => (better(metric, metrics[best] as number) ? index : best), 0);
}

function checked(params: ValidatorParams): ValidatorParams {
  if (params.estimatorParamMaps.length === 0) throw new IllegalArgumentException('Tuning needs at least one combination of params.');
  return params;
}

/** Chooses params by the metric of each combination on parts of the data that it was not fitted to (`CrossValidator`). */
export class CrossValidator extends Estimator<CrossValidatorModel> {
  readonly #params: ValidatorParams & { numFolds: number; foldCol?: string };

  /** Makes a validator. `foldCol` is a column with the number of each row's fold; without it rows are spread at random. */
  constructor(params: ValidatorParams & { numFolds?: number; foldCol?: string }, uid?: string) {
    super('CrossValidator', new Map(), uid);
    this.#params = { ...checked(params), numFolds: params.numFolds ?? 3 };
    if (this.#params.numFolds < 2)
      throw new IllegalArgumentException(`${this.uid} parameter numFolds given invalid value ${this.#params.numFolds}.`, {
        condition: 'RIVULET_INVALID_PARAM',
      });
  }

  /** The folds: rows to fit on, and rows to evaluate on. */
  #folds(df: DataFrame): [training: DataFrame, validation: DataFrame][] {
    const { numFolds, foldCol, seed = 42 } = this.#params;
    const folds = Array.from({ length: numFolds }, (_, fold) => fold);
    if (foldCol) return folds.map((fold) => [df.filter(col(foldCol).neq(fold)), df.filter(col(foldCol).eq(fold))]);
    const spread = df.withColumn(RANDOM, F.rand(seed));
    return folds.map((fold) => {
      const inside = col(RANDOM)
        .geq(fold / numFolds)
        .and(col(RANDOM).lt((fold + 1) / numFolds));
      return [spread.filter(inside.not()).drop(RANDOM), spread.filter(inside).drop(RANDOM)];
    });
  }

  /** Evaluates every combination on every fold, and fits the best one to all rows. */
  override async fit(df: DataFrame, extra: ParamMap = []): Promise<CrossValidatorModel> {
    const params = { ...this.#params, estimator: this.#params.estimator.copy(extra) };
    const byFold: number[][] = [];
    for (const [training, validation] of this.#folds(df)) byFold.push(await metricsOf(params, training, validation));
    const of = (index: number) => byFold.map((metrics) => metrics[index] as number);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const avgMetrics = params.estimatorParamMaps.map((_, index) => mean(of(index)));
    const stdMetrics = avgMetrics.map((average, index) => Math.sqrt(mean(of(index).map((metric) => (metric - average) ** 2))));
    const bestIndex = bestOf(avgMetrics, params.evaluator);
    const bestModel = await params.estimator.fit(df, params.estimatorParamMaps[bestIndex]);
    return new CrossValidatorModel(bestModel, bestIndex, avgMetrics, stdMetrics, this.uid);
  }
  /** Returns a copy with the same uid, whose estimator has those params of `extra` that are its. */
  override copy(extra: ParamMap = []): CrossValidator {
    return new CrossValidator({ ...this.#params, estimator: this.#params.estimator.copy(extra) }, this.uid);
  }
}

/** The best model of a {@link CrossValidator}, fitted to all rows (`CrossValidatorModel`). */
export class CrossValidatorModel extends Transformer {
  /** Makes a result. */
  constructor(
    /** The model. */ readonly bestModel: Transformer,
    /** Which combination it is. */
    readonly bestIndex: number,
    /** Mean of the metric over the folds, for each combination. */
    readonly avgMetrics: readonly number[],
    /** Its standard deviation over the folds. */
    readonly stdMetrics: readonly number[],
    uid?: string,
  ) {
    super('CrossValidatorModel', new Map(), uid);
  }

  /** Returns the DataFrame with the best model's columns added. */
  override transform(df: DataFrame): DataFrame {
    return this.bestModel.transform(df);
  }
}

/** Chooses params as {@link CrossValidator} does, by a single split (`TrainValidationSplit`). */
export class TrainValidationSplit extends Estimator<TrainValidationSplitModel> {
  readonly #params: ValidatorParams & { trainRatio: number };

  /** Makes a validator. `trainRatio` is the share of rows to fit to; 0.75 by default. */
  constructor(params: ValidatorParams & { trainRatio?: number }, uid?: string) {
    super('TrainValidationSplit', new Map(), uid);
    this.#params = { ...checked(params), trainRatio: params.trainRatio ?? 0.75 };
    const { trainRatio } = this.#params;
    if (!(trainRatio > 0 && trainRatio < 1))
      throw new IllegalArgumentException(`${this.uid} parameter trainRatio given invalid value ${trainRatio}.`, {
        condition: 'RIVULET_INVALID_PARAM',
      });
  }

  /** Evaluates every combination on the split, and fits the best one to all rows. */
  override async fit(df: DataFrame, extra: ParamMap = []): Promise<TrainValidationSplitModel> {
    const params = { ...this.#params, estimator: this.#params.estimator.copy(extra) };
    const spread = df.withColumn(RANDOM, F.rand(params.seed ?? 42));
    const inside = col(RANDOM).lt(params.trainRatio);
    const metrics = await metricsOf(params, spread.filter(inside).drop(RANDOM), spread.filter(inside.not()).drop(RANDOM));
    const bestIndex = bestOf(metrics, params.evaluator);
    const bestModel = await params.estimator.fit(df, params.estimatorParamMaps[bestIndex]);
    return new TrainValidationSplitModel(bestModel, bestIndex, metrics, this.uid);
  }
  /** Returns a copy with the same uid, whose estimator has those params of `extra` that are its. */
  override copy(extra: ParamMap = []): TrainValidationSplit {
    return new TrainValidationSplit({ ...this.#params, estimator: this.#params.estimator.copy(extra) }, this.uid);
  }
}

/** The best model of a {@link TrainValidationSplit}, fitted to all rows (`TrainValidationSplitModel`). */
export class TrainValidationSplitModel extends Transformer {
  /** Makes a result. */
  constructor(
    /** The model. */ readonly bestModel: Transformer,
    /** Which combination it is. */ readonly bestIndex: number,
    /** The metric of each combination. */ readonly validationMetrics: readonly number[],
    uid?: string,
  ) {
    super('TrainValidationSplitModel', new Map(), uid);
  }

  /** Returns the DataFrame with the best model's columns added. */
  override transform(df: DataFrame): DataFrame {
    return this.bestModel.transform(df);
  }
}
