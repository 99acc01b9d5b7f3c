// Golden cases of Structured Streaming, their PySpark code translated by hand, and the comparison. Runs in the page.

import { functions as F } from 'rivulet';
import { writeText } from './page/opfs.js';

const trending = (streams) =>
  streams.tweets
    .withWatermark('createdAt', '10 minutes')
    .select('createdAt', 'score', F.explode(F.split('text', ' ')).alias('word'))
    .where(F.col('word').startsWith('#'))
    .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), F.col('word').alias('hashtag'))
    .agg(F.count('*').alias('count'), F.avg('score').alias('avg_score'));

export const TWINS = {
  trending_hashtags_update_10minutes_5minutes: (streams) => trending(streams).where('count > 1'),
  trending_hashtags_complete_10minutes_5minutes: (streams) =>
    trending(streams).where('count > 3').orderBy(F.col('count').desc(), F.col('window.start').desc(), F.col('hashtag').asc()),
  late_update_dropped_and_accepted: ({ events }) =>
    events
      .withWatermark('ts', '10 minutes')
      .groupBy(F.window('ts', '10 minutes', '5 minutes'), 'k')
      .count(),
  watermark_exact_boundary_window: ({ events }) =>
    events.withWatermark('ts', '10 minutes').groupBy(F.window('ts', '10 minutes')).agg(F.count('*').alias('n'), F.sum('v').alias('s')),
  watermark_never_goes_back: ({ events }) =>
    events.withWatermark('ts', '30 seconds').groupBy(F.window('ts', '1 minute'), 'k').agg(F.max('v').alias('m'), F.min('v').alias('lo')),
  watermark_two_stage_late_filter_burst: ({ events }) => events.withWatermark('ts', '1 minute').groupBy(F.window('ts', '1 minute')).count(),
  tumbling_append_10minutes: ({ events }) =>
    events.withWatermark('ts', '10 minutes').groupBy(F.window('ts', '10 minutes'), 'k').agg(F.count('*').alias('n'), F.sum('v').alias('s')),
  apply_in_pandas_with_state: ({ events }) =>
    events
      .withWatermark('ts', '1 minute')
      .groupByKey('k')
      .flatMapGroupsWithState(
        (key, rows, state) => {
          if (state.hasTimedOut) {
            const { n, s } = state.get();
            state.remove();
            return [{ k: key.k, n, s, event: 'timeout' }];
          }
          const before = state.exists ? state.get() : { n: 0, s: 0 };
          const now = { n: before.n + rows.length, s: rows.reduce((sum, { v }) => sum + v, before.s) };
          state.update(now);
          state.setTimeoutTimestamp(Math.max(...rows.map(({ ts }) => ts.getTime()), state.getCurrentWatermarkMs()) + 300_000);
          return [{ k: key.k, ...now, event: 'update' }];
        },
        { outputSchema: 'k STRING, n BIGINT, s DOUBLE, event STRING', outputMode: 'update', timeout: 'EventTimeTimeout' },
      ),
  apply_in_pandas_with_state_no_timeout: ({ events }) =>
    events.groupByKey('k').flatMapGroupsWithState(
      (key, rows, state) => {
        const old = state.getOption();
        const m = rows.reduce((max, { v }) => Math.max(max, v), old ?? -Infinity);
        state.update(m);
        return m === old ? [] : [{ k: key.k, m }];
      },
      { outputSchema: 'k STRING, m DOUBLE', outputMode: 'append' },
    ),
  transform_with_state_in_pandas: ({ events }) =>
    events
      .withWatermark('ts', '1 minute')
      .groupByKey('k')
      .transformWithState(
        class {
          init(handle) {
            this.handle = handle;
            this.n = handle.getValueState('n');
          }

          handleInputRows(key, rows) {
            const n = (this.n.get() ?? 0) + rows.length;
            this.n.update(n);
            this.handle.registerTimer(Math.max(...rows.map(({ ts }) => ts.getTime())) + 300_000);
            return [{ k: key.k, n, event: 'update' }];
          }

          handleExpiredTimer(key) {
            const n = this.n.get() ?? -1;
            this.n.clear();
            return [{ k: key.k, n, event: 'timer' }];
          }
        },
        { outputSchema: 'k STRING, n BIGINT, event STRING', outputMode: 'update', timeMode: 'EventTime' },
      ),
};

const lines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A stream fed by pushes: a drop is one message, and so one micro-batch when the query is idle. */
function pushed(spark, schema) {
  const { df, write } = spark.readStream.push({ schema, format: 'json' });
  return { df, publish: (rows) => write(lines(rows)), seen: async () => {} };
}

