// The first benchmark: tweets as NDJSON in 100 micro-batches through the sliding-window query, the top 20 of the newest
// complete window after every batch, in one Chromium. Answers must agree before times count.
//   node benches/bench.mjs [--tweets 1000000] [--batches 100] [--reps 3] [--only typed,rivulet-1] [--json FILE] [--profile]
// With --profile one run more of each Rivulet is watched, and the busiest functions of its threads are printed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../src/js/scripts/browser.mjs';
import { CACHE, JS, PKG } from '../src/js/scripts/paths.mjs';
import { serve } from '../src/js/scripts/serve.mjs';
import { difference } from './answer.js';
import { BATCHES, benchData } from './data.mjs';
import { busiest, profileFlags, startProfiles } from './profile.mjs';

const { values: args } = parseArgs({
  options: {
    tweets: { type: 'string', default: '1000000' },
    batches: { type: 'string', default: String(BATCHES) },
    reps: { type: 'string', default: '3' },
    only: { type: 'string', default: 'typed,duckdb,rivulet-1,rivulet-2' },
    json: { type: 'string' },
    profile: { type: 'boolean', default: false },
  },
});
const WARM_UP_BATCHES = 10;
const here = dirname(fileURLToPath(import.meta.url));
const contenders = args.only.split(',');
const batches = Number(args.batches);
const say = (text) => process.stdout.write(text);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

say('bench: input… ');
const { file, tweets, offsets } = benchData(Number(args.tweets));
say(`${tweets.toLocaleString('en')} tweets, ${(offsets.at(-1) / 1e6).toFixed(0)} MB\n`);

const site = join(CACHE, 'bench/site');
mkdirSync(site, { recursive: true });
const { build } = await import(pathToFileURL(createRequire(join(JS, 'package.json')).resolve('esbuild')).href);
await build({
  entryPoints: [join(here, 'page.js')],
  outfile: join(site, 'page.js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'error',
  external: ['/pkg/*'],
  nodePaths: [join(JS, 'node_modules')],
});
writeFileSync(join(site, 'index.html'), '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>');
const { server, url } = await serve(site, { mounts: { '/pkg/': PKG, '/npm/': join(JS, 'node_modules'), '/input.ndjson': file } });

const DEBUG_PORT = 9_231;
const browser = await launch(args.profile ? profileFlags(DEBUG_PORT) : []);
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => say(`bench: ${error.message}\n`));
  await page.goto(url);
  await page.waitForFunction(() => globalThis.bench);
  await page.evaluate((all) => globalThis.bench.load(all), offsets);
  const runs = Object.fromEntries(contenders.map((id) => [id, []]));
  for (let rep = 0; rep < Number(args.reps); rep++) {
    for (const id of contenders) {
      say(`bench: ${id}, run ${rep + 1}… `);
      await page.evaluate((which) => globalThis.bench.start(which), id);
      await page.evaluate(([which, count]) => globalThis.bench.run(which, count), [id, Math.min(WARM_UP_BATCHES, batches)]);
      const run = await page.evaluate(([which, count]) => globalThis.bench.run(which, count), [id, batches]);
      await page.evaluate((which) => globalThis.bench.stop(which), id);
      runs[id].push(run);
      say(`${run.seconds.toFixed(2)} s\n`);
    }
  }
  const names = Object.fromEntries(
    await Promise.all(contenders.map(async (id) => [id, await page.evaluate((which) => globalThis.bench.name(which), id)])),
  );
  process.exitCode = report(names, runs);
  for (const id of args.profile ? contenders.filter((which) => which.startsWith('rivulet')) : []) await profile(page, id);
  if (args.json) writeFileSync(args.json, JSON.stringify({ tweets, batches, runs }, null, 2));
} finally {
  await browser.close();
  server.close();
}

async function profile(page, id) {
  await page.evaluate((which) => globalThis.bench.start(which), id);
  await page.evaluate(([which, count]) => globalThis.bench.run(which, count), [id, Math.min(WARM_UP_BATCHES, batches)]);
  const stop = await startProfiles(DEBUG_PORT, url);
  await page.evaluate(([which, count]) => globalThis.bench.run(which, count), [id, batches]);
  say(`\n${id}, own time by thread:\n`);
  for (const one of await stop()) say(`${busiest(one).join('\n')}\n`);
  await page.evaluate((which) => globalThis.bench.stop(which), id);
}

function report(names, runs) {
  const reference = runs[contenders[0]][0].answers;
  let wrong = 0;
  for (const id of contenders) {
    for (const { answers } of runs[id]) {
      const found = difference(reference, answers);
      if (!found) continue;
      wrong += 1;
      say(
        `bench: ${names[id]} DISAGREES with ${names[contenders[0]]}: ${found}\n  its last answer: ${JSON.stringify(answers.last.slice(0, 3))}\n`,
      );
    }
  }
  const rows = (tweets * batches) / BATCHES;
  const first = median(runs[contenders[0]].map(({ seconds }) => seconds));
  say(`\n${'contender'.padEnd(28)}${'median s'.padStart(10)}${'tweets/s'.padStart(12)}${'ratio'.padStart(8)}   runs\n`);
  for (const id of contenders) {
    const seconds = runs[id].map((run) => run.seconds);
    const middle = median(seconds);
    say(
      `${names[id].padEnd(28)}${middle.toFixed(2).padStart(10)}${Math.round(rows / middle)
        .toLocaleString('en')
        .padStart(12)}${(middle / first).toFixed(2).padStart(8)}   ${seconds.map((s) => s.toFixed(2)).join(' ')}\n`,
    );
  }
  for (const id of contenders) {
    const last = runs[id].at(-1);
    if (last.durations) say(`\n${names[id]}, milliseconds by step (the progress that is kept): ${JSON.stringify(last.durations)}\n`);
    if (last.heap)
      say(
        `${names[id]}, wasm memory: ${Object.entries(last.heap)
          .map(([who, bytes]) => `${who} ${(bytes / 1e6).toFixed(0)} MB`)
          .join(', ')}\n`,
      );
  }
  say(wrong === 0 ? `\nbench: all answers agree\n` : `\nbench: ${wrong} runs disagree: their times do not count\n`);
  return wrong === 0 ? 0 : 1;
}
