// Flume in a page: agents that send over HTTP and Avro, a sink that is polled, the gateway between, and another query that comes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { avroAgent, numbered, sendHttp, startGateway, startSink } from './agents.mjs';
import { freePort } from './broker.mjs';
import { browser, inPage } from './harness.mjs';

const page = browser();
let [gateway, sink, ports] = [];
before(async () => {
  ports = [await freePort(), await freePort(), await freePort()];
  sink = await startSink();
  const words = ports.flatMap((port) => ['--flume', String(port)]);
  gateway = await startGateway(page.url, [...words, '--flume-sink', sink.address, '--flume-patience', '60']);
});
after(async () => {
  await gateway?.stop();
  sink?.stop();
});

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (from, count) => Array.from({ length: count }, (_, at) => from + at);

/** Starts a query in a page, from a checkpoint, that keeps the numbers of events that it has seen. */
const query = (opened, options, checkpoint) =>
  opened.evaluate(
    async ({ options, checkpoint }) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const events = spark.readStream.format('flume').options(options).load();
      globalThis.seen = [];
      globalThis.types = await events.dtypes();
      globalThis.query = await events
        .selectExpr("CAST(headers['n'] AS INT) AS n", 'CAST(body AS STRING) AS body')
        .writeStream.option('checkpointLocation', checkpoint)
        .foreachBatch(async (rows) => {
          globalThis.seen.push(...(await rows.collect()).map(({ n, body }) => (body === `event ${n}` ? n : body)));
        })
        .start();
    },
    { options: { url: gateway.url, ...options }, checkpoint },
  );
/** Waits until a page's query has seen `count` events; returns their numbers. */
const seen = async (opened, count) => {
  await opened.waitForFunction((count) => globalThis.seen.length >= count, count, { timeout: 30_000 });
  return (await opened.evaluate(() => globalThis.seen)).sort((a, b) => a - b);
};

test('events of HTTP and of Avro are answered when they are safe, and each is taken once though the page dies', async () => {
  const [port] = ports;
  const context = await page.browser.newContext();
  const agent = avroAgent(port);
  // Nobody reads yet: the agents wait.
  const early = [
    sendHttp(
      gateway,
      port,
      numbers(0, 50).map((n) => numbered(n)),
    ),
    agent.send(numbers(50, 30).map((n) => numbered(n))),
  ];
  assert.equal(await Promise.race([...early, later(100)]), undefined);
  const first = await page.open('/blank.html', context);
  await query(first, { port }, 'flume-push');
  assert.deepEqual(await Promise.all(early), [200, 'OK']);
  assert.deepEqual(await seen(first, 80), numbers(0, 80));
  assert.deepEqual(await first.evaluate(() => globalThis.types), [
    ['headers', 'map<string,string>'],
    ['body', 'binary'],
  ]);
  const sending = numbers(80, 40).map((n) => (n % 2 ? agent.sendOne(numbered(n)) : sendHttp(gateway, port, [numbered(n)])));
  await Promise.race(sending);
  await first.close();
  const second = await page.open('/blank.html', context);
  await query(second, { port }, 'flume-push');
  // What was safe in the first page is acknowledged by the second.
  assert.ok((await Promise.all(sending)).every((status) => status === 200 || status === 'OK'));
  const all = [...new Set([...numbers(0, 80), ...(await seen(second, 1))])];
  const last = sendHttp(gateway, port, [numbered(120)]);
  assert.equal(await last, 200);
  await second.waitForFunction(() => globalThis.seen.includes(120));
  const rest = await seen(second, 1);
  assert.equal(new Set(rest).size, rest.length, 'each once, in this life');
  assert.ok(all.length >= 80 && rest.every((n) => n >= 80));
  agent.stop();
  await context.close();
});

test('a sink is polled, its batches are acknowledged, and what is not taken is sent back when the query stops', async () => {
  const [host, port] = sink.address.split(':');
  sink.put(...numbers(0, 2_500).map((n) => numbered(n)));
  const opened = await page.open();
  await query(opened, { mode: 'pull', host, port, maxBatchSize: 300, parallelism: 2 }, 'flume-pull');
  assert.deepEqual(await seen(opened, 2_500), numbers(0, 2_500));
  while (sink.left() > 0) await later(10);
  assert.equal(sink.seen.acks, sink.seen.batches);
  await opened.evaluate(() => globalThis.query.stop());
  await opened.close();
});

