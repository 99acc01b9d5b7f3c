import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../src/dstream/clock.js';
import { StreamingContext, type BatchInfo } from '../src/dstream/context.js';
import { SparkContext } from '../src/rdd/context.js';
import { localEngine } from './rdd_local.js';
// @ts-expect-error The twins are plain JavaScript, shared with the browser tests.
import { runTwin, TWINS } from '../../../tests/browser/dstream_twins.js';

const GOLDENS = join(process.env['RIVULET_ROOT'] ?? process.cwd(), 'tests/goldens/dstream');
const context = () => new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);

for (const id of Object.keys(TWINS as object)) {
  test(`${id} gives what Spark gives, batch by batch`, async () => {
    const golden: unknown = JSON.parse(readFileSync(join(GOLDENS, `${id}.json`), 'utf8'));
    assert.equal(await runTwin({ sparkContext: context(), StreamingContext, ManualClock }, golden), undefined);
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
  assert.deepEqual(infos.map((i) => [i.batchTime, i.submissionTime, i.schedulingDelay]), [[100, 100, 200], [200, 200, 100], [300, 300, 0]]);
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
  const ssc = new StreamingContext(sc, 1000, new ManualClock());
  const stream = ssc.queueStream<[string, number]>([]);
  says(() => ssc.start(), /No output operations registered/);
  says(() => stream.window(1500), /window duration.*\(1500 ms\) must be a multiple/);
  says(() => stream.window(2000, 700), /slide duration.*\(700 ms\)/);
  says(() => stream.join(stream.window(2000, 2000)), /different slide durations: 1000 and 2000/);
  says(() => stream.updateStateByKey(Math.max as never), /updateStateByKey: the function max is built in/);
  says(() => ssc.socketTextStream('http://x'), /does not begin with ws/);
  stream.pprint();
  ssc.start();
  says(() => stream.map((x) => x), /after starting a context is not supported/);
});
