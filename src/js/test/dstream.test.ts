import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ManualClock } from '../src/dstream/clock.js';
import { StreamingContext, type BatchInfo } from '../src/dstream/context.js';
import type { DStream } from '../src/dstream/dstream.js';
import { RateEstimator } from '../src/dstream/rate.js';
import { StateSpec, type State } from '../src/dstream/map_with_state.js';
import { SparkContext } from '../src/rdd/context.js';
import { FunctionPartitioner } from '../src/rdd/partitioner.js';
import { MemoryDirectory } from './memory_directory.js';
import { localEngine } from './rdd_local.js';
// @ts-expect-error The twins are plain JavaScript, shared with the browser tests.
import { runTwin, TWINS } from '../../../tests/browser/dstream_twins.js';

const GOLDENS = join(process.env['RIVULET_ROOT'] ?? process.cwd(), 'tests/goldens/dstream');
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const context = () => new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);

for (const id of Object.keys(TWINS as object)) {
  test(`${id} gives what Spark gives, batch by batch`, async () => {
    const golden: unknown = JSON.parse(readFileSync(join(GOLDENS, `${id}.json`), 'utf8'));
    assert.equal(await runTwin({ sparkContext: context(), StreamingContext, ManualClock, directory: new MemoryDirectory().handle }, golden), undefined);
  });
}

test('batches that are late run one after the other, none is left out, and listeners are told of their delays', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 100, clock);
  const infos: BatchInfo[] = [];
  ssc.addStreamingListener({ onBatchCompleted: (info) => infos.push(info) });
  const seen: number[] = [];
  let open!: () => void;
  const gate = new Promise<void>((resolve) => { open = resolve; });
  ssc.queueStream<number>([]).foreachRDD(async (_, time) => {
    seen.push(time);
    await gate;
  });
  ssc.start();
  clock.advanceTo(300);
  open();
  await ssc.processed();
  assert.deepEqual(seen, [100, 200, 300]);
  assert.deepEqual(infos.map((i) => [i.batchTime, i.submissionTime, i.schedulingDelay, i.totalDelay]), [[100, 100, 200, 200], [200, 200, 100, 100], [300, 300, 0, 0]]);
  await ssc.stop();
  assert.equal(ssc.getState(), 'STOPPED');
});

test('a batch that fails ends the context with its error', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 100, clock);
  ssc.queueStream<number>([]).foreachRDD(() => { throw new RangeError('no'); });
  ssc.start();
  clock.advanceTo(100);
  await assert.rejects(ssc.awaitTermination(), /no/);
  assert.equal(ssc.getState(), 'STOPPED');
});

test('a graceful stop runs what was received; records of an async iterable come in batches', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 100, clock);
  async function* source() { yield 1; yield 2; yield 3; }
  const batches: number[][] = [];
  ssc.fromAsyncIterable(source()).map((x) => x * 10).foreachRDD(async (rdd) => { batches.push(await rdd.collect()); });
  ssc.start();
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  await ssc.stop({ gracefully: true });
  assert.deepEqual(batches, [[10, 20, 30]]);
});

test('mistakes are told at the call', () => {
  const sc = context();
  const says = (work: () => unknown, words: RegExp) => assert.throws(work, (error: Error) => words.test(error.message), String(words));
  says(() => new StreamingContext(sc, 0), /batch interval \(0 ms\) must be positive/);
  // Times would not be multiples of it.
  says(() => new StreamingContext(sc, 33.3), /batch interval \(33\.3 ms\) must be positive and whole/);
  const ssc = new StreamingContext(sc, 1000, new ManualClock());
  const stream = ssc.queueStream<[string, number]>([]);
  says(() => new StreamingContext(sc, 1000, new ManualClock()).start(), /No output operations registered/);
  says(() => stream.window(1500), /window duration.*\(1500 ms\) must be a multiple/);
  says(() => stream.window(2000, 700), /slide duration.*\(700 ms\)/);
  says(() => stream.join(stream.window(2000, 2000)), /different slide durations: 1000 and 2000/);
  says(() => stream.updateStateByKey(Math.max as never), /updateStateByKey: the function max is built in/);
  says(() => ssc.socketTextStream('http://x'), /does not begin with ws/);
  stream.pprint();
  ssc.start();
  says(() => stream.map((x) => x), /after starting a context is not supported/);
});

