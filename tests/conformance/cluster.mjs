// The same programs on a real Spark cluster: Spark's own Connect server, the gateway in front of it, this package in Chromium (gRPC-Web)
// and in Node.js (HTTP/2). The answers must be those of the page's own engine, of programs by hand, and of models.
//   node tests/conformance/cluster.mjs --python PROGRAM [--only NAME]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite, sentences } from '../../src/js/scripts/demo/site.mjs';
import { serveTweets } from '../../src/js/scripts/demo/tweet-server.mjs';
import { CACHE, JS, PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { trendingModel } from '../../www/model.js';
import { TweetGenerator } from '../../www/tweets.js';
import { freePort, started } from '../browser/broker.mjs';

const { values: args } = parseArgs({ options: { python: { type: 'string' }, only: { type: 'string', default: '' } } });
const HERE = dirname(fileURLToPath(import.meta.url));
const GATEWAY = join(process.env.CARGO_TARGET_DIR ?? join(CACHE, 'target'), 'debug/rivulet-gateway');
const TWEETS = 3_000;
const folder = mkdtempSync(join(tmpdir(), 'rivulet-cluster-'));

/** Bundles the programs; `index` is where the package is. */
async function bundled(outfile, index, platform) {
  const { build } = await import(pathToFileURL(createRequire(join(JS, 'package.json')).resolve('esbuild')).href);
  const resolved = (path) => ({ path, external: true });
  const place = {
    name: 'package',
    setup: ({ onResolve }) => onResolve({ filter: /^(rivulet|\/pkg\/dist\/index\.js)$/ }, () => resolved(index)),
  };
  const entry = join(HERE, 'cluster_programs.js');
  const define = { global: 'globalThis' };
  await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', target: 'es2024', platform, define, plugins: [place] });
}

/** Waits until Spark answers. */
async function spark() {
  const port = await freePort();
  const child = await started('bash', [join(HERE, 'serve_real_connect.sh'), String(port)], /WARNING|incubator/, { PYTHON: args.python });
  for (let tries = 0; ; tries++) {
    try {
      execFileSync(args.python, ['-c', `import socket; socket.create_connection(("localhost", ${port}), 1)`], { stdio: 'ignore' });
      return { child, port };
    } catch (error) {
      if (tries > 120) throw error;
      await new Promise((go) => setTimeout(go, 500));
    }
  }
}

const children = [];
let failed = 0;
async function check(name, run) {
  if (!name.includes(args.only)) return;
  const begun = Date.now();
  try {
    await run();
    console.log(`ok      ${name} (${((Date.now() - begun) / 1_000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.message}`);
  }
}

/** Equal, but for sums of doubles in another order. */
function assertAnswer(actual, expected) {
  const rounded = (value) =>
    JSON.stringify(value, (_, x) => (typeof x === 'number' && !Number.isInteger(x) ? Number(x.toPrecision(10)) : x));
  assert.equal(rounded(actual), rounded(expected));
}

try {
  const server = await spark();
  children.push(server.child);
  const site = await serve(assembleSite(), { mounts: { '/pkg/': PKG, '/programs/': folder } });
  const gatewayPort = await freePort();
  children.push(
    await started(
      GATEWAY,
      ['--spark', `localhost:${server.port}`, '--port', String(gatewayPort), '--origin', new URL(site.url).origin],
      /http/,
    ),
  );
  const tweets = await serveTweets({ rate: 400, limit: TWEETS });
  const browser = await launch();
  await bundled(join(folder, 'page.js'), '/pkg/dist/index.js', 'browser');
  await bundled(join(folder, 'node.mjs'), pathToFileURL(join(PKG, 'dist/index.js')).href, 'node');
  writeFileSync(join(folder, 'page.html'), '<!doctype html><title>programs</title><script type="module" src="page.js"></script>');
  const inNode = await import(pathToFileURL(join(folder, 'node.mjs')).href);
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.log(`the page: ${error.message}`));
  await page.goto(`${site.url}/programs/page.html`);
  await page.waitForFunction(() => window.programs);
  const remote = { page: `sc://localhost:${gatewayPort}`, node: `sc://localhost:${server.port}` };
  const inPage = (name, address, argument) => page.evaluate(([n, a, x]) => window.programs[n](a, x), [name, address, argument]);

  const all = sentences();
  const model = trendingModel(
    Array.from(
      { length: TWEETS },
      (
        (generator) => () =>
          generator.next()
      )(new TweetGenerator()),
    ),
  );
  for (const [name, argument] of [['trending'], ['sentiment', all], ['q1'], ['q2'], ['q5'], ['q7'], ['q8']]) {
    await check(name, async () => {
      const own = await inPage(name, undefined, argument);
      const answers = { Chromium: await inPage(name, remote.page, argument), Node: await inNode.programs[name](remote.node, argument) };
      if (name === 'trending') answers.model = model.rows;
      if (`${name} by hand` in inNode.programs) answers.hand = inNode.programs[`${name} by hand`]();
      for (const [where, answer] of Object.entries(answers)) {
        assert.ok(JSON.stringify(answer).length > 20, `${where} has no answer`);
        try {
          assertAnswer(inNode.ordered(answer), inNode.ordered(own));
        } catch (error) {
          throw new Error(`${where} has another answer than the page's own engine: ${error.message.slice(0, 600)}`);
        }
      }
    });
  }

  await check('the demo page, on a cluster', async () => {
    const demo = await browser.newPage();
    await demo.goto(`${site.url}/trending.html?remote=${encodeURIComponent(remote.page)}`);
    await demo.check('input[name="source"][value="websocket"]', { force: true });
    await demo.fill('#ws-url', tweets.url);
    await demo.click('#start');
    await demo.waitForFunction((count) => window.rivuletDemo.error || window.rivuletDemo.totals().rows >= count, TWEETS, {
      timeout: 90_000,
    });
    assert.equal(await demo.evaluate(() => window.rivuletDemo.error), null);
    assertAnswer(await demo.evaluate(() => window.rivuletDemo.rows()), model.rows);
    if (process.env.RIVULET_SCREENSHOTS) await demo.screenshot({ path: `${process.env.RIVULET_SCREENSHOTS}/cluster.png` });
    await demo.click('#stop');
    await demo.waitForFunction(() => window.rivuletDemo.state === 'idle');
    await demo.close();
  });

  await check('a session that PySpark shares', async () => {
    const { SparkSession } = await import(pathToFileURL(join(PKG, 'dist/index.js')).href);
    const id = crypto.randomUUID();
    const shared = await SparkSession.builder.remote(`${remote.node}/;session_id=${id};user_id=ada`).create();
    await shared.createDataFrame([{ word: 'Grüße', n: 3 }]).createOrReplaceTempView('words');
    const program = `
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote("${remote.node}/;session_id=${id};user_id=ada").create()
print([tuple(row) for row in spark.table("words").collect()])
spark.range(3).createOrReplaceTempView("numbers")`;
    assert.equal(execFileSync(args.python, ['-c', program], { encoding: 'utf8' }).trim(), "[('Grüße', 3)]");
    assert.equal(await shared.table('numbers').count(), 3);
    await shared.stop();
  });

  await browser.close();
  site.server.close();
  for (const socket of tweets.server.clients) socket.terminate();
  tweets.server.close();
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
console.log(failed === 0 ? 'the same program runs on a Spark cluster' : `${failed} FAILED`);
process.exit(failed === 0 ? 0 : 1);
