// Spark Connect's messages for the client, from the .proto files: TypeScript types and enums by protobuf-es, and a table of
// the fields for connect/message_codec.ts. Only what the client sends and reads, for every page downloads the table. And the whole
// service for src/remote, which a page that asks for a Spark cluster loads.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { JS, protoDir } from '../paths.mjs';

/** What the client uses; everything reachable from these comes along… */
const WANTED = [
  'ExecutePlanRequest',
  'ExecutePlanResponse',
  'AnalyzePlanRequest',
  'AnalyzePlanResponse',
  'ConfigRequest',
  'ConfigResponse',
  'InterruptRequest',
  'InterruptResponse',
  'ReleaseSessionRequest',
];
/** …but for these, which no page can use: pipelines wait for their own entry, Python and Java functions never come. */
const UNWANTED = [
  'MlCommand.CreateSummary',
  'MlCommand.GetModelSize',
  'MlCommand.GetCacheInfo',
  'PipelineCommand',
  'PipelineCommandResult',
  'PipelineEventResult',
  'PipelineQueryFunctionExecutionSignal',
  'JavaUDF',
  'CommonInlineUserDefinedTableFunction',
  'CommonInlineUserDefinedDataSource',
  'MapPartitions',
  'CoGroupMap',
  'ApplyInPandasWithState',
  'TypedAggregateExpression',
  'PythonUDF',
  'StreamingForeachFunction',
  'MergeIntoTableCommand',
  'MergeAction',
  'CreateResourceProfileCommand',
  'CreateResourceProfileCommandResult',
  'GetResourcesCommand',
  'GetResourcesCommandResult',
  'ExecuteExternalCommand',
  'Origin',
  'HtmlString',
  'AsOfJoin',
  'NearestByJoin',
  'Zip',
  'RelationChanges',
  'CachedLocalRelation',
  'ChunkedCachedLocalRelation',
  'Plan.CompressedOperation',
  'WriteOperationV2',
  'StatSampleBy',
  'DataType.Geometry',
  'DataType.Geography',
  'Expression.DirectShufflePartitionID',
  'ExecutePlanResponse.Metrics',
  'ExecutePlanResponse.ObservedMetrics',
  'StreamingQueryManagerCommand.StreamingQueryListenerCommand',
  'ExpressionCommon',
  'CollectMetrics',
  'StatFreqItems',
  // The catalog but for listTables, tableExists, dropTempView and clearCache.
  'CurrentDatabase',
  'SetCurrentDatabase',
  'ListDatabases',
  'ListFunctions',
  'ListColumns',
  'GetDatabase',
  'GetTable',
  'GetFunction',
  'DatabaseExists',
  'FunctionExists',
  'CreateExternalTable',
  'CreateTable',
  'DropGlobalTempView',
  'RecoverPartitions',
  'IsCached',
  'CacheTable',
  'UncacheTable',
  'RefreshTable',
  'RefreshByPath',
  'CurrentCatalog',
  'SetCurrentCatalog',
  'ListCatalogs',
  'DropTable',
  'DropView',
  'CreateDatabase',
  'DropDatabase',
  'ListPartitions',
  'ListViews',
  'GetTableProperties',
  'GetCreateTableString',
  'TruncateTable',
  'AnalyzeTable',
];

const final = join(JS, 'src/generated');

/** Every word of the client's source: a field that none of them names is neither sent nor read, and decoding skips it. */
const WORDS = new Set(
  readdirSync(join(JS, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.ts') && !/^(generated|remote)\b/.test(file))
    .flatMap((file) => readFileSync(join(JS, 'src', file), 'utf8').match(/[A-Za-z_]\w*/g) ?? []),
);
const out = `${final}.new`;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

/** Generates the messages that are reachable from `types`, but for `unwanted` ones, into a folder. */
function generate(folder, types, unwanted = []) {
  const template = join(tmpdir(), `rivulet-buf-${process.pid}.yaml`);
  const named = (names) => names.map((name) => `spark.connect.${name}`);
  writeFileSync(
    template,
    JSON.stringify({
      version: 'v2',
      clean: false,
      inputs: [{ directory: protoDir(), types: named(types), exclude_types: named(unwanted) }],
      plugins: [{ local: join(JS, 'node_modules/.bin/protoc-gen-es'), out: folder, opt: ['target=ts', 'import_extension=js'] }],
    }),
  );
  try {
    execFileSync(join(JS, 'node_modules/.bin/buf'), ['generate', '--template', template], { cwd: JS, stdio: 'inherit' });
  } finally {
    rmSync(template, { force: true });
  }
}

generate(out, WANTED, UNWANTED);
generate(join(out, 'remote'), ['SparkConnectService']);

/** One line a message that the client sends or reads: `Name:field number label-kind-type oneof,…`; see connect/message_codec.ts. */
const KINDS = { 1: 'd', 2: 'f', 3: 'l', 5: 'i', 8: 'b', 9: 's', 12: 'y', 13: 'u' };
const bundled = join(tmpdir(), `rivulet-messages-${process.pid}.mjs`);
try {
  await build({
    stdin: { contents: "export { file_spark_connect_base as file } from './base_pb.ts';", resolveDir: join(out, 'spark/connect') },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: bundled,
    logLevel: 'error',
  });
  const { file } = await import(pathToFileURL(bundled).href);
  const lines = new Map();
  const short = (message) => message.typeName.replace(/^spark\.connect\./, '');
  const kindOf = (field) => (field.message ? `m${short(field.message)}` : field.enum ? 'e' : (KINDS[field.scalar] ?? fail(field)));
  const fail = (field) => {
    throw new Error(`${field} is of a kind that connect/message_codec.ts does not know`);
  };
  const visit = (message) => {
    if (lines.has(message.typeName)) return;
    lines.set(message.typeName, '');
    const said = message.fields.filter((field) => WORDS.has(field.localName));
    const fields = said
      .toSorted((a, b) => a.number - b.number)
      .map((field) => {
        const isOptional = field.fieldKind !== 'message' && field.presence === 1 && !field.oneof;
        const label = field.fieldKind === 'list' ? '*' : field.fieldKind === 'map' ? '%' : isOptional ? '?' : '';
        return `${field.localName} ${field.number} ${label}${kindOf(field)}${field.oneof ? ` ${field.oneof.localName}` : ''}`;
      });
    lines.set(message.typeName, `${short(message)}:${fields.join(',')}`);
    for (const field of said) if (field.message) visit(field.message);
  };
  for (const name of WANTED) visit(file.messages.find((message) => message.name === name));
  const table = [...lines.values()].join('\n');
  writeFileSync(
    join(out, 'table.ts'),
    `/** Generated: the fields of all messages; see connect/message_codec.ts. */\nexport const MESSAGES = \`\n${table}\n\`;\n`,
  );
} finally {
  rmSync(bundled, { force: true });
}
// Only now, so that a run that fails leaves nothing half done.
rmSync(final, { recursive: true, force: true });
renameSync(out, final);
