// Streams that are faster than their sinks, for minutes: ./build.sh pressure [--minutes N]
//
// A WebSocket sends as much as it can (13 MB/s and more) into a query whose sink stops for a while every few minutes; beside it a
// query counts 190,000 new keys a second within a watermark. Heaps reach a plateau, nothing that was acknowledged is lost, and
// what was held back is counted.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG, ROOT } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { Flood } from '../../src/js/scripts/servers/flood-server.mjs';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '20' } } });
const minutes = Number(values.minutes);

const flood = new Flood();
await once(flood.server, 'listening');
const site = await serve(resolve(ROOT, 'tests/browser/page'), { mounts: { '/pkg/': PKG } });
const browser = await launch(['--enable-precise-memory-info', '--js-flags=--expose-gc']);
const page = await browser.newPage();
page.on('pageerror', (error) => console.error(error.message));
await page.goto(`${site.url}/blank.html`);
await page.evaluate(async (url) => {
  const { SparkSession, functions: F } = await import('rivulet');
  const spark = await SparkSession.builder
    .master('local[2]')
    .config('spark.sql.shuffle.partitions', 2)
    .config('spark.sql.streaming.minBatchesToRetain', 2)
    .create();
  const seen = { rows: 0, next: 0, wrong: [], pausedUntil: 0, closed: 0 };
  const stream = spark.readStream.format('websocket').option('url', url).option('ack', true).schema('id BIGINT, p STRING').load();
  const flood = await stream
    .select('id')
    .writeStream.option('checkpointLocation', 'opfs:///pressure')
    .foreachBatch(async (batch) => {
      for (const { id } of await batch.collect()) {
        if (Number(id) !== seen.next) seen.wrong.push(`${id} after ${seen.next}`);
        seen.next = Number(id) + 1;
        seen.rows += 1;
      }
      while (performance.now() < seen.pausedUntil) await new Promise((go) => setTimeout(go, 100));
    })
    .start();
  const rate = spark.readStream.format('rate').option('rowsPerSecond', 190_000).load();
  const keys = await rate
    .withWatermark('timestamp', '5 seconds')
    .groupBy(F.window('timestamp', '5 seconds'), 'value')
    .agg(F.count('*').alias('n'))
    .groupBy('window')
    .agg(F.count('*').alias('keys'))
    .writeStream.outputMode('append')
    .foreachBatch(async (batch) => {
      seen.closed += (await batch.collect()).length;
    })
    .start();
  Object.assign(globalThis, { spark, seen, flood, keys });
}, `ws://localhost:${flood.server.address().port}/`);

const samples = [];
const began = Date.now();
while (Date.now() - began < minutes * 60_000) {
  await new Promise((go) => setTimeout(go, 10_000));
  const seconds = Math.round((Date.now() - began) / 1_000);
  // The sink stops for a minute in every four.
  const pauses = Math.floor(seconds / 60) % 4 === 2;
  const sample = await page.evaluate(async (pauses) => {
    globalThis.gc?.();
    if (pauses) globalThis.seen.pausedUntil = performance.now() + 10_500;
    const heaps = Object.entries(await globalThis.spark.status.heapBytes()).map(([name, bytes]) => [name, Math.round(bytes / 1e6)]);
    const progress = await globalThis.flood.lastProgress();
    return {
      heaps: Object.fromEntries(heaps),
      page: Math.round(performance.memory.usedJSHeapSize / 1e6),
      rows: globalThis.seen.rows,
      wrong: globalThis.seen.wrong.slice(0, 3),
      closed: globalThis.seen.closed,
      held: progress?.sources?.[0]?.metrics?.timesHeldBack ?? null,
      active: [await globalThis.flood.isActive(), await globalThis.keys.isActive()],
    };
  }, pauses);
  samples.push({ seconds, pauses, ...sample, acknowledged: flood.acknowledged, opened: flood.opened });
  console.log(JSON.stringify(samples.at(-1)));
}
flood.stopped = true;
const end = await page.evaluate(async () => {
  globalThis.seen.pausedUntil = 0;
  await globalThis.keys.stop();
  await globalThis.flood.processAllAvailable();
  return { rows: globalThis.seen.rows, next: globalThis.seen.next, wrong: globalThis.seen.wrong.slice(0, 5) };
});
for (let n = 0; n < 600 && end.next < flood.acknowledged; n++) {
  await new Promise((go) => setTimeout(go, 100));
  end.next = await page.evaluate(() => globalThis.seen.next);
}
await browser.close();
site.server.close();
for (const socket of flood.server.clients) socket.terminate();
flood.server.close();

const total = (sample) => Object.values(sample.heaps).reduce((a, b) => a + b, 0);
const most = (from, to) => Math.max(...samples.slice(samples.length * from, samples.length * to).map(total));
const [middle, last] = [most(1 / 3, 2 / 3), most(2 / 3, 1)];
const faults = [];
if (end.wrong.length > 0) faults.push(`events lost, doubled or out of order: ${end.wrong.join(', ')}`);
if (end.next < flood.acknowledged) faults.push(`${flood.acknowledged} acknowledged, ${end.next} in the sink`);
if (last > middle * 1.1 + 50) faults.push(`heaps grow: ${middle} MB in the middle third, ${last} in the last`);
if (!samples.every(({ active }) => active.every(Boolean))) faults.push('a query has ended');
console.log(`heaps: ${middle} MB at most in the middle third, ${last} MB in the last; ${end.next} events, ${flood.opened} connections`);
for (const fault of faults) console.error(`PRESSURE ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);