test('FlumeUtils has streams of events that are pushed and polled', async () => {
  const [, port] = ports;
  const [host, at] = sink.address.split(':');
  const opened = await page.open();
  await opened.evaluate(
    async ({ url, port, host, at }) => {
      const { SparkSession, StreamingContext } = await import('rivulet');
      const { FlumeUtils } = await import('/pkg/dist/flume.js');
      const spark = await SparkSession.builder.master('local[3]').create();
      const ssc = new StreamingContext(spark.sparkContext, 100);
      globalThis.seen = [];
      const text = ({ headers, body }) => `${headers.n}: ${String.fromCharCode(...body)}`;
      const pushed = FlumeUtils.createStream(ssc, 'localhost', port, { url });
      const polled = FlumeUtils.createPollingStream(ssc, host, at, 100, 1, { url });
      pushed
        .union(polled)
        .map(text)
        .foreachRDD(async (rdd) => void globalThis.seen.push(...(await rdd.collect())));
      ssc.start();
      globalThis.stop = async () => {
        await ssc.stop({ gracefully: true });
        await spark.stop();
      };
    },
    { url: gateway.url, port, host, at: Number(at) },
  );
  sink.put(...numbers(100, 250).map((n) => numbered(n)));
  assert.equal(
    await sendHttp(
      gateway,
      port,
      numbers(0, 100).map((n) => numbered(n)),
    ),
    200,
  );
  const all = numbers(0, 350).map((n) => `${n}: event ${n}`);
  await opened.waitForFunction((count) => globalThis.seen.length >= count, all.length, { timeout: 30_000 });
  await opened.evaluate(() => globalThis.stop());
  assert.deepEqual((await opened.evaluate(() => globalThis.seen)).sort(), all.sort());
  while (sink.left() > 0) await later(10);
  await opened.close();
});

test('what the gateway refuses says what to set, and a channel has one reader', async () => {
  const [, , port] = ports;
  const away = { Origin: 'https://elsewhere.example' };
  assert.equal(await sendHttp(gateway, port, [numbered(1)], { headers: away }), 403);
  assert.equal(await sendHttp(gateway, 1, [numbered(1)]), 404);
  assert.equal(await sendHttp(gateway, port, [], { body: '{"headers":{}}' }), 400);
  assert.equal(await sendHttp(gateway, port, []), 200);
  const found = await inPage(
    page,
    async ({ url, port }) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const start = (options) =>
        spark.readStream
          .format('flume')
          .options({ url, ...options })
          .load()
          .writeStream.format('noop')
          .start();
      const ends = async (query) => {
        try {
          return await (await query).awaitTermination(10);
        } catch (error) {
          return error.message;
        }
      };
      const first = await start({ port });
      while (!(await first.isActive())) await new Promise((go) => setTimeout(go, 5));
      const taken = ends(first);
      // The first one must have come.
      await new Promise((go) => setTimeout(go, 500));
      const second = await start({ port });
      const found = {
        taken: await taken,
        channel: await ends(start({ port: 1 })),
        sink: await ends(start({ mode: 'pull', host: 'db.example', port: 5432 })),
        option: await ends(start({ mode: 'pull', addresses: 'here' })),
        typo: await ends(start({ maxBatch: 5 })),
      };
      await second.stop();
      await spark.stop();
      return found;
    },
    { url: gateway.url, port },
  );
  assert.match(found.taken, /409: Another query reads these events now/);
  assert.match(found.channel, /404: The channel 1 is not open: --flume PORT opens one/);
  assert.match(found.sink, /403: The gateway may not poll a sink at db\.example:5432: --flume-sink db\.example:5432 lets it/);
  assert.match(found.option, /Invalid value 'here' for option 'addresses'/);
  assert.match(found.typo, /no option 'maxbatch'\. Did you mean 'maxBatchSize'/);
});
