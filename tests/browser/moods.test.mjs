// The live-sentiment page: tweets of a WebSocket through discretized streams, beside a model over the same tweets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite } from '../../src/js/scripts/demo/site.mjs';
import { serveTweets } from '../../src/js/scripts/demo/tweet-server.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { MOODS } from '../../www/mood_words.js';
import { TweetGenerator } from '../../www/tweets.js';

const TWEETS = 900;
let browser;
let site;
let tweets;
before(async () => {
  site = await serve(assembleSite());
  tweets = await serveTweets({ rate: 300, limit: TWEETS });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.server.close();
  tweets?.server.close();
});

test('moods of a live stream of tweets equal the model, and a wrong address is told', async () => {
  const page = await browser.newPage();
  await page.goto(`${site.url}/moods.html`);
  await page.fill('#url', 'http://localhost/');
  await page.click('#start');
  await page.waitForSelector('#error:not([hidden])', { timeout: 30_000 });
  assert.match(await page.textContent('#error'), /does not begin with ws/);
  await page.fill('#url', tweets.url);
  await page.selectOption('#batch', '1000');
  await page.click('#start');
  await page.waitForFunction((all) => window.rivuletMoods.tweets >= all, TWEETS, { timeout: 60_000 });
  await page.click('#stop');
  await page.waitForFunction(() => !document.getElementById('start').disabled, null, { timeout: 20_000 });
  const found = await page.evaluate(() => ({ ...window.rivuletMoods }));
  const generator = new TweetGenerator();
  const expected = { tweets: 0, scored: 0, sum: 0 };
  for (let n = 0; n < TWEETS; n++) {
    const { text, lang } = generator.next();
    const words = text.split(' ').filter((word) => MOODS.has(word));
    expected.tweets++;
    if (lang !== 'en' || words.length === 0) continue;
    expected.scored++;
    expected.sum += words.reduce((sum, word) => sum + MOODS.get(word), 0);
  }
  assert.deepEqual(found, expected);
  assert.ok(expected.scored > 100);
  await page.close();
});
