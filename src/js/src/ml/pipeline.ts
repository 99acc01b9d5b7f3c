import { IllegalArgumentException } from '../errors.js';
import type { DataFrame } from '../sql/dataframe.js';
import { type ModelSource, withModelPath } from './model_path.js';
import { OneVsRest, OneVsRestModel } from './one_vs_rest.js';
import type { ParamMap } from './params.js';
import { loadStage, metadataOf, saveMetadata, saveStage } from './saved_stages.js';
import { Estimator, type MLWritable, type PipelineStage, type SaveOptions, type SessionLike, Transformer } from './stage.js';

/**
 * Stages that are fitted and applied one after the other (`Pipeline`).
 * @example
 * ```ts
 * const reviews = spark.createDataFrame([{ text: 'good film', label: 1 }, { text: 'bad film', label: 0 }], 'text STRING, label DOUBLE');
 * const pipeline = new ml.Pipeline({
 *   stages: [
 *     new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
 *     new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: 1_000 }),
 *     new ml.NaiveBayes(),
 *   ],
 * });
 * const model = await pipeline.fit(reviews);
 * (await model.transform(reviews).select('prediction').collect()).map((row) => row['prediction']); // → [1, 0]
 * ```
 */
export class Pipeline extends Estimator<PipelineModel> implements MLWritable {
  #stages: readonly PipelineStage[];

  /** Makes a pipeline of these stages. */
  constructor({ stages = [] }: { stages?: readonly PipelineStage[] } = {}, uid?: string) {
    super('Pipeline', new Map(), uid);
    this.#stages = stages;
  }

  /** Sets the stages. */
  setStages(stages: readonly PipelineStage[]): this {
    this.#stages = stages;
    return this;
  }
  /** Returns the stages. */
  getStages(): readonly PipelineStage[] {
    return this.#stages;
  }

  /** Fits the estimators in order, each to what the stages before it make. */
  override async fit(df: DataFrame, extra: ParamMap = []): Promise<PipelineModel> {
    const stages = extra.length > 0 ? this.copy(extra).#stages : this.#stages;
    const last = stages.findLastIndex((stage) => stage instanceof Estimator);
    const fitted: Transformer[] = [];
    let data = df;
    for (const [index, stage] of stages.entries()) {
      const ready = stage instanceof Estimator ? ((await stage.fit(data)) as Transformer) : (stage as Transformer);
      fitted.push(ready);
      if (index < last) data = ready.transform(data);
    }
    return new PipelineModel(fitted, this.uid);
  }
  /** Returns a copy with the same uid, whose stages have those params of `extra` that are theirs. */
  override copy(extra: ParamMap = []): Pipeline {
    return new Pipeline({ stages: this.#stages.map((stage) => stage.copy(extra)) }, this.uid);
  }

  /** Writes metadata and stages to a directory, in Spark's format. Throws for a stage that Spark does not have. */
  save(session: SessionLike, path: string, options?: SaveOptions): Promise<void> {
    return save(session, path, this, this.#stages, options);
  }
  /** Loads a pipeline that was saved, by Rivulet or by Spark. */
  static async load(session: SessionLike, source: ModelSource): Promise<Pipeline> {
    const { uid, stages } = await withModelPath(session.context, source, (path) => load(session, path));
    return new Pipeline({ stages }, uid);
  }
}

/** A fitted {@link Pipeline} (`PipelineModel`). */
export class PipelineModel extends Transformer implements MLWritable {
  /** Makes a model of fitted stages. */
  constructor(
    /** The fitted stages. */ readonly stages: readonly Transformer[],
    uid?: string,
  ) {
    super('PipelineModel', new Map(), uid);
  }

  /** Returns the DataFrame with the columns of all stages added. */
  override transform(df: DataFrame): DataFrame {
    return this.stages.reduce((data, stage) => stage.transform(data), df);
  }
  /** Returns a copy with the same uid, whose stages have those params of `extra` that are theirs. */
  override copy(extra: ParamMap = []): PipelineModel {
    return new PipelineModel(
      this.stages.map((stage) => stage.copy(extra)),
      this.uid,
    );
  }

  /** Writes metadata and stages to a directory, in Spark's format. Throws for a stage that Spark does not have. */
  save(session: SessionLike, path: string, options?: SaveOptions): Promise<void> {
    return save(session, path, this, this.stages, options);
  }
  /** Loads a model that was saved, by Rivulet or by Spark. */
  static async load(session: SessionLike, source: ModelSource): Promise<PipelineModel> {
    const { uid, stages } = await withModelPath(session.context, source, (path) => load(session, path));
    return new PipelineModel(stages as Transformer[], uid);
  }
}

/** Stages that the client holds, by their names in Spark. */
const HELD = { Pipeline, PipelineModel, OneVsRest, OneVsRestModel };

function stagePath(path: string, index: number, count: number, uid: string): string {
  return `${path}/stages/${String(index).padStart(String(count).length, '0')}_${uid}`;
}

async function save(
  session: SessionLike,
  path: string,
  whole: PipelineStage,
  stages: readonly PipelineStage[],
  options?: SaveOptions,
): Promise<void> {
  const metadata = {
    class: `org.apache.spark.ml.${whole instanceof Pipeline ? 'Pipeline' : 'PipelineModel'}`,
    uid: whole.uid,
    paramMap: { stageUids: stages.map((stage) => stage.uid) },
    defaultParamMap: {},
  };
  await saveMetadata(session, path, metadata, stages, options);
  for (const [index, stage] of stages.entries()) await saveStage(session, stagePath(path, index, stages.length, stage.uid), stage);
}

async function load(session: SessionLike, path: string): Promise<{ uid: string; stages: PipelineStage[] }> {
  const { uid, paramMap } = await metadataOf(session, path);
  const uids = paramMap['stageUids'];
  if (!Array.isArray(uids))
    throw new IllegalArgumentException(`${path} is not a saved pipeline: it names no stages.`, { condition: 'CORRUPT_MODEL' });
  const stages: PipelineStage[] = [];
  for (const [index, stageUid] of uids.entries()) {
    stages.push(await loadStage(session, stagePath(path, index, uids.length, String(stageUid)), HELD));
  }
  return { uid, stages };
}
