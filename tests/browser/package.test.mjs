// The package in a plain page: start-up, actions, values, errors, cancellation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, CHROMIUM_ONLY, inPage } from './harness.mjs';

const plain = browser();

test('a plain module page computes 42', async () => {
  const page = await plain.open('/index.html');
  await page.waitForFunction(() => window.result !== undefined, null, { timeout: 30_000 });
  assert.equal(await page.evaluate(() => window.result), 42);
  assert.equal(await page.evaluate(() => crossOriginIsolated), false);
  await page.close();
});

test('importing has no effect until a session is asked for', CHROMIUM_ONLY, async () => {
  const page = await plain.open();
  await page.evaluate(async () => {
    await import('rivulet');
  });
  assert.equal(page.workers().length, 0);
  await page.close();
});

test('rows of all types come back as they were given', async () => {
  const { same, types } = await inPage(plain, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const rows = [
      {
        i: 1,
        l: 9007199254740993n,
        d: 1.5,
        s: 'ä',
        b: true,
        t: new Date('2024-02-29T10:00:00.123Z'),
        day: '1969-12-31',
        dec: '-12.30',
        xs: [1, null, 3],
        st: { x: 'y' },
      },
      { i: null, l: null, d: null, s: null, b: null, t: null, day: null, dec: null, xs: null, st: null },
    ];
    const df = spark.createDataFrame(
      rows,
      'i INT, l BIGINT, d DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP, day DATE, dec DECIMAL(10,2), xs ARRAY<INT>, st STRUCT<x: STRING>',
    );
    const text = (value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
    const back = await df.collect();
    const types = await df.dtypes();
    await spark.stop();
    return { same: text(back) === text(rows) ? true : text(back), types };
  });
  assert.equal(same, true);
  assert.deepEqual(types.slice(0, 2), [
    ['i', 'int'],
    ['l', 'bigint'],
  ]);
});

test('DataFrames, SQL, show and Arrow agree', async () => {
  const seen = await inPage(plain, async () => {
    const { SparkSession, functions: F, Window } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const people = spark.createDataFrame([
      { name: 'Ada', team: 'a', age: 36 },
      { name: 'Bob', team: 'b', age: 41 },
      { name: 'Cleo', team: 'a', age: 29 },
    ]);
    await people.createOrReplaceTempView('people');
    const sql = await (
      await spark.sql('SELECT team, count(*) AS n, max(age) AS oldest FROM people WHERE age > :age GROUP BY team ORDER BY team', {
        age: 20,
      })
    ).collect();
    const api = await people
      .filter(F.col('age').gt(20))
      .groupBy('team')
      .agg(F.count('*').alias('n'), F.max('age').alias('oldest'))
      .orderBy('team')
      .collect();
    const show = await people.orderBy('name').showString();
    const arrow = await people.toArrow();
    const ranked = await people
      .select(
        'name',
        F.rowNumber()
          .over(Window.partitionBy('team').orderBy(F.desc('age')))
          .alias('r'),
      )
      .orderBy('name')
      .collect();
    let iterated = 0;
    for await (const row of people) iterated += row.age;
    await spark.stop();
    return { sql, api, show, arrow: arrow.length > 100, ranked, iterated };
  });
  assert.deepEqual(seen.sql, [
    { team: 'a', n: 2, oldest: 36 },
    { team: 'b', n: 1, oldest: 41 },
  ]);
  assert.deepEqual(seen.api, seen.sql);
  assert.match(seen.show, /\|name\|/);
  assert.match(seen.show, /\| Ada\|/);
  assert.ok(seen.arrow);
  assert.deepEqual(seen.ranked, [
    { name: 'Ada', r: 1 },
    { name: 'Bob', r: 1 },
    { name: 'Cleo', r: 2 },
  ]);
  assert.equal(seen.iterated, 106);
});

