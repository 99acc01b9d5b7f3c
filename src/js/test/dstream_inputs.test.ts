import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ManualClock } from '../src/clock.js';
import { StreamingContext } from '../src/dstream/context.js';
import { RateEstimator } from '../src/dstream/rate.js';
import { SparkContext } from '../src/rdd/context.js';
import { context, pushed, taken } from './dstream_local.js';
import { MemoryDirectory } from './memory_directory.js';
import { localEngine } from './rdd_local.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a graceful stop runs what was received; records of an async iterable come in batches', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 100, clock);
  async function* source() {
    yield 1;
    yield 2;
    yield 3;
  }
  const batches: number[][] = [];
  ssc
    .fromAsyncIterable(source())
    .map((x) => x * 10)
    .foreachRDD(async (rdd) => {
      batches.push(await rdd.collect());
    });
  ssc.start();
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  await ssc.stop({ gracefully: true });
  assert.deepEqual(batches, [[10, 20, 30]]);
});

test('files that come into a folder after the start are read once each', async () => {
  const clock = new ManualClock();
  clock.advanceTo(5_000);
  const folder = new MemoryDirectory(() => clock.now());
  const put = async (name: string, text: string) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(text);
    await stream.close();
  };
  await put('old.txt', 'before');
  clock.advanceTo(5_100);
  const ssc = new StreamingContext(context(), 1000, clock);
  const batches: unknown[] = [];
  ssc.textFileStream(folder.handle).foreachRDD(async (rdd) => {
    batches.push(await rdd.collect());
  });
  ssc.start();
  await put('b.txt', 'two\nthree\n');
  await put('a.txt', 'one');
  await put('_hidden', 'no');
  clock.advanceTo(6_000);
  await ssc.processed();
  await put('c.txt', 'four');
  clock.advanceTo(8_000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(batches, [['one', 'two', 'three'], ['four'], []]);
});

test('back-pressure follows the PID controller, and limits what an iterable gives', async () => {
  const rate = new RateEstimator(1000, { proportional: 1, integral: 0.2, derivative: 0, minRate: 100 });
  assert.equal(rate.rate, undefined);
  // 2000/s; a limit comes with the second batch.
  rate.compute(1_000, 1_000, 500, 0);
  assert.equal(rate.rate, undefined);
  // Processed 1000/s, late by half a batch: 2000 − 1·(2000 − 1000) − 0.2·(500·1000/1000).
  rate.compute(2_000, 1_000, 1_000, 500);
  assert.equal(rate.rate, 900);
  rate.compute(2_000, 10, 1, 0);
  rate.compute(3_000, 0, 1, 0);
  assert.equal(rate.rate, 900);
  rate.compute(4_000, 10, 10_000, 100_000);
  assert.equal(rate.rate, 100);

  const clock = new ManualClock();
  const limited = new SparkContext(localEngine(), 2, { 'spark.streaming.receiver.maxRate': '5' }, () => false);
  const ssc = new StreamingContext(limited, 1000, clock);
  async function* endless() {
    for (let i = 0; ; i++) yield i;
  }
  const counts: number[][] = [];
  for (let stream = 0; stream < 2; stream++) {
    ssc.fromAsyncIterable(endless()).foreachRDD(async (rdd, timeMs) => {
      (counts[timeMs / 500 - 2] ??= []).push(await rdd.count());
    });
  }
  ssc.start();
  for (let ms = 100; ms <= 4000; ms += 100) {
    await taken();
    clock.advanceTo(ms);
    await ssc.processed();
  }
  await ssc.stop();
  // Each stream has its own limit: one at once, then one every 200 ms; that of the batch's end is for the next.
  assert.deepEqual(counts.filter(Boolean), [
    [5, 5],
    [5, 5],
    [5, 5],
    [5, 5],
  ]);
  // None where it is 0, as in Spark.
  assert.equal(
    new StreamingContext(
      new SparkContext(localEngine(), 2, { 'spark.streaming.receiver.maxRate': '0' }, () => false),
      1000,
      clock,
    ).rateLimit(),
    undefined,
  );
  assert.throws(
    () =>
      new StreamingContext(new SparkContext(localEngine(), 2, { 'spark.streaming.receiver.maxRate': 'fast' }, () => false), 1000, clock),
    /spark\.streaming\.receiver\.maxRate must be a number/,
  );
});

