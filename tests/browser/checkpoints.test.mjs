// Streams whose page is closed in the middle of batches: each acknowledged record reaches the sink once.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { NumberedEvents } from '../../src/js/scripts/servers/numbered-server.mjs';
import { browser } from './harness.mjs';

const CLOSINGS = 20;
const shared = browser();

/** Of one test: another browser context has other storage, and starts from the first event again. */
let events;
beforeEach(async () => {
  events = new NumberedEvents();
  await new Promise((go) => events.server.once('listening', go));
});
afterEach(() => events.close());

const open = (context) => shared.open('/blank.html', context);

/** Starts the query in a page: the ids of each batch go into local storage under its number, counts by key beside them. */
async function start(url) {
  const { SparkSession } = await import('rivulet');
  const spark = await SparkSession.builder.master('local[2]').create();
  const stream = () => spark.readStream.format('websocket').option('url', url).option('ack', true).schema('id BIGINT, k STRING').load();
  const query = await stream()
    .writeStream.option('checkpointLocation', 'opfs:///numbered')
    .foreachBatch(async (batch, id) => {
      localStorage.setItem(`batch-${id}`, JSON.stringify((await batch.collect()).map((row) => Number(row.id))));
    })
    .start();
  Object.assign(globalThis, { spark, query });
  return query.id;
}

test('a page closed by force in the middle of batches loses no acknowledged event and doubles none', { timeout: 300_000 }, async () => {
  const context = await shared.browser.newContext();
  const ids = new Set();
  for (let n = 0; n < CLOSINGS; n++) {
    const page = await open(context);
    ids.add(await page.evaluate(start, events.url));
    await page.waitForTimeout(150 + ((n * 67) % 400));
    await page.close({ runBeforeUnload: false });
  }
  assert.equal(ids.size, 1, 'the query keeps its id');
  const page = await open(context);
  await page.evaluate(start, events.url);
  events.stop();
  for (let n = 0; n < 400 && events.acknowledged < events.happened; n++) await page.waitForTimeout(50);
  const { rows, report } = await page.evaluate(async () => {
    await globalThis.query.processAllAvailable();
    await globalThis.query.stop();
    const report = await globalThis.spark.checkpoint.verify('opfs:///numbered');
    const keys = Object.keys(localStorage).filter((key) => key.startsWith('batch-'));
    return { rows: keys.flatMap((key) => JSON.parse(localStorage.getItem(key))), report };
  });
  assert.ok(events.acknowledged === events.happened && events.happened > 0, `${events.acknowledged} of ${events.happened}`);
  assert.deepEqual(
    rows.sort((a, b) => a - b),
    Array.from({ length: events.happened }, (_, id) => id),
  );
  assert.deepEqual([report.sound, report.problems], [true, []]);
  assert.equal(report.lastCommit, report.lastBatch);
  await context.close();
});

test('a second tab on the same checkpoint is told so', async () => {
  const context = await shared.browser.newContext();
  const [first, second] = [await open(context), await open(context)];
  await first.evaluate(start, events.url);
  const error = await second.evaluate(async (url) => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const df = spark.readStream.format('websocket').option('url', url).schema('id BIGINT').load();
    const writer = () => df.writeStream.format('noop').option('checkpointLocation', 'opfs:///numbered');
    const refused = await writer()
      .start()
      .then(
        () => null,
        (e) => ({ condition: e.condition, message: e.message }),
      );
    globalThis.writer = writer;
    return refused;
  }, events.url);
  assert.equal(error?.condition, 'CONCURRENT_STREAM_LOG_UPDATE');
  assert.match(error.message, /only one streaming job runs on a specific checkpoint location/);
  // The first tab's end frees it, however it comes.
  await first.close({ runBeforeUnload: false });
  const started = await second.evaluate(async () => {
    for (let n = 0; n < 60; n++) {
      const query = await globalThis
        .writer()
        .start()
        .catch(() => null);
      if (query) return true;
      await new Promise((go) => setTimeout(go, 50));
    }
    return false;
  });
  assert.equal(started, true);
  await context.close();
});
