// The playground as a visitor uses it: queries, errors in place, files, tables that scroll, charts, streams, what is kept and shared.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite } from '../../src/js/scripts/demo/site.mjs';
import { JS } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { locate } from '../../www/playground/faults.js';

const { parquetWriteBuffer } = await import(pathToFileURL(`${JS}/node_modules/hyparquet-writer/src/index.js`).href);

let browser;
let site;
before(async () => {
  site = await serve(assembleSite());
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.server.close();
  site?.server.closeAllConnections();
});

/** Opens the playground in a context of its own; `close` checks that nothing went wrong on the console. */
async function open(hash = '', context = undefined) {
  const page = await (context ?? (await browser.newContext({ viewport: { width: 1300, height: 950 } }))).newPage();
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`pageerror: ${error.message}`));
  await page.goto(`${site.url}/playground.html${hash}`);
  const ready = () => page.waitForFunction(() => window.rivuletPlayground?.state === 'ready', null, { timeout: 30_000 });
  await ready();
  /** Writes a query and runs it; returns rows and error. */
  const run = async (text, { during = () => {} } = {}) => {
    if (text !== undefined) {
      await page.click('.cm-content');
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(text);
    }
    const before = await page.evaluate(() => window.rivuletPlayground.runs);
    await page.keyboard.press('Control+Enter');
    await during();
    await page.waitForFunction((runs) => window.rivuletPlayground.runs > runs, before, { timeout: 30_000 });
    return page.evaluate(() => ({ rows: window.rivuletPlayground.rows().slice(0, 1_000), error: window.rivuletPlayground.error }));
  };
  const add = async (name, content) => {
    await page.setInputFiles('#files', { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });
    await page.waitForFunction((file) => document.getElementById('note').textContent.startsWith(`${file} is the table`), name);
  };
  const close = async () => {
    assert.deepEqual(said, []);
    await page.context().close();
  };
  return { page, ready, run, add, close };
}

test('the first query runs; its rows, chart and plans are shown', async () => {
  const { page, run, close } = await open();
  await page.click('#run');
  await page.waitForFunction(() => /rows in/.test(document.getElementById('note').textContent));
  assert.equal(await page.locator('.grid-body .grid-row').count(), 8);
  await page.click('#tab-chart');
  assert.equal(await page.locator('.chart-bars li').count(), 8);
  await page.click('#tab-plan');
  assert.match(await page.textContent('#plan'), /== Analyzed Logical Plan ==[\s\S]*== Physical Plan ==/);
  await page.waitForFunction(() => document.querySelectorAll('#dag .dag-stage').length >= 1);
  const { rows } = await run('CREATE TEMP VIEW v AS SELECT 1 AS a; -- one; two\nSELECT a, "x;y" AS b FROM v;');
  assert.deepEqual(rows, [{ a: 1, b: 'x;y' }]);
  await close();
});

test('the word that the engine names is underlined, and mended text is not', async () => {
  const { page, run, close } = await open();
  for (const [text, marked, error] of [
    ['SELECT 1;\nSELECT id, nothing FROM range(3)', 'nothing', /UNRESOLVED_COLUMN/],
    ['SELEC 1', 'SELEC', /PARSE_SYNTAX_ERROR/],
    ['SELECT\n  upperr(id) FROM range(1)', 'upperr', /UNRESOLVED_ROUTINE/],
    ['SELECT * FROM nowhere', 'nowhere', /TABLE_OR_VIEW_NOT_FOUND/],
  ]) {
    const found = await run(text);
    assert.match(found.error, error);
    assert.equal(await page.textContent('.cm-lintRange-error'), marked);
  }
  const { rows } = await run('SELECT 2 AS b');
  assert.deepEqual(rows, [{ b: 2 }]);
  assert.equal(await page.locator('.cm-lintRange-error').count(), 0);
  assert.ok(await page.isHidden('#error'));
  await close();
});

test('places of errors: by line and column, by name, by the stack of a program', () => {
  const at = (text, error, options) => {
    const place = locate(text, error, options);
    return place && text.slice(place.from, place.to);
  };
  assert.equal(at('SELECT\n  a.b FROM x', { message: 'oops (line 2, pos 2)' }), 'a');
  assert.equal(at('-- total\nSELECT `t`.`total` FROM t', { message: '', parameters: { objectName: '`t`.`total`' } }), '`t`.`total`');
  assert.equal(at('SELECT 1 +', { message: '', parameters: { error: 'end of input' } }), '+');
  const error = { message: 'x is not defined', stack: 'ReferenceError: x\n    at default (blob:http://localhost/1-2:3:12)' };
  assert.equal(at('const a = 1;\nreturn a + x', error, { firstLine: 2 }), 'x');
  assert.equal(at('SELECT 1', { message: 'no place' }), null);
});