test('a stream that keeps state needs a checkpoint directory', () => {
  for (const define of [
    (s: DStream<[string, number]>) => s.updateStateByKey((values) => values.length),
    (s: DStream<[string, number]>) => s.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, 5000),
    (s: DStream<[string, number]>) => s.mapWithState(StateSpec.function<string, number, number, number>((_key, value) => value ?? 0)),
  ]) {
    const ssc = new StreamingContext(context(), 1000, new ManualClock());
    define(ssc.queueStream<[string, number]>([])).foreachRDD(() => {});
    assert.throws(() => ssc.start(), /requirement failed: The checkpoint directory has not been set\. Please set it by StreamingContext\.checkpoint\(\)/);
    assert.equal(ssc.getState(), 'STOPPED');
  }
});

/** Waits until what an async iterable has given is taken. */
const taken = async () => { for (let turns = 0; turns < 30; turns++) await Promise.resolve(); };

/** What is said on the console while `work` runs. */
async function said(work: () => Promise<void>): Promise<string> {
  const { warn, error } = console;
  const lines: string[] = [];
  console.warn = console.error = (...words: unknown[]) => { lines.push(words.map(String).join(' ')); };
  try {
    await work();
  } finally {
    Object.assign(console, { warn, error });
  }
  return lines.join('\n');
}

/** An async iterable that gives what is pushed. */
function pushed<T>(): { push(...rows: T[]): Promise<void>; source: AsyncIterable<T> } {
  const rows: T[] = [];
  let wake = () => {};
  async function* source() {
    for (;;) {
      while (rows.length > 0) yield rows.shift()!;
      await new Promise<void>((resolve) => { wake = resolve; });
    }
  }
  return { push: async (...more) => { rows.push(...more); wake(); await taken(); }, source: source() };
}

test('mapWithState gives what its function gives, record by record, keeps states, and times them out by batch', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(new MemoryDirectory().handle);
  const input = pushed<[string, number]>();
  const spec = StateSpec.function<string, number, number, [string, number | string]>((key, value, state) => {
    if (state.isTimingOut()) return [key, `out with ${state.get()}`];
    if (value! < 0) { state.remove(); return [key, 'removed']; }
    const sum = (state.getOption() ?? 0) + value!;
    state.update(sum);
    return [key, sum];
  }).initialState(ssc.sparkContext.parallelize([['z', 100], ['y', 50]] as [string, number][], 1)).timeout(2000).numPartitions(2);
  const mapped = ssc.fromAsyncIterable(input.source).mapWithState(spec);
  const out: [number, unknown[], unknown[]][] = [];
  mapped.transformWith((rdd, states) => rdd.map((row) => ['m', row] as [string, unknown]).union(states.map((row) => ['s', row] as [string, unknown])), mapped.stateSnapshots())
    .foreachRDD(async (rdd, time) => {
      const rows = await rdd.collect();
      const of = (kind: string) => rows.filter(([k]) => k === kind).map(([, row]) => row).sort();
      out.push([time / 1000, of('m'), of('s')]);
    });
  ssc.start();
  const batch = async (second: number, ...rows: [string, number][]) => {
    await input.push(...rows);
    clock.advanceTo(second * 1000);
    await ssc.processed();
  };
  await batch(1, ['a', 1], ['a', 2], ['z', 1]);
  await batch(2, ['a', 3]);
  await batch(3, ['b', 1], ['a', -1]);
  await batch(4);
  for (let second = 5; second <= 12; second++) await batch(second, ...(second === 12 ? [['b', 7] as [string, number]] : []));
  await ssc.stop();
  assert.deepEqual(out.slice(0, 4), [
    [1, [['a', 1], ['a', 3], ['z', 101]], [['a', 3], ['y', 50], ['z', 101]]],
    [2, [['a', 6]], [['a', 6], ['y', 50], ['z', 101]]],
    [3, [['a', 'removed'], ['b', 1]], [['b', 1], ['y', 50], ['z', 101]]],
    // y began with the first batch, at 1, and is idle for more than 2 s at 4.
    [4, [['y', 'out with 50'], ['z', 'out with 101']], [['b', 1]]],
  ]);
  assert.deepEqual(out[5], [6, [['b', 'out with 1']], []]);
  assert.deepEqual(out.at(-1), [12, [['b', 7]], [['b', 7]]]);
});

