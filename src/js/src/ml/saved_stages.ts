import { IllegalArgumentException } from '../errors.js';
import { WriteOperation_SaveMode as SaveMode } from '../generated/spark/connect/commands_pb.js';
import { planOf } from '../sql/plan.js';
import { localRelation } from '../sql/relations.js';
import { StringType, StructField, StructType } from '../values/types.js';
import * as classification from './classification.js';
import * as clusterings from './clusterings.js';
import * as estimators from './estimators.js';
import * as feature from './feature.js';
import * as learners from './learners.js';
import * as lsh from './lsh.js';
import * as patterns from './patterns.js';
import * as regressions from './regressions.js';
import * as selectors from './selectors.js';
import { callHelper, type MLReadable, type MLWritable, type PipelineStage, type SaveOptions, type SessionLike } from './stage.js';
import * as topics from './topics.js';
import * as transformers from './transformers.js';

// Directories of stages that the client holds, such as pipelines: their metadata, and the stages within.

/** What a directory says of its stage. @internal */
export interface Metadata {
  class: string;
  uid: string;
  paramMap: Record<string, unknown>;
  numClasses?: number;
  labelMetadata?: string;
}

/** Classes of stages by their names in Spark, without the package. @internal */
export type Classes = Readonly<Record<string, unknown>>;

const STAGES: Classes = {
  ...feature,
  ...transformers,
  ...estimators,
  ...selectors,
  ...lsh,
  ...classification,
  ...learners,
  ...regressions,
  ...clusterings,
  ...topics,
  ...patterns,
};

/** Writes metadata into a directory, as Spark does; `stages` will be written below it. @internal */
export async function saveMetadata(
  { context }: SessionLike,
  path: string,
  metadata: Metadata & { defaultParamMap: Record<string, unknown> },
  stages: readonly PipelineStage[],
  { overwrite = false }: SaveOptions = {},
): Promise<void> {
  for (const stage of stages) {
    if (!('save' in stage)) throw new IllegalArgumentException(`Stage ${stage.uid} cannot be saved: it is not a Spark stage.`);
  }
  if (overwrite) await callHelper(context, 'handleOverwrite', [path, true]);
  const { version } = await context.client.analyze({ case: 'sparkVersion', value: {} });
  const line = JSON.stringify({ ...metadata, timestamp: Date.now(), sparkVersion: version });
  const schema = new StructType([new StructField('value', StringType)]);
  const { relation } = planOf(context, localRelation([[line]], schema));
  const saveType = { case: 'path' as const, value: `${path}/metadata` };
  await context.client.command({
    case: 'writeOperation',
    value: { input: relation, source: 'text', saveType, mode: SaveMode.ERROR_IF_EXISTS },
  });
}

/** Writes a stage below the directory of another. @internal */
export const saveStage = (session: SessionLike, path: string, stage: PipelineStage): Promise<void> =>
  (stage as PipelineStage & MLWritable).save(session, path);

/** What a directory says of its stage. @internal */
export async function metadataOf({ context }: SessionLike, path: string): Promise<Metadata> {
  return JSON.parse((await callHelper(context, 'rivuletMetadata', [path])) as string) as Metadata;
}

/** Loads the stage in a directory, of a class of the engine's or of `others`. @internal */
export async function loadStage(session: SessionLike, path: string, others: Classes = {}): Promise<PipelineStage> {
  const name = (await metadataOf(session, path)).class.split('.').at(-1) as string;
  const type = (others[name] ?? STAGES[name]) as MLReadable<PipelineStage> | undefined;
  if (!type)
    throw new IllegalArgumentException(`Unsupported ML operator, found ${name} in ${path}.`, {
      condition: 'CONNECT_ML.UNSUPPORTED_EXCEPTION',
    });
  return type.load(session, path);
}
