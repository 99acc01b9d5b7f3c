// Kafka's topics as tables in a page: a real broker (tansu), Rivulet's gateway in front of it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startBroker } from './broker.mjs';
import { browser, inPage } from './harness.mjs';

const BEGIN_MS = 1_700_000_000_000;

const page = browser();
let broker;
let gateway;
const servers = [];
before(async () => {
  broker = await startBroker();
  gateway = await broker.gateway(page.url);
});
after(async () => {
  servers.forEach((server) => {
    server.closeAllConnections();
    server.close();
  });
  await broker?.stop();
});

/** Starts an HTTP server, and returns its URL. */
function serve(answer) {
  const server = createServer(answer);
  servers.push(server);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

/** The body of a request. */
async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * A server in front of the gateway that knows what the broker does not (tansu 0.6 answers every time with the first offset): which record
 * is the first at or after a time, where the n-th of a partition is at BEGIN_MS + n * 10.
 */
const timed = () =>
  serve(async (request, response) => {
    const body = await bodyOf(request);
    const { host: _, connection: __, ...headers } = request.headers;
    const sent = request.method === 'POST' ? { body } : {};
    const answered = await fetch(gateway.url + request.url, { method: request.method, headers, ...sent });
    let said = Buffer.from(await answered.arrayBuffer());
    const times = request.url === '/kafka/offsets' && answered.ok && request.method === 'POST' ? JSON.parse(body).times : 'None';
    if (times !== 'None') {
      const found = JSON.parse(said);
      for (const [topic, partitions] of Object.entries(found.partitions)) {
        for (const [number, span] of Object.entries(partitions)) {
          const at = times.All ?? times.Each[topic][number];
          const offset = Math.max(0, Math.ceil((at - BEGIN_MS) / 10));
          span.atTime = offset < span.latest ? offset : null;
        }
      }
      said = Buffer.from(JSON.stringify(found));
    }
    const kept = [...answered.headers].filter(([name]) => !['content-length', 'transfer-encoding', 'connection'].includes(name));
    response.writeHead(answered.status, { ...Object.fromEntries(kept), 'content-length': said.length });
    response.end(said);
  });

test('a table goes into a topic and comes back: whole, by offsets, with headers, joined, in SQL and beside a stream', async () => {
  await broker.create('table', 3);
  const seen = await inPage(
    page,
    async (url) => {
      const { SparkSession, functions: F } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const at = { 'kafka.bridge.url': url };
      const topic = (options = {}) =>
        spark.read
          .format('kafka')
          .options({ ...at, subscribe: 'table', ...options })
          .load();
      const rows = spark
        .range(600)
        .selectExpr(
          'CAST(id AS STRING) AS key',
          'CAST(id * 3 AS STRING) AS value',
          'CAST(id % 3 AS INT) AS partition',
          "array(named_struct('key', 'half', 'value', CAST(CAST(id DIV 2 AS STRING) AS BINARY))) AS headers",
        );
      await rows.write.format('kafka').options(at).option('topic', 'table').save();
      await rows
        .where('key < 30')
        .selectExpr("'table' AS topic", 'value', 'partition')
        .write.format('kafka')
        .mode('append')
        .options(at)
        .save();
      const v = 'CAST(CAST(value AS STRING) AS INT)';
      const numbers = topic()
        .where('key IS NOT NULL')
        .selectExpr('CAST(CAST(key AS STRING) AS INT) AS k', `${v} AS v`, 'partition', 'offset');
      const wrong = (await numbers.collect()).filter((r) => r.v !== 3 * r.k || r.partition !== r.k % 3 || r.offset !== Math.floor(r.k / 3));
      const between = topic({ startingOffsets: '{"table":{"0":10,"1":-2,"2":209}}', endingOffsets: '{"table":{"0":20,"1":5,"2":-1}}' });
      const ends = await between
        .groupBy('partition')
        .agg(F.min('offset').alias('low'), F.max('offset').alias('high'))
        .orderBy('partition')
        .collect();
      const withHeaders = topic({ includeHeaders: true }).where("key = '77'");
      await topic().createOrReplaceTempView('records');
      const stream = spark.readStream
        .format('kafka')
        .options({ ...at, subscribe: 'table', startingOffsets: 'earliest', maxOffsetsPerTrigger: 200 })
        .load()
        .selectExpr('partition AS p', 'offset AS o');
      const query = await stream
        .join(topic().select('partition', 'offset'), F.expr('p = partition AND o = offset'))
        .writeStream.format('memory')
        .queryName('both')
        .trigger({ availableNow: true })
        .start();
      await query.awaitTermination();
      const pieces = (options) => topic(options).select(F.expr('spark_partition_id() AS id')).distinct().count();
      const seen = {
        columns: await topic().columns(),
        all: await topic().count(),
        wrong,
        ends,
        half: (await withHeaders.selectExpr('headers[0].key AS k', 'CAST(headers[0].value AS STRING) AS v').collect())[0],
        joined: await topic().join(spark.range(5, 15), F.expr('CAST(CAST(key AS STRING) AS INT) = id')).count(),
        sql: await (
          await spark.sql('SELECT count(*) AS n FROM records a JOIN records b ON a.partition = b.partition AND a.offset = b.offset')
        ).first(),
        both: await (await spark.sql('SELECT count(*) AS n, count(DISTINCT p, o) AS places FROM both')).first(),
        pieces: [await pieces({}), await pieces({ minPartitions: 6 }), await pieces({ maxRecordsPerPartition: 100 })],
      };
      await spark.stop();
      return seen;
    },
    gateway.url,
  );
  assert.deepEqual(seen, {
    columns: ['key', 'value', 'topic', 'partition', 'offset', 'timestamp', 'timestampType'],
    all: 630,
    wrong: [],
    // Partition 2 has 200 records with keys and 10 without.
    ends: [
      { partition: 0, low: 10, high: 19 },
      { partition: 1, low: 0, high: 4 },
      { partition: 2, low: 209, high: 209 },
    ],
    half: { k: 'half', v: '38' },
    joined: 10,
    sql: { n: 630 },
    both: { n: 630, places: 630 },
    pieces: [3, 6, 9],
  });
});

test('a table begins and ends at times', async () => {
  await broker.create('times', 2);
  const records = (from) =>
    Array.from({ length: 100 }, (_, n) => ({ value: String(from + n), timestamp: String(BEGIN_MS + (from + n) * 10) }));
  for (const partition of [0, 1]) for (const from of [0, 100]) await broker.send('times', partition, records(from));
  const seen = await inPage(
    page,
    async ({ url, begin }) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const read = async (options) => {
        const table = spark.read
          .format('kafka')
          .options({ 'kafka.bridge.url': url, subscribe: 'times', ...options })
          .load();
        try {
          const found = await table.selectExpr('CAST(CAST(value AS STRING) AS INT) AS v').collect();
          const values = found.map(({ v }) => v);
          return [values.length, Math.min(...values), Math.max(...values)];
        } catch (error) {
          return error.message;
        }
      };
      const each = (p0, p1) => JSON.stringify({ times: { 0: begin + p0, 1: begin + p1 } });
      const seen = [
        await read({ startingTimestamp: begin + 495, endingTimestamp: begin + 1_200 }),
        await read({ startingOffsetsByTimestamp: each(1_990, 1_980) }),
        await read({ endingOffsetsByTimestamp: each(0, 30) }),
        await read({ endingTimestamp: begin + 60_000 }),
        await read({ startingTimestamp: begin + 60_000 }),
        await read({ startingTimestamp: begin + 500, endingTimestamp: begin + 490 }),
      ];
      await spark.stop();
      return seen;
    },
    { url: await timed(), begin: BEGIN_MS },
  );
  assert.deepEqual(seen.slice(0, 4), [
    [140, 50, 119],
    [3, 198, 199],
    [3, 0, 2],
    [400, 0, 199],
  ]);
  assert.match(seen[4], /No offset matched from request of topic-partition times-0 and timestamp/);
  assert.match(seen[5], /Beginning offset 50 is after the ending offset 49 for topic times partition 0/);
});

