import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, StreamingContext } from '../../src/index.js';
import { context, contextWith, directory as fresh, taken } from './local.js';
import { MemoryDirectory } from './memory_directory.js';

test('a graceful stop runs what was received; records of an async iterable come in batches', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 100, clock);
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
  const ssc = new StreamingContext(await context(), 1000, clock);
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

test('a rate limits what an iterable gives', async () => {
  const clock = new ManualClock();
  const limited = await contextWith({ 'spark.streaming.receiver.maxRate': '5' });
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
  await limited.stop();
  const wrong = await contextWith({ 'spark.streaming.receiver.maxRate': 'fast' });
  assert.throws(() => new StreamingContext(wrong, 1000, clock), /spark\.streaming\.receiver\.maxRate must be a number/);
  await wrong.stop();
});

test('a file that goes while a folder is looked through is none; one that has gone is forgotten', async () => {
  const clock = new ManualClock();
  const folder = new MemoryDirectory(() => clock.now());
  const directory = fresh();
  const put = async (name: string) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(name);
    await stream.close();
  };
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory);
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
});

test('an iterable that never waits lets batches come', async () => {
  const ssc = new StreamingContext(await context(), 20);
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

test('records of a fixed length come of files that appear in a folder; one that is cut short fails its batch', async () => {
  const clock = new ManualClock();
  const folder = new MemoryDirectory(() => clock.now());
  const put = async (name: string, bytes: number[]) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(new Uint8Array(bytes));
    await stream.close();
  };
  const ssc = new StreamingContext(await context(), 1000, clock);
  assert.throws(() => ssc.binaryRecordsStream(folder.handle, 0), /the record length \(0\) must be a positive whole number/);
  const batches: number[][][] = [];
  ssc.binaryRecordsStream(folder.handle, 2).foreachRDD(async (rdd) => {
    batches.push((await rdd.collect()).map((record) => [...record]));
  });
  ssc.start();
  await put('a', [1, 2, 3, 4, 5, 6]);
  clock.advanceTo(1000);
  await ssc.processed();
  await put('b', [7, 8, 9]);
  clock.advanceTo(2000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(batches, [
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ]);
  await assert.rejects(ssc.awaitTermination(), /b ends in the middle of a record: 3 bytes cannot be divided by 2/);
});

test('rows of arrays are queued as datasets are', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  const queue = [[1, 2], ssc.sparkContext.parallelize([3])];
  const batches: number[][] = [];
  ssc.queueStream<number>(queue, true, [0]).foreachRDD(async (rdd) => {
    batches.push(await rdd.collect());
  });
  ssc.start();
  clock.advanceTo(3000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(batches, [[1, 2], [3], [0]]);
});

test('a record that cannot travel is an error of its input; those beside it come', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  const errors: string[] = [];
  ssc.addStreamingListener({ onReceiverError: ({ message }) => errors.push(message) });
  async function* source() {
    yield 1;
    yield () => 2;
    yield 3;
  }
  const batches: unknown[][] = [];
  ssc.fromAsyncIterable<unknown>(source()).foreachRDD(async (rdd) => {
    batches.push(await rdd.collect());
  });
  ssc.start();
  await taken();
  clock.advanceTo(1000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(batches, [[1, 3]]);
  assert.equal(errors.length, 1);
  assert.match(errors[0]!, /function .* cannot be sent to or from an executor/);
});
