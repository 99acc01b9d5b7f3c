import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
// @ts-expect-error The twins are plain JavaScript, shared with the browser tests.
import { runTwin, TWINS } from '../../../tests/browser/dstream_twins.js';
import { ManualClock } from '../src/clock.js';
import { type BatchInfo, StreamingContext } from '../src/dstream/context.js';
import type { DStream } from '../src/dstream/dstream.js';
import { context, pushed, taken } from './dstream_local.js';
import { MemoryDirectory } from './memory_directory.js';

const GOLDENS = join(process.env['RIVULET_ROOT'] ?? process.cwd(), 'tests/goldens/dstream');

async function* pushedNow<T>(rows: T[]): AsyncIterable<T> {
  yield* rows;
}

/** What is said on the console while `work` runs. */
async function said(work: () => Promise<void>): Promise<string> {
  const { warn, error } = console;
  const lines: string[] = [];
  console.warn = console.error = (...words: unknown[]) => {
    lines.push(words.map(String).join(' '));
  };
  try {
    await work();
  } finally {
    Object.assign(console, { warn, error });
  }
  return lines.join('\n');
}

for (const id of Object.keys(TWINS as object)) {
  test(`${id} gives what Spark gives, batch by batch`, async () => {
    const golden: unknown = JSON.parse(readFileSync(join(GOLDENS, `${id}.json`), 'utf8'));
    assert.equal(
      await runTwin({ sparkContext: context(), StreamingContext, ManualClock, directory: new MemoryDirectory().handle }, golden),
      undefined,
    );
  });
}

test('batches that are late run one after the other, none is left out, and listeners are told of their delays', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 100, clock);
  const infos: BatchInfo[] = [];
  ssc.addStreamingListener({ onBatchCompleted: (info) => infos.push(info) });
  const seen: number[] = [];
  let open!: () => void;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  ssc.queueStream<number>([]).foreachRDD(async (_, time) => {
    seen.push(time);
    await gate;
  });
  ssc.start();
  clock.advanceTo(300);
  open();
  await ssc.processed();
  assert.deepEqual(seen, [100, 200, 300]);
  assert.deepEqual(
    infos.map((i) => [i.batchTime, i.submissionTime, i.schedulingDelay, i.totalDelay]),
    [
      [100, 100, 200, 200],
      [200, 200, 100, 100],
      [300, 300, 0, 0],
    ],
  );
  await ssc.stop();
  assert.equal(ssc.getState(), 'STOPPED');
});

test('a batch that fails ends the context with its error', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(context(), 100, clock);
  ssc.queueStream<number>([]).foreachRDD(() => {
    throw new RangeError('no');
  });
  ssc.start();
  clock.advanceTo(100);
  await assert.rejects(ssc.awaitTermination(), /no/);
  assert.equal(ssc.getState(), 'STOPPED');
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

test('a context that has started takes no more outputs, levels or intervals', async () => {
  const ssc = new StreamingContext(context(), 1000, new ManualClock());
  const stream = ssc.queueStream<number>([]);
  const state = stream.map((x) => [x, x] as [number, number]).updateStateByKey<number, number, number>((values) => values.length);
  const output = () => stream.foreachRDD(() => {});
  output();
  await assert.rejects(stream.slice(0, 1000), /queue has not been initialized/);
  ssc.checkpoint(new MemoryDirectory().handle);
  ssc.start();
  const says = (work: () => unknown, name: string, words: RegExp) =>
    assert.throws(work, (error: Error) => error.name === name && words.test(error.message), String(words));
  says(output, 'IllegalStateException', /after starting a context is not supported/);
  says(
    () => stream.persist(),
    'UnsupportedOperationException',
    /Cannot change storage level of a DStream after streaming context has started/,
  );
  says(
    () => state.checkpoint(2000),
    'UnsupportedOperationException',
    /Cannot change checkpoint interval of a DStream after streaming context has started/,
  );
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
  stream.foreachRDD(async (rdd) => {
    batches.push(await rdd.collect());
  });
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
    [
      (s: DStream<number>) => s.transform(() => undefined as never).foreachRDD(() => {}),
      /^Transform function must not return null\. Return SparkContext\.emptyRDD\(\) instead/,
    ],
    [(s: DStream<number>) => s.foreachRDD(() => Promise.reject()), /^undefined$/],
  ] as const) {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    define(ssc.queueStream<number>([]));
    ssc.start();
    clock.advanceTo(1000);
    await ssc.processed();
    assert.equal(ssc.getState(), 'STOPPED');
    await ssc.awaitTermination().then(
      () => assert.fail('it ended well'),
      (error: unknown) => assert.match(String((error as Error | undefined)?.message), words),
    );
  }
});

test('a context that cannot start is stopped', async () => {
  const ssc = new StreamingContext(context(), 1000, new ManualClock());
  let returned = 0;
  const good = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: () => {
        returned += 1;
        return Promise.reject(new Error('gone'));
      },
    }),
  };
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
  ssc.addStreamingListener({
    onBatchSubmitted: ({ batchTime }) => {
      submitted.push(batchTime);
      if (batchTime === 2000) void ssc.stop();
    },
  });
  ssc.fromAsyncIterable(input.source).foreachRDD(() => {});
  ssc.start();
  clock.advanceTo(5000);
  await ssc.awaitTermination();
  assert.deepEqual(submitted, [1000, 2000]);

  // A clock that calls late.
  let now = 0;
  const late = new StreamingContext(context(), 1000, { now: () => now, at: () => () => {} });
  const times: [number, number[]][] = [];
  late.fromAsyncIterable(pushedNow([1, 2])).foreachRDD(async (rdd, time) => {
    times.push([time, await rdd.collect()]);
  });
  late.start();
  await taken();
  now = 3_500;
  await late.stop({ gracefully: true });
  assert.deepEqual(times, [[1000, [1, 2]]]);
});

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
      const cancel = clock.at(timeMs, () => {
        waiting.delete(cancel);
        work();
      });
      waiting.add(cancel);
      return () => {
        waiting.delete(cancel);
        cancel();
      };
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
  const [a, b] = [0, 1].map(() => new StreamingContext(sc, 1000, new ManualClock()).queueStream<number>([])) as [
    DStream<number>,
    DStream<number>,
  ];
  assert.throws(() => a.union(b), /Some of the DStreams have different contexts/);
  a.ssc.remember(10_000);
  assert.throws(() => a.ssc.remember(20_000), /requirement failed: Remember duration already set as 10000 ms\. Cannot set it again\./);
});

test('what fails is said on the console, though nobody listens or waits', async () => {
  const words = await said(async () => {
    const clock = new ManualClock();
    const ssc = new StreamingContext(context(), 1000, clock);
    async function* source(): AsyncGenerator<number> {
      throw new RangeError('no source');
    }
    ssc.fromAsyncIterable(source()).foreachRDD(() => {
      throw new RangeError('no output');
    });
    ssc.start();
    await taken();
    clock.advanceTo(1000);
    await ssc.processed();
  });
  assert.match(words, /no source.*The batch of 1000 failed.*no output/s);
});
