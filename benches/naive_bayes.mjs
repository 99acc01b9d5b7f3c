// Naive Bayes: training on 200,000 tweets and scoring 1,000,000, Rivulet in Chromium beside what people use: npm's natural
// (its classifier is apparatus') and wink in Node, scikit-learn and PySpark natively. All see the same words.
//   node benches/naive_bayes.mjs [--train 200000] [--score 1000000] [--only rivulet-1,rivulet-2,natural,wink,sklearn,pyspark] [--python FILE]
// Rates are rows a second; a library that cannot hold all rows gets a stated share.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../src/js/scripts/browser.mjs';
import { CACHE, PKG } from '../src/js/scripts/paths.mjs';
import { serve } from '../src/js/scripts/serve.mjs';

const { values: args } = parseArgs({
  options: {
    train: { type: 'string', default: '200000' },
    score: { type: 'string', default: '1000000' },
    only: { type: 'string', default: 'rivulet-1,rivulet-2,natural,wink,sklearn,pyspark' },
    python: { type: 'string', default: join(CACHE, 'venv/bin/python') },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const PARTS = 2;
const FEATURES = 2000;
const folder = join(CACHE, 'bench/naive_bayes');
mkdirSync(folder, { recursive: true });

/** Tweets of some 12 words: frequent words are frequent in both classes, a tenth of all words leans to one. */
function write(name, rows, seed) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const words = Array.from({ length: 20000 }, (_, i) => `w${i.toString(36)}`);
  for (let part = 0; part < PARTS; part++) {
    const lines = [];
    for (let row = part; row < rows; row += PARTS) {
      const label = random() < 0.5 ? 0 : 1;
      const text = Array.from({ length: 6 + Math.floor(random() * 12) }, () => {
        const word = Math.floor(words.length * random() ** 3);
        return words[word % 10 === 0 && (word / 10) % 2 >= 1 !== (label === 1) && random() < 0.6 ? (word + 10) % words.length : word];
      });
      lines.push(`${label}\t${text.join(' ')}`);
    }
    writeFileSync(join(folder, `${name}-${part}.tsv`), `${lines.join('\n')}\n`);
  }
}

const counts = { train: Number(args.train), score: Number(args.score) };
const stamp = join(folder, 'made.json');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== JSON.stringify(counts)) {
  write('train', counts.train, 1);
  write('score', counts.score, 2);
  writeFileSync(stamp, JSON.stringify(counts));
}
const files = (name) => Array.from({ length: PARTS }, (_, part) => `${name}-${part}.tsv`);
const rowsOf = (name, limit) =>
  files(name)
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n'))
    .slice(0, limit)
    .map((line) => [line[0], line.slice(2)]);

async function rivulet(executors) {
  const { server, url } = await serve(resolve(here, '../tests/browser/page'), { mounts: { '/pkg/': PKG, '/data/': folder } });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.route('**/blank.html', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: '<!doctype html><script type="importmap">{"imports":{"rivulet":"/pkg/dist/index.js"}}</script>',
      }),
    );
    await page.goto(`${url}/blank.html`);
    return await page.evaluate(
      async ({ executors, train, score, features }) => {
        const { SparkSession, ml } = await import('rivulet');
        const spark = await SparkSession.builder.master(`local[${executors}]`).create();
        const blobs = (names) => Promise.all(names.map(async (name) => (await fetch(`/data/${name}`)).blob()));
        const read = (parts) =>
          spark.read
            .option('sep', '\t')
            .schema('label DOUBLE, text STRING')
            .csv(...parts);
        const [trainParts, scoreParts] = [await blobs(train), await blobs(score)];
        const pipeline = new ml.Pipeline({
          stages: [
            new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
            new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: features }),
            new ml.NaiveBayes(),
          ],
        });
        await pipeline.fit(read(trainParts).limit(1000));
        const start = performance.now();
        const model = await pipeline.fit(read(trainParts));
        const trained = performance.now();
        const groups = await model
          .transform(read(scoreParts))
          .select('label', 'prediction')
          .groupBy('label', 'prediction')
          .count()
          .collect();
        const scored = performance.now();
        await spark.stop();
        const right = groups.filter((g) => g.label === g.prediction).reduce((sum, g) => sum + g.count, 0);
        return { train: (trained - start) / 1000, score: (scored - trained) / 1000, right };
      },
      { executors, train: files('train'), score: files('score'), features: FEATURES },
    );
  } finally {
    await browser.close();
    server.close();
  }
}

