import { IllegalArgumentException } from '../errors.js';
import type { DataFrame } from '../sql/dataframe.js';
import { col, functions as F } from '../sql/functions/index.js';
import { uuid } from '../uuid.js';
import { type ModelSource, withModelPath } from './model_path.js';
import { inParallel } from './parallel.js';
import { type ParamMap, type Params, type ParamValue, paramTable } from './params.js';
import { loadStage, type Metadata, metadataOf, saveMetadata, saveStage } from './saved_stages.js';
import { Estimator, type MLWritable, type PipelineStage, type SaveOptions, type SessionLike, Transformer } from './stage.js';

/** Params of {@link OneVsRest}. */
export interface OneVsRestParams {
  /** Column of the feature vectors; `features` by default. */
  featuresCol: string;
  /** Column of the labels: whole numbers from 0 on; `label` by default. */
  labelCol: string;
  /** Column for the prediction; `prediction` by default. */
  predictionCol: string;
  /** Column for the scores, one per class; `rawPrediction` by default. */
  rawPredictionCol: string;
  /** Column of the rows' weights, if the classifier has weights; all are 1 by default. */
  weightCol: string;
  /** How many models are fitted at a time; 1 by default. */
  parallelism: number;
}

const COLUMNS = 'featuresCol="features" labelCol="label" predictionCol="prediction" rawPredictionCol="rawPrediction" weightCol';
const ESTIMATOR = paramTable(`${COLUMNS} parallelism=1`);
const MODEL = paramTable(COLUMNS);

type Given = Partial<OneVsRestParams>;
const setAll = <T extends Params>(stage: T, given: Readonly<Record<string, unknown>>): T => {
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && stage.hasParam(name)) stage.setParam(name, value as ParamValue);
  }
  return stage;
};

const text = (stage: Params, name: keyof OneVsRestParams): string => String(stage.getParam(name) ?? '');

/** What metadata says of params. */
const paramsOf = ({ table, explicit }: Params) => {
  const defaults = Object.fromEntries([...table].filter(([, value]) => value !== undefined));
  return { paramMap: { ...defaults, ...Object.fromEntries(explicit) }, defaultParamMap: defaults };
};

/**
 * Learns classes by a classifier of two: for each class, a model that tells it from all others (`OneVsRest`).
 * @example
 * ```ts
 * const rows = spark.createDataFrame([[0, -5, 0], [0, -4, 0], [1, 5, 0], [1, 4, 0], [2, 0, 5], [2, 0, 4]], 'label DOUBLE, x DOUBLE, y DOUBLE');
 * const points = new ml.VectorAssembler({ inputCols: ['x', 'y'], outputCol: 'features' }).transform(rows);
 * const model = await new ml.OneVsRest({ classifier: new ml.LogisticRegression({ regParam: 0.1 }), parallelism: 3 }).fit(points);
 * const predicted = await model.transform(points).select('prediction').collect();
 * predicted.map((row) => row['prediction']); // → [0, 0, 1, 1, 2, 2]
 * ```
 */
export class OneVsRest extends Estimator<OneVsRestModel> implements MLWritable {
  #classifier: Estimator;

  /** Makes an estimator over a classifier, such as `LogisticRegression` or `LinearSVC`. */
  constructor({ classifier, ...given }: Given & { classifier: Estimator }, uid?: string) {
    super('OneVsRest', ESTIMATOR, uid);
    this.#classifier = checked(classifier);
    setAll(this, given);
  }

  /** Sets the classifier. */
  setClassifier(classifier: Estimator): this {
    this.#classifier = checked(classifier);
    return this;
  }
  /** Returns the classifier. */
  getClassifier(): Estimator {
    return this.#classifier;
  }

  /** Fits a model per class, as many as the largest label says. Models are fitted side by side as `parallelism` allows. */
  override async fit(df: DataFrame, extra: ParamMap = []): Promise<OneVsRestModel> {
    const chosen = this.copy(extra);
    const [label, features, weight] = (['labelCol', 'featuresCol', 'weightCol'] as const).map((name) => text(chosen, name)) as [
      string,
      string,
      string,
    ];
    const classifier = chosen.#classifier;
    const weighs = weight !== '' && classifier.hasParam('weightCol');
    const [row] = await df.select(F.max(col(label)).cast('double').as('largest')).collect();
    const largest = row?.['largest'] as number | null | undefined;
    if (largest === null || largest === undefined || !(largest >= 0 && largest < MOST_CLASSES))
      throw new IllegalArgumentException(`OneVsRest needs labels from 0 to ${MOST_CLASSES - 1}, but the largest is ${largest ?? 'null'}.`, {
        condition: 'RIVULET_INVALID_LABEL',
      });
    const rows = df.select(label, features, ...(weighs ? [weight] : []));
    const tasks = Array.from({ length: Math.trunc(largest) + 1 }, (_, index) => async () => {
      const own = `mc2b$${index}`;
      const training = rows.withColumn(own, F.when(col(label).eq(index), 1).otherwise(0).cast('double'));
      const set = {
        labelCol: own,
        featuresCol: features,
        predictionCol: text(chosen, 'predictionCol'),
        ...(weighs && { weightCol: weight }),
      };
      return classifier.fit(
        training,
        Object.entries(set).map(([name, value]) => ({ stage: classifier, name, value })),
      );
    });
    const models = await inParallel(tasks, Number(chosen.getParam('parallelism')));
    return setAll(new OneVsRestModel(models, classifier, this.uid), Object.fromEntries(chosen.explicit));
  }