/** A stream of the files of a directory, which the page looks at each second. */
async function followed(spark, schema, name) {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(`golden-${name}-${crypto.randomUUID()}`, { create: true });
  let [count, published] = [0, 0];
  return {
    df: () => spark.readStream.schema(schema).option('maxFilesPerTrigger', 1).json(folder),
    publish: async (rows) => {
      await writeText(folder, `f${String(count++).padStart(5, '0')}.json`, lines(rows));
      // Files are taken in the order of their modification times.
      await new Promise((go) => setTimeout(go, 20));
      published += rows.length;
    },
    // Each row is of one batch: those that are dropped as late, too.
    seen: async (query) => {
      const taken = async () => (await query.recentProgress()).reduce((sum, { numInputRows }) => sum + numInputRows, 0);
      while ((await taken()) < published) await new Promise((go) => setTimeout(go, 50));
    },
  };
}

/**
 * Runs a golden case; returns what the page got of each micro-batch, and the progress of the query. With a checkpoint, which is
 * for pushed input, the query is stopped after each step and started again from there.
 */
export async function runCase(spark, golden, input, checkpointLocation) {
  const batches = [];
  const progress = [];
  const open = async () => {
    const streams = {};
    for (const [name, schema] of Object.entries(golden.streams))
      streams[name] = input === 'files' ? await followed(spark, schema, name) : pushed(spark, schema);
    return streams;
  };
  const start = (streams) => {
    const frames = Object.fromEntries(Object.entries(streams).map(([name, { df }]) => [name, typeof df === 'function' ? df() : df]));
    const writer = TWINS[golden.id](frames)
      .writeStream.outputMode(golden.outputMode)
      .foreachBatch(async (batch, batchId) => {
        batches[batchId] = await batch.collect();
      });
    return (checkpointLocation ? writer.option('checkpointLocation', checkpointLocation) : writer).start();
  };
  const publish = async (streams, step) => {
    for (const drop of step) for (const [name, rows] of Object.entries(drop)) await streams[name].publish(rows);
  };
  let [streams, query] = [await open(), undefined];
  try {
    for (const [number, step] of golden.steps.entries()) {
      // A directory must have a file before the query can be made.
      if (input === 'files' && number === 0) await publish(streams, step);
      query ??= await start(streams);
      if (input !== 'files' || number > 0) await publish(streams, step);
      if (number > 0) await Promise.all(Object.values(streams).map(({ seen }) => seen(query)));
      await query.processAllAvailable();
      if (!checkpointLocation) continue;
      progress.push(...(await query.recentProgress()));
      await query.stop();
      [streams, query] = [await open(), undefined];
    }
    if (query) progress.push(...(await query.recentProgress()));
    return { batches, progress };
  } finally {
    await query?.stop();
  }
}

function same(expected, actual) {
  if (actual instanceof Date) return Date.parse(expected) === actual.getTime();
  if (typeof expected === 'number' && typeof actual === 'number') {
    return Math.abs(expected - actual) <= 1e-9 * Math.max(1, Math.abs(expected), Math.abs(actual));
  }
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    return Object.keys(expected).every((key) => same(expected[key], actual[key]));
  }
  return expected === actual;
}

const sorted = (rows) =>
  rows
    .map((row) => [JSON.stringify(row, (_, v) => (typeof v === 'string' && /^\d{4}-.*Z$/.test(v) ? new Date(v).toISOString() : v)), row])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);

/** The differences between a run and the golden, as sentences. */
export function differences(golden, { batches, progress }) {
  const found = [];
  golden.batches.forEach(({ batchId, rows, watermark, stateOperators }) => {
    const [expected, actual] = golden.ordered ? [rows, batches[batchId] ?? []] : [sorted(rows), sorted(batches[batchId] ?? [])];
    if (expected.length !== actual.length) found.push(`batch ${batchId}: ${actual.length} rows instead of ${expected.length}`);
    else
      expected.forEach(
        (row, n) => same(row, actual[n]) || found.push(`batch ${batchId}: ${JSON.stringify(actual[n])} instead of ${JSON.stringify(row)}`),
      );
    const reported =
      progress.findLast((p) => p.batchId === batchId && p.durationMs?.addBatch !== undefined) ??
      progress.findLast((p) => p.batchId === batchId);
    const instant = (text) => (text ? Date.parse(text) : null);
    if (instant(reported?.eventTime?.watermark) !== instant(watermark))
      found.push(`batch ${batchId}: watermark ${reported?.eventTime?.watermark} instead of ${watermark}`);
    stateOperators.forEach((operator, n) => {
      for (const fact of ['numRowsTotal', 'numRowsUpdated', 'numRowsDroppedByWatermark']) {
        const got = reported?.stateOperators?.[n]?.[fact];
        // To sort a complete result Spark runs the plan twice (it samples the ranges first), and counts both runs.
        const runs = golden.ordered && golden.outputMode === 'complete' ? [1, 2] : [1];
        if (!runs.some((times) => got * times === operator[fact]))
          found.push(`batch ${batchId}: ${fact} ${got} instead of ${operator[fact]}`);
      }
    });
  });
  if (batches.length !== golden.batches.length) found.push(`${batches.length} batches instead of ${golden.batches.length}`);
  return found;
}
