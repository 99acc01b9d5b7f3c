// W5, and what a micro-batch costs.
import { functions as F } from '/pkg/dist/index.js';
import { buffers, stream } from '../../workloads/arrow.js';
import { MICRO_BATCHES } from '../../workloads/start.js';
import { Counts, drive } from '../../workloads/w5.js';
import { counted, filtered } from '../../workloads/w8.js';

const windowed = ({ df }) =>
  df
    .withWatermark('time', '0 seconds')
    .groupBy(F.window('time', '1 second'), 'key')
    .agg(F.count('*').cast('int').alias('n'))
    .select(F.unixMillis('window.start').cast('double').alias('start'), 'key', 'n')
    .writeStream.outputMode('update');

const REAL_TIME = { realTime: '5 seconds' };
const countByKey = (df) => df.groupBy('key').agg(F.count('*').cast('int').alias('n'));
const sawCount =
  (saw) =>
  ({ key, n }) =>
    saw(key, n);

/** Runs a query whose rows a function takes, and writes events to it as they come. */
async function eachEvent({ spark }, { events }, clock, measured, trigger, query, take) {
  const source = spark.readStream.push({ schema: 'i INT, key INT', format: 'json' });
  let running;
  const answer = await measured(events, clock, async (saw) => {
    running = await query(source.df).writeStream.outputMode('update').trigger(trigger).foreach(take(saw)).start();
    return (from, to) => {
      let lines = '';
      for (let i = from; i < to; i++) lines += `{"i":${i},"key":${events.keys[i]}}\n`;
      source.write(lines);
    };
  });
  await running.stop();
  source.end();
  return answer;
}

const block = (times, keys) => stream({ time: ['time', times], key: ['int', keys] });
const median = (numbers) => numbers.toSorted()[numbers.length >> 1];

export const latencyOf = (session) => ({
  /** One block has all events that came while the batch before was running. */
  async W5({ events }, clock) {
    const source = session.spark.readStream.push({ schema: 'time TIMESTAMP, key INT', format: 'arrow' });
    const counts = new Counts();
    let [waiting, sent] = [undefined, undefined];
    const send = () => {
      if (!waiting) return;
      [sent, waiting] = [waiting, undefined];
      const { from, to } = sent;
      source.write(block(events.times.subarray(from, to).map(Math.floor), events.keys.slice(from, to)), { transfer: true });
    };
    const query = await windowed(source)
      .foreachBatch(async (batch) => {
        const batches = buffers(await batch.toArrow());
        for (const { length, start, key, n } of batches)
          for (let i = 0; i < length; i++) counts.set(start.values[i] / 1_000, key.values[i], n.values[i]);
        // A batch without rows only closes windows: what was sent is not in it.
        if (batches.length === 0 || !sent) return;
        const { to, visible } = sent;
        sent = undefined;
        visible(to);
        send();
      })
      .start();
    clock.latencies = await drive(events, (from, to, visible) => {
      waiting = { from: waiting?.from ?? from, to, visible };
      if (!sent) send();
    });
    await query.stop();
    source.end();
    return counts.columns();
  },

  /** Events are written as they come, and a function is called with each row that comes of them. */
  W8: (inputs, clock) =>
    eachEvent(
      session,
      inputs,
      clock,
      filtered,
      REAL_TIME,
      (df) => df.filter('key % 10 != 0'),
      (saw) =>
        ({ i }) =>
          saw(i),
    ),
  W8k: (inputs, clock) => eachEvent(session, inputs, clock, counted, REAL_TIME, countByKey, sawCount),
  W8m: (inputs, clock) => eachEvent(session, inputs, clock, counted, { processingTime: '0 seconds' }, countByKey, sawCount),

  async empty(_, clock) {
    const source = session.spark.readStream.push({ schema: 'time TIMESTAMP, key INT', format: 'arrow' });
    const query = await windowed(source)
      .foreachBatch(async (batch) => void (await batch.toArrow()))
      .start();
    const medianOf = async (bytes) => {
      const seconds = [];
      for (let i = 0; i < MICRO_BATCHES; i++) {
        const startMs = performance.now();
        await source.write(bytes);
        await query.processAllAvailable();
        seconds.push((performance.now() - startMs) / 1_000);
      }
      return median(seconds);
    };
    const oneRow = block([0], [1]);
    await medianOf(oneRow);
    clock.parts = { empty: await medianOf(block([], [])), 'one row': await medianOf(oneRow) };
    await query.stop();
    source.end();
    return { n: [MICRO_BATCHES] };
  },
});
