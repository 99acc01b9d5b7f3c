// The demo: a static server for the page and a WebSocket server for the tweets.
//   node demo.mjs                      serve and wait
//   node demo.mjs --headless           run 30 s in Chromium, check the table against a sequential model, write a screenshot
//        [--seconds 30] [--rate 200] [--executors 2] [--language code|sql] [--screenshot FILE] [--port 8787] [--dark]
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { trendingModel } from '../../../www/model.js';
import { TweetGenerator } from '../../../www/tweets.js';
import { echo, launch } from './browser.mjs';
import { assembleSite } from './demo/site.mjs';
import { serveTweets } from './demo/tweet-server.mjs';
import { CACHE } from './paths.mjs';
import { serve } from './serve.mjs';

const { values: args } = parseArgs({
  options: {
    headless: { type: 'boolean', default: false },
    dark: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '30' },
    rate: { type: 'string', default: '200' },
    executors: { type: 'string', default: '2' },
    language: { type: 'string', default: 'code' },
    screenshot: { type: 'string', default: join(CACHE, 'demo.png') },
    port: { type: 'string' },
  },
});
const GRACE_MS = 60_000;
const clock = (ms) => new Date(ms).toISOString().slice(11, 16);
const rate = Number(args.rate);
const seconds = Number(args.seconds);

const site = await serve(assembleSite(), { port: Number(args.port ?? (args.headless ? 0 : 8787)) });
const tweets = await serveTweets({ port: args.headless ? 0 : 8788 });

if (!args.headless) {
  // So that the site's folder goes, too.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
  console.log(`Rivulet's demo: ${site.url}\nwith the tweet server: ${site.url}/trending.html?websocket=${encodeURIComponent(tweets.url)}
live sentiment: ${site.url}/sentiment.html?websocket=${encodeURIComponent(`${tweets.opinions}?rate=50`)}
moods, with discretized streams: ${site.url}/moods.html?websocket=${encodeURIComponent(`${tweets.url}?rate=200`)}
jobs, stages and batches: ${site.url}/ui.html\n(Ctrl-C ends it)`);
} else {
  const code = await headless().catch((error) => {
    console.error(`demo: ${error.stack ?? error}`);
    return 1;
  });
  process.exit(code);
}

async function headless() {
  const limit = rate * seconds;
  const url = `${tweets.url}?rate=${rate}&limit=${limit}`;
  console.log(
    `demo: ${limit} tweets at ${rate}/s for ${seconds} s, ${args.executors} executors, ${args.language === 'sql' ? 'SQL' : 'TypeScript API'}`,
  );
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1180 }, colorScheme: args.dark ? 'dark' : 'light' });
    echo(page);
    const query = new URLSearchParams({ websocket: url, executors: args.executors, start: '1', language: args.language });
    await page.goto(`${site.url}/trending.html?${query}`);
    await waitForRows(page, limit);
    const { rows, totals, progress } = await page.evaluate(() => {
      const { rivuletDemo } = window;
      return {
        rows: rivuletDemo.rows(),
        totals: rivuletDemo.totals(),
        progress: rivuletDemo.progresses.findLast((p) => p.numInputRows > 0),
      };
    });
    mkdirSync(dirname(resolve(args.screenshot)), { recursive: true });
    await page.screenshot({ path: args.screenshot, fullPage: true });
    printTable(rows);
    console.log(`\nlast progress with data:\n${JSON.stringify(progress, null, 2)}`);
    console.log(`\nscreenshot: ${args.screenshot}`);
    return compare(rows, totals, limit);
  } finally {
    await browser.close();
  }
}

async function waitForRows(page, limit) {
  const untilMs = Date.now() + seconds * 1_000 + GRACE_MS;
  for (let reportMs = 0; ; await new Promise((go) => setTimeout(go, 250))) {
    const { state, error, totals } = await page.evaluate(() => ({
      state: window.rivuletDemo?.state,
      error: window.rivuletDemo?.error,
      totals: window.rivuletDemo?.totals(),
    }));
    if (error) throw new Error(`the page says: ${error}`);
    if (Date.now() - reportMs >= 5_000) {
      reportMs = Date.now();
      console.log(
        `demo: ${state}, ${totals?.rows ?? 0} of ${limit} tweets, ${totals?.batches ?? 0} batches, ${totals?.late ?? 0} late rows dropped`,
      );
    }
    if ((totals?.rows ?? 0) >= limit) return;
    if (Date.now() > untilMs) throw new Error(`only ${totals?.rows ?? 0} of ${limit} tweets were processed in time`);
  }
}

function printTable(rows) {
  const starts = [...new Set(rows.map((row) => row.startMs))].sort((a, b) => b - a).slice(0, 3);
  console.log('\ntrending, newest three windows:\n');
  console.log(`${'window (UTC)'.padEnd(14)}${'hashtag'.padEnd(16)}${'tweets'.padStart(8)}${'score'.padStart(10)}`);
  for (const start of starts) {
    const top = rows.filter((row) => row.startMs === start).slice(0, 8);
    top.forEach((row, n) =>
      console.log(
        `${(n === 0 ? `${clock(start)}–${clock(start + 600_000)}` : '').padEnd(14)}${row.hashtag.padEnd(16)}${String(row.count).padStart(8)}${row.score.toFixed(4).padStart(10)}`,
      ),
    );
  }
}

function compare(rows, totals, limit) {
  const generator = new TweetGenerator();
  const model = trendingModel(Array.from({ length: limit }, () => generator.next()));
  const key = (row) => `${new Date(row.startMs).toISOString()} ${row.hashtag}: ${row.count} ${row.score}`;
  const expected = new Set(model.rows.map(key));
  const actual = new Set(rows.map(key));
  const missing = [...expected].filter((row) => !actual.has(row));
  const extra = [...actual].filter((row) => !expected.has(row));
  for (const row of missing.slice(0, 10)) console.log(`  only the model has: ${row}`);
  for (const row of extra.slice(0, 10)) console.log(`  only the page has: ${row}`);
  // Spark counts late rows after partial aggregation: equal keys of one batch count once.
  const lateRight = totals.late <= model.dropped && totals.late > 0 === model.dropped > 0;
  if (!lateRight) console.log(`  late rows dropped: the page says ${totals.late}, the model ${model.dropped}`);
  const good = rows.length > 0 && missing.length === 0 && extra.length === 0 && lateRight;
  console.log(
    `\ndemo: ${rows.length} rows ${good ? 'equal' : 'DIFFER from'} the sequential model's ${model.rows.length}; ${totals.late} late rows were dropped`,
  );
  return good ? 0 : 1;
}
