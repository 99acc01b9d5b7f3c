// Partitioned datasets through the package in Chromium: what Spark answered, mistakes, and executors that die.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TWINS as STREAM_TWINS } from './dstream_twins.js';
import { browser, inPage, ROOT } from './harness.mjs';
import { TWINS } from './rdd_twins.js';

const GOLDENS = join(ROOT, 'tests/goldens/rdd');
const page = browser();

for (const executors of [2, 3]) {
  test(`datasets give what Spark gives, with ${executors} executors`, async () => {
    const goldens = Object.keys(TWINS).map((id) => JSON.parse(readFileSync(join(GOLDENS, `${id}.json`), 'utf8')));
    const found = await inPage(
      page,
      async ({ goldens, executors }) => {
        const { SparkSession } = await import('rivulet');
        const { difference, runTwin } = await import('/tests/rdd_twins.js');
        const { HashPartitioner } = await import('rivulet');
        const spark = await SparkSession.builder.master(`local[${executors}]`).config('spark.default.parallelism', '2').create();
        const found = {};
        try {
          for (const golden of goldens) {
            const wrong = await runTwin(spark, golden, { HashPartitioner }).then(
              (result) => difference(golden, result),
              (error) => String(error),
            );
            if (wrong) found[golden.id] = wrong;
          }
        } finally {
          await spark.stop();
        }
        return found;
      },
      { goldens, executors },
    );
    assert.deepEqual(found, {});
    assert.ok(goldens.length >= 30);
  });
}

test('discretized streams give what Spark gives, batch by batch', async () => {
  const goldens = Object.keys(STREAM_TWINS).map((id) =>
    JSON.parse(readFileSync(join(ROOT, 'tests/goldens/dstream', `${id}.json`), 'utf8')),
  );
  const found = await inPage(
    page,
    async ({ goldens }) => {
      const { ManualClock, SparkSession, StreamingContext } = await import('rivulet');
      const { runTwin } = await import('/tests/dstream_twins.js');
      const spark = await SparkSession.builder.master('local[2]').config('spark.default.parallelism', '2').create();
      const found = {};
      try {
        for (const golden of goldens) {
          const wrong = await runTwin(
            { sparkContext: spark.sparkContext, StreamingContext, ManualClock, directory: `opfs:twins-${crypto.randomUUID()}` },
            golden,
          ).catch((error) => String(error));
          if (wrong) found[golden.id] = wrong;
        }
      } finally {
        await spark.stop();
      }
      return found;
    },
    { goldens },
  );
  assert.deepEqual(found, {});
  assert.equal(goldens.length, 26);
});

test('random programs equal a model over arrays, though executors die', async () => {
  const wrong = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { checkProgram } = await import('/tests/rdd_random.js');
    const spark = await SparkSession.builder.master('local[3]').create();
    const wrong = [];
    let kills = 0;
    try {
      for (let seed = 1000; seed < 1060; seed++) {
        const check = checkProgram(spark.sparkContext, seed);
        if (seed % 6 === 0) spark.status.killExecutor(kills++ % 3);
        const found = await check.catch((error) => `seed ${seed}: ${error}`);
        if (found) wrong.push(found);
      }
    } finally {
      await spark.stop();
    }
    return wrong;
  });
  assert.deepEqual(wrong, []);
});

test('an executor killed in mid-job leaves the result unchanged', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    // A row waits while `held` can be read: the job cannot be over before the page lets it.
    const busy = (x, { held }) => {
      while (held) {
        const request = new XMLHttpRequest();
        request.open('GET', held, false);
        try {
          request.send();
        } catch {
          break;
        }
      }
      return [x % 10, (x * x) % 1_000_003];
    };
    // A dataset of its own each time: what the first has shuffled serves it again.
    const job = (held) =>
      sc
        .range(0, 400, 1, 8)
        .map(busy, { held })
        .reduceByKey((a, b) => (a + b) % 1_000_003, 4)
        .collect();
    const whole = (await job('')).sort((a, b) => a[0] - b[0]);
    const held = URL.createObjectURL(new Blob(['held']));
    const lost = [];
    spark.status.onExecutor(({ type, executor }) => type === 'lost' && lost.push(executor) === 2 && URL.revokeObjectURL(held));
    const killed = new Set();
    const stop = spark.status.watch(({ executors }) => {
      const busy = executors.find(({ id, runningTasks }) => runningTasks > 0 && !killed.has(id));
      if (busy && spark.status.killExecutor(busy.id)) killed.add(busy.id);
    });
    const again = job(held);
    const after = (await again).sort((a, b) => a[0] - b[0]);
    stop();
    await spark.stop();
    return { same: JSON.stringify(whole) === JSON.stringify(after), keys: whole.length, lost: lost.length };
  });
  assert.deepEqual(found, { same: true, keys: 10, lost: 2 });
});

