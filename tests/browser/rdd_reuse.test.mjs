// What datasets leave behind for later jobs, and where: kept partitions, shuffles, checkpoints, files; told by accumulators,
// which count what really ran.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const page = browser();
const collecting = browser({ flags: ['--js-flags=--expose-gc'] });

test('what is kept or shuffled is not computed again; what an executor takes with it is, and nothing else', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const out = {};
    /** Runs, and tells how often the counted step ran for it. */
    const ran = async (counter, work) => {
      const before = counter.value;
      const value = await work();
      return [counter.value - before, value];
    };
    const back = () =>
      new Promise((done) => {
        const end = spark.status.onExecutor(({ type }) => type === 'added' && (end(), done()));
      });

    const kept = sc.longAccumulator();
    const cached = sc
      .range(0, 100, 1, 4)
      .map(
        (x, { kept }) => {
          kept.add(1);
          return x * 2;
        },
        { kept },
      )
      .cache();
    out.first = await ran(kept, () => cached.count());
    out.again = await ran(kept, () => cached.map((x) => x + 1).sum());
    out.elsewhere = await ran(kept, () =>
      cached
        .coalesce(1)
        .collect()
        .then((rows) => rows.length),
    );
    const status = await new Promise((done) => {
      const end = spark.status.watch((s) => {
        end();
        done(s);
      });
    });
    out.status = status.datasets.map(({ name, partitions, kept, bytes }) => [name, partitions, kept, bytes > 0]);
    const returned = back();
    spark.status.killExecutor(0);
    await returned;
    out.killed = await ran(kept, () => cached.sum());
    cached.unpersist();
    out.unpersisted = await ran(kept, () => cached.sum());

    const mapped = sc.longAccumulator();
    const sums = sc
      .range(0, 100, 1, 4)
      .map(
        (x, { mapped }) => {
          mapped.add(1);
          return [x % 5, x];
        },
        { mapped },
      )
      .reduceByKey((a, b) => a + b, 3);
    out.shuffled = await ran(mapped, () => sums.count());
    out.reread = await ran(mapped, () =>
      sums
        .mapValues((x) => x * 10)
        .collect()
        .then((rows) => rows.length),
    );
    const again = back();
    spark.status.killExecutor(1);
    await again;
    out.lost = await ran(mapped, () => sums.values().sum());

    for (const level of ['DISK_ONLY', 'MEMORY_AND_DISK']) {
      const counter = sc.longAccumulator();
      const rdd = sc
        .range(0, 50, 1, 2)
        .map(
          (x, { counter }) => {
            counter.add(1);
            return { x, text: `row ${x}` };
          },
          { counter },
        )
        .persist(level);
      out[level] = [
        await ran(counter, () => rdd.count()),
        await ran(counter, async () => (await rdd.collect())[49].text),
        rdd.toDebugString().split('\n')[0].replace(/\d+/g, 'n'),
      ];
    }
    await spark.stop();
    return out;
  });
  assert.deepEqual(found.first, [100, 100]);
  assert.deepEqual(found.again, [0, 10_000]);
  assert.deepEqual(found.elsewhere, [0, 100]);
  assert.deepEqual(found.status, [['MapPartitionsRDD', 4, 4, true]]);
  // Two of four partitions were there.
  assert.equal(found.killed[1], 9_900);
  assert.ok(found.killed[0] > 0 && found.killed[0] < 100 && found.killed[0] % 25 === 0, String(found.killed[0]));
  assert.deepEqual(found.unpersisted, [100, 9_900]);
  assert.deepEqual(found.shuffled, [100, 5]);
  assert.deepEqual(found.reread, [0, 5]);
  assert.equal(found.lost[1], 4_950);
  assert.ok(found.lost[0] > 0 && found.lost[0] < 100 && found.lost[0] % 25 === 0, String(found.lost[0]));
  assert.deepEqual(found.DISK_ONLY, [[50, 50], [0, 'row 49'], '(n) MapPartitionsRDD[n] [Disk Serialized nx Replicated]']);
  assert.deepEqual(found.MEMORY_AND_DISK, [[50, 50], [0, 'row 49'], '(n) MapPartitionsRDD[n] [Disk Memory Deserialized nx Replicated]']);
});