test('records that no window takes are let go', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  const [sampled, unused] = [pushed<object>(), pushed<object>()];
  const counts: number[] = [];
  ssc
    .fromAsyncIterable(sampled.source)
    .window(2000, 10_000)
    .foreachRDD(async (rdd) => {
      counts.push(await rdd.count());
    });
  ssc.fromAsyncIterable(unused.source).map((row) => row);
  ssc.start();
  const rows: WeakRef<object>[] = [];
  for (let second = 1; second <= 60; second++) {
    for (const { push } of [sampled, unused]) {
      const row = { second };
      rows.push(new WeakRef(row));
      await push(row);
    }
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  assert.deepEqual(counts, [2, 2, 2, 2, 2, 2]);
  await new Promise((turn) => setTimeout(turn));
  collectGarbage();
  const held = rows.filter((row) => row.deref()).length;
  assert.ok(held < 40, `${held} of ${rows.length} are held`);
  await ssc.stop();
});

test('a file that goes while a folder is looked through is none; one that has gone is forgotten', async () => {
  const clock = new ManualClock();
  const folder = new MemoryDirectory(() => clock.now());
  const directory = new MemoryDirectory();
  const put = async (name: string) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(name);
    await stream.close();
  };
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(directory.handle);
  const batches: unknown[] = [];
  ssc.textFileStream(folder.handle).foreachRDD(async (rdd) => {
    batches.push(await rdd.collect());
  });
  ssc.start();
  await put('a.txt');
  await put('b.txt');
  (await folder.getFileHandle('a.txt')).getFile = () => Promise.reject(new DOMException('gone', 'NotFoundError'));
  clock.advanceTo(1000);
  await ssc.processed();
  for (const name of ['a.txt', 'b.txt']) await folder.removeEntry(name);
  await put('c.txt');
  clock.advanceTo(2000);
  await ssc.processed();
  await ssc.stop();
  await ssc.awaitTermination();
  assert.deepEqual(batches, [['b.txt'], ['c.txt']]);
  const noted = JSON.parse(await (await (await directory.getFileHandle('streaming.json')).getFile()).text()) as {
    inputs: Record<string, { seen: [string, unknown][] }>;
  };
  assert.deepEqual(
    noted.inputs['0']!.seen.map(([name]) => name),
    ['c.txt'],
  );
});

test('an iterable that never waits lets batches come', async () => {
  const ssc = new StreamingContext(context(), 20);
  async function* endless() {
    for (let i = 0; ; i++) yield i;
  }
  const batches: number[] = [];
  ssc.fromAsyncIterable(endless()).foreachRDD((_, time) => {
    batches.push(time);
    void ssc.stop();
  });
  ssc.start();
  await ssc.awaitTermination();
  assert.ok(batches.length > 0);
});

test('lines of a socket are those of its texts, empty ones too', async () => {
  const sockets: { onopen?: () => void; onmessage?: (message: { data: unknown }) => void; close(): void }[] = [];
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  Object.defineProperty(globalThis, 'WebSocket', {
    configurable: true,
    value: class {
      constructor() {
        sockets.push(this);
      }
      close() {}
    },
  });
  try {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    const batches: string[][] = [];
    ssc.socketTextStream('ws://x').foreachRDD(async (rdd) => {
      batches.push(await rdd.collect());
    });
    ssc.start();
    await taken();
    sockets[0]!.onopen!();
    for (const data of ['a\n\nb\r\n', 'c\rd', '\n']) sockets[0]!.onmessage!({ data });
    await taken();
    clock.advanceTo(1000);
    await ssc.processed();
    await ssc.stop();
    assert.deepEqual(batches, [['a', '', 'b', 'c', 'd', '']]);
  } finally {
    if (before) Object.defineProperty(globalThis, 'WebSocket', before);
    else Reflect.deleteProperty(globalThis, 'WebSocket');
  }
});
