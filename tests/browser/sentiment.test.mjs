// The sentiment demo as a visitor uses it: train, judge, score a stream, save, load.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { assembleSite } from '../../src/js/scripts/site.mjs';

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

test('train, type a sentence, score the live stream, save, and load again', async () => {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  const state = (wanted) => page.waitForFunction((w) => window.sentimentDemo.state === w || window.sentimentDemo.state === 'failed', wanted, { timeout: 60_000 });
  await page.goto(`${site.url}/sentiment.html`);
  await page.click('#train');
  await page.waitForFunction(() => window.sentimentDemo.accuracy !== null || window.sentimentDemo.error, null, { timeout: 60_000 });
  const demo = () => page.evaluate(() => window.sentimentDemo);
  assert.equal((await demo()).error, null);
  assert.ok((await demo()).accuracy > 0.7, `accuracy ${(await demo()).accuracy}`);
  assert.equal(await page.locator('#matrix td').count(), 4);
  await page.fill('#sentence', 'a great film, I love it');
  await page.press('#sentence', 'Enter');
  await page.waitForFunction(() => /Positive/.test(document.getElementById('verdict').textContent), null, { timeout: 20_000 });
  await page.click('#start');
  await page.waitForFunction(() => window.sentimentDemo.windows.length > 2 && window.sentimentDemo.scored > 20, null, { timeout: 60_000 });
  for (const { positive, n } of (await demo()).windows) assert.ok(positive >= 0 && positive <= 1 && n > 0);
  await page.click('#stop');
  await state('idle');
  await page.click('#save');
  await page.waitForSelector('#download:not([hidden])', { timeout: 30_000 });
  await page.reload();
  await page.click('#load');
  await page.waitForFunction(() => !document.getElementById('start').disabled || window.sentimentDemo.error, null, { timeout: 60_000 });
  assert.equal((await demo()).error, null);
  assert.deepEqual(errors, []);
  await page.close();
});
