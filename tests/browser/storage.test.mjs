// Checkpoints where storage is full, and where the origin's private file system is missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, CHROMIUM_ONLY } from './harness.mjs';

const shared = browser();
const openIn = (context) => shared.open('/blank.html', context);

/** Pushes numbers in a checkpointed query of counts by key; what a batch gives goes into `globalThis.counts`. */
async function start(location) {
  const { SparkSession } = await import('rivulet');
  const spark = await SparkSession.builder.master('local[2]').create();
  const { df, write } = spark.readStream.push({ schema: 'id BIGINT, pad STRING', format: 'json' });
  const counts = new Map(JSON.parse(localStorage.getItem('counts') ?? '[]'));
  const query = await df
    .selectExpr('id % 5 AS k', 'length(pad) AS n')
    .groupBy('k')
    .count()
    .writeStream.outputMode('update')
    .option('checkpointLocation', location)
    .foreachBatch(async (batch) => {
      for (const { k, count } of await batch.collect()) counts.set(Number(k), Number(count));
      localStorage.setItem('counts', JSON.stringify([...counts]));
    })
    .start();
  const failed = query.awaitTermination().then(
    () => null,
    (error) => ({ condition: error.condition, message: error.message }),
  );
  Object.assign(globalThis, { spark, query, write, counts, failed });
}

/** Pushes events from a number on, with so much padding each; how many were taken (a push settles when it is durable). */
async function push([from, count, pad]) {
  const events = Array.from({ length: count }, (_, n) => ({ id: from + n, pad: 'x'.repeat(pad) }));
  return Promise.race([
    globalThis.write(events).then(
      () => count,
      () => 0,
    ),
    globalThis.failed.then(() => 0),
  ]);
}

const expected = (events) =>
  [0, 1, 2, 3, 4].map((k) => [k, Array.from({ length: events }, (_, id) => id).filter((id) => id % 5 === k).length]);

async function counted(page) {
  await page.evaluate(() => globalThis.query.processAllAvailable());
  const counts = await page.evaluate(() => [...globalThis.counts]);
  return counts.sort(([a], [b]) => a - b);
}

test('a checkpoint without room ends its query with an error that says so; with room it goes on exactly there', CHROMIUM_ONLY, async () => {
  const context = await shared.browser.newContext();
  const page = await openIn(context);
  const client = await context.newCDPSession(page);
  const quota = (bytes) => client.send('Storage.overrideQuotaForOrigin', { origin: shared.url, ...(bytes && { quotaSize: bytes }) });
  await page.evaluate(start, 'opfs:///full');
  let events = await page.evaluate(push, [0, 10, 1]);
  assert.deepEqual(await counted(page), expected(events));
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  await quota(usage + 200_000);
  let taken = 1;
  for (let n = 0; n < 40 && taken > 0; n++) events += taken = await page.evaluate(push, [events, 10, 10_000]);
  const failed = await page.evaluate(() => globalThis.failed);
  assert.equal(failed?.condition, 'STREAM_FAILED');
  assert.match(failed.message, /QuotaExceeded|[Qq]uota|no room|full/);
  assert.match(failed.message, /opfs:\/\/\/full|full\//);
  const report = await page.evaluate(() => globalThis.spark.checkpoint.verify('opfs:///full'));
  assert.deepEqual(report.problems, []);
  await quota();
  await page.reload();
  await page.evaluate(start, 'opfs:///full');
  // What was taken is in it, and of what was not nobody was told that it is.
  const before = (await counted(page)).reduce((sum, [, n]) => sum + n, 0);
  assert.equal(before, events);
  events += await page.evaluate(push, [events, 10, 1]);
  assert.deepEqual(await counted(page), expected(events));
  await context.close();
});

test(
  'without a private file system checkpoints are in IndexedDB, and a query goes on from there after its page',
  CHROMIUM_ONLY,
  async () => {
    const context = await shared.browser.newContext();
    // As in a private window: the file system is there and refuses. Workers get it in front of their own script.
    const refuse =
      "StorageManager.prototype.getDirectory = async () => { throw new DOMException('no private file system here', 'SecurityError'); };\n";
    await context.addInitScript(refuse);
    await context.route('**/dist/worker.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: refuse + (await response.text()) });
    });
    const page = await openIn(context);
    await page.evaluate(start, 'opfs:///indexed');
    let events = await page.evaluate(push, [0, 23, 1]);
    assert.deepEqual(await counted(page), expected(events));
    events += await page.evaluate(push, [events, 9, 1]);
    await page.close({ runBeforeUnload: false });
    const second = await openIn(context);
    await second.evaluate(start, 'opfs:///indexed');
    events += await second.evaluate(push, [events, 14, 1]);
    assert.deepEqual(await counted(second), expected(events));
    const report = await second.evaluate(async () => {
      await globalThis.query.stop();
      return globalThis.spark.checkpoint.verify('opfs:///indexed');
    });
    assert.deepEqual([report.sound, report.problems], [true, []]);
    assert.deepEqual(await second.evaluate(async () => (await indexedDB.databases()).length > 0), true);
    await context.close();
  },
);
