// TypeScript messages from Spark Connect's .proto files: only what the client sends and reads,
// for every generated descriptor is downloaded by every page.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { JS, protoDir } from './paths.mjs';

/** What the client uses; everything reachable from these comes along… */
const WANTED = [
  'ExecutePlanRequest', 'ExecutePlanResponse', 'AnalyzePlanRequest', 'AnalyzePlanResponse',
  'ConfigRequest', 'ConfigResponse', 'InterruptRequest', 'InterruptResponse', 'ReleaseSessionRequest',
];
/** …but for these, which no page can use: ML and pipelines wait for their own entry, Python and Scala functions never come. */
const UNWANTED = [
  'MlRelation', 'MlCommand', 'MlCommandResult', 'PipelineCommand', 'PipelineCommandResult', 'PipelineEventResult',
  'PipelineQueryFunctionExecutionSignal', 'CommonInlineUserDefinedFunction', 'CommonInlineUserDefinedTableFunction',
  'CommonInlineUserDefinedDataSource', 'MapPartitions', 'GroupMap', 'CoGroupMap', 'ApplyInPandasWithState',
  'TypedAggregateExpression', 'PythonUDF', 'StreamingForeachFunction', 'MergeIntoTableCommand', 'MergeAction',
  'CreateResourceProfileCommand', 'CreateResourceProfileCommandResult', 'GetResourcesCommand', 'GetResourcesCommandResult',
  'ExecuteExternalCommand', 'Origin', 'HtmlString', 'AsOfJoin', 'NearestByJoin', 'Zip', 'RelationChanges', 'CachedLocalRelation',
  'ChunkedCachedLocalRelation', 'Plan.CompressedOperation', 'CheckpointCommand', 'CheckpointCommandResult', 'WriteOperationV2',
  'StatSampleBy', 'DataType.UDT', 'DataType.Geometry', 'DataType.Geography', 'Expression.DirectShufflePartitionID',
  'RemoveCachedRemoteRelationCommand', 'ExecutePlanResponse.Metrics', 'ExecutePlanResponse.ObservedMetrics',
  'StreamingQueryManagerCommand.StreamingQueryListenerCommand', 'AnalyzePlanRequest.SemanticHash', 'AnalyzePlanResponse.SemanticHash',
  'Expression.Literal.SpecializedArray', 'ExpressionCommon', 'TransformWithStateInfo', 'CollectMetrics', 'StatFreqItems',
  // The catalog but for listTables, tableExists, dropTempView and clearCache.
  'CurrentDatabase', 'SetCurrentDatabase', 'ListDatabases', 'ListFunctions', 'ListColumns', 'GetDatabase', 'GetTable', 'GetFunction', 'DatabaseExists', 'FunctionExists', 'CreateExternalTable', 'CreateTable', 'DropGlobalTempView', 'RecoverPartitions', 'IsCached', 'CacheTable', 'UncacheTable', 'RefreshTable', 'RefreshByPath', 'CurrentCatalog', 'SetCurrentCatalog', 'ListCatalogs', 'DropTable', 'DropView', 'CreateDatabase', 'DropDatabase', 'ListPartitions', 'ListViews', 'GetTableProperties', 'GetCreateTableString', 'TruncateTable', 'AnalyzeTable',
];

const out = join(JS, 'src/generated');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const template = join(tmpdir(), `rivulet-buf-${process.pid}.yaml`);
writeFileSync(template, JSON.stringify({
  version: 'v2',
  clean: false,
  inputs: [{
    directory: protoDir(),
    types: WANTED.map((t) => `spark.connect.${t}`),
    exclude_types: UNWANTED.map((t) => `spark.connect.${t}`),
  }],
  plugins: [{ local: join(JS, 'node_modules/.bin/protoc-gen-es'), out, opt: ['target=ts', 'import_extension=js'] }],
}));
try {
  execFileSync(join(JS, 'node_modules/.bin/buf'), ['generate', '--template', template], { cwd: JS, stdio: 'inherit' });
} finally {
  rmSync(template, { force: true });
}
