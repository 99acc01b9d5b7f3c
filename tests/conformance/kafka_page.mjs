// Kafka in a page whose renderer is crashed again and again: each record must reach the page's files once, and the counts that went back
// into Kafka must be right in the end. Then, how fast a topic is read: by a page, by the engine natively, by Kafka's own clients.
//   node tests/conformance/kafka_page.mjs --server PROGRAM --python PROGRAM [--records 1000000] [--kills 20] [--seed N]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { startBroker } from '../browser/broker.mjs';
import { countsWritten, fill, PARTITIONS, whole } from './kafka_numbers.mjs';
import { dice, engine } from './lives.mjs';

const { values: args } = parseArgs({
  options: {
    server: { type: 'string' },
    python: { type: 'string' },
    records: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const HERE = dirname(fileURLToPath(import.meta.url));
const [records, kills, draw] = [Number(args.records), Number(args.kills), dice(args.seed)];
const BATCHES = 60;

/** One life of two queries in a page; resolves when they have read what there is. */
async function life({ url, limit }) {
  const { SparkSession, functions: F } = await import('rivulet');
  const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 2).create();
  const numbers = spark.readStream
    .format('kafka')
    .option('kafka.bridge.url', url)
    .option('subscribe', 'numbers')
    .option('startingOffsets', 'earliest')
    .option('maxOffsetsPerTrigger', limit)
    .load();
  const place = numbers.selectExpr('partition', 'offset', 'CAST(CAST(value AS STRING) AS BIGINT) AS n');
  const counts = numbers
    .withWatermark('timestamp', '1 minute')
    .groupBy(F.window('timestamp', '1 minute'))
    .count()
    .selectExpr('CAST(unix_seconds(window.start) AS STRING) AS key', 'CAST(count AS STRING) AS value');
  const now = { availableNow: true };
  const queries = [
    await place.writeStream.format('json').option('checkpointLocation', 'opfs:///records-checkpoint').trigger(now).start('opfs:///records'),
    await counts.writeStream
      .format('kafka')
      .option('kafka.bridge.url', url)
      .option('topic', 'counts')
      .option('checkpointLocation', 'opfs:///counts-checkpoint')
      .outputMode('update')
      .trigger(now)
      .start(),
  ];
  for (const query of queries) await query.awaitTermination();
  // The records of the files that the sink's log names: others are of batches that died. Files end with a seal, which is no record.
  let folder = await navigator.storage.getDirectory();
  for (const name of ['rivulet', 'records']) folder = await folder.getDirectoryHandle(name);
  const textOf = async (handle) => (await handle.getFile()).text();
  const names = new Set();
  for await (const log of (await folder.getDirectoryHandle('_spark_metadata')).values()) {
    for (const [, name] of (await textOf(log)).matchAll(/"path":"[^"]*\/([^"/]+)"/g)) names.add(name);
  }
  const found = { records: 0, places: new Set(), numbers: new Set(), sum: 0 };
  for (const name of names) {
    for (const [, partition, offset, n] of (await textOf(await folder.getFileHandle(name))).matchAll(
      /\{"partition":(\d+),"offset":(\d+),"n":(\d+)\}/g,
    )) {
      found.records += 1;
      found.places.add(`${partition} ${offset}`);
      found.numbers.add(n);
      found.sum += Number(n);
    }
  }
  found.places = found.places.size;
  found.numbers = found.numbers.size;
  await spark.stop();
  return found;
}

/** Seconds in which a page reads the topic once, as bytes and a count. */
async function timed({ url }) {
  const { SparkSession, functions: F } = await import('rivulet');
  const spark = await SparkSession.builder.master('local[2]').create();
  const topic = spark.read.format('kafka').option('kafka.bridge.url', url).option('subscribe', 'numbers').load();
  const read = () => topic.agg(F.count('*').alias('n'), F.sum(F.length('value')).alias('bytes')).first();
  await spark.range(10).count();
  const begun = performance.now();
  const { n } = await read();
  const seconds = (performance.now() - begun) / 1_000;
  await spark.stop();
  return { n, seconds };
}

const python = (program) => JSON.parse(execFileSync(args.python, ['-c', program], { encoding: 'utf8' }));
const broker = await startBroker();
try {
  await fill(broker, records);
  const site = await serve(resolve(HERE, '../browser/page'), { mounts: { '/pkg/': PKG } });
  const { url } = await broker.gateway(new URL(site.url).origin);
  const browser = await launch();
  const context = await browser.newContext();
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`${site.url}/blank.html`);
    return page;
  };
  const limit = Math.ceil(records / BATCHES);
  const begun = Date.now();
  let found;
  for (let deaths = 0; deaths <= kills; deaths++) {
    const page = await open();
    const lived = page.evaluate(life, { url, limit }).catch((error) => {
      if (deaths === kills) throw error;
    });
    if (deaths < kills) {
      await Promise.race([new Promise((go) => setTimeout(go, 1_500 + draw(2_500))), lived]);
      // As the browser's own crash: nobody in the page hears of it.
      await page.goto('chrome://crash').catch(() => {});
    } else found = await lived;
    await page.close();
  }
  assert.deepEqual(found, whole(records), 'each record is in the files once');
  const { windows } = await countsWritten(broker, records);
  const seconds = (Date.now() - begun) / 1_000;
  console.log(
    `kafka in a page: ${records} records, ${kills} crashes, each record once in the files; ${windows} windows; ${seconds.toFixed(1)} s`,
  );

  const reads = {};
  const page = await open();
  const inPage = await page.evaluate(timed, { url });
  assert.equal(inPage.n, records);
  reads['Rivulet in Chromium, 2 executors, through the gateway'] = inPage.seconds;
  await browser.close();
  const host = await engine(args.server);
  reads['Rivulet natively (debug build), 2 executors'] = python(`
import time
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.remote("${host.remote}").getOrCreate()
topic = spark.read.format("kafka").option("kafka.bootstrap.servers", "${broker.servers}").option("subscribe", "numbers").load()
spark.range(10).count()
begun = time.time()
assert topic.agg(F.count("*"), F.sum(F.length("value"))).collect()[0][0] == ${records}
print(time.time() - begun)`);
  await host.kill();
  let [count, first] = [0, 0];
  const started = performance.now();
  await broker.readUntil('numbers', () => {
    first ||= performance.now();
    return ++count === records;
  });
  reads['kafkajs in Node.js, from its first record on'] = (performance.now() - Math.max(first, started)) / 1_000;
  try {
    reads['confluent-kafka (librdkafka) in Python, from its first record on'] = python(`
import time
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({"bootstrap.servers": "${broker.servers}", "group.id": "speed", "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.assign([TopicPartition("numbers", p, 0) for p in range(${PARTITIONS})])
count, size, begun, quiet = 0, 0, None, time.time()
while count < ${records}:
    if time.time() - quiet > 20:
        raise SystemExit("nothing comes after %d records" % count)
    for message in consumer.consume(10000, 1.0):
        if message.error():
            continue
        begun = begun or time.time()
        quiet = time.time()
        count += 1
        size += len(message.value())
print(time.time() - begun)`);
  } catch (error) {
    console.log(
      `confluent-kafka did not read: ${String(error.stderr ?? error.message)
        .trim()
        .split('\n')
        .at(-1)}`,
    );
  }
  for (const [who, took] of Object.entries(reads)) {
    console.log(
      `${Math.round(records / took)
        .toLocaleString('en')
        .padStart(12)} records/s  ${who}`,
    );
  }
  site.server.close();
} finally {
  await broker.stop();
}
process.exit(0);
