// An engine that is cut in two, as a release has it: the first part is cut to one program, and another needs the rest.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { signed } from '../../src/js/scripts/build/engine.mjs';
import { marking, withMarksOf } from '../../src/js/scripts/build/marking.mjs';
import { browser, CHROMIUM_ONLY, PKG } from './harness.mjs';

const TOOL = join(process.env.CARGO_TARGET_DIR ?? 'target', 'debug/rivulet-pack');
const [ENGINE, REST, WORKER] = ['engine_bg.wasm', 'engine_rest.wasm', 'worker.js'].map((name) => `/pkg/dist/${name}`);
const folder = mkdtempSync(join(tmpdir(), 'rivulet-rest-'));
const file = (name) => join(folder, name);
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the server answers in place of a file, by path. */
const instead = new Map();
const shared = browser({
  answer: (path, response) => {
    const found = instead.get(path);
    found?.(response);
    return found !== undefined;
  },
});
const is = (type, body) => (response) => response.writeHead(200, { 'content-type': type }).end(body);

/** The number of the package's build, which its files have to agree on. */
function build() {
  const wasm = new WebAssembly.Module(readFileSync(join(PKG, 'dist', 'engine_rest.wasm')));
  return new TextDecoder().decode(WebAssembly.Module.customSections(wasm, 'rivulet')[0]).split(' ')[1];
}
const part = (name, of = build()) => is('application/wasm', signed(readFileSync(file(name)), of));

/** A page with a session; `run(sql)` has the rows of a statement, or its error. */
async function session() {
  const page = await shared.open();
  await page.evaluate(async () => {
    const { SparkSession } = await import('/pkg/dist/index.js');
    window.spark = await SparkSession.builder.master('local[2]').create();
  });
  const run = (sql) =>
    page.evaluate(async (text) => {
      try {
        return JSON.stringify(await (await window.spark.sql(text)).collect(), (_, v) => (typeof v === 'bigint' ? Number(v) : v));
      } catch ({ name, condition, message }) {
        return { name, condition, message };
      }
    }, sql);
  return { page, run };
}

const USUAL = 'SELECT id % 3 AS k, count(*) AS n FROM range(10) GROUP BY 1 ORDER BY 1';
const COUNTS = '[{"k":0,"n":4},{"k":1,"n":3},{"k":2,"n":3}]';
/** The driver plans what executors compute over rows that were exchanged: both need what the usual program does not. */
const RARE = "SELECT soundex(s) AS x, count(*) AS n FROM (SELECT concat('Robert', id % 1) AS s FROM range(10)) GROUP BY 1";
const SOUNDS = '[{"x":"R163","n":10}]';

test('an engine is cut to what a program runs', async () => {
  execFileSync(TOOL, ['mark', join(PKG, 'dist/engine_bg.wasm'), file('marked.wasm')]);
  instead.set(WORKER, is('text/javascript', marking(readFileSync(join(PKG, 'dist/worker.js'), 'utf8'))));
  instead.set(ENGINE, part('marked.wasm'));
  const { page, run } = await session();
  assert.equal(await run(USUAL), COUNTS);
  writeFileSync(file('marks'), await withMarksOf(page, Buffer.alloc(0)));
  await page.close();
  instead.delete(WORKER);
  execFileSync(TOOL, ['cut', join(PKG, 'dist/engine_bg.wasm'), file('marks'), file('first.wasm'), file('rest.wasm')]);
  instead.set(ENGINE, part('first.wasm'));
  const size = (name) => readFileSync(file(name)).length;
  assert.ok(size('first.wasm') * 2 < size('rest.wasm'), `${size('first.wasm')} and ${size('rest.wasm')} bytes`);
});

/** How often the worker that this runs in has fetched a file: what the server counts would have the browser's own repetitions in it. */
const fetchesOf = (path) => performance.getEntriesByType('resource').filter(({ name }) => new URL(name).pathname === path).length;

// Driver and executors may come to a function of the rest earlier than the statement that surely needs it: what runs when messages
// overlap is not the same each time.
test('each worker that needs more fetches the rest once, and answers as before', CHROMIUM_ONLY, async () => {
  instead.set(REST, part('rest.wasm'));
  const { page, run } = await session();
  assert.equal(await run(USUAL), COUNTS);
  for (let times = 0; times < 3; times += 1) {
    assert.equal(await run(RARE), SOUNDS);
    const fetches = await Promise.all(page.workers().map((worker) => worker.evaluate(fetchesOf, REST)));
    assert.ok(fetches.length >= 3 && fetches.includes(1) && Math.max(...fetches) === 1, `${fetches} fetches of the workers`);
  }
  assert.equal(await run(USUAL), COUNTS);
  await page.close();
});

const FAULTS = {
  'is not there': [(response) => response.writeHead(404).end('not found'), /could not be fetched: HTTP 404.*engine_rest\.wasm.*copy/is],
  'is a page': [is('text/html', '<!doctype html>'), /is not WebAssembly.*engine_rest\.wasm/s],
  'is of another build': [undefined, /is of another build.*engine_rest\.wasm.*one copy of the package/s],
  'does not come': [(response) => response.destroy(), /did not come.*engine_rest\.wasm/s],
};
for (const [what, [answer, says]] of Object.entries(FAULTS)) {
  test(`a rest that ${what} is an error that names it, and the next session works`, async () => {
    instead.set(REST, answer ?? part('rest.wasm', '0123456789abcdef'));
    const error = await session().then(
      async ({ page, run }) => {
        const answer = await run(RARE);
        await page.close();
        return answer;
      },
      // What the start needs may be in the rest, too.
      (cause) => cause,
    );
    assert.match(error.message ?? error, says);
    instead.set(REST, part('rest.wasm'));
    const next = await session();
    assert.equal(await next.run(RARE), SOUNDS);
    await next.page.close();
  });
}