test('a table of 100,000 rows scrolls to its end with a few elements', async () => {
  const { page, run, close } = await open();
  await run('SELECT id, id * 2 AS twice FROM range(100000)');
  assert.equal(await page.textContent('#rows-title'), '100,000 rows');
  assert.equal(await page.getAttribute('.grid-table', 'aria-rowcount'), '100001');
  const longestMs = await page.evaluate(async () => {
    const grid = document.getElementById('grid');
    let longest = 0;
    for (let step = 1; step <= 60; step++) {
      const startMs = performance.now();
      grid.scrollTop = ((grid.scrollHeight - grid.clientHeight) * step) / 60;
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      longest = Math.max(longest, performance.now() - startMs);
    }
    return longest;
  });
  assert.ok(longestMs < 500, `two frames took ${longestMs} ms`);
  const lines = await page.$$eval('.grid-body .grid-row', (all) => all.map((row) => row.textContent));
  assert.ok(lines.includes('99999199998'));
  assert.ok(lines.length < 80, `${lines.length} elements`);
  await close();
});

test('files that are dropped are tables: NDJSON, JSON, CSV, Arrow, Parquet', async () => {
  const { page, run, add, close } = await open();
  await add('people.ndjson', '{"name": "Ada", "age": 36}\n{"name": "Bob", "age": 41}\n');
  await add('more people.json', '[{"name": "Cleo", "age": 29}]');
  await add('2026.csv', 'name,age\nDora,50\n');
  const arrow = await page.evaluate(async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const bytes = await spark.createDataFrame([['Emil', 61]], 'name STRING, age INT').toArrow();
    await spark.stop();
    return [...bytes];
  });
  await add('emil.arrow', Uint8Array.from(arrow));
  const parquet = parquetWriteBuffer({
    columnData: [
      { name: 'name', data: ['Fay', null], type: 'STRING' },
      { name: 'age', data: [7n, 8n], type: 'INT64' },
      { name: 'born', data: [new Date('2019-05-06T07:08:09Z'), null], type: 'TIMESTAMP' },
    ],
  });
  await add('fay.parquet', new Uint8Array(parquet));
  assert.deepEqual(await page.evaluate(() => window.rivuletPlayground.tables()), ['people', 'more_people', 't_2026', 'emil', 'fay']);
  const { rows, error } = await run(
    'SELECT name, age FROM people UNION ALL SELECT name, age FROM more_people UNION ALL SELECT name, age FROM t_2026 UNION ALL SELECT name, age FROM emil UNION ALL SELECT name, age FROM fay ORDER BY age DESC',
  );
  assert.equal(error, null);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['Emil', 'Dora', 'Bob', 'Ada', 'Cleo', null, 'Fay'],
  );
  assert.deepEqual((await run("SELECT date_format(born, 'yyyy-MM-dd HH:mm:ss') AS born FROM fay")).rows, [
    { born: '2019-05-06 07:08:09' },
    { born: null },
  ]);
  await page.click('button[aria-label="Drop people"]');
  await page.waitForFunction(() => !window.rivuletPlayground.tables().includes('people'));
  assert.match((await run('SELECT * FROM people')).error, /TABLE_OR_VIEW_NOT_FOUND/);
  await close();
});

