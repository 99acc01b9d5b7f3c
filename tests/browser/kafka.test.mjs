// Kafka in a page: a real broker (tansu), Rivulet's gateway in front of it, Kafka's own client as the producer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startBroker } from './broker.mjs';
import { browser, inPage } from './harness.mjs';

const page = browser();
let broker;
let gateway;
before(async () => {
  broker = await startBroker();
  gateway = await broker.gateway(page.url);
});
after(() => broker?.stop());

const numbered = (from, count) =>
  Array.from({ length: count }, (_, n) => ({
    key: `k${(from + n) % 7}`,
    value: String(from + n),
    headers: { n: String(from + n) },
    timestamp: String(1_700_000_000_000 + from + n),
  }));

test('the records of all partitions are read once, with key, value, place, time and headers, and new ones as they come', async () => {
  await broker.create('all', 3);
  for (let partition = 0; partition < 3; partition++) await broker.send('all', partition, numbered(1_000 * partition, 500));
  const opened = await page.open();
  const read = opened.evaluate(async (url) => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const records = spark.readStream
      .format('kafka')
      .option('kafka.bridge.url', url)
      .option('subscribe', 'all')
      .option('startingOffsets', 'earliest')
      .option('includeHeaders', true)
      .option('maxOffsetsPerTrigger', 400)
      .load();
    const types = await records.dtypes();
    const query = await records
      .select(
        'partition',
        'offset',
        'timestamp',
        F.expr('CAST(key AS STRING) AS k'),
        F.expr('CAST(CAST(value AS STRING) AS INT) AS v'),
        F.expr('CAST(headers[0].value AS STRING) AS h'),
      )
      .writeStream.format('memory')
      .queryName('read')
      .start();
    await query.processAllAvailable();
    const totals = async () =>
      (
        await (
          await spark.sql(
            'SELECT partition, count(*) AS n, count(DISTINCT offset) AS offsets, min(v) AS low, max(v) AS high FROM read GROUP BY partition ORDER BY partition',
          )
        ).collect()
      ).map(({ partition, n, offsets, low, high }) => [partition, n, offsets, low, high]);
    const first = await totals();
    const sample = await (await spark.sql('SELECT k, h, CAST(timestamp AS DOUBLE) AS at FROM read WHERE v = 1007')).collect();
    globalThis.more = async () => {
      await query.processAllAvailable();
      const seen = await totals();
      const batches = await query.recentProgress();
      await spark.stop();
      return { seen, most: Math.max(...batches.map(({ numInputRows }) => numInputRows)) };
    };
    return { types, first, sample };
  }, gateway.url);
  const { types, first, sample } = await read;
  assert.deepEqual(
    types.map(([name]) => name),
    ['key', 'value', 'topic', 'partition', 'offset', 'timestamp', 'timestampType', 'headers'],
  );
  assert.deepEqual(first, [
    [0, 500, 500, 0, 499],
    [1, 500, 500, 1_000, 1_499],
    [2, 500, 500, 2_000, 2_499],
  ]);
  assert.deepEqual(sample, [{ k: 'k6', h: '1007', at: 1_700_000_001.007 }]);
  await broker.send('all', 1, numbered(1_500, 300));
  const { seen, most } = await opened.evaluate(() => globalThis.more());
  assert.deepEqual(seen[1], [1, 800, 800, 1_000, 1_799]);
  assert.ok(most <= 402, `${most} of 400 and a record of each partition`);
  await opened.close();
});

