// Golden cases through the package in Chromium, by their hand-translated twins, with local[2] and local[3].
//   node goldens.mjs DIR…        a case without a twin has failed
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';

const HERE = import.meta.dirname;

/** In the page: why the case does not give what Spark gave; null where it does. */
async function runCase({ golden, family, executors }) {
  const { HashPartitioner, ManualClock, SparkSession, StreamingContext } = await import('rivulet');
  const twins = await import(
    { rdd: '/tests/rdd_twins.js', dstream: '/tests/dstream_twins.js', structured_streaming: '/tests/twins.js' }[family]
  );
  if (!twins.TWINS[golden.id]) return 'it has no twin';
  const spark = await SparkSession.builder
    .master(`local[${executors}]`)
    .config('spark.default.parallelism', '2')
    .config('spark.sql.shuffle.partitions', 2)
    .create();
  try {
    if (family === 'rdd') return twins.difference(golden, await twins.runTwin(spark, golden, { HashPartitioner })) ?? null;
    if (family === 'dstream')
      return (
        (await twins.runTwin(
          { sparkContext: spark.sparkContext, StreamingContext, ManualClock, directory: `opfs:twins-${crypto.randomUUID()}` },
          golden,
        )) ?? null
      );
    return twins.differences(golden, await twins.runCase(spark, golden, 'push')).join('; ') || null;
  } catch (error) {
    return String(error);
  } finally {
    await spark.stop();
  }
}

const folders = process.argv.slice(2);
const { server, url } = await serve(join(HERE, 'page'), { mounts: { '/pkg/': PKG, '/tests/': HERE } });
const browser = await launch();
const counts = { passed: 0, failed: 0 };
try {
  const page = await browser.newPage();
  await page.goto(`${url}/blank.html`);
  for (const folder of folders) {
    for (const name of readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .sort()) {
      const golden = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      const family = golden.family ?? basename(folder);
      const wrong = {};
      for (const executors of [2, 3]) {
        const found = await page.evaluate(runCase, { golden, family, executors });
        if (found !== null) wrong[`local[${executors}]`] = found;
      }
      const failed = Object.keys(wrong).length > 0;
      counts[failed ? 'failed' : 'passed'] += 1;
      console.log(
        `${failed ? 'FAIL' : 'ok'}\t${family}/${golden.id}${failed ? `: ${[...new Set(Object.values(wrong))].join(' | ').slice(0, 400)}` : ''}`,
      );
    }
  }
} finally {
  await browser.close();
  server.close();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
process.exit(counts.failed === 0 ? 0 : 1);