test('what mapWithState gives is placed anew by keys of its own', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(new MemoryDirectory().handle);
  const spec = StateSpec.function<number, number, number, [string, number]>((key, value, state) => { state.update(value!); return [`k${key % 3}`, value!]; }).numPartitions(2);
  const sums: unknown[][] = [];
  ssc.queueStream([ssc.sparkContext.parallelize([1, 2, 3, 4, 5, 6].map((n) => [n, n] as [number, number]), 3)]).mapWithState(spec)
    .reduceByKey((a, b) => a + b).foreachRDD(async (rdd) => { sums.push((await rdd.collect()).sort()); });
  ssc.start();
  clock.advanceTo(1000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(sums, [[['k0', 9], ['k1', 5], ['k2', 7]]]);
});

test('states and windows stay where a partitioner places their keys', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(new MemoryDirectory().handle);
  const byTens = new FunctionPartitioner<number>(3, (key) => Math.floor(key / 10));
  const rows = (...keys: number[]) => ssc.sparkContext.parallelize(keys.map((key) => [key, 1] as [number, number]), 2);
  const stream = ssc.queueStream([rows(1, 11, 21, 22, 1), rows(2, 12, 1), rows(21)]);
  const seen: Record<string, unknown[]> = {};
  const show = (name: string, pairs: DStream<[number, number]>) => pairs.glom().foreachRDD(async (rdd) => { (seen[name] ??= []).push((await rdd.collect()).map((part) => part.sort((a, b) => a[0] - b[0]))); });
  show('states', stream.updateStateByKey<number, number, number>((values, sum) => values.length + (sum ?? 0), byTens, ssc.sparkContext.parallelize([[12, 5]] as [number, number][])));
  show('mapped', stream.mapWithState(StateSpec.function<number, number, number, number>((_key, value, state) => { state.update(value! + (state.getOption() ?? 0)); return 0; }).partitioner(byTens)).stateSnapshots());
  show('window', stream.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, 5000, 1000, byTens));
  ssc.start();
  for (const second of [1, 2, 3]) { clock.advanceTo(second * 1000); await ssc.processed(); }
  await ssc.stop();
  const counts = [[[1, 2]], [[11, 1]], [[21, 1], [22, 1]]];
  const later = [[[1, 3], [2, 1]], [[11, 1], [12, 1]], [[21, 1], [22, 1]]];
  const last = [[[1, 3], [2, 1]], [[11, 1], [12, 1]], [[21, 2], [22, 1]]];
  assert.deepEqual(seen['window'], [counts, later, last]);
  assert.deepEqual(seen['mapped'], [counts, later, last]);
  const plus = (parts: number[][][], n: number) => parts.map((part, i) => (i === 1 ? [[11, 1], [12, n]] : part));
  assert.deepEqual(seen['states'], [plus(counts, 5), plus(later, 6), plus(last, 6)]);
});

test('a state function that does what its state does not allow fails the batch with Spark\'s words', async () => {
  const wrong: [(state: State<number>) => unknown, RegExp][] = [
    [(state) => state.get(), /State is not set/], [(state) => state.remove(), /Cannot remove a state that is not set/],
    [(state) => { state.update(1); state.remove(); state.update(2); }, /Cannot update the state after it has been removed/],
  ];
  for (const [f, words] of wrong) {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    ssc.checkpoint(new MemoryDirectory().handle);
    const spec = StateSpec.function<string, number, number, unknown>(((_key: string, _value: number, state: State<number>, b: { text: string }) => {
      // A function of the test's, by its text.
      return (0, eval)(b.text)(state);
    }) as never, { text: `(${f.toString()})` });
    ssc.queueStream([ssc.sparkContext.parallelize([['k', 1]] as [string, number][])]).mapWithState(spec).foreachRDD(async (rdd) => { await rdd.collect(); });
    ssc.start();
    clock.advanceTo(1000);
    await assert.rejects(ssc.awaitTermination(), words);
  }
});