test('a query goes on from its checkpoint in another page, with the records that came meanwhile, each once', async () => {
  await broker.create('kept', 2);
  await broker.send('kept', 0, numbered(0, 400));
  await broker.send('kept', 1, numbered(400, 100));
  const context = await page.browser.newContext();
  const run = async (from) => {
    const opened = await page.open('/blank.html', context);
    const seen = await opened.evaluate(
      async ({ url, from }) => {
        const { SparkSession } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[2]').create();
        const records = spark.readStream
          .format('kafka')
          .option('kafka.bridge.url', url)
          .option('subscribe', 'kept')
          .option('startingOffsets', from)
          .option('maxOffsetsPerTrigger', 150)
          .load();
        const seen = [];
        const query = await records
          .selectExpr('CAST(CAST(value AS STRING) AS INT) AS v')
          .writeStream.option('checkpointLocation', 'kafka-kept')
          .foreachBatch(async (rows) => seen.push(...(await rows.collect()).map(({ v }) => v)))
          .trigger({ availableNow: true })
          .start();
        await query.awaitTermination();
        const batches = (await query.recentProgress()).length;
        await spark.stop();
        return { seen: seen.sort((a, b) => a - b), batches };
      },
      { url: gateway.url, from },
    );
    await opened.close();
    return seen;
  };
  const first = await run('earliest');
  assert.deepEqual(
    first.seen,
    Array.from({ length: 500 }, (_, n) => n),
  );
  assert.ok(first.batches >= 4, `${first.batches} batches`);
  await broker.send('kept', 1, numbered(500, 60));
  // What the checkpoint says counts, and not where a new query would begin.
  assert.deepEqual(
    (await run('latest')).seen,
    Array.from({ length: 60 }, (_, n) => 500 + n),
  );
  assert.deepEqual((await run('earliest')).seen, []);
  await context.close();
});

test("rows become records: keys go where Kafka's own client puts them, and a row says its topic, partition and headers", async () => {
  await broker.create('from', 2);
  await broker.create('to', 5);
  await broker.create('others', 3);
  await broker.send('from', 0, numbered(0, 120));
  await broker.send('from', 1, numbered(120, 80));
  const told = await inPage(
    page,
    async (url) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const at = { 'kafka.bridge.url': url };
      const records = spark.readStream
        .format('kafka')
        .options({ ...at, subscribe: 'from', startingOffsets: 'earliest', maxOffsetsPerTrigger: 50 })
        .load();
      const write = async (columns, options = {}) => {
        try {
          const query = await records
            .selectExpr(...columns)
            .writeStream.format('kafka')
            .options({ ...at, ...options })
            .trigger({ availableNow: true })
            .start();
          await query.awaitTermination();
          return 'written';
        } catch (error) {
          return error.message;
        }
      };
      const number = 'CAST(CAST(value AS STRING) AS INT)';
      const told = [
        await write([`concat('key-', ${number}) AS key`, 'value'], { topic: 'to' }),
        await write([
          "'others' AS topic",
          `${number} % 3 AS partition`,
          'value',
          "array(struct('half', CAST(CAST(offset DIV 2 AS STRING) AS BINARY))) AS headers",
        ]),
        await write(['key'], { topic: 'to' }),
        await write(['value']),
        await write(['value', 'CAST(NULL AS STRING) AS topic']),
        await write(['value'], { topic: 'nowhere' }),
        await write(['value', '7 AS partition'], { topic: 'to' }),
      ];
      await spark.stop();
      return told;
    },
    gateway.url,
  );
  assert.deepEqual(told.slice(0, 2), ['written', 'written']);
  assert.match(told[2], /Required attribute 'value' not found/);
  assert.match(told[3], /topic option required when no 'topic' attribute is present/);
  assert.match(told[4], /KAFKA_NULL_TOPIC_IN_DATA/);
  assert.match(told[5], /does not host this topic-partition: nowhere/);
  assert.match(told[6], /Topic to has 5 partitions, and a record is for partition 7/);

  const keyed = await broker.read('to', 200);
  assert.deepEqual(
    keyed.map(({ value }) => Number(value)).sort((a, b) => a - b),
    Array.from({ length: 200 }, (_, n) => n),
  );
  await broker.create('reference', 5);
  await broker.sendAnywhere(
    'reference',
    keyed.map(({ key, value }) => ({ key, value })),
  );
  const placed = (records) => Object.fromEntries(records.map(({ key, partition }) => [key, partition]));
  assert.deepEqual(placed(keyed), placed(await broker.read('reference', 200)));
  assert.ok(new Set(keyed.map(({ partition }) => partition)).size === 5);

  const others = await broker.read('others', 200);
  assert.ok(others.every(({ value, partition }) => Number(value) % 3 === partition));
  assert.deepEqual(others.find(({ value }) => value === '125').headers, { half: '2' });
});

