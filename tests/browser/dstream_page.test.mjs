// Tests of discretized streams that are written as those of the client are (src/js/test/page) and run in a page, on the real engine.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { JS } from '../../src/js/scripts/paths.mjs';
import { browser, HERE, ROOT } from './harness.mjs';

const { build } = await import(pathToFileURL(join(JS, 'node_modules/esbuild/lib/main.js')).href);
const folder = mkdtempSync(join(tmpdir(), 'rivulet-page-tests-'));
const names = readdirSync(join(JS, 'test/page')).filter((name) => name.startsWith('dstream'));

before(async () => {
  await build({
    entryPoints: names.map((name) => join(JS, 'test/page', name)),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
    plugins: [
      {
        name: 'page',
        setup({ onResolve }) {
          onResolve({ filter: /\/src\/index\.js$/ }, () => ({ path: 'rivulet', external: true }));
          onResolve({ filter: /^node:test$/ }, () => ({ path: '/tests/in_page/test.js', external: true }));
          onResolve({ filter: /^node:assert\/strict$/ }, () => ({ path: join(HERE, 'in_page/assert.js') }));
        },
      },
    ],
  });
});
after(() => rmSync(folder, { recursive: true, force: true }));

const shared = browser({ mounts: { '/page-tests/': folder, '/goldens/': join(ROOT, 'tests/goldens') } });

for (const name of names) {
  test(name, async (t) => {
    const page = await shared.open();
    const tests = await page.evaluate(
      async (url) => {
        const { tests } = await import('/tests/in_page/test.js');
        await import(url);
        window.tests = tests;
        return tests.map((one) => one.name);
      },
      `/page-tests/${name.replace(/ts$/, 'js')}`,
    );
    for (const [i, title] of tests.entries()) {
      await t.test(title, async () => {
        const failure = await page.evaluate(async (n) => {
          try {
            await window.tests[n].run();
            return undefined;
          } catch (error) {
            const { StreamingContext } = await import('rivulet');
            await StreamingContext.getActive()?.stop();
            return error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
          }
        }, i);
        if (failure) throw new Error(`${failure}\n  the page said:\n  ${page.said.slice(-5).join('\n  ')}`);
      });
    }
    await page.close();
  });
}