test('a large source goes to the driver once, and its jobs find it there, also when an executor is lost', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const numbers = spark.sparkContext.parallelize(
      Array.from({ length: 50_000 }, (_, i) => i),
      4,
    );
    const sums = [await numbers.sum()];
    const gone = new Promise((go) => spark.status.onExecutor(({ type }) => type === 'lost' && go()));
    spark.status.killExecutor(0);
    await gone;
    sums.push(await numbers.map((n) => 2 * n).sum(), await numbers.union(numbers).count());
    const held = numbers.definition.isHeld;
    await spark.stop();
    return { sums, held };
  });
  assert.deepEqual(found, { sums: [1_249_975_000, 2_499_950_000, 100_000], held: true });
});

test("a user's exception fails the job after four tries, with step, partition and record, and the session goes on", async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const error = await sc
      .parallelize([1, 2, 3, 4], 2)
      .map(function thrice(x) {
        if (x === 3) throw new RangeError('three');
        return x;
      })
      .collect()
      .catch((e) => e);
    let free;
    try {
      sc.parallelize([1]).map((x) => x * factor);
    } catch (thrown) {
      free = thrown;
    }
    const sum = await sc.parallelize([1, 2, 3]).sum();
    await spark.stop();
    let late = '';
    try {
      sc.parallelize([1]);
    } catch (thrown) {
      late = thrown.message;
    }
    return {
      message: error.message,
      condition: error.condition,
      cause: [error.cause.name, error.cause.message, error.cause.stack],
      free: free.message,
      sum,
      late,
    };
  });
  assert.match(found.message, /RangeError: three \(in map, partition 1, record 3\)/);
  assert.equal(found.condition, 'FAILED_EXECUTE_UDF');
  assert.deepEqual(found.cause.slice(0, 2), ['RangeError', 'three']);
  // As V8 writes a stack, and as other engines do.
  assert.match(found.cause[2], /^RangeError: three\n( +at thrice|thrice@)/);
  assert.match(found.free, /map: the function \(anonymous\) uses `factor`, which it cannot see/);
  assert.equal(found.sum, 6);
  assert.match(found.late, /stopped SparkContext/);
});

test('datasets become DataFrames and DataFrames datasets, and a row that does not fit is told', async () => {
  const found = await inPage(page, async () => {
    const { functions: F, SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const words = sc
      .parallelize(['a b', 'b c b', ''], 3)
      .flatMap((line) => line.split(' ').filter(Boolean))
      .map((word) => ({ word, length: word.length }));
    const df = spark.createDataFrame(words, 'word STRING, length INT');
    const out = {};
    out.counts = await df.groupBy('word').agg(F.count('*').alias('n')).orderBy('word').collect();
    out.schema = (await df.schema()).toDDL();
    out.rows = await df
      .filter("word <> 'a'")
      .rdd.map(({ word }) => [word, 1])
      .reduceByKey((a, b) => a + b)
      .sortByKey()
      .collect();
    out.empty = await spark.createDataFrame(sc.emptyRDD(), 'x INT').count();
    out.typed = await spark
      .sql("SELECT TIMESTAMP'2024-03-01 12:00:00' AS t, 12345678901234L AS n, array(1, 2) AS a, NULL AS z")
      .then((one) => one.rdd.map((row) => [row.t.getTime(), row.n, row.a, row.z]).collect());
    out.wrong = await spark
      .createDataFrame(sc.parallelize([{ x: 'text' }]), 'x INT')
      .count()
      .catch((e) => e.message);
    try {
      spark.createDataFrame(words);
    } catch (e) {
      out.untold = `${e.name}: ${e.message}`;
    }
    await spark.stop();
    return out;
  });
  assert.deepEqual(found.counts, [
    { word: 'a', n: 1 },
    { word: 'b', n: 3 },
    { word: 'c', n: 1 },
  ]);
  assert.match(found.schema, /word STRING.*length INT/);
  assert.deepEqual(found.rows, [
    ['b', 3],
    ['c', 1],
  ]);
  assert.equal(found.empty, 0);
  assert.deepEqual(found.typed, [[Date.UTC(2024, 2, 1, 12), 12345678901234, [1, 2], null]]);
  assert.match(found.wrong, /text \(string\) is not a value of type int/i);
  assert.match(found.untold, /SparkTypeError: createDataFrame needs the schema/);
});
