/**
 * Rivulet: Apache Spark's streaming stack in a browser tab.
 *
 * ```ts
 * import { SparkSession, functions as F } from 'rivulet';
 * const spark = await SparkSession.builder.master('local[2]').getOrCreate();
 * await spark.range(10).filter(F.col('id').gt(5)).show();
 * ```
 */
export { SparkSession } from './sql/session.js';
export type { SqlArguments } from './sql/sql_arguments.js';
export { SparkSessionBuilder } from './sql/builder.js';
export { DataFrame, type JoinType } from './sql/dataframe.js';
export { GroupedData, type AggregateMap } from './sql/grouped.js';
export { KeyValueGroupedDataset, type GroupStateOptions, type TransformWithStateOptions } from './sql/keyed.js';
export type { GroupState } from './state/group_state.js';
export type { GroupStateTimeout, TimeMode } from './state/plan.js';
export type {
  ExpiredTimerInfo, ListState, MapState, StatefulProcessor, StatefulProcessorHandle, TimerValues, TTLConfig, ValueState,
} from './state/processor.js';
export { DataFrameNaFunctions } from './sql/na.js';
export { DataFrameReader } from './sql/reader.js';
export { Column, type ColumnOrName, type LiteralValue } from './sql/column.js';
export { functions, col, lit, type Functions } from './sql/functions/index.js';
export { Window, WindowSpec } from './sql/window.js';
export * from './sql/types.js';
export { parseSchema, parseType, typeFromJson } from './sql/ddl.js';
export type { Row } from './sql/rows.js';
export type { ActionOptions, ExplainMode } from './sql/action_options.js';
export { Catalog, type CatalogTable } from './sql/catalog.js';
export { RuntimeConfig } from './sql/conf.js';
export type { FileSource } from './files/registry.js';
export { DataStreamReader, type PushOptions, type PushStream } from './streaming/reader.js';
export type { PushData, PushFormat } from './streaming/push.js';
export { DataStreamWriter, type OutputMode, type Trigger } from './streaming/writer.js';
export type { ForeachBatchFunction, ForeachWriter } from './streaming/foreach.js';
export { StreamingQuery } from './streaming/query.js';
export { StreamingQueryManager } from './streaming/manager.js';
export { Checkpoints, type CheckpointReport } from './streaming/checkpoint.js';
export type * from './streaming/listener.js';
export type { StreamingQueryProgress, StreamingQueryStatus } from './streaming/progress.js';
export { RDD } from './rdd/rdd.js';
export { SparkContext } from './rdd/context.js';
export { Broadcast } from './rdd/broadcast.js';
export { StatCounter } from './rdd/stats.js';
export { Accumulator, type AccumulatorParam } from './rdd/accumulator.js';
export { FutureAction } from './rdd/future.js';
export { FunctionPartitioner, HashPartitioner, Partitioner, RangePartitioner } from './rdd/partitioner.js';
export { StorageLevel } from './rdd/plan.js';
export type { Bound, ModuleFunction, Remote } from './rdd/dataset.js';
export * as ml from './ml/index.js';
export { StreamingContext, type BatchInfo, type StreamingListener } from './dstream/context.js';
export { DStream, type MapWithStateDStream } from './dstream/dstream.js';
export type { ReceiverClass, ReceiverHandle } from './dstream/receiver.js';
export { StateSpec, type State } from './dstream/map_with_state.js';
export { ManualClock, type Clock } from './dstream/clock.js';
export * from './errors.js';
export { StatusEvents } from './cluster/status.js';
export type { ExecutorEvent } from './cluster/cluster.js';
export type { LoadOptions } from './cluster/load.js';
export type { EngineStatus } from './protocol.js';
export { VERSION } from './version.js';
