import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BatchInfo, type DStream, ManualClock, StreamingContext } from '../../src/index.js';
import { context, directory, pushed, taken } from './local.js';

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

test('batches that are late run one after the other, none is left out, and listeners are told of their delays', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 100, clock);
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
      [100, 100, 0, 200],
      [200, 200, 100, 100],
      [300, 300, 0, 0],
    ],
  );
  await ssc.stop();
  assert.equal(ssc.getState(), 'STOPPED');
});

// As PySpark 4.3: the next batches run, the context stays, and every wait for its end throws the first error.
test('a batch that fails is left behind: the context goes on, and who waits for its end hears why', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 100, clock);
  const seen: number[] = [];
  const failures: (string | null)[] = [];
  ssc.addStreamingListener({ onBatchCompleted: ({ failure }) => failures.push(failure) });
  ssc.queueStream<number>([[1], [2], [3]]).foreachRDD(async (rdd) => {
    const [row] = await rdd.collect();
    if (row === 2) throw new RangeError('no 2');
    seen.push(row!);
  });
  ssc.start();
  const ended = ssc.awaitTermination();
  clock.advanceTo(300);
  await assert.rejects(ended, /^RangeError: no 2$/);
  await ssc.processed();
  assert.equal(ssc.getState(), 'ACTIVE');
  await assert.rejects(ssc.awaitTerminationOrTimeout(1), /no 2/);
  assert.deepEqual(seen, [1, 3]);
  assert.deepEqual(
    failures.map((failure) => failure && /no 2/.test(failure)),
    [null, true, null],
  );
  await ssc.stop();
  assert.equal(ssc.getState(), 'STOPPED');
});

test('a session has one active context; it is the one of the page', async () => {
  const sc = await context();
  const made = () => {
    const ssc = new StreamingContext(sc, 100, new ManualClock());
    ssc.queueStream<number>([]).foreachRDD(() => {});
    return ssc;
  };
  assert.equal(StreamingContext.getActive(), null);
  const first = await StreamingContext.getActiveOrCreate(null, made);
  first.start();
  assert.equal(StreamingContext.getActive(), first);
  assert.equal(await StreamingContext.getActiveOrCreate(null, made), first);
  assert.throws(() => made().start(), /Only one StreamingContext may be started in a session/);
  await first.stop();
  assert.equal(StreamingContext.getActive(), null);
  const second = made();
  second.start();
  assert.equal(StreamingContext.getActive(), second);
  await second.stop();
});

test('several streams are transformed as one, by their datasets of the same time', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  const [a, b] = [ssc.queueStream([[1], [2]]), ssc.queueStream([[10], [20]])];
  const out: [number, number[]][] = [];
  ssc
    .transform([a, b], (rdds, time) => ssc.sparkContext.union(rdds).map((x, { time }) => x + time, { time }))
    .foreachRDD(async (rdd, time) => {
      out.push([time, (await rdd.collect()).sort((x, y) => x - y)]);
    });
  assert.throws(() => ssc.transform([], () => ssc.sparkContext.emptyRDD()), /transform: there are no streams/);
  assert.throws(() => ssc.transform([a, a.window(2000, 2000)], () => ssc.sparkContext.emptyRDD()), /different slide durations/);
  ssc.start();
  clock.advanceTo(2000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(out, [
    [1000, [1001, 1010]],
    [2000, [2002, 2020]],
  ]);
});

test('mistakes are told at the call', async () => {
  const sc = await context();
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
  for (const path of ['http://x', 'opfs:', '/', 5]) says(() => ssc.checkpoint(path as string), /is not a path in the engine's storage/);
  stream.pprint();
  ssc.start();
  says(() => stream.map((x) => x), /after starting a context is not supported/);
  await ssc.stop();
});

test('a context that has started takes no more outputs, levels or intervals', async () => {
  const ssc = new StreamingContext(await context(), 1000, new ManualClock());
  const stream = ssc.queueStream<number>([]);
  const state = stream.map((x) => [x, x] as [number, number]).updateStateByKey<number, number, number>((values) => values.length);
  const output = () => stream.foreachRDD(() => {});
  output();
  await assert.rejects(stream.slice(0, 1000), /queue has not been initialized/);
  ssc.checkpoint(directory());
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
  const ssc = new StreamingContext(await context(), 1000, clock);
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
    const ssc = new StreamingContext(await context(), 1000, clock);
    define(ssc.queueStream<number>([]));
    ssc.start();
    clock.advanceTo(1000);
    await ssc.processed();
    assert.equal(ssc.getState(), 'ACTIVE');
    await ssc.stop();
    await ssc.awaitTermination().then(
      () => assert.fail('it ended well'),
      (error: unknown) => assert.match(String((error as Error | undefined)?.message), words),
    );
  }
});

test('a context that cannot start is stopped', async () => {
  const ssc = new StreamingContext(await context(), 1000, new ManualClock());
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
  const ssc = new StreamingContext(await context(), 1000, clock);
  const submitted: number[] = [];
  ssc.addStreamingListener({
    onBatchSubmitted: ({ batchTime }) => {
      submitted.push(batchTime);
      if (batchTime === 2000) void ssc.stop();
    },
  });
  ssc.fromAsyncIterable(input.source).foreachRDD(() => {});
  ssc.start();
  for (let ms = 1000; ms <= 5000; ms += 1000) {
    clock.advanceTo(ms);
    await ssc.processed();
  }
  await ssc.awaitTermination();
  assert.deepEqual(submitted, [1000, 2000]);

  // A clock that calls late.
  let now = 0;
  const late = new StreamingContext(await context(), 1000, { now: () => now, at: () => () => {} });
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
  const idle = new StreamingContext(await context(), 1000, new ManualClock());
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
  const ssc = new StreamingContext(await context(), 1000, counting);
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

test('streams of different contexts do not go together; how long is remembered is said once', async () => {
  const sc = await context();
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
    const ssc = new StreamingContext(await context(), 1000, clock);
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
    await ssc.stop();
  });
  assert.match(words, /no source.*A batch of a streaming context failed.*no output/s);
});