/** A package of npm, installed beside the bench's data. */
async function npm(name) {
  if (!existsSync(join(folder, 'node_modules', name))) {
    if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', name], { cwd: folder, stdio: 'ignore' });
  }
  const found = createRequire(join(folder, 'package.json')).resolve(name);
  const module = await import(pathToFileURL(found).href);
  return module.default ?? module;
}

async function library(open, share) {
  const { learn, ready, predict } = await open();
  const [train, score] = [rowsOf('train', counts.train * share.train), rowsOf('score', counts.score * share.score)];
  const start = performance.now();
  for (const [label, text] of train) learn(text.split(' '), label);
  ready();
  const trained = performance.now();
  let right = 0;
  for (const [label, text] of score) if (predict(text.split(' ')) === label) right += 1;
  const scored = performance.now();
  return { train: (trained - start) / 1000, score: (scored - trained) / 1000, right, rows: { train: train.length, score: score.length } };
}

async function natural() {
  globalThis.value = 0; // apparatus assigns an undeclared variable
  const { BayesClassifier } = await npm('apparatus');
  const classifier = new BayesClassifier();
  const features = (words) => Object.fromEntries(words.map((word) => [word, 1]));
  return {
    learn: (words, label) => classifier.addExample(features(words), label),
    ready: () => classifier.train(),
    predict: (words) => classifier.classify(features(words)),
  };
}

async function wink() {
  const classifier = (await npm('wink-naive-bayes-text-classifier'))();
  classifier.definePrepTasks([(words) => words]);
  classifier.defineConfig({ considerOnlyPresence: false, smoothingFactor: 1 });
  return {
    learn: (words, label) => classifier.learn(words, label),
    ready: () => classifier.consolidate(),
    predict: (words) => classifier.predict(words),
  };
}

function python(name) {
  const run = spawnSync(args.python, [join(here, 'naive_bayes.py'), name, folder, String(FEATURES)], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  if (run.status !== 0) throw new Error(run.stderr.split('\n').slice(-4).join(' '));
  return JSON.parse(run.stdout.trim().split('\n').at(-1));
}

const CONTENDERS = {
  'rivulet-1': ['Rivulet, 1 executor', () => rivulet(1)],
  'rivulet-2': ['Rivulet, 2 executors', () => rivulet(2)],
  natural: ['npm natural (apparatus)', () => library(natural, { train: 0.1, score: 0.001 })],
  wink: ['npm wink-naive-bayes', () => library(wink, { train: 1, score: 0.02 })],
  sklearn: ['scikit-learn, 1 thread', () => python('sklearn')],
  pyspark: ['PySpark local[2]', () => python('pyspark')],
};

console.log(`${'contender'.padEnd(26)}${'train rows/s'.padStart(14)}${'score rows/s'.padStart(14)}${'accuracy'.padStart(10)}   rows`);
for (const id of args.only.split(',')) {
  const [name, run] = CONTENDERS[id];
  try {
    const { train, score, right, rows = counts } = await run();
    const rate = (n, seconds) =>
      Math.round(n / seconds)
        .toLocaleString('en')
        .padStart(14);
    console.log(
      `${name.padEnd(26)}${rate(rows.train, train)}${rate(rows.score, score)}${(right / rows.score).toFixed(4).padStart(10)}   ${rows.train} trained, ${rows.score} scored`,
    );
  } catch (error) {
    console.log(`${name.padEnd(26)}   not run: ${error.message}`);
  }
}
