// RDDs beside one thread of JavaScript in the same browser (as arrays say it, and tuned by hand for just the result), and beside
// PySpark's RDDs with local[2] natively: word count over 100 MB of text, reduceByKey of 5,000,000 pairs, a join of 1,000,000 with
// 100,000 pairs, a sort of 5,000,000 numbers.
//   node benches/rdd.mjs [--runs 3] [--scale 1] [--only wordcount,reduce,join,sort] [--peers js,tuned,rivulet-1,rivulet-2,pyspark]
//     [--python FILE] [--profile]
// All give the same facts, or there are no figures. With --profile the busiest functions of each thread of the browser are
// printed, too; name one job and one peer for it.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../src/js/scripts/browser.mjs';
import { CACHE, PKG } from '../src/js/scripts/paths.mjs';
import { serve } from '../src/js/scripts/serve.mjs';
import { busiest, profileFlags, startProfiles } from './profile.mjs';

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string', default: 'wordcount,reduce,join,sort' },
    peers: { type: 'string', default: 'js,tuned,rivulet-1,rivulet-2,pyspark' },
    python: { type: 'string', default: join(CACHE, 'venv/bin/python') },
    profile: { type: 'boolean', default: false },
  },
});
const DEBUG_PORT = 9333;
const here = dirname(fileURLToPath(import.meta.url));
const folder = join(CACHE, 'bench/rdd');
mkdirSync(folder, { recursive: true });
const scale = Number(args.scale);
const jobs = args.only.split(',');
const sizes = {
  bytes: Math.round(100e6 * scale),
  pairs: Math.round(5e6 * scale),
  keys: Math.round(1e5 * scale),
  left: Math.round(1e6 * scale),
  right: Math.round(1e5 * scale),
  numbers: Math.round(5e6 * scale),
  parts: 4,
  runs: Number(args.runs),
  jobs,
};

/** Lines of some 12 words out of 20,000, frequent ones more often. */
function writeWords(name, bytes) {
  const path = join(folder, name);
  if (existsSync(path) && statSync(path).size >= bytes) return path;
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const words = Array.from({ length: 20_000 }, (_, i) => `w${((i * 7919) % 20_000).toString(36)}`);
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes; ) {
    const word = () => words[Math.floor(words.length * random() ** 2)];
    const lines = Array.from({ length: 20_000 }, () => Array.from({ length: 8 + Math.floor(random() * 8) }, word).join(' '));
    written += writeSync(file, `${lines.join('\n')}\n`);
  }
  closeSync(file);
  return path;
}

sizes.path = writeWords(`words-${sizes.bytes}.txt`, sizes.bytes);
sizes.warm_path = writeWords('words-warm.txt', 1e6);

/** Seconds and facts of each run, by job; without executors as one of the programs of rdd_page.js. */
async function inBrowser(executors, program) {
  const mounts = { '/pkg/': PKG, '/data/': folder, '/bench/': here };
  const { server, url } = await serve(resolve(here, '../tests/browser/page'), { mounts });
  const browser = await launch(args.profile ? profileFlags(DEBUG_PORT) : []);
  try {
    const page = await browser.newPage();
    await page.route('**/blank.html', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: '<!doctype html><script type="importmap">{"imports":{"rivulet":"/pkg/dist/index.js"}}</script>',
      }),
    );
    await page.goto(`${url}/blank.html`);
    await page.evaluate(
      async ({ executors, program, names }) => {
        const { rdds, ...programs } = await import('/bench/rdd_page.js');
        const [blob, warm] = await Promise.all(names.map(async (name) => (await fetch(`/data/${name}`)).blob()));
        const { SparkSession } = await import('rivulet');
        const spark = executors > 0 && (await SparkSession.builder.master(`local[${executors}]`).create());
        globalThis.bench = { blob, warm, work: (job, of) => (spark ? rdds[job](spark.sparkContext, of) : programs[program][job](of)) };
      },
      { executors, program, names: [`words-${sizes.bytes}.txt`, 'words-warm.txt'] },
    );
    const stop = args.profile && (await startProfiles(DEBUG_PORT, url));
    const runs = await page.evaluate(async (sizes) => {
      const { blob, warm, work } = globalThis.bench;
      const out = {};
      for (const job of sizes.jobs) {
        await work(job, { ...sizes, pairs: 20_000, left: 20_000, numbers: 20_000, blob: warm });
        out[job] = [];
        for (let run = 0; run < sizes.runs; run++) {
          const start = performance.now();
          const facts = await work(job, { ...sizes, blob });
          out[job].push({ seconds: (performance.now() - start) / 1000, facts });
        }
      }
      return out;
    }, sizes);
    if (stop) for (const profile of await stop()) console.log(busiest(profile).join('\n'));
    return runs;
  } finally {
    await browser.close();
    server.close();
  }
}