test("errors are of Spark's classes with condition and SQLSTATE", async () => {
  const errors = await inPage(plain, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').getOrCreate();
    const caught = async (f) => {
      try {
        await f();
        return null;
      } catch (error) {
        return {
          name: error.name,
          condition: error.condition,
          sqlState: error.sqlState,
          message: error.message,
          isError: error instanceof Error,
        };
      }
    };
    const seen = {
      column: await caught(() => spark.range(3).select('idd').collect()),
      table: await caught(() => spark.table('nowhere').collect()),
      syntax: await caught(() => spark.sql('SELEC 1')),
      division: await caught(() =>
        spark
          .range(1)
          .select(F.lit(1).divide(F.col('id')))
          .collect(),
      ),
      cast: await caught(() => spark.range(1).select(F.lit('x').cast('int')).collect()),
      function: await caught(() => spark.range(1).select(F.callFunction('no_such_function', 'id')).collect()),
    };
    await spark.stop();
    return { ...seen, stopped: await caught(() => spark.range(1).collect()) };
  });
  const facts = Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, [error?.name, error?.condition]]));
  assert.deepEqual(facts, {
    column: ['AnalysisException', 'UNRESOLVED_COLUMN.WITH_SUGGESTION'],
    table: ['AnalysisException', 'TABLE_OR_VIEW_NOT_FOUND'],
    syntax: ['ParseException', 'PARSE_SYNTAX_ERROR'],
    division: ['ArithmeticException', 'DIVIDE_BY_ZERO'],
    cast: ['NumberFormatException', 'CAST_INVALID_INPUT'],
    function: ['AnalysisException', 'UNRESOLVED_ROUTINE'],
    stopped: ['SessionClosedError', 'RIVULET_SESSION_CLOSED'],
  });
  assert.match(errors.column.message, /idd.*id/s);
  for (const error of Object.values(errors)) assert.ok(error.isError);
});

test('an abort ends a long action, and the session goes on', async () => {
  const { reason, tookMs, count } = await inPage(plain, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').getOrCreate();
    const controller = new AbortController();
    const started = performance.now();
    setTimeout(() => controller.abort(new Error('enough')), 300);
    const reason = await spark
      .range(2_000_000_000)
      .groupBy(F.col('id').mod(7))
      .count()
      .collect({ signal: controller.signal })
      .catch((e) => e.message);
    const tookMs = performance.now() - started;
    const count = await spark.range(10).count();
    await spark.stop();
    return { reason, tookMs, count };
  });
  assert.equal(reason, 'enough');
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
  assert.equal(count, 10);
});

test('a worker that is not there is a WorkerLoadError with a hint, soon', async () => {
  const { name, message, tookMs } = await inPage(plain, async () => {
    const { SparkSession } = await import('rivulet');
    const started = performance.now();
    const error = await SparkSession.builder
      .assets({ workerUrl: '/nowhere/worker.js' })
      .create()
      .catch((e) => e);
    return { name: error.name, message: error.message, tookMs: performance.now() - started };
  });
  assert.equal(name, 'WorkerLoadError');
  assert.match(message, /nowhere\/worker\.js.*copy worker\.js/s);
  assert.ok(tookMs < 11_000);
});

test('an engine that is not there is a WorkerLoadError that says so', async () => {
  const message = await inPage(plain, async () => {
    const { SparkSession } = await import('rivulet');
    return SparkSession.builder
      .assets({ wasmUrl: '/nowhere/engine_bg.wasm' })
      .create()
      .catch((e) => e.message);
  });
  assert.match(message, /HTTP 404.*engine_bg\.wasm/s);
});

test('stop gives the workers back', CHROMIUM_ONLY, async () => {
  const page = await plain.open();
  await page.evaluate(async () => {
    const { SparkSession } = await import('rivulet');
    window.spark = await SparkSession.builder.master('local[2]').getOrCreate();
  });
  assert.equal(page.workers().length, 3);
  await page.evaluate(() => window.spark.stop());
  for (let n = 0; n < 50 && page.workers().length > 0; n++) await new Promise((go) => setTimeout(go, 20));
  assert.equal(page.workers().length, 0);
  await page.close();
});
