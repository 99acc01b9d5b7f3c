// Golden cases of Structured Streaming, their PySpark code translated by hand, and the comparison. Runs in the page.
import { functions as F } from 'rivulet';

const trending = (streams) => streams.tweets.withWatermark('createdAt', '10 minutes')
  .select('createdAt', 'score', F.explode(F.split('text', ' ')).alias('word'))
  .where(F.col('word').startsWith('#'))
  .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), F.col('word').alias('hashtag'))
  .agg(F.count('*').alias('count'), F.avg('score').alias('avg_score'));

export const TWINS = {
  trending_hashtags_update_10minutes_5minutes: (streams) => trending(streams).where('count > 1'),
  trending_hashtags_complete_10minutes_5minutes: (streams) => trending(streams).where('count > 3')
    .orderBy(F.col('count').desc(), F.col('window.start').desc(), F.col('hashtag').asc()),
  late_update_dropped_and_accepted: ({ events }) => events.withWatermark('ts', '10 minutes')
    .groupBy(F.window('ts', '10 minutes', '5 minutes'), 'k').count(),
  watermark_exact_boundary_window: ({ events }) => events.withWatermark('ts', '10 minutes')
    .groupBy(F.window('ts', '10 minutes')).agg(F.count('*').alias('n'), F.sum('v').alias('s')),
  watermark_never_goes_back: ({ events }) => events.withWatermark('ts', '30 seconds')
    .groupBy(F.window('ts', '1 minute'), 'k').agg(F.max('v').alias('m'), F.min('v').alias('lo')),
  watermark_two_stage_late_filter_burst: ({ events }) => events.withWatermark('ts', '1 minute')
    .groupBy(F.window('ts', '1 minute')).count(),
  tumbling_append_10minutes: ({ events }) => events.withWatermark('ts', '10 minutes')
    .groupBy(F.window('ts', '10 minutes'), 'k').agg(F.count('*').alias('n'), F.sum('v').alias('s')),
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
  let count = 0;
  return {
    df: () => spark.readStream.schema(schema).option('maxFilesPerTrigger', 1).json(folder),
    publish: async (rows) => {
      const file = await folder.getFileHandle(`f${String(count++).padStart(5, '0')}.json`, { create: true });
      const stream = await file.createWritable();
      await stream.write(lines(rows));
      await stream.close();
      // Files are taken in the order of their modification times.
      await new Promise((go) => setTimeout(go, 20));
    },
    seen: () => new Promise((go) => setTimeout(go, 2_300)),
  };
}

/** Runs a golden case; returns what the page got of each micro-batch, and the progress of the query. */
export async function runCase(spark, golden, input) {
  const streams = {};
  for (const [name, schema] of Object.entries(golden.streams)) streams[name] = input === 'files' ? await followed(spark, schema, name) : pushed(spark, schema);
  const publish = async (step) => {
    for (const drop of step) for (const [name, rows] of Object.entries(drop)) await streams[name].publish(rows);
  };
  const [first, ...rest] = golden.steps;
  if (input === 'files') await publish(first);
  const frames = Object.fromEntries(Object.entries(streams).map(([name, { df }]) => [name, typeof df === 'function' ? df() : df]));
  const batches = [];
  const query = await TWINS[golden.id](frames).writeStream.outputMode(golden.outputMode)
    .foreachBatch(async (batch, batchId) => { batches[batchId] = await batch.collect(); }).start();
  try {
    if (input !== 'files') await publish(first);
    await query.processAllAvailable();
    for (const step of rest) {
      await publish(step);
      await Promise.all(Object.values(streams).map(({ seen }) => seen()));
      await query.processAllAvailable();
    }
    return { batches, progress: await query.recentProgress() };
  } finally {
    await query.stop();
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

const sorted = (rows) => rows.map((row) => [JSON.stringify(row, (_, v) => (typeof v === 'string' && /^\d{4}-.*Z$/.test(v) ? new Date(v).toISOString() : v)), row])
  .sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);

/** The differences between a run and the golden, as sentences. */
export function differences(golden, { batches, progress }) {
  const found = [];
  golden.batches.forEach(({ batchId, rows, watermark, stateOperators }) => {
    const [expected, actual] = golden.ordered ? [rows, batches[batchId] ?? []] : [sorted(rows), sorted(batches[batchId] ?? [])];
    if (expected.length !== actual.length) found.push(`batch ${batchId}: ${actual.length} rows instead of ${expected.length}`);
    else expected.forEach((row, n) => same(row, actual[n]) || found.push(`batch ${batchId}: ${JSON.stringify(actual[n])} instead of ${JSON.stringify(row)}`));
    const reported = progress.findLast((p) => p.batchId === batchId && p.durationMs?.addBatch !== undefined) ?? progress.findLast((p) => p.batchId === batchId);
    if (Date.parse(reported?.eventTime?.watermark) !== Date.parse(watermark)) found.push(`batch ${batchId}: watermark ${reported?.eventTime?.watermark} instead of ${watermark}`);
    stateOperators.forEach((operator, n) => {
      for (const fact of ['numRowsTotal', 'numRowsUpdated', 'numRowsDroppedByWatermark']) {
        const got = reported?.stateOperators?.[n]?.[fact];
        // To sort a complete result Spark runs the plan twice (it samples the ranges first), and counts both runs.
        const runs = golden.ordered && golden.outputMode === 'complete' ? [1, 2] : [1];
        if (!runs.some((times) => got * times === operator[fact])) found.push(`batch ${batchId}: ${fact} ${got} instead of ${operator[fact]}`);
      }
    });
  });
  if (batches.length !== golden.batches.length) found.push(`${batches.length} batches instead of ${golden.batches.length}`);
  return found;
}