test('a context goes on from its checkpoint: states, windows, received records, each batch\'s outputs until they are done', async () => {
  const directory = new MemoryDirectory();
  let clock = new ManualClock();
  const outputs: [number, unknown][] = [];
  let failing = Infinity;
  let input = pushed<number>();
  const build = () => {
    const ssc = new StreamingContext(context(), 1000, clock);
    ssc.checkpoint(directory.handle);
    const numbers = ssc.fromAsyncIterable(input.source);
    const pairs = numbers.map((x) => [x % 2 === 0 ? 'even' : 'odd', x] as [string, number]);
    const sums = pairs.updateStateByKey<string, number, number>((values, old) => values.reduce((a, b) => a + b, 0) + (old ?? 0));
    const window = pairs.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, 5000);
    sums.transformWith((a, b) => a.leftOuterJoin(b), window).foreachRDD(async (rdd, time) => {
      const rows = (await rdd.collect()).sort();
      if (time === failing) throw new Error('the tab has gone');
      outputs.push([time / 1000, rows]);
    });
    return ssc;
  };
  const received: number[][] = Array.from({ length: 26 }, (_, i) => (i % 4 === 0 ? [] : [i, 2 * i + 1]));
  /** What the batch of a second gives: sums since 0, and sums of the last five seconds. */
  const model = (second: number) => {
    const sum = (from: number, parity: number) => {
      const rows = received.slice(Math.max(from, 0), second + 1).flat().filter((x) => x % 2 === parity);
      return rows.length > 0 ? rows.reduce((a, b) => a + b, 0) : undefined;
    };
    return (['even', 'odd'] as const).flatMap((name, parity) => {
      const all = sum(1, parity);
      if (all === undefined) return [];
      // A key stays in the window's pairs as what is left of it.
      return [[name, [all, sum(second - 4, parity) ?? 0]]];
    });
  };
  const life = async (from: number, to: number) => {
    const ssc = await StreamingContext.getOrCreate(directory.handle, build);
    ssc.start();
    await ssc.processed();
    for (let second = from; second <= to; second++) {
      await input.push(...received[second]!);
      clock.advanceTo(second * 1000);
      await ssc.processed();
    }
    return ssc;
  };
  await (await life(1, 7)).stop();
  // The tab is away from 7.5 to 9.2: two batches without records are made up for.
  [received[8], received[9]] = [[], []];
  clock = new ManualClock();
  clock.advanceTo(9_200);
  input = pushed<number>();
  failing = 14_000;
  await assert.rejects((await life(10, 14)).awaitTermination(), /the tab has gone/);
  // Batch 14 had its records; it is run again.
  failing = Infinity;
  clock = new ManualClock();
  clock.advanceTo(14_300);
  input = pushed<number>();
  const last = await life(15, 25);
  await last.stop();
  assert.deepEqual(outputs.map(([second]) => second), Array.from({ length: 25 }, (_, i) => i + 1));
  for (const [second, rows] of outputs) assert.deepEqual(rows, model(second), `second ${second}`);

  const other = () => {
    const ssc = new StreamingContext(context(), 1000, clock);
    ssc.checkpoint(directory.handle);
    ssc.fromAsyncIterable(input.source).count().pprint();
    return ssc;
  };
  await assert.rejects(StreamingContext.getOrCreate(directory.handle, other), /The checkpoint is of another program: .*stateByKey.*this one has 1000 ms and iterable/);
});

