/**
 * The client against a Spark Connect server over gRPC: Spark itself, or this engine built natively.
 *   node scripts/remote.mjs localhost:15002
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Connection } from '../src/cluster/connection.js';
import { ConnectClient } from '../src/connect/client.js';
import { FileRegistry } from '../src/files/registry.js';
import { Catalog } from '../src/sql/catalog.js';
import { RuntimeConfig } from '../src/sql/conf.js';
import { DataFrame } from '../src/sql/dataframe.js';
import { functions as F } from '../src/sql/functions/index.js';
import { type Context, planOf } from '../src/sql/plan.js';
import { DataFrameReader } from '../src/sql/reader.js';
import { localRelation, sqlPlan } from '../src/sql/relations.js';
import { PageSinks } from '../src/sql/streaming/foreach.js';
import { ListenerBus } from '../src/sql/streaming/listener.js';
import { StreamingQueryManager } from '../src/sql/streaming/manager.js';
import { PageReaders } from '../src/sql/streaming/page_reader.js';
import { PushSources } from '../src/sql/streaming/push.js';
import { DataStreamReader } from '../src/sql/streaming/stream_reader.js';
import { Window } from '../src/sql/window.js';
import { parseSchema } from '../src/values/ddl.js';
import { inferSchema } from '../src/values/infer.js';
import { GrpcWire } from './grpc_wire.js';

const remote = process.env['RIVULET_REMOTE'] ?? 'localhost:15002';
const wire: GrpcWire = new GrpcWire(remote, (message) => connection.receive(message));
const connection: Connection = new Connection(wire);
const client = new ConnectClient(connection);
const context: Context = {
  client,
  rowOptions: { bigint: false },
  files: new FileRegistry(wire),
  sources: new PushSources(wire),
  readers: new PageReaders(wire),
  sinks: new PageSinks(wire, () => {
    throw new Error('no sinks here');
  }),
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