function pyspark() {
  const run = spawnSync(args.python, [join(here, 'rdd_pyspark.py'), JSON.stringify(sizes)], {
    encoding: 'utf8',
    env: { ...process.env, PYSPARK_PYTHON: args.python },
    maxBuffer: 1 << 24,
  });
  if (run.status !== 0) throw run.error ?? new Error(run.stderr.trim().split('\n').slice(-4).join(' '));
  const lines = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return Object.fromEntries(jobs.map((name) => [name, lines.filter(({ job }) => job === name)]));
}

const PEERS = {
  js: ['JavaScript, one thread', () => inBrowser(0, 'plain')],
  tuned: ['the same, tuned by hand', () => inBrowser(0, 'tuned')],
  'rivulet-1': ['Rivulet, 1 executor', () => inBrowser(1)],
  'rivulet-2': ['Rivulet, 2 executors', () => inBrowser(2)],
  pyspark: ['PySpark local[2]', pyspark],
};
const results = {};
for (const peer of args.peers.split(',')) {
  try {
    results[peer] = await PEERS[peer][1]();
  } catch (error) {
    console.error(`${PEERS[peer][0]} has not run: ${error.message}`);
    process.exitCode = 1;
  }
}

let agree = true;
for (const job of jobs) {
  const facts = Object.entries(results).flatMap(([peer, runs]) => runs[job].map((run) => [peer, JSON.stringify(run.facts)]));
  const other = facts.find(([, fact]) => fact !== facts[0][1]);
  if (other) {
    agree = false;
    console.error(`${job}: ${facts[0][0]} gives ${facts[0][1]}, ${other[0]} ${other[1]}`);
  }
}
if (!agree || Object.keys(results).length === 0) process.exit(1);
const count = (n) => n.toLocaleString('en');
const megabytes = (statSync(sizes.path).size / 1e6).toFixed(sizes.bytes < 1e7 ? 1 : 0);
console.log(`wordcount of ${megabytes} MB; reduceByKey of ${count(sizes.pairs)} pairs with ${count(sizes.keys)} keys;`);
console.log(`join of ${count(sizes.left)} with ${count(sizes.right)} pairs; sort of ${count(sizes.numbers)} numbers`);
console.log(`seconds, best and median of ${sizes.runs}, and the best's ratio to one thread of JavaScript; facts agree\n`);
const secondsOf = (runs, job) => runs[job].map((run) => run.seconds).sort((a, b) => a - b);
console.log(['', ...jobs].map((text, i) => (i ? text.padStart(26) : text.padEnd(24))).join(''));
for (const [peer, runs] of Object.entries(results)) {
  const cells = jobs.map((job) => {
    const seconds = secondsOf(runs, job);
    const ratio = results.js ? (seconds[0] / secondsOf(results.js, job)[0]).toFixed(2) : '';
    return [seconds[0].toFixed(3), seconds[Math.floor(seconds.length / 2)].toFixed(3), ratio].map((text) => text.padStart(8)).join('');
  });
  console.log(`${PEERS[peer][0].padEnd(24)}${cells.map((text) => text.padStart(26)).join('')}`);
}