test('a function that the pointer rests on is explained', async () => {
  const { page, close } = await open();
  const line = page.locator('.cm-line', { hasText: 'percentile_approx' });
  const box = await line.boundingBox();
  // In the middle of the word: characters are equally wide.
  const text = await line.textContent();
  const at = (text.indexOf('percentile_approx') + 8) / text.length;
  const width = await line.evaluate((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getBoundingClientRect().width;
  });
  await page.mouse.move(box.x + 6 + width * at, box.y + box.height / 2, { steps: 4 });
  await page.waitForSelector('.cm-tooltip-hover');
  assert.match(await page.textContent('.cm-tooltip-hover'), /percentile_approx\([\s\S]*Examples/);
  await close();
});

test('functions of the registry and columns of tables are completed', async () => {
  const { page, add, close } = await open();
  await add('people.csv', 'surname,age\nLovelace,36\n');
  await page.click('.cm-content');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('SELECT array_ma');
  await page.waitForSelector('.cm-completionInfo');
  assert.match(await page.textContent('.cm-completionInfo'), /array_max\(array\)[\s\S]*Examples/);
  await page.keyboard.press('Enter');
  assert.match(await page.textContent('.cm-content'), /SELECT array_max\(/);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('SELECT people.sur');
  await page.waitForSelector('.cm-tooltip-autocomplete li');
  assert.match(await page.textContent('.cm-tooltip-autocomplete'), /surname/);
  await page.keyboard.press('Escape');
  await page.check('input[name="language"][value="js"]', { force: true });
  await page.click('.cm-content');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('return F.arrayMa');
  await page.waitForSelector('.cm-tooltip-autocomplete li');
  assert.match(await page.textContent('.cm-tooltip-autocomplete'), /arrayMaxarray_max/);
  await close();
});

test('programs of JavaScript: DataFrames, datasets, values, and the place of their errors', async () => {
  const { page, run, close } = await open();
  await page.check('input[name="language"][value="js"]', { force: true });
  assert.deepEqual((await run('return spark.range(3).select(F.col("id").multiply(2).alias("twice"))')).rows, [
    { twice: 0 },
    { twice: 2 },
    { twice: 4 },
  ]);
  assert.deepEqual((await run('return sc.parallelize([1, 2, 3]).map((x) => x * x)')).rows, [{ value: 1 }, { value: 4 }, { value: 9 }]);
  assert.deepEqual((await run('return 42')).rows, [{ value: 42 }]);
  assert.match((await run('const a = 1;\nreturn a + missing;')).error, /missing is not defined/);
  assert.equal(await page.textContent('.cm-lintRange-error'), 'missing');
  assert.match((await run('return spark.range(1).select("nothing")')).error, /UNRESOLVED_COLUMN/);
  assert.equal(await page.textContent('.cm-lintRange-error'), 'nothing');
  await close();
});

test('a stream runs until it is stopped, and shows its progress', async () => {
  const { page, ready, close } = await open();
  await page.click('text=Trending hashtags (a stream)');
  await page.click('#run');
  await page.waitForFunction(
    () => window.rivuletPlayground.rows().length > 10 && /Watermark: /.test(document.getElementById('stream-note').textContent),
    null,
    {
      timeout: 30_000,
    },
  );
  assert.ok(Number((await page.textContent('#stream-rows')).replaceAll(',', '')) > 0);
  await page.click('#stop');
  await ready();
  assert.equal(await page.evaluate(() => window.rivuletPlayground.error), null);
  await page.click('#run');
  // Stopped while it starts, too.
  await page.click('#stop');
  await ready();
  await close();
});

test('a query that takes long can be stopped, and the next one runs', async () => {
  const { page, ready, run, close } = await open();
  await run('SELECT sum(a.id * b.id) AS s FROM range(200000) a CROSS JOIN range(200000) b', { during: () => page.click('#stop') });
  assert.equal(await page.textContent('#note'), 'Stopped');
  assert.deepEqual((await run('SELECT 1 AS a')).rows, [{ a: 1 }]);
  await close();
});

test('every sample runs', async () => {
  const { page, ready, close } = await open();
  const samples = await page.$$eval('#samples button', (all) => all.map((button) => button.textContent));
  for (const sample of samples.filter((name) => !/stream/.test(name))) {
    await page.click(`#samples button >> text="${sample}"`);
    await page.click('#run');
    await page.waitForFunction(() => /rows in/.test(document.getElementById('note').textContent) || window.rivuletPlayground.error);
    await ready();
    assert.equal(await page.evaluate(() => window.rivuletPlayground.error), null, sample);
    assert.ok((await page.evaluate(() => window.rivuletPlayground.rows().length)) > 0, sample);
  }
  assert.ok(samples.length >= 6);
  await close();
});

test('queries are kept over a reload, by name, and in the address', async () => {
  const { page, ready, run, close } = await open();
  const query = "SELECT 'ü → ☂' AS signs";
  await run(query);
  await page.click('#save');
  await page.fill('#save-name', 'Signs');
  await page.press('#save-name', 'Enter');
  await page.click('#share');
  await page.waitForFunction(() => location.hash.startsWith('#q='));
  const address = await page.evaluate(() => location.hash);
  await page.evaluate(() => history.replaceState(null, '', location.pathname));
  await page.reload();
  await ready();
  assert.equal(await page.textContent('.cm-line'), query);
  await page.click('#samples button >> nth=0');
  await page.click('#saved button >> text=Signs');
  assert.equal(await page.textContent('.cm-line'), query);
  await page.click('button[aria-label="Forget Signs"]');
  assert.ok(await page.isHidden('#saved-card'));
  const other = await open(address);
  assert.equal(await other.page.textContent('.cm-line'), query);
  await other.close();
  await close();
});
