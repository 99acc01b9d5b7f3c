// The examples of the documentation, run: a statement that ends with `// → value` must have that value.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { examplesModule } from '../../src/js/scripts/checks/examples.mjs';
import { JS } from '../../src/js/scripts/paths.mjs';
import { browser } from './harness.mjs';

const { transform } = await import(pathToFileURL(join(JS, 'node_modules/esbuild/lib/main.js')).href);
const folder = mkdtempSync(join(tmpdir(), 'rivulet-examples-'));
writeFileSync(join(folder, 'examples.js'), (await transform(examplesModule(), { loader: 'ts', target: 'es2022' })).code);
after(() => rmSync(folder, { recursive: true, force: true }));
const plain = browser({ mounts: { '/examples/': folder } });

test('the examples of the documentation have the values that they say', async (t) => {
  const page = await plain.open();
  const names = await page.evaluate(async () => {
    const { examples, surroundings } = await import('/examples/examples.js');
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const show = (value) =>
      JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v instanceof Map ? [...v] : v instanceof Uint8Array ? [...v] : v));
    window.run = async (i) => {
      let checks = 0;
      const check = (actual, expected) => {
        checks += 1;
        if (show(actual) !== show(expected)) throw new Error(`has ${show(actual)}, not ${show(expected)}`);
      };
      await examples[i].example({ ...surroundings(spark), check });
      return checks;
    };
    return examples.map(({ where, run }) => ({ where, run }));
  });
  let checks = 0;
  for (const [i, { where }] of names.entries()) {
    if (names[i].run)
      await t.test(where, async () => {
        checks += await page.evaluate((n) => window.run(n), i);
      });
  }
  const runs = names.filter(({ run }) => run).length;
  t.diagnostic(`${runs} examples ran, ${checks} values were compared`);
  assert.ok(runs >= 45, `there are ${runs} examples`);
  await page.close();
});
