// What nobody wants any more leaves its executors; what cannot be interrupted is ended with its executor, and nothing else is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const page = browser();

test('an aborted query leaves its executors free, and none of them is replaced', async () => {
  const { answers, aborted, lost } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const lost = [];
    spark.status.onExecutor((event) => event.type === 'lost' && lost.push(event));
    /** Settles when tasks run on both executors. */
    const busy = () =>
      new Promise((resolve) => {
        const stop = spark.status.watch(({ executors }) => {
          if (executors.every(({ runningTasks }) => runningTasks > 0)) {
            stop();
            resolve();
          }
        });
      });
    const numbers = spark.range(100_000);
    const endless = [
      () => spark.range(0, 10 ** 15, 1, 2).filter(F.col('id').lt(0)),
      () =>
        spark
          .range(0, 10 ** 15, 1, 2)
          .groupBy(F.col('id').mod(3).alias('k'))
          .count(),
    ];
    const aborted = [];
    const answers = [];
    for (const query of endless) {
      const controller = new AbortController();
      const asked = query().collect({ signal: controller.signal });
      await busy();
      controller.abort();
      aborted.push(
        await asked.then(
          () => 'rows',
          (error) => error.name,
        ),
      );
      answers.push(await numbers.count());
    }
    // Pairs without a key: one task, which reads little and makes much.
    const controller = new AbortController();
    const pairs = numbers
      .alias('a')
      .join(spark.range(10_000_000).alias('b'), F.expr('a.id + b.id >= 0'))
      .count({ signal: controller.signal });
    await new Promise((resolve) => {
      const stop = spark.status.watch(({ executors }) => {
        if (executors.some(({ runningTasks }) => runningTasks > 0)) {
          stop();
          resolve();
        }
      });
    });
    controller.abort();
    aborted.push(
      await pairs.then(
        () => 'rows',
        (error) => error.name,
      ),
    );
    answers.push(await numbers.count());
    await spark.stop();
    return { answers, aborted, lost };
  });
  assert.deepEqual(aborted, ['AbortError', 'AbortError', 'AbortError']);
  assert.deepEqual(answers, [100_000, 100_000, 100_000]);
  assert.deepEqual(lost, []);
});

test('an executor that a cancelled task does not leave is replaced, however often; what others hold stays', async () => {
  const { sums, reasons, before, after } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const reasons = [];
    spark.status.onExecutor((event) => event.type === 'lost' && reasons.push(event.reason));
    const kept = spark.sparkContext
      .parallelize([1, 2, 3, 4], 4)
      .map((n) => n * 10)
      .cache();
    const before = await kept.sum();
    const sums = [];
    for (let round = 0; round < 14; round++) {
      const controller = new AbortController();
      const begun = new Promise((resolve) => {
        const stop = spark.status.watch(({ executors }) => {
          if (executors.some(({ runningTasks }) => runningTasks > 0)) {
            stop();
            resolve();
          }
        });
      });
      const endless = spark.sparkContext
        .parallelize([1], 1)
        .map(() => {
          for (;;);
        })
        .collect({ signal: controller.signal });
      endless.catch(() => {});
      await begun;
      controller.abort();
      sums.push(Number((await spark.range(10).groupBy().sum('id').collect())[0]['sum(id)']));
    }
    const after = await kept.sum();
    await spark.stop();
    return { sums, reasons, before, after };
  });
  assert.deepEqual(sums, Array(14).fill(45));
  assert.deepEqual([before, after], [100, 100]);
  assert.ok(reasons.length > 12, `more than a session survives otherwise: ${reasons.length}`);
  assert.deepEqual([...new Set(reasons)], ['it did not end a task that was cancelled']);
});