  /** Returns a copy with the same uid, and with the params of `extra` that are its or its classifier's. */
  override copy(extra: ParamMap = []): OneVsRest {
    return this.copyInto(new OneVsRest({ classifier: this.#classifier.copy(extra) }, this.uid), extra);
  }

  /** Writes metadata and classifier to a directory, in Spark's format. */
  async save(session: SessionLike, path: string, options?: SaveOptions): Promise<void> {
    await save(session, path, 'OneVsRest', this, this.#classifier, {}, options);
  }
  /** Loads an estimator that was saved, by Rivulet or by Spark. */
  static async load(session: SessionLike, source: ModelSource): Promise<OneVsRest> {
    return withModelPath(session.context, source, async (path) => {
      const { uid, paramMap } = await metadataOf(session, path);
      const classifier = (await loadStage(session, `${path}/classifier`)) as Estimator;
      return setAll(new OneVsRest({ classifier }, uid), paramMap);
    });
  }
}

/** The most classes: a model is fitted for each. */
const MOST_CLASSES = 10_000;

/** A fitted {@link OneVsRest}: the class whose model is surest is predicted (`OneVsRestModel`). */
export class OneVsRestModel extends Transformer implements MLWritable {
  /** Makes a model of one per class. */
  constructor(
    /** The models, by class. */ readonly models: readonly Transformer[],
    /** What they were fitted by. */ readonly classifier: Estimator,
    uid?: string,
  ) {
    super('OneVsRestModel', MODEL, uid);
  }

  /** Returns how many classes there are. */
  numClasses(): number {
    return this.models.length;
  }

  /** Returns the DataFrame with a score per class, and the class with the largest one. */
  override transform(df: DataFrame): DataFrame {
    const [raw, prediction] = [text(this, 'rawPredictionCol'), text(this, 'predictionCol')];
    if (raw === '' && prediction === '') return df;
    const mark = uuid().slice(-12);
    const names = this.models.map((_, index) => `mbc$${index}$${mark}`);
    const scored = this.models.reduce((data, model, index) => {
      const set = {
        featuresCol: text(this, 'featuresCol'),
        rawPredictionCol: names[index] as string,
        predictionCol: '',
        probabilityCol: '',
      };
      const own = Object.entries(set).filter(([name]) => model.hasParam(name));
      return model.copy(own.map(([name, value]) => ({ stage: model, name, value }))).transform(data);
    }, df);
    const scores = `mbc$acc$${mark}`;
    let out = scored.withColumn(scores, F.array(...names.map((name) => F.get(F.vectorToArray(col(name), 'float64'), 1)))).drop(...names);
    if (raw !== '') out = out.withColumn(raw, F.arrayToVector(col(scores)));
    if (prediction !== '') {
      // What is not a number is not the largest.
      const largest = F.arrayMax(F.filter(col(scores), (score) => F.isnan(score).not()));
      const place = F.coalesce(F.arrayPosition(col(scores), largest), F.lit(0));
      out = out.withColumn(prediction, place.minus(1).cast('double'));
    }
    return out.drop(scores);
  }

  /** Returns a copy with the same uid, and with the params of `extra` that are its or its models'. */
  override copy(extra: ParamMap = []): OneVsRestModel {
    const models = this.models.map((model) => model.copy(extra));
    return this.copyInto(new OneVsRestModel(models, this.classifier.copy(extra), this.uid), extra);
  }

  /** Writes metadata, classifier and models to a directory, in Spark's format. */
  async save(session: SessionLike, path: string, options?: SaveOptions): Promise<void> {
    const more = { labelMetadata: '{}', numClasses: this.models.length };
    await save(session, path, 'OneVsRestModel', this, this.classifier, more, options, this.models);
    for (const [index, model] of this.models.entries()) await saveStage(session, `${path}/model_${index}`, model);
  }
  /** Loads a model that was saved, by Rivulet or by Spark. */
  static async load(session: SessionLike, source: ModelSource): Promise<OneVsRestModel> {
    return withModelPath(session.context, source, async (path) => {
      const { uid, paramMap, numClasses } = await metadataOf(session, path);
      if (!Number.isInteger(numClasses) || (numClasses as number) < 1 || (numClasses as number) > MOST_CLASSES)
        throw new IllegalArgumentException(`${path} is not a saved OneVsRestModel: it does not say how many classes there are.`, {
          condition: 'CORRUPT_MODEL',
        });
      const classifier = (await loadStage(session, `${path}/classifier`)) as Estimator;
      const models: Transformer[] = [];
      for (let index = 0; index < (numClasses as number); index++) {
        models.push((await loadStage(session, `${path}/model_${index}`)) as Transformer);
      }
      return setAll(new OneVsRestModel(models, classifier, uid), paramMap);
    });
  }
  /** Lets the engine forget the models. DataFrames that they made before still need them. */
  async release(): Promise<void> {
    for (const model of this.models) if ('release' in model) await (model.release as () => Promise<void>)();
  }
}

/** Refuses what does not fit labels to features, or has no scores. */
function checked(classifier: Estimator): Estimator {
  const lacks = ['labelCol', 'featuresCol', 'predictionCol', 'rawPredictionCol'].find((name) => !classifier?.hasParam?.(name));
  if (lacks)
    throw new IllegalArgumentException(`OneVsRest needs a classifier, but ${classifier?.uid ?? classifier} lacks the param ${lacks}.`, {
      condition: 'RIVULET_INVALID_PARAM',
    });
  return classifier;
}

async function save(
  session: SessionLike,
  path: string,
  name: string,
  stage: PipelineStage,
  classifier: Estimator,
  more: Partial<Metadata>,
  options?: SaveOptions,
  models: readonly Transformer[] = [],
): Promise<void> {
  const metadata = { class: `org.apache.spark.ml.classification.${name}`, uid: stage.uid, ...paramsOf(stage), ...more };
  await saveMetadata(session, path, metadata, [classifier, ...models], options);
  await saveStage(session, `${path}/classifier`, classifier);
}
