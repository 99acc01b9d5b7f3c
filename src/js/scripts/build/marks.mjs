// Finds what of the engine pages usually run: the examples of the documentation, a list of usual statements and streams, the demo.
//   node marks.mjs --engine MARKED.wasm --out FILE     with the package in RIVULET_PKG_DIR, and its engine as `rivulet-pack mark` writes it
// The file has a byte for each function of the engine, 1 where it has run in any worker.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { transform } from 'esbuild';
import { launch } from '../browser.mjs';
import { examplesModule } from '../checks/examples.mjs';
import { assembleSite } from '../demo/site.mjs';
import { PKG, ROOT, WASM } from '../paths.mjs';
import { serve } from '../serve.mjs';
import { buildOf, signed } from './engine.mjs';
import { marking, withMarksOf } from './marking.mjs';

/** How long a program may take: marks make the engine slower, but not by much. */
const PATIENCE_MS = 300_000;
/** How many tweets the demo's page is waited for. */
const TWEETS = 3_000;
/** A page that does nothing by itself. */
const BLANK = '/tests/page/blank.html';

const { values: args } = parseArgs({ options: { engine: { type: 'string' }, out: { type: 'string' } } });
const folder = mkdtempSync(join(tmpdir(), 'rivulet-marks-'));
writeFileSync(join(folder, 'examples.js'), (await transform(examplesModule(), { loader: 'ts', target: 'es2022' })).code);

const engine = signed(readFileSync(resolve(args.engine)), buildOf(WASM));
const worker = marking(readFileSync(join(PKG, 'dist/worker.js'), 'utf8'));
const site = await serve(assembleSite(join(folder, 'site')), {
  mounts: { '/examples/': folder, '/usual/': join(ROOT, 'src/js/scripts/build'), '/tests/': join(ROOT, 'tests/browser') },
  answer: (path, response) => {
    if (path.endsWith('/dist/worker.js')) response.writeHead(200, { 'content-type': 'text/javascript' }).end(worker);
    else if (path.endsWith('/dist/engine_bg.wasm')) response.writeHead(200, { 'content-type': 'application/wasm' }).end(engine);
    else return false;
    return true;
  },
});
const browser = await launch();
let marks = Buffer.alloc(0);

/** Runs a program in a page of its own, and takes the marks of all workers that are alive at its end. */
async function marked(name, path, program) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('pageerror', (error) => console.error(`marks: ${name}: ${error.message}`));
  await page.goto(site.url + path);
  const take = async () => {
    marks = await withMarksOf(page, marks);
  };
  await page.exposeFunction('takeMarks', take);
  let late;
  const patience = new Promise((_, fail) => {
    late = setTimeout(() => fail(new Error(`${name} is not done after ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  const said = await Promise.race([page.evaluate(program), patience]).finally(() => clearTimeout(late));
  await take();
  await page.close();
  const ran = marks.reduce((sum, mark) => sum + mark, 0);
  console.log(`marks: ${name}: ${ran} functions so far`);
  for (const line of said ?? []) console.log(`marks: ${name}: ${line}`);
}

try {
  // The sessions' end is the workers' end: what has run is asked for before it.
  const early = `const { SparkSession } = await import('/pkg/dist/index.js');
    const stop = SparkSession.prototype.stop;
    SparkSession.prototype.stop = async function (...of) { await window.takeMarks(); return stop.apply(this, of); };`;
  await marked(
    'usual',
    BLANK,
    `(async () => { ${early} const { usual } = await import('/usual/usual.js'); return usual(await import('/pkg/dist/index.js')); })()`,
  );
  await marked(
    'examples',
    BLANK,
    `(async () => { ${early}
      const { examples, surroundings } = await import('/examples/examples.js');
      const spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const failed = [];
      for (const { where, run, example } of examples.filter((one) => one.run)) {
        await example({ ...surroundings(spark), check() {} }).catch((error) => failed.push(where + ': ' + error.message));
      }
      return failed;
    })()`,
  );
  await marked(
    'demo',
    '/trending.html?start=1',
    `(async () => { while ((window.rivuletDemo?.totals().rows ?? 0) < ${TWEETS}) await new Promise((go) => setTimeout(go, 100)); })()`,
  );
} finally {
  await browser.close();
  site.server.closeAllConnections();
  site.server.close();
  rmSync(folder, { recursive: true, force: true });
}
if (marks.length === 0) throw new Error(`${args.engine} notes nothing: make it with rivulet-pack mark`);
writeFileSync(resolve(args.out), marks);
