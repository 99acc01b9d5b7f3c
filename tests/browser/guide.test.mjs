// The guide's snippets that are not plain examples (those are run by examples.test.mjs): whole pages, projects, clients of others, policies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch } from '../../src/js/scripts/browser.mjs';
import { examples, sitePages } from '../../src/js/scripts/checks/examples.mjs';
import { JS, PKG, ROOT } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';

const { transformSync } = await import(pathToFileURL(join(JS, 'node_modules/esbuild/lib/main.js')).href);
const folder = mkdtempSync(join(tmpdir(), 'rivulet-guide-'));
/** Languages of blocks that are commands or settings for other programs. */
const NOT_RUN = new Set(['bash', 'python']);

const blocks = sitePages().flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^```(\w+) ?([\w-]*)\n([\s\S]*?)^```/gm)].map(([, language, mark, code]) => ({
    file,
    language,
    mark,
    code,
  })),
);
/** The only block with a mark. */
const blockOf = (mark) => {
  const found = blocks.filter((block) => block.mark === mark);
  assert.equal(found.length, 1, mark);
  return found[0].code;
};

let browser;
const servers = [];
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const { server } of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function open(root, options, path = '') {
  const site = await serve(root, options);
  servers.push(site);
  const page = await browser.newPage();
  page.said = [];
  page.on('console', (message) => page.said.push(message.text()));
  page.on('pageerror', (error) => page.said.push(error.message));
  await page.goto(`${site.url}/${path}`);
  return page;
}

/** Waits for a condition of the page; what the page said is shown when it does not come. */
const wait = (page, condition, argument) =>
  page.waitForFunction(condition, argument, { timeout: 60_000 }).catch(() => assert.fail(`the page said: ${page.said.join('\n')}`));

test('every block of code is run by a test, or is a command', () => {
  const marks = { ts: ['', 'no-run', 'vite', 'module', 'node', 'vitest'], html: ['plain'], http: ['csp'] };
  for (const { file, language, mark } of blocks)
    if (!NOT_RUN.has(language)) assert.ok(marks[language]?.includes(mark), `${file}: ${language} ${mark}`);
  const inGuide = examples().filter(({ where }) => where.startsWith('www/'));
  assert.equal(inGuide.length, blocks.filter(({ language, mark }) => language === 'ts' && (mark === '' || mark === 'no-run')).length);
  // What needs a cluster, or files of another place.
  assert.ok(inGuide.filter(({ run }) => !run).length <= 3);
  assert.ok(inGuide.length >= 50);
});

test('the program for a process, and the setting of its tests', async () => {
  const root = join(folder, 'process');
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  symlinkSync(PKG, join(root, 'node_modules/rivulet'));
  writeFileSync(join(root, 'main.mjs'), blockOf('node'));
  assert.equal(execFileSync(process.execPath, ['main.mjs'], { cwd: root, encoding: 'utf8' }).trim(), '3');
  writeFileSync(join(root, 'vitest.config.mjs'), blockOf('vitest'));
  const { default: config } = await import(pathToFileURL(join(root, 'vitest.config.mjs')).href);
  const names = config.resolve.alias.map(({ find, replacement }) =>
    ['rivulet', 'rivulet/ml'].map((name) => name.replace(find, replacement)),
  );
  assert.deepEqual(names, [['rivulet/node', 'rivulet/ml']]);
});

test('the page without a tool', async () => {
  const root = join(folder, 'plain');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), blockOf('plain'));
  const page = await open(root, { mounts: { '/rivulet/': join(PKG, 'dist') } });
  await wait(page, () => document.getElementById('out').textContent === 'The numbers up to a million add up to 500000500000.');
  await page.close();
});

test('the project with Vite: clicks are counted', async () => {
  const root = join(folder, 'vite');
  mkdirSync(join(root, 'node_modules/rivulet'), { recursive: true });
  mkdirSync(join(root, 'src'));
  cpSync(PKG, join(root, 'node_modules/rivulet'), { recursive: true, filter: (from) => !/\.map$|dist\/inline\.js$/.test(from) });
  symlinkSync(join(JS, 'node_modules/typescript'), join(root, 'node_modules/typescript'));
  writeFileSync(join(root, 'package.json'), '{ "name": "my-stream", "private": true, "type": "module" }');
  writeFileSync(join(root, 'index.html'), '<!doctype html><body><script type="module" src="/src/main.ts"></script></body>');
  writeFileSync(join(root, 'src/main.ts'), blockOf('vite'));
  const options = {
    strict: true,
    noEmit: true,
    target: 'ES2022',
    module: 'ESNext',
    moduleResolution: 'Bundler',
    lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    types: [],
  };
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }));
  execFileSync(join(JS, 'node_modules/.bin/tsc'), ['-p', root], { stdio: 'inherit' });
  execFileSync(join(JS, 'node_modules/.bin/vite'), ['build', '--logLevel', 'error'], { cwd: root, stdio: 'inherit' });
  const page = await open(join(root, 'dist'));
  await wait(page, () => document.title === 'click somewhere');
  // Clicks may be in two windows.
  const counted = ([side, clicks]) => {
    const bars = [...document.body.children].map(({ id, textContent, offsetWidth }) => ({ id, textContent, offsetWidth }));
    const ours = bars.filter(({ id }) => id.endsWith(` on the ${side}`));
    return (
      ours.every(({ offsetWidth }) => offsetWidth > 100) &&
      ours.reduce((sum, bar) => sum + Number(bar.textContent.split(': ')[1]), 0) === clicks
    );
  };
  await page.mouse.click(10, 20);
  await page.mouse.click(10, 30);
  await wait(page, counted, ['left', 2]);
  await page.mouse.click((await page.evaluate(() => innerWidth)) - 10, 20);
  await wait(page, counted, ['right', 1]);
  await page.close();
});

test('the module with a client of MQTT', async () => {
  const root = join(folder, 'module');
  mkdirSync(root);
  writeFileSync(join(root, 'main.js'), transformSync(blockOf('module'), { loader: 'ts', target: 'es2022' }).code);
  // A client that is never asked to connect: the program looks at the columns only.
  writeFileSync(join(root, 'mqtt.js'), 'export default { connect() { throw new Error("connected") } };');
  const imports = { rivulet: '/pkg/dist/index.js', 'rivulet/sources': '/pkg/dist/sources.js', mqtt: '/mqtt.js' };
  writeFileSync(
    join(root, 'index.html'),
    `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script><script type="module" src="/main.js"></script>`,
  );
  const page = await open(root, { mounts: { '/pkg/': PKG } });
  await wait(page, () => document.title.split(',').includes('topic'));
  await page.close();
});

test('the Content-Security-Policy is enough for all but functions over rows, and those work with blob:', async () => {
  const policy = blockOf('csp').trim();
  const run = async (headers) => {
    const page = await open(join(ROOT, 'tests/browser/page'), { mounts: { '/pkg/': PKG }, headers }, 'blank.html');
    const found = await page.evaluate(async () => {
      const { SparkSession } = await import('/pkg/dist/index.js');
      const spark = await SparkSession.builder.master('local[1]').create();
      const count = await spark.range(42).count();
      const doubled = await spark.sparkContext
        .range(2)
        .map((n) => 2 * n)
        .collect()
        .catch(() => 'refused');
      await spark.stop();
      return { count, doubled };
    });
    await page.close();
    return found;
  };
  assert.deepEqual(await run({ 'content-security-policy': policy }), { count: 42, doubled: 'refused' });
  const withBlob = policy.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' blob:");
  assert.deepEqual(await run({ 'content-security-policy': withBlob }), { count: 42, doubled: [0, 2] });
});
