// Operators stay within their executor's memory: what exceeds it goes to the executor's storage, or ends the query by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage, PRIVATE_FILES } from './harness.mjs';

const page = browser();

test('a sort spills to the storage of its executor, a join that cannot is refused, and the session continues', PRIVATE_FILES, async () => {
  const { sorted, spilled, refused, after } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').config('spark.rivulet.executor.executionMemory', '24m').create();
    const rows = 250_000;
    const numbers = spark
      .range(0, rows, 1, 4)
      .select(F.expr(`id * 7919 % ${rows} AS key`), F.expr("concat('this is the text of the row ', id) AS text"));
    let spilled = 0;
    spark.status.watch(({ jobs }) => {
      const attempts = jobs.flatMap(({ stages }) => stages.flatMap((stage) => stage.attempts));
      spilled = attempts.reduce((sum, { diskBytesSpilled }) => sum + diskBytesSpilled, 0);
    });
    let sorted = 0;
    for (const { key, text } of await numbers.orderBy('key').collect()) {
      const id = Number(text.slice('this is the text of the row '.length));
      if (key !== sorted || (id * 7919) % rows !== key) {
        throw new Error(`row ${sorted} is ${key}, ${text}`);
      }
      sorted += 1;
    }
    await spark.conf.set('spark.rivulet.executor.executionMemory', '12m');
    const refused = await numbers
      .join(numbers.select(F.col('text'), F.col('key').alias('other')), 'text')
      .count()
      .then(String, ({ condition, message }) => ({ condition, message }));
    const after = await numbers.count();
    await spark.stop();
    return { sorted, spilled, refused, after };
  });
  assert.equal(sorted, 250_000);
  // A row takes 8 bytes and some 40 of text.
  assert.ok(spilled > 5_000_000, `${spilled} bytes`);
  assert.equal(refused.condition, 'RIVULET_EXECUTION_MEMORY', JSON.stringify(refused));
  assert.match(refused.message, /spark\.rivulet\.executor\.executionMemory allows 12\.0 MiB/);
  assert.equal(after, 250_000);
});

test('an idle executor whose heap is larger than it may be is replaced, and one that keeps partitions is not', async () => {
  const { reasons, sums, kept } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    // Every heap is larger.
    const spark = await SparkSession.builder.master('local[2]').config('spark.rivulet.executor.maxIdleHeap', '1m').create();
    const reasons = [];
    let came = 0;
    let told = () => {};
    spark.status.onExecutor((event) => {
      if (event.type === 'lost') reasons.push(event.reason);
      if (event.type === 'added') came += 1;
      told();
    });
    const sums = [];
    for (let round = 1; round <= 3; round++) {
      sums.push(Number((await spark.range(0, 1000, 1, 4).groupBy().sum('id').collect())[0]['sum(id)']));
      // With both there, each gets two of the tasks.
      while (came < 2 * round) await new Promise((resolve) => (told = resolve));
    }
    await spark.conf.set('spark.rivulet.executor.maxIdleHeap', '0');
    const numbers = spark.sparkContext.parallelize([1, 2, 3, 4], 4).map((n) => n * Math.random());
    const cached = numbers.cache();
    const before = await cached.collect();
    await spark.conf.set('spark.rivulet.executor.maxIdleHeap', '1m');
    await spark.range(0, 1000, 1, 4).count();
    const kept = JSON.stringify(before) === JSON.stringify(await cached.collect());
    await spark.stop();
    return { reasons, sums, kept };
  });
  assert.deepEqual(sums, [499_500, 499_500, 499_500]);
  assert.deepEqual(reasons, Array(6).fill('its heap was large, and it was idle'));
  assert.equal(kept, true);
});