test('a state is written as often as is said, in whole slides', async () => {
  const directory = new MemoryDirectory();
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(directory.handle);
  const input = pushed<[string, number]>();
  const pairs = ssc.fromAsyncIterable(input.source);
  assert.throws(() => pairs.checkpoint(1000), /this stream \(iterable\) keeps no state/);
  const sums = pairs.updateStateByKey<string, number, number>((values, old) => values.length + (old ?? 0));
  assert.throws(() => sums.checkpoint(1500), /set to 1500 ms which is not a multiple of its slide time \(1000 ms\)/);
  sums.checkpoint(2000).foreachRDD(async (rdd) => { await rdd.count(); });
  ssc.start();
  for (let second = 1; second <= 5; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  const names: string[] = [];
  for await (const name of directory.keys()) names.push(name);
  assert.deepEqual(names.filter((name) => name.startsWith('state')).sort(), ['state-1-2000', 'state-1-4000']);
});

test('what is not needed any more leaves the checkpoint directory', async () => {
  const directory = new MemoryDirectory();
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(directory.handle);
  const input = pushed<number>();
  ssc.fromAsyncIterable(input.source).map((x) => ['all', x] as [string, number]).updateStateByKey<string, number, number>((values, old) => values.length + (old ?? 0)).foreachRDD(async (rdd) => { await rdd.count(); });
  ssc.start();
  for (let second = 1; second <= 60; second++) {
    await input.push(second);
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  const names: string[] = [];
  for await (const name of directory.keys()) names.push(name);
  // The one before makes the state before the last batch again.
  assert.deepEqual(names.filter((name) => name.startsWith('state')), ['state-2-50000', 'state-2-60000']);
  assert.ok(names.filter((name) => name.startsWith('received')).length < 30, names.join());
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
  ssc.textFileStream(folder.handle).foreachRDD(async (rdd) => { batches.push(await rdd.collect()); });
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
  async function* endless() { for (let i = 0; ; i++) yield i; }
  const counts: number[][] = [];
  for (let stream = 0; stream < 2; stream++) {
    ssc.fromAsyncIterable(endless()).foreachRDD(async (rdd, timeMs) => { (counts[timeMs / 500 - 2] ??= []).push(await rdd.count()); });
  }
  ssc.start();
  for (let ms = 100; ms <= 4000; ms += 100) {
    await taken();
    clock.advanceTo(ms);
    await ssc.processed();
  }
  await ssc.stop();
  // Each stream has its own limit: one at once, then one every 200 ms; that of the batch's end is for the next.
  assert.deepEqual(counts.filter(Boolean), [[5, 5], [5, 5], [5, 5], [5, 5]]);
  // None where it is 0, as in Spark.
  assert.equal(new StreamingContext(new SparkContext(localEngine(), 2, { 'spark.streaming.receiver.maxRate': '0' }, () => false), 1000, clock).rateLimit(), undefined);
  assert.throws(() => new StreamingContext(new SparkContext(localEngine(), 2, { 'spark.streaming.receiver.maxRate': 'fast' }, () => false), 1000, clock), /spark\.streaming\.receiver\.maxRate must be a number/);
});

/** Runs a program second by second on a manual clock, `rows[i]` coming in for second i + 1; what its stream gave by second. */
async function seconds<T, U>(rows: T[][], define: (stream: DStream<T>, ssc: StreamingContext) => DStream<U>): Promise<[number, U[]][]> {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(new MemoryDirectory().handle);
  const out: [number, U[]][] = [];
  define(ssc.queueStream(rows.map((batch) => ssc.sparkContext.parallelize(batch, 2))), ssc).foreachRDD(async (rdd, time) => { out.push([time / 1000, (await rdd.collect()).sort()]); });
  ssc.start();
  for (let second = 1; second <= rows.length; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  await ssc.awaitTermination();
  return out;
}

test('a window of less than five slides with an inverse keeps only what its filter keeps, as PySpark', async () => {
  const rows: [string, number][][] = [[['a', 1], ['b', 0]], [['a', -1], ['c', 2]], [['a', 5]], []];
  const windows = await seconds(rows, (s) => s.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, 2000, 1000, undefined, ([, n]) => n !== 0));
  assert.deepEqual(windows, [[1, [['a', 1]]], [2, [['c', 2]]], [3, [['a', 4], ['c', 2]]], [4, [['a', 5]]]]);
});

test('a state that mapWithState begins with is as old as the first batch', async () => {
  const idle = await seconds<[string, number], string>([[], [], [], [], []], (s, ssc) => s.mapWithState(
    StateSpec.function<string, number, number, string>((key, _value, state) => `${key} ${state.isTimingOut()}`).initialState(ssc.sparkContext.parallelize([['y', 1]] as [string, number][])).timeout(2000),
  ));
  assert.deepEqual(idle, [[1, []], [2, []], [3, []], [4, ['y true']], [5, []]]);
});

test('a context that has started takes no more outputs, levels or intervals', async () => {
  const ssc = new StreamingContext(context(), 1000, new ManualClock());
  const stream = ssc.queueStream<number>([]);
  const state = stream.map((x) => [x, x] as [number, number]).updateStateByKey<number, number, number>((values) => values.length);
  const output = () => stream.foreachRDD(() => {});
  output();
  await assert.rejects(stream.slice(0, 1000), /queue has not been initialized/);
  ssc.checkpoint(new MemoryDirectory().handle);
  ssc.start();
  const says = (work: () => unknown, name: string, words: RegExp) => assert.throws(work, (error: Error) => error.name === name && words.test(error.message), String(words));
  says(output, 'IllegalStateException', /after starting a context is not supported/);
  says(() => stream.persist(), 'UnsupportedOperationException', /Cannot change storage level of a DStream after streaming context has started/);
  says(() => state.checkpoint(2000), 'UnsupportedOperationException', /Cannot change checkpoint interval of a DStream after streaming context has started/);
  await ssc.stop();
  says(output, 'IllegalStateException', /after stopping a context is not supported/);
  says(() => ssc.start(), 'IllegalStateException', /has already been stopped/);
});

test('a slice of times to come takes nothing of their batches', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  const input = pushed<number>();
  const stream = ssc.fromAsyncIterable(input.source);
  const batches: number[][] = [];
  stream.foreachRDD(async (rdd) => { batches.push(await rdd.collect()); });
  ssc.start();
  for (const second of [1, 2, 3]) {
    await input.push(second);
    assert.equal((await stream.slice(second * 1000, 9_000)).length, 0);
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  assert.equal((await stream.slice(2_000, 9_000)).length, 2);
  await ssc.stop();
  assert.deepEqual(batches, [[1], [2], [3]]);
});

test('a transformation that gives nothing fails the batch, and so does an output that throws nothing', async () => {
  for (const [define, words] of [
    [(s: DStream<number>) => s.transform(() => undefined as never).foreachRDD(() => {}), /^Transform function must not return null\. Return SparkContext\.emptyRDD\(\) instead/],
    [(s: DStream<number>) => s.foreachRDD(() => Promise.reject()), /^undefined$/],
  ] as const) {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    define(ssc.queueStream<number>([]));
    ssc.start();
    clock.advanceTo(1000);
    await ssc.processed();
    assert.equal(ssc.getState(), 'STOPPED');
    await ssc.awaitTermination().then(() => assert.fail('it ended well'), (error: unknown) => assert.match(String((error as Error | undefined)?.message), words));
  }
});

test('a context that cannot start is stopped', async () => {
  const ssc = new StreamingContext(context(), 1000, new ManualClock());
  let returned = 0;
  const good = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: () => { returned += 1; return Promise.reject(new Error('gone')); } }) };
  ssc.fromAsyncIterable(good as AsyncIterable<number>).foreachRDD(() => {});
  ssc.fromAsyncIterable([1] as never).foreachRDD(() => {});
  assert.throws(() => ssc.start(), /is not a function/);
  assert.equal(ssc.getState(), 'STOPPED');
  assert.equal(returned, 1);
  await ssc.awaitTermination();
});

