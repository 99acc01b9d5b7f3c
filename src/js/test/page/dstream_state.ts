import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DStream, FunctionPartitioner, ManualClock, type State, StateSpec, StreamingContext } from '../../src/index.js';
import { context, directory, pushed } from './local.js';

/** Runs a program second by second on a manual clock, `rows[i]` coming in for second i + 1; what its stream gave by second. */
async function seconds<T, U>(rows: T[][], define: (stream: DStream<T>, ssc: StreamingContext) => DStream<U>): Promise<[number, U[]][]> {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory());
  const out: [number, U[]][] = [];
  define(ssc.queueStream(rows.map((batch) => ssc.sparkContext.parallelize(batch, 2))), ssc).foreachRDD(async (rdd, time) => {
    out.push([time / 1000, (await rdd.collect()).sort()]);
  });
  ssc.start();
  for (let second = 1; second <= rows.length; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  await ssc.awaitTermination();
  return out;
}

test('a stream that keeps state needs a checkpoint directory', async () => {
  for (const define of [
    (s: DStream<[string, number]>) => s.updateStateByKey((values) => values.length),
    (s: DStream<[string, number]>) =>
      s.reduceByKeyAndWindow(
        (a, b) => a + b,
        (a, b) => a - b,
        5000,
      ),
    (s: DStream<[string, number]>) => s.mapWithState(StateSpec.function<string, number, number, number>((_key, value) => value ?? 0)),
  ]) {
    const ssc = new StreamingContext(await context(), 1000, new ManualClock());
    define(ssc.queueStream<[string, number]>([])).foreachRDD(() => {});
    assert.throws(
      () => ssc.start(),
      /requirement failed: The checkpoint directory has not been set\. Please set it by StreamingContext\.checkpoint\(\)/,
    );
    assert.equal(ssc.getState(), 'STOPPED');
  }
});

test('mapWithState gives what its function gives, record by record, keeps states, and times them out by batch', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory());
  const input = pushed<[string, number]>();
  const spec = StateSpec.function<string, number, number, [string, number | string]>((key, value, state) => {
    if (state.isTimingOut()) return [key, `out with ${state.get()}`];
    if (value! < 0) {
      state.remove();
      return [key, 'removed'];
    }
    const sum = (state.getOption() ?? 0) + value!;
    state.update(sum);
    return [key, sum];
  })
    .initialState(
      ssc.sparkContext.parallelize(
        [
          ['z', 100],
          ['y', 50],
        ] as [string, number][],
        1,
      ),
    )
    .timeout(2000)
    .numPartitions(2);
  const mapped = ssc.fromAsyncIterable(input.source).mapWithState(spec);
  const out: [number, unknown[], unknown[]][] = [];
  mapped
    .transformWith(
      (rdd, states) => rdd.map((row) => ['m', row] as [string, unknown]).union(states.map((row) => ['s', row] as [string, unknown])),
      mapped.stateSnapshots(),
    )
    .foreachRDD(async (rdd, time) => {
      const rows = await rdd.collect();
      const of = (kind: string) =>
        rows
          .filter(([k]) => k === kind)
          .map(([, row]) => row)
          .sort();
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
    [
      1,
      [
        ['a', 1],
        ['a', 3],
        ['z', 101],
      ],
      [
        ['a', 3],
        ['y', 50],
        ['z', 101],
      ],
    ],
    [
      2,
      [['a', 6]],
      [
        ['a', 6],
        ['y', 50],
        ['z', 101],
      ],
    ],
    [
      3,
      [
        ['a', 'removed'],
        ['b', 1],
      ],
      [
        ['b', 1],
        ['y', 50],
        ['z', 101],
      ],
    ],
    // y began with the first batch, at 1, and is idle for more than 2 s at 4.
    [
      4,
      [
        ['y', 'out with 50'],
        ['z', 'out with 101'],
      ],
      [['b', 1]],
    ],
  ]);
  assert.deepEqual(out[5], [6, [['b', 'out with 1']], []]);
  assert.deepEqual(out.at(-1), [12, [['b', 7]], [['b', 7]]]);
});

test('what mapWithState gives is placed anew by keys of its own', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory());
  const spec = StateSpec.function<number, number, number, [string, number]>((key, value, state) => {
    state.update(value!);
    return [`k${key % 3}`, value!];
  }).numPartitions(2);
  const sums: unknown[][] = [];
  ssc
    .queueStream([
      ssc.sparkContext.parallelize(
        [1, 2, 3, 4, 5, 6].map((n) => [n, n] as [number, number]),
        3,
      ),
    ])
    .mapWithState(spec)
    .reduceByKey((a, b) => a + b)
    .foreachRDD(async (rdd) => {
      sums.push((await rdd.collect()).sort());
    });
  ssc.start();
  clock.advanceTo(1000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(sums, [
    [
      ['k0', 9],
      ['k1', 5],
      ['k2', 7],
    ],
  ]);
});

