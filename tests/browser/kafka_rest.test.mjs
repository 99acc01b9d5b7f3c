// Kafka in a page through the REST servers that others have: a real broker, and a server with the paths of Confluent's REST Proxy or
// of Strimzi's bridge in front of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker } from './broker.mjs';
import { browser, inPage } from './harness.mjs';
import { startRest } from './rest_proxy.mjs';

const page = browser();
let broker;
before(async () => {
  broker = await startBroker();
});
after(() => broker?.stop());

/** Numbers from 0 to 1 that a seed fixes (mulberry32). */
function drawn(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const numbered = (from, count) =>
  Array.from({ length: count }, (_, n) => ({ key: `k${(from + n) % 7}`, value: String(from + n), headers: { n: String(from + n) } }));

/** Waits until a server's own reader has seen all records of a topic: then they can be asked for. */
async function seesAll(url, topic, counts) {
  const ends = () =>
    Promise.all(
      counts.map(async (_, n) => {
        const answered = await fetch(`${url}/topics/${topic}/partitions/${n}/offsets`).catch(() => undefined);
        return answered && (await answered.json()).end_offset;
      }),
    );
  while (!(await ends()).every((end, n) => end === counts[n]));
}

for (const [dialect, named] of [
  ['confluent', 'auto'],
  ['strimzi', 'auto'],
  ['strimzi', 'strimzi'],
])
  test(`the records of a ${dialect} server, found by ${named}, are there once, whatever answers and consumers are lost`, async (t) => {
    const topic = `${dialect}-${named}`;
    await broker.create(topic, 3);
    for (let partition = 0; partition < 3; partition++) await broker.send(topic, partition, numbered(1_000 * partition, 400));
    const rest = await startRest(broker, { dialect, origin: page.url, draw: drawn(17), loss: 0.05 });
    t.after(() => rest.stop());
    await seesAll(rest.url, topic, [400, 400, 400]);
    const found = await inPage(
      page,
      async ({ url, topic, named, headers }) => {
        const { SparkSession, functions: F } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[2]').create();
        const query = await spark.readStream
          .format('kafka')
          .options({ 'kafka.bridge.url': url, 'kafka.bridge.dialect': named, subscribe: topic, startingOffsets: 'earliest' })
          .options({ maxOffsetsPerTrigger: 250, includeHeaders: headers })
          .load()
          .select('*', F.expr('CAST(CAST(value AS STRING) AS INT) AS v'), F.expr('CAST(key AS STRING) AS k'))
          .writeStream.format('memory')
          .queryName('read')
          .trigger({ availableNow: true })
          .start();
        await query.awaitTermination();
        const totals = await spark.sql(
          `SELECT count(*) AS n, count(DISTINCT v) AS numbers, count(DISTINCT partition, offset) AS places, count(timestamp) AS times,
             min(int(substr(k, 2)) - v % 7) AS keys FROM read`,
        );
        const one = headers
          ? await (await spark.sql('SELECT CAST(headers[0].value AS STRING) AS h FROM read WHERE v = 1007')).collect()
          : [];
        const answer = { totals: await totals.collect(), batches: (await query.recentProgress()).length, one };
        await spark.stop();
        return answer;
      },
      { url: rest.url, topic, named, headers: dialect === 'strimzi' },
    );
    assert.deepEqual(found.totals, [{ n: 1_200, numbers: 1_200, places: 1_200, times: dialect === 'strimzi' ? 1_200 : 0, keys: 0 }]);
    assert.ok(found.batches >= 5, `${found.batches} batches`);
    assert.deepEqual(found.one, dialect === 'strimzi' ? [{ h: '1007' }] : []);
    assert.ok(rest.seen.lost > 5, JSON.stringify(rest.seen));
  });

test('records are written through a REST server at least once, and what it cannot do is said', async (t) => {
  await broker.create('written', 2);
  await broker.create('few', 1);
  await broker.send('few', 0, numbered(0, 3));
  let requests = 0;
  const everyOther = () => requests++ % 2;
  const rest = await startRest(broker, { dialect: 'strimzi', origin: page.url, draw: everyOther, loss: 0.5 });
  const proxy = await startRest(broker, { dialect: 'confluent', origin: page.url });
  t.after(() => Promise.all([rest.stop(), proxy.stop()]));
  await seesAll(proxy.url, 'few', [3]);
  const told = await inPage(
    page,
    async ({ strimzi, confluent }) => {
      const { SparkSession, functions: F } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const header = F.expr("array(named_struct('key', 'n', 'value', CAST(CAST(id AS STRING) AS BINARY))) AS headers");
      const rows = spark.range(500).select(F.expr('CAST(id AS STRING) AS value'), header);
      const write = (df, url, topic) => df.write.format('kafka').options({ 'kafka.bridge.url': url, topic }).save();
      await write(rows, strimzi, 'written');
      const refusal = (work) => work.then(() => 'done').catch((error) => error.message);
      const read = (options) =>
        refusal(
          spark.read
            .format('kafka')
            .options({ 'kafka.bridge.url': confluent, subscribe: 'few', ...options })
            .load()
            .count(),
        );
      const told = {
        headers: await refusal(write(rows, confluent, 'written')),
        readHeaders: await read({ includeHeaders: true }),
        times: await read({ startingTimestamp: 5 }),
        topic: await read({ subscribe: 'nowhere' }),
        dialect: await read({ 'kafka.bridge.dialect': 'redpanda' }),
        wrong: await read({ 'kafka.bridge.dialect': 'rivulet' }),
      };
      await spark.stop();
      return told;
    },
    { strimzi: rest.url, confluent: proxy.url },
  );
  const values = new Set();
  await broker.readUntil('written', ({ value }) => values.add(value).size === 500);
  assert.equal(values.size, 500);
  assert.ok(rest.seen.lost > 0, JSON.stringify(rest.seen));
  assert.match(told.headers, /Confluent's REST Proxy takes no headers/);
  assert.match(told.readHeaders, /does not hand out headers/);
  assert.match(told.times, /has no offsets by time/);
  assert.match(told.topic, /answered 404: Topic not found/);
  assert.match(told.dialect, /Invalid value 'redpanda' for option 'kafka\.bridge\.dialect'/);
  assert.match(told.wrong, /answered 404/);
});