test('a stop from a listener submits no more batches; the last of a graceful one follows the one before', async () => {
  const clock = new ManualClock();
  const input = pushed<number>();
  const ssc = new StreamingContext(context(), 1000, clock);
  const submitted: number[] = [];
  ssc.addStreamingListener({ onBatchSubmitted: ({ batchTime }) => { submitted.push(batchTime); if (batchTime === 2000) void ssc.stop(); } });
  ssc.fromAsyncIterable(input.source).foreachRDD(() => {});
  ssc.start();
  clock.advanceTo(5000);
  await ssc.awaitTermination();
  assert.deepEqual(submitted, [1000, 2000]);

  // A clock that calls late.
  let now = 0;
  const late = new StreamingContext(context(), 1000, { now: () => now, at: () => () => {} });
  const times: [number, number[]][] = [];
  late.fromAsyncIterable(pushedNow([1, 2])).foreachRDD(async (rdd, time) => { times.push([time, await rdd.collect()]); });
  late.start();
  await taken();
  now = 3_500;
  await late.stop({ gracefully: true });
  assert.deepEqual(times, [[1000, [1, 2]]]);
});

async function* pushedNow<T>(rows: T[]): AsyncIterable<T> { yield* rows; }

test('who waits for the end of a context is told, started or not; who waits for so long leaves nothing behind', async () => {
  const idle = new StreamingContext(context(), 1000, new ManualClock());
  const ended = idle.awaitTermination();
  await idle.stop();
  await ended;
  const clock = new ManualClock();
  const waiting = new Set<() => void>();
  const counting = {
    now: () => clock.now(),
    at: (timeMs: number, work: () => void) => {
      const cancel = clock.at(timeMs, () => { waiting.delete(cancel); work(); });
      waiting.add(cancel);
      return () => { waiting.delete(cancel); cancel(); };
    },
  };
  const ssc = new StreamingContext(context(), 1000, counting);
  ssc.queueStream<number>([]).foreachRDD(() => {});
  ssc.start();
  const first = ssc.awaitTerminationOrTimeout(500);
  clock.advanceTo(500);
  assert.equal(await first, false);
  const second = ssc.awaitTerminationOrTimeout(100_000);
  await ssc.stop();
  assert.equal(await second, true);
  assert.equal(waiting.size, 0);
});

