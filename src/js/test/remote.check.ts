/**
 * The client against a Spark Connect server over gRPC: Spark itself, or this engine built natively.
 *   node scripts/remote.mjs localhost:15002
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Connection } from '../src/cluster/connection.js';
import { ConnectClient } from '../src/connect/client.js';
import { decode, encode } from '../src/connect/messages.js';
import { FileRegistry } from '../src/files/registry.js';
import * as ml from '../src/ml/index.js';
import { KeptNeeds } from '../src/needs.js';
import { Catalog } from '../src/sql/catalog.js';
import { RuntimeConfig } from '../src/sql/conf.js';
import { DataFrame } from '../src/sql/dataframe.js';
import { functions as F } from '../src/sql/functions/index.js';
import { type Context, planOf } from '../src/sql/plan.js';
import { DataFrameReader } from '../src/sql/reader.js';
import { localRelation, sqlPlan } from '../src/sql/relations.js';
import { ListenerBus } from '../src/sql/streaming/listener.js';
import { StreamingQueryManager } from '../src/sql/streaming/manager.js';
import { PageStreams } from '../src/sql/streaming/page_streams.js';
import { DataStreamReader } from '../src/sql/streaming/stream_reader.js';
import { Window } from '../src/sql/window.js';
import { parseSchema } from '../src/values/ddl.js';
import { inferSchema } from '../src/values/infer.js';
import { GrpcWire } from './grpc_wire.js';

const remote = process.env['RIVULET_REMOTE'] ?? 'localhost:15002';
const wire: GrpcWire = new GrpcWire(remote, (message) => connection.receive(message));
const connection: Connection = new Connection(wire);
const client = new ConnectClient(connection, { decode, encode });
const { sources, readers, sinks, runs } = new PageStreams(wire, () => {
  throw new Error('no sinks here');
});
const context: Context = {
  client,
  rowOptions: { bigint: false },
  files: new FileRegistry(wire),
  kept: new KeptNeeds(),
  sources,
  readers,
  sinks,
  runs,
  sparkContext: undefined as never,
};
after(async () => {
  await client.release();
  wire.close();
});

const frame = (rows: unknown[], ddl?: string) =>
  new DataFrame(context, planOf(context, localRelation(rows, ddl ? parseSchema(ddl) : inferSchema(rows))));
const range = (end: number) => new DataFrame(context, planOf(context, { case: 'range', value: { start: 0n, end: BigInt(end), step: 1n } }));
const table = (name: string) => new DataFrameReader(context).table(name);
const sql = async (text: string, args?: Parameters<typeof sqlPlan>[2]) => new DataFrame(context, await sqlPlan(context, text, args));

const ROWS = [
  {
    i: 1,
    l: 9007199254740993n,
    f: 1.5,
    d: -0.25,
    s: 'ä😀',
    b: true,
    t: new Date('2024-02-29T10:00:00.123Z'),
    day: '1969-12-31',
    dec: '-12.30',
    bytes: Uint8Array.of(1, 2),
    xs: [1, null],
    m: new Map([['k', 1.5]]),
    st: { x: 'y', n: null },
  },
  { i: null, l: null, f: null, d: null, s: null, b: null, t: null, day: null, dec: null, bytes: null, xs: null, m: null, st: null },
];
const DDL =
  'i INT, l BIGINT, f FLOAT, d DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP, day DATE, dec DECIMAL(10,2), bytes BINARY, xs ARRAY<INT>, m MAP<STRING, DOUBLE>, st STRUCT<x: STRING, n: INT>';

test('rows of all types come back as they were given', async () => {
  const df = frame(ROWS, DDL);
  assert.deepEqual(await df.collect(), ROWS);
  assert.equal((await df.schema()).simpleString(), parseSchema(DDL).simpleString());
});

test('a local relation without rows keeps its schema', async () => {
  const df = frame([], DDL);
  assert.deepEqual(await df.collect(), []);
  assert.equal(await df.count(), 0);
});

test('projections, filters, aggregates, joins, sets, windows', async () => {
  const people = frame(
    [
      { name: 'Ada', team: 'a', age: 36 },
      { name: 'Bob', team: 'b', age: 41 },
      { name: 'Cleo', team: 'a', age: 29 },
      { name: 'Dan', team: null, age: null },
    ],
    'name STRING, team STRING, age INT',
  );
  const teams = frame([
    { team: 'a', city: 'Oslo' },
    { team: 'c', city: 'Rome' },
  ]);
  assert.deepEqual(await people.groupBy('team').agg(F.count('*').alias('n'), F.max('age').alias('oldest')).orderBy('team').collect(), [
    { team: null, n: 1, oldest: null },
    { team: 'a', n: 2, oldest: 36 },
    { team: 'b', n: 1, oldest: 41 },
  ]);
  assert.deepEqual(await people.join(teams, 'team', 'left').filter('city IS NOT NULL').select('name', 'city').orderBy('name').collect(), [
    { name: 'Ada', city: 'Oslo' },
    { name: 'Cleo', city: 'Oslo' },
  ]);
  assert.equal(await people.join(teams, people.col('team').eq(teams.col('team')), 'leftanti').count(), 2);
  assert.equal(await people.crossJoin(teams).count(), 8);
  assert.deepEqual(
    await people
      .select(
        'name',
        F.rowNumber()
          .over(Window.partitionBy('team').orderBy(F.desc('age')))
          .alias('r'),
      )
      .orderBy('name')
      .collect(),
    [
      { name: 'Ada', r: 1 },
      { name: 'Bob', r: 1 },
      { name: 'Cleo', r: 2 },
      { name: 'Dan', r: 1 },
    ],
  );
  assert.deepEqual(
    (await range(10).except(range(8)).orderBy('id').collect()).map(({ id }) => id as number),
    [8, 9],
  );
  assert.deepEqual(
    await people.na.drop().na.fill(0).withColumn('next', F.col('age').plus(1)).drop('team').orderBy(F.col('age').desc()).limit(1).collect(),
    [{ name: 'Bob', age: 41, next: 42 }],
  );
  assert.deepEqual(
    await people.groupBy('team').pivot('name', ['Ada', 'Bob']).agg(F.sum('age')).orderBy('team').filter('team IS NOT NULL').collect(),
    [
      { team: 'a', Ada: 36, Bob: null },
      { team: 'b', Ada: null, Bob: 41 },
    ],
  );
  assert.equal(await people.isEmpty(), false);
  assert.deepEqual(
    (await range(5).tail(2)).map(({ id }) => id as number),
    [3, 4],
  );
});

test('functions', async () => {
  const row = await range(1)
    .select(
      F.split(F.lit('a b'), ' ').alias('split'),
      F.explode(F.array(F.lit(7))).alias('seven'),
      F.transform(F.array(F.lit(1), F.lit(2)), (x) => x.plus(1)).alias('xs'),
      F.aggregate(F.array(F.lit(1), F.lit(2)), F.lit(0), (sum, x) => sum.plus(x)).alias('sum'),
      F.when(F.col('id').eq(0), 'zero').otherwise('more').alias('w'),
      F.toJson(F.struct(F.lit(1).alias('a'))).alias('json'),
      F.getJsonObject(F.lit('{"a":5}'), '$.a').alias('a'),
      F.fromJson(F.lit('{"b":2}'), 'b INT').alias('b'),
      F.lit('5').cast('int').alias('five'),
      F.lit('x').tryCast('int').alias('none'),
      F.lit(1.5).cast('decimal(5,2)').alias('dec'),
      F.regexpExtract(F.lit('a12'), '(\\d+)', 1).alias('digits'),
    )
    .collect();
  assert.deepEqual(row, [
    {
      split: ['a', 'b'],
      seven: 7,
      xs: [2, 3],
      sum: 3,
      w: 'zero',
      json: '{"a":1}',
      a: '5',
      b: { b: 2 },
      five: 5,
      none: null,
      dec: '1.50',
      digits: '12',
    },
  ]);
});

test('SQL with named and positional arguments, views and the catalog', async () => {
  await frame([{ a: 1 }, { a: 2 }, { a: 3 }]).createOrReplaceTempView('numbers');
  assert.deepEqual(await (await sql('SELECT sum(a) AS s FROM numbers WHERE a > :low', { low: 1 })).collect(), [{ s: 5 }]);
  assert.deepEqual(await (await sql('SELECT ? + 1 AS x', [41])).collect(), [{ x: 42 }]);
  assert.equal(await table('numbers').count(), 3);
  const catalog = new Catalog(context);
  assert.ok((await catalog.listTables()).some(({ name, isTemporary }) => name === 'numbers' && isTemporary));
  assert.equal(await catalog.tableExists('numbers'), true);
  assert.equal(await catalog.dropTempView('numbers'), true);
  assert.equal(await catalog.dropTempView('numbers'), false);
});

test('show, explain, printSchema, version', async () => {
  assert.equal(await frame([{ name: 'Ada', n: 1 }]).showString(), '+----+---+\n|name|  n|\n+----+---+\n| Ada|  1|\n+----+---+\n');
  assert.match(await range(3).filter('id > 1').explainString(), /Physical Plan/);
  assert.match(await range(3).filter('id > 1').explainString('extended'), /Analyzed Logical Plan/);
  assert.equal(await range(3).isStreaming(), false);
  assert.match((await client.analyze({ case: 'sparkVersion', value: {} })).version, /^\d+\.\d+/);
});

test('settings', async () => {
  const conf = new RuntimeConfig(client, () => {});
  await conf.set('spark.sql.shuffle.partitions', 3);
  assert.equal(await conf.get('spark.sql.shuffle.partitions'), '3');
  assert.equal((await conf.getAll())['spark.sql.shuffle.partitions'], '3');
  await conf.unset('spark.sql.shuffle.partitions');
  assert.equal(await conf.get('no.such.key', 'fallback'), 'fallback');
  await assert.rejects(conf.get('no.such.key'), { condition: 'SQL_CONF_NOT_FOUND' });
});

test("errors are of Spark's classes", async () => {
  const facts = async (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: { name: string; condition: string; sqlState: string }) => [error.name, error.condition, error.sqlState],
    );
  assert.deepEqual(await facts(range(3).select('idd').collect()), ['AnalysisException', 'UNRESOLVED_COLUMN.WITH_SUGGESTION', '42703']);
  assert.deepEqual(await facts(table('nowhere').collect()), ['AnalysisException', 'TABLE_OR_VIEW_NOT_FOUND', '42P01']);
  assert.deepEqual(await facts(sql('SELEC 1')), ['ParseException', 'PARSE_SYNTAX_ERROR', '42601']);
  assert.deepEqual(
    await facts(
      range(1)
        .select(F.lit(1).divide(F.col('id')))
        .collect(),
    ),
    ['ArithmeticException', 'DIVIDE_BY_ZERO', '22012'],
  );
  assert.deepEqual(await facts(range(1).select(F.lit('x').cast('int')).collect()), [
    'NumberFormatException',
    'CAST_INVALID_INPUT',
    '22018',
  ]);
  assert.deepEqual(await facts(range(1).select(F.callFunction('no_such', 'id')).collect()), [
    'AnalysisException',
    'UNRESOLVED_ROUTINE',
    '42883',
  ]);
});

test('leaving a loop over rows ends the operation', async () => {
  let seen = 0;
  for await (const row of range(100_000)) {
    assert.equal(row['id'], seen++);
    if (seen === 5) break;
  }
  assert.equal(connection.pending, 0);
});

test('a streaming query from start to end', async () => {
  const streams = new StreamingQueryManager(context, new ListenerBus({ post: () => {} }));
  const rate = new DataStreamReader(context).format('rate').option('rowsPerSecond', 50).load();
  assert.equal(await rate.isStreaming(), true);
  const query = await rate
    .withWatermark('timestamp', '1 second')
    .groupBy(F.window('timestamp', '10 seconds'))
    .count()
    .writeStream.format('memory')
    .queryName('rated')
    .outputMode('complete')
    .trigger({ processingTime: '200 milliseconds' })
    .start();
  assert.equal(query.name, 'rated');
  assert.equal(await query.isActive(), true);
  assert.equal((await streams.get(query.id))?.runId, query.runId);
  assert.deepEqual(
    (await streams.active()).map(({ id }) => id),
    [query.id],
  );
  while (((await query.lastProgress())?.batchId ?? 0) < 2) await query.awaitTermination(0.2);
  const progress = (await query.lastProgress())!;
  assert.equal(progress.runId, query.runId);
  assert.ok(progress.stateOperators.length === 1 && progress.sources.length === 1);
  assert.equal(typeof (await query.status()).message, 'string');
  assert.ok((await query.recentProgress()).length >= 2);
  assert.ok((await table('rated').collect()).every(({ window, count }) => window.start instanceof Date && typeof count === 'number'));
  await query.stop();
  assert.equal(await query.isActive(), false);
  assert.equal(await query.exception(), null);
  assert.equal(await query.awaitTermination(), true);
});

test('a streaming query that Spark refuses', async () => {
  const rate = new DataStreamReader(context).format('rate').load();
  await assert.rejects(rate.groupBy('value').count().writeStream.format('memory').queryName('refused').outputMode('append').start(), {
    name: 'AnalysisException',
  });
  await assert.rejects(rate.collect(), { name: 'AnalysisException' });
});

test('a streaming query that fails', async () => {
  const rate = new DataStreamReader(context).format('rate').option('rowsPerSecond', 10).load();
  const query = await rate
    .select(F.lit(1).divide(F.col('value').multiply(0)))
    .writeStream.format('noop')
    .start();
  await assert.rejects(query.awaitTermination(), (error: Error & { condition: string }) => error.name === 'StreamingQueryException');
  assert.equal(await query.isActive(), false);
  assert.match((await query.exception())?.message ?? '', /DIVIDE_BY_ZERO/);
});

// Cases of tests/goldens/ml: what Spark has made of the same rows.
const ML = join(process.cwd(), 'tests/goldens/ml');
type Case = { inputs: { df: { schema: string; rows: unknown[][] } }; expected: Record<string, { rows: unknown[][]; value: unknown }> };
const golden = (name: string) => JSON.parse(readFileSync(join(ML, `${name}.json`), 'utf8')) as Case;
type Encoded = { vector: 'dense' | 'sparse'; size: number; indices: number[]; values: number[] };
const valuesOf = ({ vector, size, indices, values }: Encoded) =>
  vector === 'dense' ? values : Array.from({ length: size }, (_, i) => values[indices.indexOf(i)] ?? 0);
/** The rows of a case of learners: the columns of `SCHEMA` in ml_examples_learners.py. */
const learned = ({ inputs: { df } }: Case) => {
  const names = df.schema.split(', ').map((field) => field.split(' ')[0] as string);
  const rows = df.rows.map((row) =>
    Object.fromEntries(names.map((name, i) => [name, name === 'features' ? valuesOf(row[i] as Encoded) : row[i]])),
  );
  const plain = frame(rows, df.schema.replace('VECTOR', 'ARRAY<DOUBLE>'));
  return plain.withColumn('features', F.arrayToVector('features')).coalesce(1);
};
const near = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((x, i) => Math.abs(x - b[i]!) <= 1e-9 * Math.max(1, Math.abs(x)));
/** Compares the rows that a model makes of the first twenty with those of a case. */
async function predictsAs(model: ml.OneVsRestModel, df: DataFrame, wanted: Case, names: readonly string[]): Promise<void> {
  const rows = await model
    .transform(df.select('three', 'features'))
    .select(...names)
    .limit(20)
    .collect();
  const columns = (wanted.expected['columns'] as { value: string[] }).value;
  const expected = wanted.expected['transform']!.rows;
  assert.equal(rows.length, expected.length);
  for (const [i, row] of rows.entries()) {
    assert.equal(row[names[1]!], expected[i]![columns.indexOf(names[1]!)]);
    const scores = expected[i]![columns.indexOf(names[0]!)] as Encoded;
    assert.ok(near((row[names[0]!] as { values: number[] }).values, scores.values), `row ${i}`);
  }
}
const logistic = (maxIter: number) => new ml.LogisticRegression({ regParam: 0.1, maxIter });

