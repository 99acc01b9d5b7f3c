// What nobody wants any more leaves its executors; what cannot be interrupted is ended with its executor, and nothing else is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const page = browser();

test('an aborted query leaves its executors free, and none of them is replaced', async () => {
  const { answers, aborted, lost } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    // However busy the machine is: they end their tasks by themselves.
    const spark = await SparkSession.builder.master('local[2]').config('spark.task.reaper.killTimeout', '60s').create();
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

test('long chains of operations fit into a worker’s stack, and longer ones are refused', async () => {
  const told = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const chain = (length, next) => Array.from({ length }).reduce(next, spark.range(1));
    const chains = {
      filters: chain(500, (df) => df.filter(F.col('id').geq(0))),
      unions: chain(135, (df) => df.union(spark.range(1))),
      joins: chain(130, (df) => df.join(spark.range(1), 'id')),
      calls: spark.range(1).select(
        Array.from({ length: 380 })
          .reduce((column) => F.upper(column), F.col('id'))
          .alias('u'),
      ),
      'more filters': chain(600, (df) => df.filter(F.col('id').geq(0))),
      'more unions': chain(300, (df) => df.union(spark.range(1))),
      'more calls': spark.range(1).select(
        Array.from({ length: 480 })
          .reduce((column) => F.upper(column), F.col('id'))
          .alias('u'),
      ),
      doubled: spark.range(1).select(
        Array.from({ length: 100 })
          .reduce((column) => F.coalesce(column, F.lit(1)), F.col('id'))
          .alias('c'),
      ),
    };
    const told = {};
    for (const [name, df] of Object.entries(chains)) {
      told[name] = await df.collect().then(
        (rows) => rows.length,
        (error) => error.condition,
      );
    }
    told.next = (await spark.range(2).collect()).length;
    await spark.stop();
    return told;
  });
  assert.deepEqual(told, {
    filters: 1,
    unions: 136,
    joins: 1,
    calls: 1,
    'more filters': 'CONNECT_INVALID_PLAN.CANNOT_PARSE',
    'more unions': 'RIVULET_PLAN_TOO_DEEP',
    'more calls': 'RIVULET_PLAN_TOO_DEEP',
    doubled: 'RIVULET_EXPRESSION_TOO_LARGE',
    next: 2,
  });
});

test('a session with a setting that cannot be is not started, and names it; one that is asked for twice at once is one', async () => {
  const { errors, same, rows } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const errors = [];
    for (const [key, value] of [
      ['spark.sql.ansi.enabled', 'maybe'],
      ['spark.rivulet.state.maxPartitionSize', 'big'],
      ['spark.sql.session.timeZone', 'Mars/Olympus'],
    ]) {
      const started = SparkSession.builder.master('local[1]').config(key, value).getOrCreate();
      errors.push(
        await started.then(
          () => `${key} started`,
          ({ condition, message }) => [condition, message.includes(key) || message.includes(value)],
        ),
      );
    }
    const builder = SparkSession.builder.master('local[1]').config('spark.sql.ansi.enabled', false);
    const [one, other] = await Promise.all([builder.getOrCreate(), SparkSession.builder.master('local[1]').getOrCreate()]);
    const rows = await (await one.sql("SELECT CAST('x' AS INT) AS x")).collect();
    await one.stop();
    return { errors, same: one === other, rows };
  });
  assert.deepEqual(errors, [
    ['INVALID_CONF_VALUE.TYPE_MISMATCH', true],
    ['INVALID_CONF_VALUE.TYPE_MISMATCH', true],
    ['INVALID_CONF_VALUE.TIME_ZONE', true],
  ]);
  assert.equal(same, true);
  assert.deepEqual(rows, [{ x: null }]);
});
