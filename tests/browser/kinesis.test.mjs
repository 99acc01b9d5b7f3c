// Kinesis in a page: a server that speaks its protocol (kinesis-local), which pages may reach, and one in front that has no time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, inPage } from './harness.mjs';
import { startKinesis } from './service.mjs';

const page = browser();
let kinesis;
before(async () => {
  kinesis = await startKinesis();
});
after(() => kinesis?.stop());

const numbered = (from, count) => Array.from({ length: count }, (_, n) => ({ key: `k${(from + n) % 7}`, value: String(from + n) }));
const server = (more = {}) => ({
  'kinesis.endpointUrl': kinesis.url,
  'kinesis.region': 'us-east-1',
  'kinesis.awsAccessKeyId': 'id',
  'kinesis.awsSecretKey': 'secret',
  'kinesis.startingPosition': 'TRIM_HORIZON',
  'kinesis.getRecords.fetchIntervalMs': 20,
  'kinesis.clientRetryIntervalsMs': 20,
  ...more,
});

test('the records of all shards are read once, before and after a split and a merge, and new ones as they come', async () => {
  await kinesis.create('all', 2);
  await kinesis.put('all', numbered(0, 600));
  await kinesis.split('all');
  await kinesis.put('all', numbered(600, 200));
  const opened = await page.open();
  const { types, first } = await opened.evaluate(
    async (options) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const records = spark.readStream.format('aws-kinesis').options(options).load();
      const types = await records.dtypes();
      const query = await records
        .selectExpr(
          'partitionKey',
          'streamName',
          'sequenceNumber',
          'approximateArrivalTimestamp AS at',
          'CAST(CAST(data AS STRING) AS INT) AS v',
        )
        .writeStream.format('memory')
        .queryName('read')
        .start();
      await query.processAllAvailable();
      const totals = async () => {
        const sql = `SELECT count(*) AS n, count(DISTINCT v) AS numbers, count(DISTINCT sequenceNumber) AS places, max(v) AS high,
          sum(CASE WHEN partitionKey = concat('k', v % 7) AND streamName = 'all' AND at > timestamp'2024-01-01' THEN 1 ELSE 0 END) AS right
          FROM read`;
        return (await (await spark.sql(sql)).collect())[0];
      };
      globalThis.more = async () => {
        await query.processAllAvailable();
        const seen = await totals();
        const batches = await query.recentProgress();
        await spark.stop();
        return { seen, most: Math.max(...batches.map(({ numInputRows }) => numInputRows)) };
      };
      return { types, first: await totals() };
    },
    server({ 'kinesis.streamName': 'all', 'kinesis.maxFetchRecordsPerShard': 100 }),
  );
  assert.deepEqual(types, [
    ['data', 'binary'],
    ['streamName', 'string'],
    ['partitionKey', 'string'],
    ['sequenceNumber', 'string'],
    ['approximateArrivalTimestamp', 'timestamp'],
  ]);
  const all = (n) => ({ n, numbers: n, places: n, high: n - 1, right: n });
  assert.deepEqual(first, all(800));
  await kinesis.merge('all');
  await kinesis.put('all', numbered(800, 300));
  const { seen, most } = await opened.evaluate(() => globalThis.more());
  assert.deepEqual(seen, all(1_100));
  assert.ok(most <= 300, `${most} of 100 of each of three shards`);
  await opened.close();
});

