// A minute of streaming: memory reaches a plateau, and the page is never blocked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser } from './harness.mjs';

const SECONDS = Number(process.env.RIVULET_LEAK_SECONDS ?? 60);
const shared = browser({ flags: ['--enable-precise-memory-info', '--js-flags=--expose-gc'] });

test(`a stream of ${SECONDS} s reaches a plateau of memory and never blocks the page`, async (t) => {
  const page = await shared.open();
  const { samples, longTasks, batches, rows } = await page.evaluate(async (seconds) => {
    const { SparkSession, functions: F } = await import('rivulet');
    const { TweetGenerator, TWEET_SCHEMA } = await import('/www/tweets.js');
    const longTasks = [];
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
    const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 2).create();
    // Event time runs 600 times as fast: windows open and close all the time.
    const generator = new TweetGenerator({ stepMs: 300 });
    const { df, write } = spark.readStream.push({ schema: TWEET_SCHEMA, format: 'json' });
    let batches = 0;
    const query = await df
      .withWatermark('createdAt', '10 minutes')
      .select(F.explode(F.split('text', ' ')).alias('hashtag'), 'createdAt', 'score')
      .filter(F.col('hashtag').startsWith('#'))
      .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
      .agg(F.count('*').alias('tweets'), F.avg('score').alias('score'))
      .writeStream.outputMode('update')
      .foreachBatch(async (batch) => {
        batches += 1;
        await batch.collect();
      })
      .start();
    const samples = [];
    const startedMs = performance.now();
    let rows = 0;
    for (let tick = 0; performance.now() - startedMs < seconds * 1_000; tick++) {
      await write(generator.lines(200));
      rows += 200;
      await new Promise((go) => setTimeout(go, 100));
      if (tick % 20 === 0) {
        globalThis.gc?.();
        const wasm = Object.values(await spark.status.heapBytes()).reduce((a, b) => a + b, 0);
        samples.push({ seconds: (performance.now() - startedMs) / 1_000, wasm, page: performance.memory.usedJSHeapSize });
      }
    }
    await query.stop();
    await spark.stop();
    return { samples, longTasks, batches, rows };
  }, SECONDS);
  await page.close();
  const largest = (from, to, what) =>
    Math.max(...samples.filter((s) => s.seconds >= from * SECONDS && s.seconds < to * SECONDS).map((s) => s[what]));
  for (const what of ['wasm', 'page']) {
    const [middle, end] = [largest(1 / 3, 2 / 3, what), largest(2 / 3, 2, what)];
    t.diagnostic(`${what}: ${(middle / 1e6).toFixed(1)} MB in the middle third, ${(end / 1e6).toFixed(1)} MB in the last`);
    assert.ok(end <= middle * 1.1 + 4e6, `${what} memory grows from ${middle} to ${end} bytes`);
  }
  const longest = Math.max(0, ...longTasks);
  t.diagnostic(`${rows} rows in ${batches} batches; longest task of the page ${longest.toFixed(0)} ms`);
  assert.ok(batches > SECONDS / 5);
  // One task's length is the machine's business (other processes, forced collections); what the engine may not do is keep the
  // page busy: tasks over 50 ms together take under a twentieth of the run.
  const blockedMs = longTasks.reduce((a, b) => a + b, 0);
  assert.ok(blockedMs < SECONDS * 50, `the page was blocked for ${blockedMs} ms of ${SECONDS} s`);
});