test('one model per class, and the surest one is right', async () => {
  const wanted = golden('one_vs_rest/weighted');
  const df = learned(wanted);
  const rest = new ml.OneVsRest({ classifier: logistic(10), labelCol: 'three', weightCol: 'w', parallelism: 3 });
  const model = await rest.fit(df);
  assert.equal(model.numClasses(), 3);
  await predictsAs(model, df, wanted, ['rawPrediction', 'prediction']);
  const named = golden('one_vs_rest/named');
  const other = rest.copy([
    { stage: rest, name: 'weightCol', value: '' },
    { stage: rest, name: 'predictionCol', value: 'p' },
    { stage: rest, name: 'rawPredictionCol', value: 'r' },
    { stage: rest.getClassifier(), name: 'maxIter', value: 5 },
  ]);
  await predictsAs(await other.fit(df), df, named, ['r', 'p']);
  await model.release();
});

test('one model per class is saved as Spark saves it, and loaded from what Spark saved', async (t) => {
  // What a directory holds is asked by a function that only this engine has.
  if ((await new RuntimeConfig(client, () => {}).get('spark.app.id', '')) !== '') return t.skip('Spark itself');
  const wanted = golden('one_vs_rest/weighted');
  const df = learned(wanted);
  const session = { context };
  const folder = mkdtempSync(join(tmpdir(), 'rest-'));
  const rest = new ml.OneVsRest({ classifier: logistic(10), labelCol: 'three', weightCol: 'w' });
  await rest.save(session, `${folder}/rest`);
  const model = await (await ml.OneVsRest.load(session, `${folder}/rest`)).fit(df);
  await new ml.PipelineModel([model]).save(session, `${folder}/pipeline`);
  await new ml.PipelineModel([model]).save(session, `${folder}/pipeline`, { overwrite: true });
  const [own] = (await ml.PipelineModel.load(session, `${folder}/pipeline`)).stages;
  assert.ok(own instanceof ml.OneVsRestModel);
  await predictsAs(own, df, wanted, ['rawPrediction', 'prediction']);
  rmSync(folder, { recursive: true });

  const saved = await ml.OneVsRest.load(session, join(ML, 'models/one_vs_rest'));
  assert.deepEqual([saved.getParam('weightCol'), saved.getParam('parallelism'), saved.getClassifier().getParam('regParam')], ['w', 2, 0.1]);
  // The rows that Spark's model was fitted to are of three places around 0: see the model's coefficients.
  const loaded = await ml.OneVsRestModel.load(session, join(ML, 'models/one_vs_rest_model'));
  assert.equal(loaded.numClasses(), 3);
  const places = [[[-1.5, 1.5]], [[0.6, -1.45]], [[2.7, 1.6]]];
  const points = frame(places, 'features ARRAY<DOUBLE>').withColumn('features', F.arrayToVector('features'));
  const predicted = await loaded.transform(points).collect();
  assert.deepEqual(
    predicted.map((row) => row['prediction']),
    [0, 1, 2],
  );
  const [first] = predicted;
  // As Spark's own model says of the first row.
  assert.ok(near((first!['rawPrediction'] as { values: number[] }).values, [1.3774900087788722, -1.9416825272825586, -2.3185478102763195]));
  await assert.rejects(ml.OneVsRestModel.load(session, join(ML, 'models/one_vs_rest')), { condition: 'CORRUPT_MODEL' });
});