test('states and windows stay where a partitioner places their keys', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory());
  const byTens = new FunctionPartitioner<number>(3, (key) => Math.floor(key / 10));
  const rows = (...keys: number[]) =>
    ssc.sparkContext.parallelize(
      keys.map((key) => [key, 1] as [number, number]),
      2,
    );
  const stream = ssc.queueStream([rows(1, 11, 21, 22, 1), rows(2, 12, 1), rows(21)]);
  const seen: Record<string, unknown[]> = {};
  const show = (name: string, pairs: DStream<[number, number]>) =>
    pairs.glom().foreachRDD(async (rdd) => {
      (seen[name] ??= []).push((await rdd.collect()).map((part) => part.sort((a, b) => a[0] - b[0])));
    });
  show(
    'states',
    stream.updateStateByKey<number, number, number>(
      (values, sum) => values.length + (sum ?? 0),
      byTens,
      ssc.sparkContext.parallelize([[12, 5]] as [number, number][]),
    ),
  );
  show(
    'mapped',
    stream
      .mapWithState(
        StateSpec.function<number, number, number, number>((_key, value, state) => {
          state.update(value! + (state.getOption() ?? 0));
          return 0;
        }).partitioner(byTens),
      )
      .stateSnapshots(),
  );
  show(
    'window',
    stream.reduceByKeyAndWindow(
      (a, b) => a + b,
      (a, b) => a - b,
      5000,
      1000,
      byTens,
    ),
  );
  ssc.start();
  for (const second of [1, 2, 3]) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  const counts = [
    [[1, 2]],
    [[11, 1]],
    [
      [21, 1],
      [22, 1],
    ],
  ];
  const later = [
    [
      [1, 3],
      [2, 1],
    ],
    [
      [11, 1],
      [12, 1],
    ],
    [
      [21, 1],
      [22, 1],
    ],
  ];
  const last = [
    [
      [1, 3],
      [2, 1],
    ],
    [
      [11, 1],
      [12, 1],
    ],
    [
      [21, 2],
      [22, 1],
    ],
  ];
  assert.deepEqual(seen['window'], [counts, later, last]);
  assert.deepEqual(seen['mapped'], [counts, later, last]);
  const plus = (parts: number[][][], n: number) =>
    parts.map((part, i) =>
      i === 1
        ? [
            [11, 1],
            [12, n],
          ]
        : part,
    );
  assert.deepEqual(seen['states'], [plus(counts, 5), plus(later, 6), plus(last, 6)]);
});

test("a state function that does what its state does not allow fails the batch with Spark's words", async () => {
  const wrong: [(state: State<number>) => unknown, RegExp][] = [
    [(state) => state.get(), /State is not set/],
    [(state) => state.remove(), /Cannot remove a state that is not set/],
    [
      (state) => {
        state.update(1);
        state.remove();
        state.update(2);
      },
      /Cannot update the state after it has been removed/,
    ],
  ];
  for (const [f, words] of wrong) {
    const clock = new ManualClock();
    const ssc = new StreamingContext(await context(), 1000, clock);
    ssc.checkpoint(directory());
    const spec = StateSpec.function<string, number, number, unknown>(
      ((_key: string, _value: number, state: State<number>, b: { text: string }) => {
        // A function of the test's, by its text.
        return (0, eval)(b.text)(state);
      }) as never,
      { text: `(${f.toString()})` },
    );
    ssc
      .queueStream([ssc.sparkContext.parallelize([['k', 1]] as [string, number][])])
      .mapWithState(spec)
      .foreachRDD(async (rdd) => {
        await rdd.collect();
      });
    ssc.start();
    clock.advanceTo(1000);
    await assert.rejects(ssc.awaitTermination(), words);
    await ssc.stop();
  }
});

test('a window of less than five slides with an inverse keeps only what its filter keeps, as PySpark', async () => {
  const rows: [string, number][][] = [
    [
      ['a', 1],
      ['b', 0],
    ],
    [
      ['a', -1],
      ['c', 2],
    ],
    [['a', 5]],
    [],
  ];
  const windows = await seconds(rows, (s) =>
    s.reduceByKeyAndWindow(
      (a, b) => a + b,
      (a, b) => a - b,
      2000,
      1000,
      undefined,
      ([, n]) => n !== 0,
    ),
  );
  assert.deepEqual(windows, [
    [1, [['a', 1]]],
    [2, [['c', 2]]],
    [
      3,
      [
        ['a', 4],
        ['c', 2],
      ],
    ],
    [4, [['a', 5]]],
  ]);
});

test('a state that mapWithState begins with is as old as the first batch', async () => {
  const idle = await seconds<[string, number], string>([[], [], [], [], []], (s, ssc) =>
    s.mapWithState(
      StateSpec.function<string, number, number, string>((key, _value, state) => `${key} ${state.isTimingOut()}`)
        .initialState(ssc.sparkContext.parallelize([['y', 1]] as [string, number][]))
        .timeout(2000),
    ),
  );
  assert.deepEqual(idle, [
    [1, []],
    [2, []],
    [3, []],
    [4, ['y true']],
    [5, []],
  ]);
});

test('a state is kept at the level that is said', async () => {
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory());
  const levels: unknown[] = [];
  for (const level of [undefined, 'DISK_ONLY'] as const) {
    const states = ssc.queueStream<[string, number]>([]).updateStateByKey<string, number, number>((values) => values.length);
    if (level) states.persist(level);
    states.foreachRDD((rdd) => {
      levels.push(rdd.getStorageLevel());
    });
  }
  ssc.start();
  clock.advanceTo(1000);
  await ssc.processed();
  await ssc.stop();
  assert.deepEqual(levels, ['MEMORY_ONLY', 'DISK_ONLY']);
});
