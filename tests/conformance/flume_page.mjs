// Flume in a page whose renderer is crashed again and again, with agents, gateway and losses as natively (flume.mjs). What agents have sent
// and heard is held against the page's files.
//   node tests/conformance/flume_page.mjs [--kills 20] [--events 4000] [--seed N] [--only http|avro|pull]
import { dirname, resolve } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { modes, startTraffic } from './flume_traffic.mjs';
import { dice } from './lives.mjs';

const { values: args } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    events: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const HERE = dirname(fileURLToPath(import.meta.url));
const kills = Number(args.kills);

/** One life of a query in a page; it ends once `isOver` is set there, and resolves with what the files hold. */
async function life({ url, options }) {
  const { SparkSession } = await import('rivulet');
  const spark = await SparkSession.builder.master('local[2]').create();
  const query = await spark.readStream
    .format('flume')
    .options({ url, ...options })
    .load()
    .selectExpr("CAST(headers['n'] AS BIGINT) AS n", 'CAST(body AS STRING) AS body')
    .writeStream.format('json')
    .option('checkpointLocation', 'opfs:///checkpoint')
    .start('opfs:///events');
  while (!globalThis.isOver) {
    if (await query.awaitTermination(0.2)) throw new Error('the query has ended');
  }
  await query.processAllAvailable();
  await query.stop();
  await spark.stop();
  // The files that the sink's log names: others are of batches that died. Files end with a seal, which is no event.
  let folder = await navigator.storage.getDirectory();
  for (const name of ['rivulet', 'events']) folder = await folder.getDirectoryHandle(name);
  const textOf = async (handle) => (await handle.getFile()).text();
  const names = new Set();
  for await (const log of (await folder.getDirectoryHandle('_spark_metadata')).values()) {
    for (const [, name] of (await textOf(log)).matchAll(/"path":"[^"]*\/([^"/]+)"/g)) names.add(name);
  }
  const found = { wrong: 0, copies: {} };
  for (const name of names) {
    for (const [, n, body] of (await textOf(await folder.getFileHandle(name))).matchAll(/\{"n":(\d+),"body":"([^"]*)"\}/g)) {
      found.copies[n] = (found.copies[n] ?? 0) + 1;
      found.wrong += Number(body !== `event ${n}`);
    }
  }
  return found;
}

const site = await serve(resolve(HERE, '../browser/page'), { mounts: { '/pkg/': PKG } });
const browser = await launch();

async function run(mode) {
  const draw = dice(args.seed);
  const traffic = await startTraffic(mode, { draw, least: Number(args.events), origin: new URL(site.url).origin });
  const context = await browser.newContext();
  try {
    let found;
    for (let deaths = 0; deaths <= kills; deaths++) {
      const page = await context.newPage();
      await page.goto(`${site.url}/blank.html`);
      const lived = page.evaluate(life, { url: traffic.url, options: traffic.options }).catch((error) => {
        if (deaths === kills) throw error;
      });
      if (deaths < kills) {
        await Promise.race([later(1_000 + draw(2_500)), lived]);
        // As the browser's own crash: nobody in the page hears of it.
        await page.goto('chrome://crash').catch(() => {});
      } else {
        await Promise.race([traffic.end(), lived]);
        await page.evaluate(() => {
          globalThis.isOver = true;
        });
        found = await lived;
      }
      await page.close();
    }
    console.log(`in a page: ${traffic.report(found, `${kills} crashes of the page`)}`);
  } finally {
    await traffic.stop();
    await context.close();
  }
}

for (const mode of Object.keys(modes)) {
  if (!args.only || args.only === mode) await run(mode);
}
await browser.close();
process.exit(0);