test('streams of different contexts do not go together; how long is remembered is said once', () => {
  const sc = context();
  const [a, b] = [0, 1].map(() => new StreamingContext(sc, 1000, new ManualClock()).queueStream<number>([])) as [DStream<number>, DStream<number>];
  assert.throws(() => a.union(b), /Some of the DStreams have different contexts/);
  a.ssc.remember(10_000);
  assert.throws(() => a.ssc.remember(20_000), /requirement failed: Remember duration already set as 10000 ms\. Cannot set it again\./);
});

const namesIn = async (directory: MemoryDirectory) => {
  const names: string[] = [];
  for await (const name of directory.keys()) names.push(name);
  return names;
};

test('states leave the checkpoint directory of a context that cannot go on, too', async () => {
  const directory = new MemoryDirectory();
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(directory.handle);
  ssc.queueStream<[string, number]>([]).updateStateByKey<string, number, number>((values) => values.length).foreachRDD(() => {});
  ssc.start();
  for (let second = 1; second <= 60; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  assert.ok((await namesIn(directory)).length <= 2, String(await namesIn(directory)));
});

test('mapWithState writes its states as often as is said of the stream that it gives', async () => {
  const directory = new MemoryDirectory();
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(directory.handle);
  const mapped = ssc.queueStream<[string, number]>([]).mapWithState(StateSpec.function<string, number, number, number>((_key, value) => value ?? 0));
  assert.equal(mapped.checkpoint(3000), mapped);
  mapped.foreachRDD(() => {});
  ssc.start();
  for (let second = 1; second <= 4; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  assert.deepEqual(await namesIn(directory), ['state-1-3000']);
});

test('records that no window takes are let go', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  const [sampled, unused] = [pushed<object>(), pushed<object>()];
  const counts: number[] = [];
  ssc.fromAsyncIterable(sampled.source).window(2000, 10_000).foreachRDD(async (rdd) => { counts.push(await rdd.count()); });
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

/** A program over numbers that lives twice on one checkpoint; what its stream gave by second. The second life begins after `until`. */
async function lives<U>(until: number, to: number, define: (numbers: DStream<number>) => DStream<U>): Promise<U[][]> {
  const directory = new MemoryDirectory();
  const out: U[][] = [];
  for (const [from, last] of [[1, until], [until + 1, to]] as const) {
    const clock = new ManualClock();
    clock.advanceTo((from - 1) * 1000);
    const input = pushed<number>();
    const ssc = await StreamingContext.getOrCreate(directory.handle, () => {
      const ssc = new StreamingContext(context(), 1000, clock);
      ssc.checkpoint(directory.handle);
      define(ssc.fromAsyncIterable(input.source)).foreachRDD(async (rdd, time) => { out[time / 1000] = (await rdd.collect()).sort(); });
      return ssc;
    });
    ssc.start();
    for (let second = from; second <= last; second++) {
      await input.push(second);
      clock.advanceTo(second * 1000);
      await ssc.processed();
    }
    await ssc.stop();
    await ssc.awaitTermination();
  }
  return out;
}

test('windows of windows go on from a checkpoint whole', async () => {
  const counts = await lives(40, 44, (numbers) => numbers.window(20_000).window(20_000).count());
  for (let second = 1; second <= 44; second++) {
    let wanted = 0;
    for (let end = Math.max(1, second - 19); end <= second; end++) wanted += Math.min(end, 20);
    assert.deepEqual(counts[second], [wanted], `second ${second}`);
  }
});

test('a window that is longer than its checkpoint interval goes on from a checkpoint', async () => {
  const sums = await lives(110, 122, (numbers) => numbers.map((x) => ['all', x] as [string, number])
    .reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, 60_000).checkpoint(20_000).map(([, sum]) => sum));
  for (let second = 1; second <= 122; second++) {
    const first = Math.max(1, second - 59);
    assert.deepEqual(sums[second], [((first + second) * (second - first + 1)) / 2], `second ${second}`);
  }
});

test('a window of states goes on from a checkpoint whole', async () => {
  const states = await lives(30, 42, (numbers) => numbers.map((x) => ['all', x] as [string, number])
    .updateStateByKey<string, number, number>((values, old) => values.reduce((a, b) => a + b, 0) + (old ?? 0)).window(4000).map(([, sum]) => sum));
  for (let second = 1; second <= 42; second++) {
    const sums = Array.from({ length: Math.min(second, 4) }, (_, i) => ((second - i) * (second - i + 1)) / 2).sort();
    assert.deepEqual(states[second], sums, `second ${second}`);
  }
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
  ssc.textFileStream(folder.handle).foreachRDD(async (rdd) => { batches.push(await rdd.collect()); });
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
  const noted = JSON.parse(await (await (await directory.getFileHandle('streaming.json')).getFile()).text()) as { inputs: Record<string, { seen: [string, unknown][] }> };
  assert.deepEqual(noted.inputs['0']!.seen.map(([name]) => name), ['c.txt']);
});

test('an iterable that never waits lets batches come', async () => {
  const ssc = new StreamingContext(context(), 20);
  async function* endless() { for (let i = 0; ; i++) yield i; }
  const batches: number[] = [];
  ssc.fromAsyncIterable(endless()).foreachRDD((_, time) => { batches.push(time); void ssc.stop(); });
  ssc.start();
  await ssc.awaitTermination();
  assert.ok(batches.length > 0);
});

test('lines of a socket are those of its texts, empty ones too', async () => {
  const sockets: { onopen?: () => void; onmessage?: (message: { data: unknown }) => void; close(): void }[] = [];
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  Object.defineProperty(globalThis, 'WebSocket', { configurable: true, value: class { constructor() { sockets.push(this); } close() {} } });
  try {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    const batches: string[][] = [];
    ssc.socketTextStream('ws://x').foreachRDD(async (rdd) => { batches.push(await rdd.collect()); });
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
    if (before) Object.defineProperty(globalThis, 'WebSocket', before); else Reflect.deleteProperty(globalThis, 'WebSocket');
  }
});

test('a state is kept at the level that is said', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 1000, clock);
  ssc.checkpoint(new MemoryDirectory().handle);
  const levels: unknown[] = [];
  for (const level of [undefined, 'DISK_ONLY'] as const) {
    const states = ssc.queueStream<[string, number]>([]).updateStateByKey<string, number, number>((values) => values.length);
    if (level) states.persist(level);
    states.foreachRDD((rdd) => { levels.push(rdd.getStorageLevel()); });
  }
  ssc.start();
  clock.advanceTo(1000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(levels, ['MEMORY_ONLY', 'DISK_ONLY']);
});

test('a file that came while nobody was there is of a batch to come, not of one that a window looks back at', async () => {
  const clock = new ManualClock();
  const folder = new MemoryDirectory(() => clock.now());
  const directory = new MemoryDirectory();
  const seen: [number, string[]][] = [];
  const put = async (name: string) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(name);
    await stream.close();
  };
  const life = async (from: number, to: number) => {
    const ssc = await StreamingContext.getOrCreate(directory.handle, () => {
      const ssc = new StreamingContext(context(), 1000, clock);
      ssc.checkpoint(directory.handle);
      const lines = ssc.textFileStream(folder.handle);
      lines.window(3000).foreachRDD(async (rdd) => { await rdd.count(); });
      lines.foreachRDD(async (rdd, time) => { seen.push([time / 1000, await rdd.collect()]); });
      return ssc;
    });
    ssc.start();
    for (let second = from; second <= to; second++) {
      clock.advanceTo(second * 1000);
      await ssc.processed();
    }
    await ssc.stop();
    await ssc.awaitTermination();
  };
  await life(1, 3);
  await put('a.txt');
  await life(4, 5);
  assert.deepEqual(seen, [[1, []], [2, []], [3, []], [4, ['a.txt']], [5, []]]);
});

test('what fails is said on the console, though nobody listens or waits', async () => {
  const words = await said(async () => {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    async function* source(): AsyncGenerator<number> { throw new RangeError('no source'); }
    ssc.fromAsyncIterable(source()).foreachRDD(() => { throw new RangeError('no output'); });
    ssc.start();
    await taken();
    clock.advanceTo(1000);
    await ssc.processed();
  });
  assert.match(words, /no source[^]*The batch of 1000 failed[^]*no output/);
});
