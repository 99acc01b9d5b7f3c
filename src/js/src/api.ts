/**
 * What the package exports, whatever the entry: `index.ts`, `cdn.ts` and `inline.ts` differ in where the worker and the engine are.
 */
// biome-ignore-all assist/source/organizeImports: in the order of what people meet first

// Sessions.
export { SparkSession } from './sql/session.js';
export { SparkSessionBuilder } from './sql/builder.js';
export { RuntimeConfig } from './sql/conf.js';
export { Catalog, type CatalogTable } from './sql/catalog.js';
export type { SqlArguments } from './sql/relations.js';
export {
  Credentials,
  type CredentialsFunction,
  type CredentialsOptions,
  type CredentialsRequest,
} from './sql/credentials/registry.js';
export type { AwsCredentials, HeaderCredentials, Instant } from './sql/credentials/returned.js';
export type { ActionOptions, ExplainMode } from './connect/action_options.js';

// Tables.
export { DataFrame } from './sql/dataframe.js';
export type { JoinType } from './sql/joins.js';
export { type AggregateMap, GroupedData } from './sql/grouped.js';
export { type GroupStateOptions, KeyValueGroupedDataset, type TransformWithStateOptions } from './sql/keyed.js';
export { DataFrameNaFunctions } from './sql/na.js';
export { DataFrameReader } from './sql/reader.js';
export { DataFrameWriter, type SaveMode } from './sql/writer.js';
export { Column, type ColumnOrName, type LiteralValue } from './sql/column.js';
export { col, type Functions, functions, lit } from './sql/functions/index.js';
export { Window, WindowSpec } from './sql/window.js';
export * from './values/types.js';
export { parseSchema, parseType, typeFromJson } from './values/ddl.js';
export type { Row } from './values/rows.js';
export type { FileSource } from './files/registry.js';

// Streaming queries.
export { DataStreamReader, type FromOptions, type PushOptions, type PushStream } from './sql/streaming/stream_reader.js';
export type { WriteOptions } from './sql/streaming/push.js';
export type { PushData, PushFormat } from './sql/streaming/push_data.js';
export type { PageSource, SourceItems, SourceOffset } from './sql/streaming/page_source.js';
export type { EventOptions } from './sql/streaming/event_items.js';
export { DataStreamWriter, type OutputMode, type Trigger } from './sql/streaming/stream_writer.js';
export type { ForeachBatchFunction, ForeachWriter } from './sql/streaming/foreach.js';
export { StreamingQuery } from './sql/streaming/query.js';
export { StreamingQueryManager } from './sql/streaming/manager.js';
export { type CheckpointReport, Checkpoints } from './sql/streaming/checkpoints.js';
export type * from './sql/streaming/listener.js';
export type { StreamingQueryProgress, StreamingQueryStatus } from './sql/streaming/progress.js';
export type { GroupState } from './state/group_state.js';
export type { GroupStateTimeout, TimeMode } from './state/group_plan.js';
export type {
  ExpiredTimerInfo,
  ListState,
  MapState,
  StatefulProcessor,
  StatefulProcessorHandle,
  TimerValues,
  TTLConfig,
  ValueState,
} from './state/processor.js';

// Datasets.
export { RDD } from './rdd/rdd.js';
export { SparkContext } from './rdd/context.js';
export { Broadcast } from './rdd/broadcast.js';
export { StatCounter } from './rdd/stats.js';
export { Accumulator, type AccumulatorParam } from './rdd/accumulator.js';
export { FutureAction } from './rdd/future.js';
export { FunctionPartitioner, HashPartitioner, Partitioner, RangePartitioner } from './rdd/partitioner.js';
export { StorageLevel } from './rdd/job_plan.js';
export type { Bound, ModuleFunction, Remote } from './rdd/remote.js';

// Machine learning.
export * as ml from './ml/index.js';

// Discretized streams.
export * from './dstream.js';

// The rest.
export * from './errors.js';
export { StatusEvents } from './cluster/status.js';
export type { ExecutorEvent } from './cluster/cluster.js';
export type { Assets } from './cluster/places.js';
export type { StartOptions, StartProgress } from './cluster/start_options.js';
/** What the other entries put in place. @internal */
export { parts as _parts } from './cluster/places.js';
export type { EngineStatus } from './protocol.js';
export { VERSION } from './version.js';