test('a query goes on from its checkpoint in another page, with the records that came meanwhile, each once', async () => {
  await kinesis.create('kept', 2);
  await kinesis.put('kept', numbered(0, 500));
  const context = await page.browser.newContext();
  const run = async (from) => {
    const opened = await page.open('/blank.html', context);
    const seen = await opened.evaluate(
      async (options) => {
        const { SparkSession } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[2]').create();
        const records = spark.readStream.format('aws-kinesis').options(options).load();
        const seen = [];
        const query = await records
          .selectExpr('CAST(CAST(data AS STRING) AS INT) AS v')
          .writeStream.option('checkpointLocation', 'kinesis-kept')
          .foreachBatch(async (rows) => seen.push(...(await rows.collect()).map(({ v }) => v)))
          .trigger({ availableNow: true })
          .start();
        await query.awaitTermination();
        await spark.stop();
        return seen.sort((a, b) => a - b);
      },
      server({ 'kinesis.streamName': 'kept', 'kinesis.maxFetchRecordsPerShard': 70, 'kinesis.startingPosition': from }),
    );
    await opened.close();
    return seen;
  };
  const numbers = (from, count) => Array.from({ length: count }, (_, n) => from + n);
  assert.deepEqual(await run('TRIM_HORIZON'), numbers(0, 500));
  await kinesis.put('kept', numbered(500, 60));
  // What the checkpoint says counts, and not where a new query would begin.
  assert.deepEqual(await run('LATEST'), numbers(500, 60));
  assert.deepEqual(await run('TRIM_HORIZON'), []);
  await context.close();
});

test('rows become records, and what cannot be read or written says what to set', async () => {
  await kinesis.create('from', 1);
  await kinesis.create('to', 2);
  await kinesis.put('from', numbered(0, 700));
  const seen = await inPage(
    page,
    async (options) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const run = async (columns, sink, more = {}) => {
        try {
          const records = spark.readStream.format('aws-kinesis').options({ ...options, 'kinesis.streamName': 'from', ...more });
          const rows = records.load().selectExpr(...columns);
          const { 'kinesis.startingPosition': _, 'kinesis.getRecords.fetchIntervalMs': __, ...own } = options;
          const writer = sink ? rows.writeStream.format('aws-kinesis').options({ ...own, ...sink }) : rows.writeStream.format('noop');
          const query = await writer.trigger({ availableNow: true }).start();
          const ended = await query.awaitTermination(4);
          await query.stop();
          return ended;
        } catch (error) {
          return error.message;
        }
      };
      const to = { 'kinesis.streamName': 'to' };
      const seen = {
        written: await run(["concat('x', partitionKey) AS partitionKey", 'data'], to),
        column: await run(['data'], to),
        empty: await run(['CAST(NULL AS STRING) AS partitionKey', 'data'], to),
        nowhere: await run(['partitionKey', 'data'], { 'kinesis.streamName': 'none' }),
        stream: await run(['data'], undefined, { 'kinesis.streamName': 'nope' }),
        start: await run(['data'], undefined, { 'kinesis.startingPosition': 'soon' }),
        typo: await run(['data'], undefined, { 'kinesis.startPosition': 'LATEST' }),
        keys: await run(['data'], undefined, { 'kinesis.awsAccessKeyId': '', 'kinesis.awsSecretKey': '' }),
        // Who is not there may be there later: the query waits.
        away: await run(['data'], undefined, { 'kinesis.endpointUrl': 'http://127.0.0.1:9' }),
        next: await spark.range(3).count(),
      };
      await spark.stop();
      return seen;
    },
    server(),
  );
  assert.equal(seen.written, true);
  assert.match(seen.column, /Required attribute 'partitionKey' not found/);
  assert.match(seen.empty, /RIVULET_KINESIS_NULL/);
  assert.match(seen.nowhere, /ResourceNotFoundException.*kinesis\.streamName/);
  assert.match(seen.stream, /ResourceNotFoundException.*kinesis\.streamName/);
  assert.match(seen.start, /Invalid value 'soon' for option 'kinesis\.startingPosition'/);
  assert.match(seen.typo, /no option 'kinesis\.startposition'\. Did you mean 'kinesis\.startingPosition'/);
  assert.match(seen.keys, /set the options kinesis\.awsAccessKeyId and kinesis\.awsSecretKey/);
  assert.deepEqual([seen.away, seen.next], [false, 3]);
  const written = await kinesis.read('to');
  assert.deepEqual(
    written.map(({ value }) => Number(value)).sort((a, b) => a - b),
    Array.from({ length: 700 }, (_, n) => n),
  );
  assert.ok(written.every(({ key, value }) => key === `xk${Number(value) % 7}`));
});
