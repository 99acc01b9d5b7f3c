// The goldens of tests/goldens/dstream in Rivulet's own API, translated by hand. A case gets its input streams and the context,
// and gives the stream that the golden calls `out`; the clock is turned by the runner.
import { difference as differenceOf } from './rdd_twins.js';

const add = (a, b) => a + b;
const subtract = (a, b) => a - b;
const SECOND = 1000;

export const TWINS = {
  cogroup: ({ a, b }) => a.cogroup(b, 2).mapValues((t) => t.map((values) => values.sort((x, y) => x - y))),
  count_by_value: ({ s }) => s.flatMap((line) => line.split(' ')).countByValue(),
  count_by_value_and_window_large: ({ s }) => s.map((x) => ((x % 3) + 3) % 3).countByValueAndWindow(5 * SECOND, SECOND),
  count_by_value_and_window_small: ({ s }) => s.map((x) => ((x % 3) + 3) % 3).countByValueAndWindow(4 * SECOND, 2 * SECOND),
  count_by_window_large: ({ s }) => s.countByWindow(5 * SECOND, SECOND),
  count_by_window_small: ({ s }) => s.countByWindow(3 * SECOND, SECOND),
  filter_count: ({ s }) => s.filter((x) => x > 0).count(),
  flat_map_values_group: ({ s }) =>
    s
      .flatMapValues((v) => Array.from({ length: ((v % 3) + 3) % 3 }, (_, i) => i))
      .groupByKey()
      .mapValues((values) => values.sort((x, y) => x - y)),
  group_by_key_and_window: ({ s }) => s.groupByKeyAndWindow(3 * SECOND, SECOND).mapValues((values) => values.sort((x, y) => x - y)),
  join: ({ a, b }) => a.join(b, 2),
  leftOuterJoin: ({ a, b }) => a.leftOuterJoin(b, 2),
  reduce_batch: ({ s }) => s.map((x) => x * 2).reduce(add),
  reduce_by_key_and_window: ({ s }) => s.reduceByKeyAndWindow(add, null, 3 * SECOND, SECOND),
  reduce_by_key_and_window_inverse_filter: ({ s }) =>
    s.reduceByKeyAndWindow(add, subtract, 5 * SECOND, SECOND, undefined, (pair) => pair[1] !== 0),
  reduce_by_key_and_window_inverse_no_filter: ({ s }) => s.reduceByKeyAndWindow(add, subtract, 6 * SECOND, SECOND),
  reduce_by_key_and_window_inverse_no_filter_small: ({ s }) => s.reduceByKeyAndWindow(add, subtract, 4 * SECOND, 2 * SECOND),
  reduce_by_window: ({ s }) => s.reduceByWindow(add, null, 3 * SECOND, SECOND),
  reduce_by_window_inverse: ({ s }) => s.reduceByWindow(add, subtract, 5 * SECOND, SECOND),
  slice: ({ s }, ssc) => {
    ssc.remember(60 * SECOND);
    return s.map((x) => x + 100);
  },
  transform_sort: ({ s }) =>
    s.transform((rdd) =>
      rdd
        .sortBy((x) => -x)
        .zipWithIndex()
        .filter((t) => t[1] < 3)
        .map((t) => t[0]),
    ),
  union: ({ a, b }) => a.union(b.map((x) => x * 10)),
  update_state_by_key_count: ({ s }) => s.updateStateByKey((values, old) => values.reduce((x, y) => x + y, 0) + (old ?? 0)),
  update_state_by_key_drop: ({ s }) =>
    s.updateStateByKey((values, old) => {
      const total = values.reduce((x, y) => x + y, 0) + (old ? old[0] : 0);
      const idle = values.length ? 0 : old ? old[1] + 1 : 0;
      return total > 20 || idle >= 2 ? null : [total, idle];
    }),
  window_union: ({ s }) => s.window(3 * SECOND, SECOND),
  windowed_join: ({ a, b }) => a.window(3 * SECOND, 2 * SECOND).join(b.window(2 * SECOND, 2 * SECOND)),
  word_count: ({ s }) =>
    s
      .flatMap((line) => line.split(' '))
      .filter((w) => w !== '')
      .map((w) => [w, 1])
      .reduceByKey(add),
};

/** Runs the twin of a golden on a manual clock; says how it differs, or nothing. */
export async function runTwin({ sparkContext: sc, StreamingContext, ManualClock, directory }, golden) {
  const twin = TWINS[golden.id];
  if (!twin) throw new Error(`no twin of ${golden.id}`);
  const clock = new ManualClock();
  const ssc = new StreamingContext(sc, golden.batchIntervalMs, clock);
  ssc.checkpoint(directory);
  const streams = Object.fromEntries(
    Object.entries(golden.inputs).map(([name, batches]) => [
      name,
      ssc.queueStream(
        batches.map((batch) => sc.parallelize(batch, 2)),
        golden.oneAtATime,
      ),
    ]),
  );
  const out = twin(streams, ssc);
  const outputs = [];
  out.foreachRDD(async (rdd, time) => {
    outputs.push({ time, rows: await rdd.collect() });
  });
  ssc.start();
  for (let batch = 1; batch <= golden.numBatches; batch++) {
    clock.advanceTo(batch * golden.batchIntervalMs);
    await ssc.processed();
  }
  const times = outputs.map(({ time }) => time).join();
  const wanted = golden.outputs.map(({ time }) => time).join();
  if (times !== wanted) return `times ${times} instead of ${wanted}`;
  for (const [at, { time, rows }] of outputs.entries()) {
    const wrong = differenceOf({ ordered: golden.ordered, result: golden.outputs[at].rows }, rows);
    if (wrong) return `at ${time}: ${wrong}; got ${JSON.stringify(rows)}`;
  }
  if (golden.sliceResult) {
    const slices = await Promise.all((await out.slice(2 * SECOND, 4 * SECOND)).map((rdd) => rdd.collect()));
    for (const [at, rows] of golden.sliceResult.entries()) {
      const wrong = differenceOf({ ordered: false, result: rows }, slices[at] ?? []);
      if (wrong) return `slice ${at}: ${wrong}`;
    }
  }
  await ssc.stop();
  return undefined;
}