test('what cannot be read says what to set, and the session goes on', async () => {
  const guarded = await broker.gateway('http://elsewhere.example', '--token', 'secret');
  const own = await broker.gateway(page.url, '--token', 'secret');
  await broker.create('guarded', 1);
  // A server that names another address.
  const elsewhere = createServer((request, response) => {
    const allowed = { 'access-control-allow-origin': page.url, 'access-control-allow-headers': '*', location: `${page.url}/elsewhere` };
    response.writeHead(request.method === 'OPTIONS' ? 204 : 307, allowed).end();
  });
  await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
  const seen = await inPage(
    page,
    async (urls) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[1]').create();
      const read = async (options) => {
        try {
          const query = await spark.readStream
            .format('kafka')
            .options({ startingOffsets: 'earliest', subscribe: 'guarded', 'fetchOffset.retryIntervalMs': 10, ...options })
            .load()
            .writeStream.format('noop')
            .trigger({ availableNow: true })
            .start();
          const ended = await query.awaitTermination(0.5);
          await query.stop();
          return ended;
        } catch (error) {
          return error.message;
        }
      };
      const seen = {
        nowhere: await read({ 'kafka.bootstrap.servers': 'broker:9092' }),
        topic: await read({ 'kafka.bridge.url': urls.open, subscribe: 'nope' }),
        both: await read({ 'kafka.bridge.url': urls.open, assign: '{"guarded":[0]}' }),
        scheme: await read({ 'kafka.bridge.url': 'localhost:9095' }),
        typo: await read({ 'kafka.bridge.url': urls.open, startingOffset: 'earliest' }),
        token: await read({ 'kafka.bridge.url': urls.own }),
        right: await read({ 'kafka.bridge.url': urls.own, 'kafka.bridge.token': 'secret' }),
        none: await read({ 'kafka.bridge.url': `${urls.page}/none` }),
        redirect: await read({ 'kafka.bridge.url': urls.redirect }),
        // Who may not read, and who is not there, may be there later: the query waits.
        origin: await read({ 'kafka.bridge.url': urls.guarded, 'kafka.bridge.token': 'secret' }),
        away: await read({ 'kafka.bridge.url': 'http://127.0.0.1:9' }),
        next: await spark.range(3).count(),
      };
      await spark.stop();
      return seen;
    },
    { open: gateway.url, own: own.url, guarded: guarded.url, page: page.url, redirect: `http://127.0.0.1:${elsewhere.address().port}` },
  );
  elsewhere.close();
  assert.match(seen.nowhere, /A page cannot reach Kafka's brokers, as it has no TCP: set the option kafka\.bridge\.url/);
  assert.match(seen.topic, /does not host this topic-partition: nope/);
  assert.match(seen.both, /Only one of the following options can be specified/);
  assert.match(seen.scheme, /must be a URL that begins with http:\/\/ or https:\/\//);
  assert.match(seen.typo, /no option 'startingoffset'\. Did you mean 'startingOffsets'/);
  assert.match(seen.token, /answered 401: .*The option kafka\.bridge\.token/);
  assert.match(seen.none, /answered 404/);
  assert.match(seen.redirect, /answered 307: a redirect to another address, which is not followed: set that address/);
  assert.deepEqual([seen.right, seen.origin, seen.away, seen.next], [true, false, false, 3]);
});
