// Queries whose tasks stay, in a page: rows reach a function as they come, and state counts each record once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const page = browser();

test('a continuous query calls a function with each row that passes, in the order of the records', async () => {
  const { seen, opened, closed, refused } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const clicks = spark.readStream.push({ schema: 'n INT', format: 'json' });
    const [seen, opened, closed] = [[], [], []];
    const query = await clicks.df
      .filter('n % 2 = 0')
      .selectExpr('n * 10 AS tens')
      .writeStream.trigger({ continuous: '50 milliseconds' })
      .foreach({
        open: (_, epoch) => opened.push(epoch) > 0,
        process: ({ tens }) => void seen.push(tens),
        close: (error) => void closed.push(error),
      })
      .start();
    for (let n = 0; n < 200; n++) await clicks.write(`{"n":${n}}\n`);
    await query.processAllAvailable();
    for (let n = 200; n < 400; n++) await clicks.write(`{"n":${n}}\n`);
    await query.processAllAvailable();
    const progress = await query.lastProgress();
    await query.stop();
    const refused = await clicks.df
      .groupBy('n')
      .count()
      .writeStream.outputMode('update')
      .format('noop')
      .trigger({ continuous: '1 second' })
      .start()
      .catch((error) => error.message);
    await spark.stop();
    return { seen, opened, closed, refused, progress };
  });
  assert.deepEqual(
    seen,
    Array.from({ length: 200 }, (_, i) => i * 20),
  );
  assert.deepEqual(
    opened,
    opened.toSorted((a, b) => a - b),
  );
  assert.ok(new Set(opened).size === opened.length && opened.length >= 2, `epochs ${opened}`);
  assert.deepEqual(
    closed,
    opened.map(() => null),
  );
  assert.match(refused, /Continuous processing does not support Aggregate operations/);
});

test('a real-time query counts each record once though an executor is killed, and hands on changed rows', async () => {
  const { last, table, error, batches } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder
      .master('local[2]')
      .config('spark.sql.shuffle.partitions', 2)
      .config('spark.sql.streaming.realTimeMode.minBatchDuration', '10')
      .create();
    const events = spark.readStream.push({ schema: 'k STRING, v INT' });
    const last = {};
    const counted = events.df.groupBy('k').agg({ v: 'sum' }).withColumnRenamed('sum(v)', 's').writeStream.outputMode('update');
    const query = await counted
      .trigger({ realTime: '40 milliseconds' })
      .foreach(({ k, s }) => {
        last[k] = Number(s);
      })
      .start();
    for (let n = 0; n < 100; n++) await events.write([{ k: `k${n % 7}`, v: 1 }]);
    await query.processAllAvailable();
    spark.status.killExecutor?.(0);
    for (let n = 100; n < 300; n++) await events.write([{ k: `k${n % 7}`, v: 1 }]);
    await query.processAllAvailable();
    const batches = (await query.recentProgress()).length;
    await query.stop();
    const words = spark.readStream.push({ schema: 'w STRING' });
    const kept = await words.df.writeStream
      .outputMode('update')
      .trigger({ realTime: '1 minute' })
      .format('memory')
      .queryName('kept')
      .start();
    await words.write([{ w: 'a' }, { w: 'b' }]);
    await kept.processAllAvailable();
    const table = await spark.table('kept').collect();
    await kept.stop();
    const failing = await words.df.writeStream
      .outputMode('update')
      .trigger({ realTime: '1 minute' })
      .foreach(() => {
        throw new Error('not this row');
      })
      .start();
    await words.write([{ w: 'c' }]);
    const error = await failing.awaitTermination().catch((thrown) => thrown.message);
    await spark.stop();
    return { last, table, error, batches };
  });
  assert.deepEqual(last, Object.fromEntries(Array.from({ length: 7 }, (_, k) => [`k${k}`, Math.floor((299 - k) / 7) + 1])));
  assert.deepEqual(table, [{ w: 'a' }, { w: 'b' }]);
  assert.match(error, /not this row/);
  assert.ok(batches > 2, `${batches} epochs were committed`);
});
