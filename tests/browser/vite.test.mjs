// A stranger's project: the packed tarball installed, bundled by Vite without configuration, opened.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { JS, PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';

const project = mkdtempSync(join(tmpdir(), 'rivulet-vite-'));
let browser;
before(async () => {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', project], { cwd: PKG, stdio: ['ignore', 'pipe', 'ignore'] }),
  )[0];
  mkdirSync(join(project, 'node_modules/rivulet'), { recursive: true });
  // A tarball without dependencies is installed by unpacking it.
  execFileSync('tar', ['-xzf', join(project, packed.filename), '--strip-components=1', '-C', join(project, 'node_modules/rivulet')]);
  symlinkSync(join(JS, 'node_modules/typescript'), join(project, 'node_modules/typescript'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }));
  writeFileSync(join(project, 'index.html'), '<!doctype html><script type="module" src="/main.ts"></script>');
  writeFileSync(
    join(project, 'main.ts'),
    `
    import { SparkSession, functions as F, type Row } from 'rivulet';
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const rows: Row[] = await spark.range(100).filter(F.col('id').lt(42)).agg(F.count('*').alias('n')).collect();
    const doubled = await spark.sparkContext.range(Number(rows[0]?.n)).map((x) => 2 * x).collect();
    document.title = String(doubled.length);
    await spark.stop();
  `,
  );
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(project, { recursive: true, force: true });
});

async function titleOf(url) {
  const page = await browser.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  await page.goto(url);
  await page
    .waitForFunction(() => document.title !== '', null, { timeout: 40_000 })
    .catch(() => assert.fail(`no result; the page said: ${said.join('\n')}`));
  const title = await page.title();
  await page.close();
  return title;
}

test('types are right for a strict TypeScript project without skipLibCheck', () => {
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        target: 'ES2022',
        module: 'ESNext',
        moduleResolution: 'Bundler',
        lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
        types: [],
      },
      include: ['main.ts', 'datasets.ts'],
    }),
  );
  copyFileSync(join(import.meta.dirname, 'stranger_datasets.ts'), join(project, 'datasets.ts'));
  try {
    execFileSync(join(JS, 'node_modules/.bin/tsc'), ['-p', project], { stdio: 'pipe' });
  } catch (error) {
    assert.fail(String(error.stdout));
  }
});

test('vite build', async () => {
  const { build } = await import(join(JS, 'node_modules/vite/dist/node/index.js'));
  await build({ root: project, logLevel: 'error', build: { target: 'es2022', outDir: 'out' } });
  const { server, url } = await serve(join(project, 'out'));
  assert.equal(await titleOf(url), '42');
  server.close();
});

test('vite build of a page that mixes entries: one copy of the classes, and no file beside the bundle', async () => {
  writeFileSync(join(project, 'mixed.html'), '<!doctype html><script type="module" src="/mixed.ts"></script>');
  writeFileSync(
    join(project, 'mixed.ts'),
    `
    import { functions as F, Column } from 'rivulet';
    import { SparkSession, lit } from 'rivulet/inline';
    const spark = await SparkSession.builder.master('local[1]').getOrCreate();
    const n = await spark.range(100).filter(F.col('id').lt(lit(42))).count();
    const counted = await spark.sparkContext.range(n).map((x) => x + 1).count();
    document.title = lit(1) instanceof Column ? String(counted) : 'two copies';
    await spark.stop();
  `,
  );
  const { build } = await import(join(JS, 'node_modules/vite/dist/node/index.js'));
  await build({
    root: project,
    logLevel: 'error',
    build: { target: 'es2022', outDir: 'out-mixed', rolldownOptions: { input: join(project, 'mixed.html') } },
  });
  const { server, url } = await serve(join(project, 'out-mixed'));
  assert.equal(await titleOf(`${url}/mixed.html`), '42');
  server.close();
});

test('vite dev', async () => {
  const { createServer } = await import(join(JS, 'node_modules/vite/dist/node/index.js'));
  const server = await createServer({ root: project, logLevel: 'error', server: { port: 0, host: '127.0.0.1' } });
  await server.listen();
  try {
    assert.equal(await titleOf(`http://localhost:${server.httpServer.address().port}/`), '42');
  } finally {
    await server.close();
  }
});
