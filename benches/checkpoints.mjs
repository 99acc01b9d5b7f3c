// What checkpoints cost, and what state takes, in one Chromium with two executors.
//   node benches/checkpoints.mjs [--keys 1000000] [--sizes 10000,100000,1000000]
// First: how long a micro-batch takes that changes 1,000 keys of so many, without a checkpoint and with one in the origin's private
// file system. Every tenth batch writes a snapshot of the whole state, the others what they changed. Then: an hour of events over so
// many keys, fed as fast as it goes, with the usual memory for state and with little; both must count the same.
import { parseArgs } from 'node:util';
import { launch } from '../src/js/scripts/browser.mjs';
import { PKG } from '../src/js/scripts/paths.mjs';
import { serve } from '../src/js/scripts/serve.mjs';

const { values: args } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, sizes: { type: 'string', default: '10000,100000,1000000' } },
});
const MEASURED = 40;
const DELTAS_PER_SNAPSHOT = 10;
const say = (text) => process.stdout.write(text);
const cell = (value, width = 12) => String(value).padStart(width);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
const mean = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

/** In the page: fills the state with `size` keys, then changes 1,000 of them a batch; milliseconds of each batch, by its number. */
async function changes({ size, checkpoint, measured }) {
  const { SparkSession } = await import('/pkg/dist/index.js');
  const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 4).create();
  const { df, write } = spark.readStream.push({ schema: 'k BIGINT', format: 'json' });
  const writer = df.groupBy('k').count().writeStream.format('noop').outputMode('update');
  if (checkpoint) writer.option('checkpointLocation', `opfs:///bench-${crypto.randomUUID()}`);
  const query = await writer.start();
  const push = async (keys) => {
    await write(new TextEncoder().encode(keys.map((k) => `{"k":${k}}\n`).join('')));
    await query.processAllAvailable();
  };
  for (let at = 0; at < size; at += 100_000) await push(Array.from({ length: Math.min(100_000, size - at) }, (_, n) => at + n));
  for (let n = 0; n < measured; n++) await push(Array.from({ length: 1_000 }, (_, k) => (k * 7_919 + n * 104_729) % size));
  const progress = (await query.recentProgress()).slice(-measured);
  await query.stop();
  await spark.stop();
  return progress.map((p) => ({ batch: p.batchId, ms: p.durationMs.triggerExecution, rows: p.stateOperators[0].numRowsTotal }));
}

/** In the page: an hour of events over `keys` keys in windows of an hour, then one that closes them. */
async function hour({ keys, memory }) {
  const { functions: F, SparkSession } = await import('/pkg/dist/index.js');
  const builder = SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 16);
  const spark = await (memory ? builder.config('spark.rivulet.executor.stateMemory', memory) : builder).create();
  const { df, write } = spark.readStream.push({ schema: 'k BIGINT, ts TIMESTAMP', format: 'json' });
  const result = { groups: 0, events: 0 };
  const query = await df
    .withWatermark('ts', '10 minutes')
    .groupBy(F.window('ts', '1 hour'), 'k')
    .count()
    .writeStream.outputMode('append')
    .option('checkpointLocation', `opfs:///hour-${crypto.randomUUID()}`)
    .foreachBatch(async (batch) => {
      const [row] = await batch.agg(F.count('*').alias('groups'), F.sum('count').alias('events')).collect();
      result.groups += Number(row.groups);
      result.events += Number(row.events ?? 0);
    })
    .start();
  const beginMs = Date.UTC(2026, 0, 1);
  const total = keys * 2;
  const peak = { heap: 0, state: 0 };
  const look = async () => {
    const heaps = Object.entries(await spark.status.heapBytes())
      .filter(([who]) => /exec|^\d/.test(who))
      .map(([, bytes]) => bytes);
    peak.heap = Math.max(peak.heap, ...heaps);
    peak.state = Math.max(peak.state, (await query.lastProgress())?.stateOperators?.[0]?.memoryUsedBytes ?? 0);
  };
  const startedMs = performance.now();
  for (let at = 0; at < total; at += 50_000) {
    const lines = [];
    for (let n = at; n < at + 50_000; n++)
      lines.push(`{"k":${(n * 7_919) % keys},"ts":"${new Date(beginMs + (n / total) * 3_599_000).toISOString()}"}\n`);
    await write(new TextEncoder().encode(lines.join('')));
    await query.processAllAvailable();
    await look();
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const grown = peak.heap;
  await write(new TextEncoder().encode(`{"k":0,"ts":"${new Date(beginMs + 3 * 3_600_000).toISOString()}"}\n`));
  await query.processAllAvailable();
  await look();
  await query.stop();
  await spark.stop();
  return { ...result, ...peak, grown, seconds, rate: Math.round(total / seconds) };
}

const { server, url } = await serve(PKG, { mounts: { '/pkg/': PKG } });
const browser = await launch();
try {
  const inPage = async (f, arg) => {
    const page = await browser.newPage();
    await page.route('**/blank.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.goto(`${url}/blank.html`);
    try {
      return await page.evaluate(f, arg);
    } finally {
      await page.close();
    }
  };
  say(`Milliseconds of a micro-batch that changes 1,000 keys; medians of ${MEASURED} batches:\n\n`);
  say(
    `${cell('state rows')}${cell('no checkpoint', 16)}${cell('writes changes', 16)}${cell('writes snapshot', 17)}${cell('mean overhead', 15)}\n`,
  );
  for (const size of args.sizes.split(',').map(Number)) {
    const without = await inPage(changes, { size, checkpoint: false, measured: MEASURED });
    const kept = await inPage(changes, { size, checkpoint: true, measured: MEASURED });
    const isSnapshot = ({ batch }) => batch % DELTAS_PER_SNAPSHOT === DELTAS_PER_SNAPSHOT - 1;
    const ms = (batches) => batches.map((b) => b.ms);
    if (kept.some(({ rows }) => rows !== size)) throw new Error(`${kept[0].rows} state rows instead of ${size}`);
    say(
      `${cell(size.toLocaleString('en'))}${cell(median(ms(without)), 16)}${cell(median(ms(kept.filter((b) => !isSnapshot(b)))), 16)}` +
        `${cell(median(ms(kept.filter(isSnapshot))), 17)}${cell((mean(ms(kept)) - mean(ms(without))).toFixed(0), 15)}\n`,
    );
  }
  const keys = Number(args.keys);
  say(`\nAn hour of ${(2 * keys).toLocaleString('en')} events over ${keys.toLocaleString('en')} keys, with a checkpoint:\n\n`);
  say(
    `${cell('state memory', 14)}${cell('events/s')}${cell('peak state', 13)}${cell('peak heap of an executor', 26)}${cell('with the closing of all windows', 34)}\n`,
  );
  const runs = [];
  for (const memory of [undefined, '16m']) {
    const run = await inPage(hour, { keys, memory });
    runs.push(run);
    say(
      `${cell(memory ?? '512m (usual)', 14)}${cell(run.rate.toLocaleString('en'))}${cell(mb(run.state), 13)}${cell(mb(run.grown), 26)}${cell(mb(run.heap), 34)}\n`,
    );
  }
  const right = runs.every(({ groups, events }) => groups === keys && events === 2 * keys);
  say(right ? '\nboth counted every event of every key once\n' : `\nWRONG: ${JSON.stringify(runs)}\n`);
  if (!right) process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
}
