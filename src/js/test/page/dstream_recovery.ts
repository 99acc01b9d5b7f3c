import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DStream, ManualClock, StateSpec, StreamingContext } from '../../src/index.js';
import { context, directory as fresh, namesIn, pushed } from './local.js';
import { MemoryDirectory } from './memory_directory.js';

test("a context goes on from its checkpoint: states, windows, received records, each batch's outputs until they are done", async () => {
  const directory = fresh();
  let clock = new ManualClock();
  const outputs: [number, unknown][] = [];
  let failing = Infinity;
  let input = pushed<number>();
  const build = async () => {
    const ssc = new StreamingContext(await context(), 1000, clock);
    ssc.checkpoint(directory);
    const numbers = ssc.fromAsyncIterable(input.source);
    const pairs = numbers.map((x) => [x % 2 === 0 ? 'even' : 'odd', x] as [string, number]);
    const sums = pairs.updateStateByKey<string, number, number>((values, old) => values.reduce((a, b) => a + b, 0) + (old ?? 0));
    const window = pairs.reduceByKeyAndWindow(
      (a, b) => a + b,
      (a, b) => a - b,
      5000,
    );
    sums
      .transformWith((a, b) => a.leftOuterJoin(b), window)
      .foreachRDD(async (rdd, time) => {
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
      const rows = received
        .slice(Math.max(from, 0), second + 1)
        .flat()
        .filter((x) => x % 2 === parity);
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
    const ssc = await StreamingContext.getOrCreate(directory, build);
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
  const second = await life(10, 14);
  await assert.rejects(second.awaitTermination(), /the tab has gone/);
  await second.stop();
  // Batch 14 had its records; it is run again.
  failing = Infinity;
  clock = new ManualClock();
  clock.advanceTo(14_300);
  input = pushed<number>();
  const last = await life(15, 25);
  await last.stop();
  assert.deepEqual(
    outputs.map(([second]) => second),
    Array.from({ length: 25 }, (_, i) => i + 1),
  );
  for (const [second, rows] of outputs) assert.deepEqual(rows, model(second), `second ${second}`);

  const other = async () => {
    const ssc = new StreamingContext(await context(), 1000, clock);
    ssc.checkpoint(directory);
    ssc.fromAsyncIterable(input.source).count().pprint();
    return ssc;
  };
  await assert.rejects(
    StreamingContext.getOrCreate(directory, other),
    /The checkpoint is of another program: .*stateByKey.*this one has 1000 ms and iterable/,
  );
});

test('a state is written as often as is said, in whole slides', async () => {
  const directory = fresh();
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory);
  const input = pushed<[string, number]>();
  const pairs = ssc.fromAsyncIterable(input.source);
  assert.throws(() => pairs.checkpoint(1000), /this stream \(iterable\) keeps no state/);
  const sums = pairs.updateStateByKey<string, number, number>((values, old) => values.length + (old ?? 0));
  assert.throws(() => sums.checkpoint(1500), /set to 1500 ms which is not a multiple of its slide time \(1000 ms\)/);
  sums.checkpoint(2000).foreachRDD(async (rdd) => {
    await rdd.count();
  });
  ssc.start();
  for (let second = 1; second <= 5; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  const names = await namesIn(directory);
  assert.deepEqual(names.filter((name) => name.startsWith('state')).sort(), ['state-1-2000', 'state-1-4000']);
});

test('what is not needed any more leaves the checkpoint directory', async () => {
  const directory = fresh();
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory);
  const input = pushed<number>();
  ssc
    .fromAsyncIterable(input.source)
    .map((x) => ['all', x] as [string, number])
    .updateStateByKey<string, number, number>((values, old) => values.length + (old ?? 0))
    .foreachRDD(async (rdd) => {
      await rdd.count();
    });
  ssc.start();
  for (let second = 1; second <= 60; second++) {
    await input.push(second);
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  const names = await namesIn(directory);
  // The one before makes the state before the last batch again.
  assert.deepEqual(
    names.filter((name) => name.startsWith('state')),
    ['state-2-50000', 'state-2-60000'],
  );
  assert.ok(names.filter((name) => name.startsWith('received')).length < 30, names.join());
});

test('states leave the checkpoint directory of a context that cannot go on, too', async () => {
  const directory = fresh();
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory);
  ssc
    .queueStream<[string, number]>([])
    .updateStateByKey<string, number, number>((values) => values.length)
    .foreachRDD(() => {});
  ssc.start();
  for (let second = 1; second <= 60; second++) {
    clock.advanceTo(second * 1000);
    await ssc.processed();
  }
  await ssc.stop();
  assert.ok((await namesIn(directory)).length <= 2, String(await namesIn(directory)));
});

test('mapWithState writes its states as often as is said of the stream that it gives', async () => {
  const directory = fresh();
  const clock = new ManualClock();
  const ssc = new StreamingContext(await context(), 1000, clock);
  ssc.checkpoint(directory);
  const mapped = ssc
    .queueStream<[string, number]>([])
    .mapWithState(StateSpec.function<string, number, number, number>((_key, value) => value ?? 0));
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

/** A program over numbers that lives twice on one checkpoint; what its stream gave by second. The second life begins after `until`. */
async function lives<U>(until: number, to: number, define: (numbers: DStream<number>) => DStream<U>): Promise<U[][]> {
  const directory = fresh();
  const out: U[][] = [];
  for (const [from, last] of [
    [1, until],
    [until + 1, to],
  ] as const) {
    const clock = new ManualClock();
    clock.advanceTo((from - 1) * 1000);
    const input = pushed<number>();
    const ssc = await StreamingContext.getOrCreate(directory, async () => {
      const ssc = new StreamingContext(await context(), 1000, clock);
      ssc.checkpoint(directory);
      define(ssc.fromAsyncIterable(input.source)).foreachRDD(async (rdd, time) => {
        out[time / 1000] = (await rdd.collect()).sort();
      });
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
  const sums = await lives(110, 122, (numbers) =>
    numbers
      .map((x) => ['all', x] as [string, number])
      .reduceByKeyAndWindow(
        (a, b) => a + b,
        (a, b) => a - b,
        60_000,
      )
      .checkpoint(20_000)
      .map(([, sum]) => sum),
  );
  for (let second = 1; second <= 122; second++) {
    const first = Math.max(1, second - 59);
    assert.deepEqual(sums[second], [((first + second) * (second - first + 1)) / 2], `second ${second}`);
  }
});

test('a window of states goes on from a checkpoint whole', async () => {
  const states = await lives(30, 42, (numbers) =>
    numbers
      .map((x) => ['all', x] as [string, number])
      .updateStateByKey<string, number, number>((values, old) => values.reduce((a, b) => a + b, 0) + (old ?? 0))
      .window(4000)
      .map(([, sum]) => sum),
  );
  for (let second = 1; second <= 42; second++) {
    const sums = Array.from({ length: Math.min(second, 4) }, (_, i) => ((second - i) * (second - i + 1)) / 2).sort();
    assert.deepEqual(states[second], sums, `second ${second}`);
  }
});

test('a file that came while nobody was there is of a batch to come, not of one that a window looks back at', async () => {
  const clock = new ManualClock();
  const folder = new MemoryDirectory(() => clock.now());
  const directory = fresh();
  const seen: [number, string[]][] = [];
  const put = async (name: string) => {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(name);
    await stream.close();
  };
  const life = async (from: number, to: number) => {
    const ssc = await StreamingContext.getOrCreate(directory, async () => {
      const ssc = new StreamingContext(await context(), 1000, clock);
      ssc.checkpoint(directory);
      const lines = ssc.textFileStream(folder.handle);
      lines.window(3000).foreachRDD(async (rdd) => {
        await rdd.count();
      });
      lines.foreachRDD(async (rdd, time) => {
        seen.push([time / 1000, await rdd.collect()]);
      });
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
  assert.deepEqual(seen, [
    [1, []],
    [2, []],
    [3, []],
    [4, ['a.txt']],
    [5, []],
  ]);
});
