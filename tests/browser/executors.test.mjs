// Real executors that really end: Worker.terminate() in the middle of work leaves results unchanged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, CHROMIUM_ONLY, inPage } from './harness.mjs';

const page = browser();

test('killing an executor in mid-query leaves a batch result unchanged', async () => {
  const { sums, events } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 4).create();
    const events = [];
    spark.status.onExecutor((event) => events.push(event));
    const running = new Promise((resolve) => {
      const stop = spark.status.watch(({ executors }) => {
        if (executors.some(({ runningTasks }) => runningTasks > 0)) {
          stop();
          resolve();
        }
      });
    });
    const result = spark
      .range(0, 40_000_000, 1, 8)
      .groupBy(F.col('id').mod(10).alias('k'))
      .agg(F.sum('id').alias('s'), F.count('*').alias('n'))
      .orderBy('k')
      .collect();
    await running;
    spark.status.killExecutor(1);
    const sums = await result;
    await spark.stop();
    return { sums, events };
  });
  const groups = Array.from({ length: 10 }, (_, k) => ({ k, s: 4_000_000 * k + (10 * 4_000_000 * 3_999_999) / 2, n: 4_000_000 }));
  assert.deepEqual(sums, groups);
  assert.ok(
    events.some(({ type, executor }) => type === 'lost' && executor === 1),
    JSON.stringify(events),
  );
});

test('killing executors in mid-stream leaves a streaming result unchanged', async () => {
  const { missing, extra, rows, late, dropped, incarnations } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const { TweetGenerator, TWEET_SCHEMA } = await import('/www/tweets.js');
    const { trendingModel } = await import('/www/model.js');
    const { TrendingStore } = await import('/www/trending.js');
    const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 2).create();
    const incarnations = [];
    spark.status.onExecutor(({ type, executor, incarnation }) => type === 'added' && incarnations.push([executor, incarnation]));
    const generator = new TweetGenerator({ seed: 7 });
    const tweets = Array.from({ length: 8_000 }, () => generator.next());
    const { df, write } = spark.readStream.push({ schema: TWEET_SCHEMA, format: 'json' });
    const store = new TrendingStore();
    const query = await df
      .withWatermark('createdAt', '10 minutes')
      .select(F.explode(F.split('text', ' ')).alias('hashtag'), 'createdAt', 'score')
      .filter(F.col('hashtag').startsWith('#'))
      .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
      .agg(F.count('*').alias('tweets'), F.avg('score').alias('score'))
      .writeStream.outputMode('update')
      .foreachBatch(async (batch) => {
        store.update(await batch.collect());
      })
      .start();
    for (let at = 0; at < tweets.length; at += 200) {
      await write(tweets.slice(at, at + 200));
      if (at === 1_000 || at === 6_000) await query.processAllAvailable();
      if (at === 2_400) spark.status.killExecutor(0);
      if (at === 5_000) spark.status.killExecutor(1);
      await new Promise((go) => setTimeout(go, 30));
    }
    await query.processAllAvailable();
    const late = (await query.recentProgress()).reduce((sum, p) => sum + (p.stateOperators[0]?.numRowsDroppedByWatermark ?? 0), 0);
    await query.stop();
    await spark.stop();
    const model = trendingModel(tweets);
    const key = (row) => JSON.stringify(row);
    const [expected, actual] = [model.rows, store.rows()].map((all) => new Set(all.map(key)));
    return {
      rows: actual.size,
      late,
      dropped: model.dropped,
      incarnations,
      missing: [...expected].filter((row) => !actual.has(row)).slice(0, 5),
      extra: [...actual].filter((row) => !expected.has(row)).slice(0, 5),
    };
  });
  assert.deepEqual({ missing, extra }, { missing: [], extra: [] });
  assert.ok(rows > 100);
  assert.ok(late > 0 && late <= dropped);
  assert.ok(
    incarnations.some(([, incarnation]) => incarnation > 0),
    JSON.stringify(incarnations),
  );
});

test('twenty executors killed in one checkpointed query leave each event counted once', async () => {
  const { counts, killed, batches, events, added } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 4).create();
    // The page replaces executors ever more slowly that die within a minute: its clock is a minute on at each death.
    const clock = Date.now;
    let killed = 0;
    let added = 0;
    let sinceBatch = 0;
    Date.now = () => clock() + 61_000 * killed;
    spark.status.onExecutor(({ type, incarnation }) => {
      if (type === 'added' && incarnation > 0) added += 1;
    });
    const { df, write } = spark.readStream.push({ schema: 'id BIGINT, ts TIMESTAMP', format: 'json' });
    const counts = new Map();
    const query = await df
      .withWatermark('ts', '1 hour')
      .groupBy(F.window('ts', '1 minute'), F.expr('id % 7').alias('k'))
      .count()
      .select(F.expr("date_format(window.start, 'HH:mm')").alias('at'), 'k', 'count')
      .writeStream.outputMode('update')
      .option('checkpointLocation', `opfs:///killed-${crypto.randomUUID()}`)
      .foreachBatch(async (batch) => {
        for (const { at, k, count } of await batch.collect()) counts.set(`${at} ${k}`, Number(count));
        sinceBatch = 0;
      })
      .start();
    let id = 0;
    while (killed < 20) {
      const events = Array.from({ length: 40 }, () => ({ id, ts: new Date(Date.UTC(2026, 0, 1) + 1_000 * id++).toISOString() }));
      void write(events);
      // At another moment of a batch each time; the next one when the last one is back, and at most twice in a batch (a task that
      // loses its executor four times fails).
      await new Promise((go) => setTimeout(go, (killed * 37) % 90));
      if (added < killed || sinceBatch > 1) continue;
      spark.status.killExecutor(killed % 2);
      killed += 1;
      sinceBatch += 1;
    }
    await query.processAllAvailable();
    const batches = (await query.lastProgress()).batchId + 1;
    await query.stop();
    await spark.stop();
    return { counts: [...counts], killed, batches, events: id, added };
  });
  const expected = new Map();
  for (let id = 0; id < events; id++) {
    const key = `${new Date(Date.UTC(2026, 0, 1) + 1_000 * id).toISOString().slice(11, 16)} ${id % 7}`;
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  assert.deepEqual(new Map(counts), expected);
  assert.equal(killed, 20);
  assert.ok(batches >= 10 && added >= 19, `${batches} batches, ${added} executors came back`);
});

test('a driver that ends fails what waits for it, soon', CHROMIUM_ONLY, async () => {
  const opened = await page.open();
  await opened.evaluate(async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    window.waiting = spark
      .range(2_000_000_000)
      .groupBy()
      .count()
      .collect()
      .catch((error) => `${error.name} ${error.condition}`);
  });
  const [driver] = opened.workers();
  await driver.evaluate(() => self.close()).catch(() => {});
  assert.equal(await opened.evaluate(() => window.waiting), 'SessionClosedError RIVULET_DRIVER_LOST');
  await opened.close();
});
