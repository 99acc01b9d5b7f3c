// The sentiment demo as a visitor uses it: train, judge, score a live stream of tweets, save, load.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite, sentences } from '../../src/js/scripts/demo/site.mjs';
import { serveTweets } from '../../src/js/scripts/demo/tweet-server.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { trendingModel } from '../../www/model.js';
import { OpinionGenerator, splitSentences } from '../../www/opinions.js';
import { PRIVATE_FILES } from './harness.mjs';

const TWEETS = 3_000;
let browser;
let site;
let server;
before(async () => {
  site = await serve(assembleSite());
  server = await serveTweets({ rate: 400, limit: TWEETS });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.server.close();
  for (const socket of server?.server.clients ?? []) socket.terminate();
  server?.server.close();
});

/** Multinomial naive Bayes with add-one smoothing over words that two sentences have: what the page trains, by hand. */
function bayes(training, stopWords) {
  const words = (text) =>
    text
      .toLowerCase()
      .split(/\s/)
      .filter((word) => !stopWords.has(word));
  const inSentences = new Map();
  for (const { text } of training) for (const word of new Set(words(text))) inSentences.set(word, (inSentences.get(word) ?? 0) + 1);
  const known = new Map([...inSentences].filter(([, n]) => n >= 2).map(([word]) => [word, [1, 1]]));
  const sentencesOf = [0, 0];
  for (const { text, label } of training) {
    sentencesOf[label] += 1;
    for (const word of words(text)) if (known.has(word)) known.get(word)[label] += 1;
  }
  const total = [0, 1].map((label) => [...known.values()].reduce((sum, counts) => sum + counts[label], 0));
  return (text) => {
    const [bad, good] = [0, 1].map((label) =>
      words(text).reduce(
        (sum, word) => sum + (known.has(word) ? Math.log(known.get(word)[label] / total[label]) : 0),
        Math.log((sentencesOf[label] + 1) / (training.length + 2)),
      ),
    );
    return good > bad ? 1 : 0;
  };
}

async function open() {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${site.url}/sentiment.html`);
  const wait = (condition, argument) => page.waitForFunction(condition, argument, { timeout: 60_000 });
  const error = () => page.evaluate(() => window.sentimentDemo.error);
  const train = async () => {
    await page.click('#train');
    await wait(() => window.sentimentDemo.accuracy !== null || window.sentimentDemo.error);
    assert.equal(await error(), null);
  };
  const stop = async () => {
    await page.click('#stop');
    await wait(() => window.sentimentDemo.state !== 'running');
    assert.equal(await error(), null);
  };
  return { page, errors, wait, error, train, stop };
}

test('tweets of a WebSocket, scored and averaged by window and hashtag in one query, equal a model', async () => {
  const { page, errors, wait, error, train, stop } = await open();
  await train();
  // A wrong address is told, and the right one can be tried at once.
  await page.fill('#ws-url', 'http://localhost/opinions');
  await page.click('#start');
  await page.waitForSelector('#error:not([hidden])', { timeout: 20_000 });
  assert.match(await page.textContent('#error'), /http:\/\/localhost\/opinions.*begins with ws:/);
  if (process.env.RIVULET_SCREENSHOTS) await page.screenshot({ path: `${process.env.RIVULET_SCREENSHOTS}/wrong.png`, fullPage: true });
  await page.evaluate(() => {
    window.sentimentDemo.error = null;
  });
  await page.fill('#ws-url', server.opinions);
  await page.click('#start');
  await wait(
    (all) => window.sentimentDemo.error || (window.sentimentDemo.totals().tweets >= all && window.sentimentDemo.totals().scored >= all),
    TWEETS,
  );
  assert.equal(await error(), null);
  const rows = await page.evaluate(() => window.sentimentDemo.rows());
  assert.ok((await page.locator('.bar').count()) > 3);
  if (process.env.RIVULET_SCREENSHOTS) await page.screenshot({ path: `${process.env.RIVULET_SCREENSHOTS}/sentiment.png`, fullPage: true });
  await stop();

  const { training, heldOut } = splitSentences(sentences());
  const stopWords = await page.evaluate(async () => {
    const { ml, SparkSession } = await import('rivulet');
    return ml.loadDefaultStopWords(await SparkSession.builder.getOrCreate(), 'english');
  });
  const positive = bayes(training, new Set(stopWords));
  const generator = new OpinionGenerator(heldOut);
  const tweets = Array.from({ length: TWEETS }, () => generator.next());
  const { rows: expected, dropped } = trendingModel(tweets.map((tweet) => ({ ...tweet, score: positive(tweet.text) })));
  assert.deepEqual(rows, expected);
  assert.ok(expected.length > 100 && dropped > 0, `${expected.length} rows, ${dropped} late`);
  assert.ok(expected.some(({ score }) => score > 0.6) && expected.some(({ score }) => score < 0.4));
  assert.deepEqual(errors, []);
  await page.close();
});

test('train, type a sentence, score tweets of the page itself, save, and load again', PRIVATE_FILES, async () => {
  const { page, errors, wait, error, train, stop } = await open();
  await train();
  const accuracy = await page.evaluate(() => window.sentimentDemo.accuracy);
  assert.ok(accuracy > 0.7, `accuracy ${accuracy}`);
  assert.equal(await page.locator('#matrix td').count(), 4);
  await page.fill('#sentence', 'a great film, I love it');
  await page.press('#sentence', 'Enter');
  await page.waitForFunction(() => /Positive/.test(document.getElementById('verdict').textContent), null, { timeout: 20_000 });
  await page.click('#start');
  await wait(() => window.sentimentDemo.rows().length > 5 && window.sentimentDemo.totals().scored > 20);
  await stop();
  await page.click('#save');
  await page.waitForSelector('#download:not([hidden])', { timeout: 30_000 });
  await page.reload();
  await page.click('#load');
  await wait(() => !document.getElementById('start').disabled || window.sentimentDemo.error);
  assert.equal(await error(), null);
  assert.deepEqual(errors, []);
  await page.close();
});

test('files to train on: a header with label and text, Sentiment140, and one that is neither', async () => {
  const { page, wait, train } = await open();
  const opinions = Array.from({ length: 40 }, (_, n) => [n % 2, n % 2 ? `good great fun number ${n}` : `bad awful dull number ${n}`]);
  const choose = (text) => page.setInputFiles('#csv', { name: 'tweets.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  await choose(`label,text\n${opinions.map(([label, text]) => `${label},"${text}"`).join('\n')}\n`);
  await train();
  assert.equal(await page.evaluate(() => window.sentimentDemo.accuracy), 1);
  await page.reload();
  await choose(
    `${opinions.map(([label, text], n) => `"${4 * label}","${n}","Mon Apr 06 22:19:45 PDT 2009","NO_QUERY","ada","${text}"`).join('\n')}\n`,
  );
  await train();
  assert.equal(await page.evaluate(() => window.sentimentDemo.accuracy), 1);
  await page.reload();
  await choose('label,words\n1,good\n0,bad\n');
  await page.click('#train');
  await wait(() => window.sentimentDemo.error);
  assert.match(await page.textContent('#error'), /UNRESOLVED_COLUMN.*text/s);
  await page.close();
});