test('what cannot be read or written says what to set, a wait can be cancelled, and the session goes on', async () => {
  await broker.create('some', 1);
  await broker.send('some', 0, [{ value: 'x' }]);
  let asked = 0;
  const silent = await serve((request, response) => {
    const allowed = { 'access-control-allow-origin': page.url, 'access-control-allow-headers': '*' };
    if (request.method === 'OPTIONS') response.writeHead(204, allowed).end();
    else asked += 1;
  });
  const seen = await inPage(
    page,
    async (urls) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[1]').create();
      const table = (options) =>
        spark.read
          .format('kafka')
          .options({ subscribe: 'some', 'fetchOffset.retryIntervalMs': 10, ...options })
          .load();
      const told = (work) =>
        work().then(
          (value) => value,
          (error) => error.message,
        );
      const read = (options) => told(() => table(options).count());
      const rows = spark.range(2).selectExpr('CAST(id AS STRING) AS value');
      const save = (mode, options, of = rows) =>
        told(() =>
          of.write
            .format('kafka')
            .mode(mode)
            .options({ 'kafka.bridge.url': urls.open, ...options })
            .save(),
        );
      const away = table({ 'kafka.bridge.url': 'http://127.0.0.1:9' });
      const silent = table({ 'kafka.bridge.url': urls.silent });
      const abort = new AbortController();
      const waits = told(() => silent.collect({ signal: abort.signal }));
      const meanwhile = await read({ 'kafka.bridge.url': urls.open });
      abort.abort(new Error('enough'));
      const seen = {
        nowhere: await read({ 'kafka.bootstrap.servers': 'broker:9092' }),
        away: await told(() => away.count()),
        schema: (await away.columns()).length,
        topic: await read({ 'kafka.bridge.url': urls.open, subscribe: 'nope' }),
        latest: await read({ 'kafka.bridge.url': urls.open, startingOffsets: 'latest' }),
        beyond: await read({ 'kafka.bridge.url': urls.open, endingOffsets: '{"some":{"0":9}}' }),
        cancelled: await waits,
        meanwhile,
        overwrite: await save('overwrite', { topic: 'some' }),
        untold: await save('append', {}),
        gone: await save('append', { topic: 'nope' }),
        columns: await save('append', { topic: 'some' }, rows.selectExpr('value AS key')),
        mode: await told(async () => rows.write.mode('sometimes')),
        next: await spark.range(3).count(),
      };
      await spark.stop();
      return seen;
    },
    { open: gateway.url, silent },
  );
  assert.match(seen.nowhere, /RIVULET_KAFKA_UNANSWERED.*A page cannot reach Kafka's brokers.* set the option kafka\.bridge\.url/);
  assert.match(seen.away, /RIVULET_KAFKA_UNANSWERED.*cannot be reached.*The option kafka\.bridge\.url is 'http:\/\/127\.0\.0\.1:9'/);
  assert.match(seen.topic, /does not host this topic-partition: nope/);
  assert.match(seen.latest, /starting offset can't be latest for batch queries on Kafka/);
  assert.match(seen.beyond, /KAFKA_DATA_LOSS\.COULD_NOT_READ_OFFSET_RANGE.*offsets 0 to 1 are there/);
  assert.match(seen.cancelled, /enough/);
  assert.match(seen.overwrite, /Save mode Overwrite not allowed for Kafka\. Allowed save modes are Append and ErrorIfExists \(default\)\./);
  assert.match(seen.untold, /topic option required when no 'topic' attribute is present/);
  assert.match(seen.gone, /does not host this topic-partition: nope/);
  assert.match(seen.columns, /Required attribute 'value' not found/);
  assert.match(seen.mode, /The specified save mode "sometimes" is invalid/);
  assert.deepEqual([seen.schema, seen.meanwhile, seen.next, asked], [7, 1, 3, 1]);
});