test('what is no classifier has no rest', async () => {
  assert.throws(() => new ml.OneVsRest({ classifier: new ml.KMeans() as never }), { condition: 'RIVULET_INVALID_PARAM' });
  const df = learned(golden('one_vs_rest/weighted'));
  const empty = new ml.OneVsRest({ classifier: logistic(1), labelCol: 'three' }).fit(df.where('three > 7'));
  await assert.rejects(empty, { condition: 'RIVULET_INVALID_LABEL' });
});

test('summaries have curves, of the training and of other rows', async () => {
  const wanted = golden('logistic_regression/curves');
  const df = learned(wanted);
  const model = await new ml.LogisticRegression({ labelCol: 'two', regParam: 0.1 }).fit(df);
  const summary = ml.summaryOf(model);
  const points = (rows: Record<string, unknown>[]) => rows.flatMap((row) => Object.values(row) as number[]);
  assert.ok(near(points(await summary.dataFrame('roc').collect()), wanted.expected['roc']!.rows.flat() as number[]));
  assert.ok(near(points(await summary.dataFrame('fMeasureByThreshold').collect()), wanted.expected['f']!.rows.flat() as number[]));
  const others = await ml.evaluate(model, df.where('w < 2'));
  const evaluated = golden('logistic_regression/curves_evaluated');
  assert.ok(near(points(await others.dataFrame('pr').collect()), evaluated.expected['pr']!.rows.flat() as number[]));
  assert.equal(await others.dataFrame('predictions').count(), evaluated.expected['predictions']!.rows.length);
  await others.release();
  await assert.rejects(others.dataFrame('pr').collect(), { condition: 'CONNECT_ML.CACHE_INVALID' });
});
