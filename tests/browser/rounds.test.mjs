// Sessions one after the other in one page: each ends with its workers, and leaves no memory behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, CHROMIUM_ONLY } from './harness.mjs';

const shared = browser();
const ROUNDS = 50;

/** The middle one. */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

test(
  'fifty sessions, one stopped in the middle of a query, leave no worker, and a heap of the page that does not grow',
  CHROMIUM_ONLY,
  async (t) => {
    const page = await shared.open();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Performance.enable');
    const heap = async () => {
      await devtools.send('HeapProfiler.collectGarbage');
      const { metrics } = await devtools.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
    };
    const heaps = [];
    for (let round = 0; round < ROUNDS; round++) {
      const answer = await page.evaluate(
        async (isEven) => {
          const { SparkSession, functions: F } = await import('rivulet');
          const spark = await SparkSession.builder.master('local[1]').getOrCreate();
          const sums = await spark.sparkContext
            .parallelize([1, 2, 3], 1)
            .map((x) => 2 * x)
            .collect();
          const source = spark.readStream.push({ schema: 'n INT', format: 'json' });
          const query = await source.df.writeStream.foreachBatch(async (batch) => void (await batch.collect())).start();
          await source.write('{"n":1}\n');
          await query.processAllAvailable();
          // In one round of two a query runs when the session stops.
          const endless = isEven
            ? spark
                .range(10 ** 12)
                .filter(F.col('id').lt(0))
                .count()
            : Promise.resolve('none');
          endless.catch(() => {});
          await spark.stop();
          return [sums, await endless.catch(({ condition }) => condition)];
        },
        round % 2 === 0,
      );
      assert.deepEqual(answer[0], [2, 4, 6]);
      assert.notEqual(typeof answer[1], 'number');
      heaps.push(await heap());
    }
    const [early, late] = [median(heaps.slice(10, 20)), median(heaps.slice(-10))];
    t.diagnostic(`heap of the page: ${(early / 1e6).toFixed(2)} MB after 20 sessions, ${(late / 1e6).toFixed(2)} MB after ${ROUNDS}`);
    assert.ok(late < 1.05 * early, `${early} → ${late} bytes`);
    for (let n = 0; n < 100 && page.workers().length > 0; n++) await page.evaluate(() => new Promise((go) => setTimeout(go, 50)));
    assert.equal(page.workers().length, 0);
    await page.close();
  },
);
