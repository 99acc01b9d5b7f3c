// Misuse of datasets: the type of the error, a sentence that helps, and a session that goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const page = browser();

test('each misuse of a dataset is told by type and in words, and the session goes on', async () => {
  const { said, after } = await inPage(page, async () => {
    const { HashPartitioner, SparkSession, StateSpec, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const sc = spark.sparkContext;
    const rdd = sc.parallelize([1, 2, 3], 2);
    const pairs = rdd.map((x) => [x, x]);
    const limit = 2;
    class Point {
      constructor(x) {
        this.x = x;
      }
    }
    const stopped = await SparkSession.builder.master('local[1]').create();
    const late = stopped.sparkContext.parallelize([1]);
    await stopped.stop();
    const tries = {
      'value parallelize': () => sc.parallelize([1, { at: [new Point(1)] }]),
      'value broadcast': () => sc.broadcast(() => 1),
      'value bound': () => rdd.map((x) => x, { socket: new WebSocket('ws://localhost:1') }),
      'value result': () => rdd.map((x) => ({ f: () => x })).collect(),
      'value zero': () =>
        pairs
          .aggregateByKey(
            Symbol('zero'),
            (a) => a,
            (a) => a,
          )
          .collect(),
      'function missing': () => rdd.map(),
      'function number': () => rdd.filter(3),
      'function native': () => rdd.map(Math.sqrt),
      'function async': () => rdd.map(async (x) => x),
      'function free': () => rdd.filter((x) => x > limit),
      'function export': () => rdd.map({ module: 'data:text/javascript,export const there = (x) => x', export: 'gone' }).collect(),
      'function module': () => rdd.map({ module: '/no/such/module.js', export: 'f' }).collect(),
      'key object': () =>
        rdd
          .map((x) => [{ x }, 1])
          .reduceByKey((a, b) => a + b)
          .collect(),
      'key function': () =>
        rdd
          .map((x) => [() => x, 1])
          .groupByKey()
          .count(),
      'key pair': () => rdd.reduceByKey((a, b) => a + b).collect(),
      'partitions parallelize': () => sc.parallelize([1], -1),
      'partitions reduceByKey': () => pairs.reduceByKey((a, b) => a + b, -3),
      'partitions repartition': () => rdd.repartition(0),
      'partitions partitioner': () => new HashPartitioner(-2),
      'partitions function': () => pairs.partitionBy(2, (key) => key / 2).collect(),
      'partitions zip': () => rdd.zip(sc.parallelize([1], 3)),
      'elements zip': () => rdd.zip(sc.parallelize([1, 2], 2)).collect(),
      'stopped action': () => late.count(),
      'stopped definition': () => late.map((x) => x),
      'empty reduce': () => rdd.filter(() => false).reduce((a, b) => a + b),
      'level other': () =>
        rdd
          .map((x) => x)
          .cache()
          .persist('DISK_ONLY'),
      'level unknown': () => rdd.map((x) => x).persist('TAPE'),
      'checkpoint unset': () => rdd.map((x) => x).checkpoint(),
      'destroyed broadcast': () => {
        const b = sc.broadcast(1);
        b.destroy();
        return rdd.map((x, { b }) => b.value, { b });
      },
      'lineage long': () => {
        let long = pairs;
        for (let i = 0; i < 600; i++) long = long.map(([k, v]) => [k + 1, v]).reduceByKey((a, b) => a + b, 1);
        return long.count();
      },
      'inverse unset': () => {
        const ssc = new StreamingContext(sc, 1000);
        ssc
          .queueStream([pairs])
          .reduceByKeyAndWindow(
            (a, b) => a + b,
            (a, b) => a - b,
            6000,
          )
          .foreachRDD(() => {});
        ssc.start();
      },
      'inverse missing': () => new StreamingContext(sc, 1000).queueStream([pairs]).reduceByKeyAndWindow((a, b) => a + b, 5, 6000),
      'state function': () => StateSpec.function((key, value, state) => state.update(value + limit)),
      'batch interval': () => new StreamingContext(sc, -1),
      throws: () =>
        rdd
          .map((x) => {
            if (x === 2) throw new RangeError('two is too many');
            return x;
          })
          .collect(),
      'accumulator type': () => sc.accumulator('text'),
      'pool mode': () => SparkSession.builder.master('local[1]').config('spark.scheduler.mode', 'LIFO').create(),
    };
    const said = {};
    for (const [name, f] of Object.entries(tries)) {
      try {
        said[name] = `no error: ${await f()}`;
      } catch (error) {
        said[name] = `${error.name}: ${error.message}`;
      }
    }
    const after = await rdd.sum();
    await spark.stop();
    return { said, after };
  });
  const expected = {
    'value parallelize': /^SparkTypeError: parallelize: an instance of Point cannot be sent .*at \.at\[0\]/,
    'value broadcast': /^SparkTypeError: broadcast: the function .*cannot be sent/,
    'value bound': /^SparkTypeError: map: an instance of WebSocket cannot be sent .*at \.socket/,
    'value result': /the function .*cannot be sent .*record \{/,
    'value zero': /^SparkTypeError: aggregateByKey: Symbol\(zero\) cannot be sent/,
    'function missing': /^SparkTypeError: map needs a function, or \{ module, export \}, got undefined/,
    'function number': /^SparkTypeError: filter needs a function.*got number/,
    'function native': /^SparkTypeError: map: the function sqrt is built in.*wrap it/,
    'function async': /^SparkTypeError: map: .* is async/,
    'function free': /^SparkTypeError: filter: the function .* uses `limit`, which it cannot see/,
    'function export': /exports no function gone/,
    'function module': /no\/such\/module\.js/,
    'key object': /The key \{"x":\d\} cannot be hashed/,
    'key function': /The key \[function .*\] cannot be hashed/,
    'key pair': /a pair \[key, value\] is needed here.*record \d/,
    'partitions parallelize': /^IllegalArgumentException: parallelize: the number of partitions \(-1\) must be a positive whole number/,
    'partitions reduceByKey': /^IllegalArgumentException: reduceByKey: the number of partitions \(-3\)/,
    'partitions repartition': /^IllegalArgumentException: repartition: .*\(0\)/,
    'partitions partitioner': /^IllegalArgumentException: Number of partitions \(-2\)/,
    'partitions function': /the partition function returned \d\.5, not a whole number/,
    'partitions zip': /^IllegalArgumentException: Can only zip with RDD which has the same number of partitions: 2 and 3/,
    'elements zip': /Can only zip RDDs with same number of elements in each partition/,
    'stopped action': /^IllegalStateException: Cannot call methods on a stopped SparkContext/,
    'stopped definition': /^IllegalStateException: Cannot call methods on a stopped SparkContext/,
    'empty reduce': /^IllegalArgumentException: reduce: the RDD is empty/,
    'level other': /^UnsupportedOperationException: Cannot change storage level/,
    'level unknown': /^IllegalArgumentException: Invalid StorageLevel: TAPE/,
    'checkpoint unset': /Checkpoint directory has not been set/,
    'destroyed broadcast': /Attempted to use a broadcast variable after it was destroyed/,
    'lineage long': /more than 500 shuffles in a row; checkpoint\(\)/,
    'inverse unset':
      /^IllegalArgumentException: requirement failed: The checkpoint directory has not been set.*keeps state \(reducedWindow\)/,
    'inverse missing': /^SparkTypeError: reduceByKeyAndWindow needs a function.*got number/,
    'state function': /^SparkTypeError: mapWithState: .* uses `limit`/,
    'batch interval': /^IllegalArgumentException: The batch interval \(-1 ms\) must be positive/,
    throws: /RangeError: two is too many \(in map, partition [01], record 2\)/,
    'accumulator type': /^SparkTypeError: accumulator: string needs a parameter/,
    'pool mode': /^IllegalArgumentException: .*'LIFO'.*spark\.scheduler\.mode.*'FIFO, FAIR'/,
  };
  for (const [name, words] of Object.entries(expected)) assert.match(said[name], words, name);
  assert.deepEqual(Object.keys(said).sort(), Object.keys(expected).sort());
  assert.equal(after, 6);
});

test('jobs are served first come, first served, and with FAIR by pools', async () => {
  const found = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const out = {};
    for (const mode of ['FIFO', 'FAIR']) {
      const spark = await SparkSession.builder
        .master('local[2]')
        .config('spark.scheduler.mode', mode)
        .config('spark.rivulet.scheduler.pool.b.weight', 3)
        .create();
      const sc = spark.sparkContext;
      const job = (pool) => {
        sc.setLocalProperty('spark.scheduler.pool', pool);
        sc.setJobDescription(pool);
        return sc
          .range(0, 12, 1, 12)
          .map((x) => {
            for (const end = Date.now() + 8; Date.now() < end; );
            return x;
          })
          .count();
      };
      await Promise.all([job('a'), job('b')]);
      const status = await new Promise((done) => {
        const end = spark.status.watch((s) => {
          end();
          done(s);
        });
      });
      const starts = status.jobs.flatMap(({ description, stages }) => stages[0].attempts.map(({ startMs }) => [startMs, description[0]]));
      out[mode] = starts
        .sort((a, b) => a[0] - b[0])
        .map(([, pool]) => pool)
        .join('');
      await spark.stop();
    }
    return out;
  });
  assert.equal(found.FIFO, 'a'.repeat(12) + 'b'.repeat(12));
  // Of two slots each pool gets one as soon as its job is there, whatever their weights.
  assert.equal(found.FAIR.length, 24);
  assert.ok(found.FAIR.slice(0, 12).split('b').length > 4, found.FAIR);
});
