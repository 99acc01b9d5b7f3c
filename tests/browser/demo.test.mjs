// The demo page as a visitor uses it; the headless run of `./build.sh demo` checks its numbers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite } from '../../src/js/scripts/demo/site.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';

let browser;
let site;
before(async () => {
  site = await serve(assembleSite());
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.server.close();
});

test('start, watch, kill an executor, stop, and again in SQL', async () => {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${site.url}/trending.html`);
  await page.click('#start');
  await page.waitForSelector('.bar', { timeout: 30_000 });
  await page.waitForSelector('.dag-box', { timeout: 30_000 });
  await page.click('.kill >> nth=0');
  await page.waitForFunction(() => /is back as incarnation 2/.test(document.getElementById('log').textContent), null, { timeout: 20_000 });
  const before = await page.evaluate(() => window.rivuletDemo.totals().rows);
  await page.waitForFunction((rows) => window.rivuletDemo.totals().rows > rows + 500, before, { timeout: 30_000 });
  await page.click('#stop');
  await page.waitForFunction(() => window.rivuletDemo.state === 'idle', null, { timeout: 20_000 });
  await page.click('text=SQL');
  await page.click('#start');
  await page.waitForFunction(() => window.rivuletDemo.state === 'running' && window.rivuletDemo.totals().rows > 0, null, {
    timeout: 30_000,
  });
  await page.waitForSelector('.bar', { timeout: 30_000 });
  assert.deepEqual(errors, []);
  await page.close();
});

test("a query that cannot be resolved shows Spark's error", async () => {
  const page = await browser.newPage();
  await page.goto(`${site.url}/trending.html`);
  await page.fill('#editor', "return tweets.select('nothing')");
  await page.click('#start');
  await page.waitForSelector('#error:not([hidden])', { timeout: 30_000 });
  assert.match(await page.textContent('#error'), /UNRESOLVED_COLUMN.*nothing/s);
  await page.close();
});

test('a dropped CSV file is read', async () => {
  const page = await browser.newPage();
  await page.goto(`${site.url}/trending.html`);
  await page.click('text=File');
  const lines = Array.from({ length: 50 }, (_, n) => `${n},ada,a #tag${n % 3} here,2026-01-01T10:0${n % 10}:00Z,0.5`);
  await page.setInputFiles('#file', {
    name: 'tweets.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(`id,user,text,createdAt,score\n${lines.join('\n')}\n`),
  });
  await page.click('#start');
  await page.waitForFunction(() => window.rivuletDemo.totals().rows === 50, null, { timeout: 30_000 });
  assert.ok((await page.evaluate(() => window.rivuletDemo.rows())).length > 0);
  await page.close();
});