test('without room in memory the longest unused goes, and a partition that is too large is not kept', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').config('spark.rivulet.executor.storageMemory', '64k').create();
    const sc = spark.sparkContext;
    const make = (rows) => {
      const counter = sc.longAccumulator();
      const rdd = sc
        .parallelize([0], 1)
        .flatMap(
          (_, { counter, rows }) => {
            counter.add(1);
            return Array.from({ length: rows }, (_, i) => i + 0.5);
          },
          { counter, rows },
        )
        .cache();
      return async () => {
        await rdd.count();
        return counter.value;
      };
    };
    // 40 kB each: two do not fit side by side. 800 kB never fits.
    const [a, b, large] = [make(5_000), make(5_000), make(100_000)];
    const runs = [await a(), await a(), await b(), await a(), await large(), await large()];
    await spark.stop();
    return runs;
  });
  assert.deepEqual(found, [1, 1, 1, 2, 1, 2]);
});

test('text files are read in shares where the tasks run, and written part by part', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i} ${'ü€𝄞'.repeat(i % 7)}`);
    const out = { same: [] };
    for (const end of ['\n', '\r\n']) {
      for (const parts of [1, 2, 3, 7, 64]) {
        const file = new File([lines.join(end)], 'lines.txt');
        const read = await sc.textFile(file, parts).collect();
        out.same.push(JSON.stringify(read) === JSON.stringify(lines));
      }
    }
    const two = [new File(['a\nb'], 'one.txt'), new File(['c\n\nd\n'], 'two.txt')];
    out.two = await sc.textFile(two, 3).collect();
    out.whole = await sc.wholeTextFiles(two, 2).collect();
    out.empty = await sc.textFile(new File([], 'none.txt')).count();
    out.url = await sc.textFile(URL.createObjectURL(new Blob(['x\ry']))).collect();
    const folder = `opfs:saved-${crypto.randomUUID()}/words`;
    await sc.parallelize(['one', 'two', { three: 3 }, 4], 3).saveAsTextFile(folder);
    out.saved = await sc.textFile(folder, 2).collect();
    out.exists = await sc
      .parallelize(['again'])
      .saveAsTextFile(folder)
      .catch((e) => `${e.condition}: ${e.message}`);
    out.missing = await sc
      .textFile('opfs:nowhere/at-all')
      .count()
      .catch((e) => `${e.condition}: ${e.message}`);
    out.missingUrl = await sc
      .textFile('/no/such/file')
      .count()
      .catch((e) => e.condition);
    // A new executor gets the files, too.
    const rdd = sc.textFile(new File([lines.join('\n')], 'lines.txt'), 4);
    await rdd.count();
    for (const executor of [0, 1]) {
      const back = new Promise((done) => {
        const end = spark.status.onExecutor(({ type }) => type === 'added' && (end(), done()));
      });
      spark.status.killExecutor(executor);
      await back;
    }
    out.after = await rdd.count();
    await spark.stop();
    return out;
  });
  assert.deepEqual(found.same, Array(10).fill(true));
  assert.deepEqual(found.two, ['a', 'b', 'c', '', 'd']);
  assert.deepEqual(found.whole, [
    ['one.txt', 'a\nb'],
    ['two.txt', 'c\n\nd\n'],
  ]);
  assert.equal(found.empty, 0);
  assert.deepEqual(found.url, ['x', 'y']);
  assert.deepEqual(found.saved, ['one', 'two', '{"three":3}', '4']);
  assert.match(found.exists, /PATH_ALREADY_EXISTS: .*words already exists/);
  assert.match(found.missing, /PATH_NOT_FOUND: .*opfs:nowhere/);
  assert.equal(found.missingUrl, 'FAILED_READ_FILE.FILE_NOT_EXIST');
  assert.equal(found.after, 2_000);
});

test('a checkpoint ends the lineage and outlives every executor', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const out = {};
    try {
      sc.range(1).checkpoint();
    } catch (e) {
      out.unset = e.message;
    }
    sc.setCheckpointDir('opfs:rdd-checkpoints');
    const ran = sc.longAccumulator();
    const rdd = sc
      .range(0, 20, 1, 2)
      .map(
        (x, { ran }) => {
          ran.add(1);
          return [x % 4, x];
        },
        { ran },
      )
      .reduceByKey((a, b) => a + b);
    rdd.checkpoint();
    out.before = rdd.isCheckpointed();
    out.first = (await rdd.collect()).sort();
    out.after = [rdd.isCheckpointed(), rdd.toDebugString()];
    for (const executor of [0, 1]) {
      const back = new Promise((done) => {
        const end = spark.status.onExecutor(({ type }) => type === 'added' && (end(), done()));
      });
      spark.status.killExecutor(executor);
      await back;
    }
    const runs = ran.value;
    out.again = (await rdd.mapValues((x) => x).collect()).sort();
    out.runs = [runs, ran.value];
    await spark.stop();
    return out;
  });
  assert.match(found.unset, /Checkpoint directory has not been set/);
  assert.equal(found.before, false);
  assert.deepEqual(found.first, [
    [0, 40],
    [1, 45],
    [2, 50],
    [3, 55],
  ]);
  assert.equal(found.after[0], true);
  assert.match(found.after[1], /^\(2\) ReliableCheckpointRDD\[\d+\]$/);
  assert.deepEqual(found.again, found.first);
  assert.deepEqual(found.runs, [20, 20]);
});

test('accumulators count each row of an action once though executors die; jobs are cancelled by group and by future', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const out = {};
    const [rows, names, longest] = [
      sc.longAccumulator('rows'),
      sc.collectionAccumulator(),
      sc.accumulator('', { zero: '', addInPlace: (a, b) => (b.length > a.length ? b : a) }),
    ];
    const held = URL.createObjectURL(new Blob(['held']));
    const killed = new Set();
    const stop = spark.status.watch(({ executors }) => {
      const busy = executors.find(({ id, runningTasks }) => runningTasks > 0 && !killed.has(id));
      if (busy && spark.status.killExecutor(busy.id)) killed.add(busy.id);
      if (killed.size === 2) URL.revokeObjectURL(held);
    });
    await sc.range(0, 64, 1, 16).foreach(
      (x, { rows, names, longest, held }) => {
        // The last row of a task waits while `held` can be read: the job cannot be over before both executors were killed.
        while (x % 4 === 3) {
          const request = new XMLHttpRequest();
          request.open('GET', held, false);
          try {
            request.send();
          } catch {
            break;
          }
        }
        rows.add(1);
        if (x % 20 === 0) names.add(`n${x}`);
        longest.add('x'.repeat(x));
      },
      { rows, names, longest, held },
    );
    stop();
    out.sums = [rows.value, names.value.sort(), longest.value.length, killed.size];
    out.read = await sc
      .range(3)
      .map((x, { rows }) => rows.value)
      .collect()
      .catch((e) => e.message);
    out.wrong = await sc
      .range(3)
      .foreach((x, { rows }) => rows.add('x'), { rows })
      .catch((e) => e.message);
    const slow = (x) => {
      for (const end = Date.now() + 300; Date.now() < end; );
      return x;
    };
    sc.setJobGroup('mine', 'my jobs');
    const job = sc
      .range(0, 100, 1, 100)
      .map(slow)
      .count()
      .catch((e) => `${e.condition}: ${e.message}`);
    sc.clearJobGroup();
    const other = sc.range(0, 4, 1, 2).map(slow).count();
    await new Promise((done) => setTimeout(done, 150));
    sc.cancelJobGroup('mine');
    out.group = await job;
    out.other = await other;
    const future = sc.range(0, 100, 1, 100).map(slow).countAsync();
    await new Promise((done) => setTimeout(done, 100));
    future.cancel();
    out.future = [
      await future.then(
        () => 'done',
        (e) => e.name,
      ),
      future.isCancelled,
      future.isCompleted,
    ];
    const status = await new Promise((done) => {
      const end = spark.status.watch((s) => {
        end();
        done(s);
      });
    });
    out.states = status.jobs
      .filter(({ state }) => state === 'cancelled')
      .map(({ description, stages }) => [description, stages[0].running]);
    out.distinct = await sc
      .range(0, 20_000, 1, 4)
      .map((x) => x % 5_000)
      .countApproxDistinct(0.02);
    await spark.stop();
    return out;
  });
  assert.deepEqual(found.sums, [64, ['n0', 'n20', 'n40', 'n60'], 63, 2]);
  assert.match(found.wrong, /an accumulator of numbers cannot add string/);
  assert.match(found.group, /SPARK_JOB_CANCELLED: .*cancelled job group mine/);
  assert.equal(found.other, 4);
  assert.deepEqual(found.future, ['AbortError', true, true]);
  assert.deepEqual(found.states, [
    ['my jobs: count', 0],
    ['count', 0],
  ]);
  // Five standard errors.
  assert.ok(Math.abs(found.distinct - 5_000) < 500, String(found.distinct));
});

test('a slow task is tried by another executor, and what it adds counts once', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder
      .master('local[2]')
      .config('spark.speculation', 'true')
      .config('spark.speculation.quantile', '0.5')
      .create();
    const sc = spark.sparkContext;
    // One of the executors is quick from now on, the other is not.
    await sc.parallelize([0, 1], 2).foreachPartition((_, index) => {
      globalThis.quick = index === 1;
    });
    const seen = sc.longAccumulator();
    const rows = await sc
      .range(0, 8, 1, 8)
      .map(
        (x, { seen }) => {
          seen.add(1);
          for (const end = Date.now() + (globalThis.quick ? 5 : 3_000); Date.now() < end; );
          return x;
        },
        { seen },
      )
      .collect();
    const status = await new Promise((done) => {
      const end = spark.status.watch((s) => {
        end();
        done(s);
      });
    });
    const error = await SparkSession.builder
      .master('local[1]')
      .config('spark.speculation', 'true')
      .config('spark.speculation.multiplier', 'many')
      .create()
      .catch((e) => `${e.name}: ${e.message}`);
    await spark.stop();
    return {
      rows,
      seen: seen.value,
      attempts: status.jobs.at(-1).stages[0].attempts.filter(({ speculative, state }) => speculative || state !== 'done'),
      error,
    };
  });
  assert.deepEqual(found.rows, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(found.seen, 8);
  assert.deepEqual(found.attempts.map(({ attempt, state, speculative }) => [attempt, state, speculative]).sort(), [
    [0, 'lost', false],
    [1, 'done', true],
  ]);
  assert.match(found.error, /IllegalArgumentException: .*'many'.*spark.speculation.multiplier/);
});

test('the engine forgets what the page has no use for any more', async () => {
  const found = await inPage(collecting, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const status = () =>
      new Promise((done) => {
        const end = spark.status.watch((s) => {
          end();
          done(s);
        });
      });
    const held = sc
      .range(0, 10)
      .map((x) => x)
      .cache();
    await (async () => {
      for (let i = 0; i < 5; i++)
        await sc
          .range(0, 100)
          .map((x) => [x % 3, x])
          .reduceByKey((a, b) => a + b)
          .cache()
          .count();
      await held.count();
    })();
    const before = (await status()).datasets.length;
    let after = before;
    for (let tries = 0; after > 1 && tries < 50; tries++) {
      globalThis.gc();
      after = (await status()).datasets.length;
    }
    const sum = await held.sum();
    await spark.stop();
    return { before, after, sum };
  });
  assert.ok(found.before > 1, String(found.before));
  assert.deepEqual([found.after, found.sum], [1, 45]);
});
