// The page of mentions at a fixed seed and a driven clock: edges, ranks and communities beside a model over the same tweets.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite } from '../../src/js/scripts/demo/site.mjs';
import { JS } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { CommunityColours } from '../../www/community_colours.js';
import { MentionTweets } from '../../www/mention_tweets.js';
import { LATE_MS } from '../../www/tweets.js';

const MINUTE_MS = 60_000;
const SEED = 7;
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

/** What the page shows of all tweets so far. */
class Model {
  crowd = new MentionTweets({ seed: SEED, lateFrom: 400, lateEvery: 80 });
  counts = new Map();
  late = 0;
  /** Mentions of a minute that came after mentions of a later one. */
  disordered = 0;

  constructor(rate = 40) {
    this.rate = rate;
  }
  set rate(perSecond) {
    this.perSecond = perSecond;
    this.crowd.stepMs = 60_000 / perSecond;
  }

  advance(seconds) {
    for (let n = 0; n < seconds * this.perSecond; n++) {
      const { nowMs } = this.crowd;
      const tweet = this.crowd.next();
      const mentions = tweet.text.match(/@\w+/g) ?? [];
      if (Date.parse(tweet.createdAt) <= nowMs - LATE_MS) this.late += mentions.length;
      else this.take(tweet);
    }
  }

  take({ createdAt, user, text }) {
    const minuteMs = Math.floor(Date.parse(createdAt) / MINUTE_MS) * MINUTE_MS;
    for (const [, name] of text.matchAll(/@(\w+)/g)) {
      if (minuteMs < Math.max(...this.counts.keys())) this.disordered += 1;
      if (!this.counts.has(minuteMs)) this.counts.set(minuteMs, []);
      this.counts.get(minuteMs).push([user, name]);
    }
  }

  /** `[source, target]` of each mention in the last minutes. */
  window(minutes) {
    const endMs = Math.max(...this.counts.keys()) + MINUTE_MS;
    const startMs = endMs - minutes * MINUTE_MS;
    return { startMs, endMs, mentions: [...this.counts].filter(([at]) => at >= startMs).flatMap(([, all]) => all) };
  }
}

/** Page rank as GraphX has it: 20 steps from 1, and ranks that sum up to the number of vertices. */
function ranksOf(mentions, names) {
  const out = new Map();
  for (const [source] of mentions) out.set(source, (out.get(source) ?? 0) + 1);
  let ranks = new Map(names.map((name) => [name, 1]));
  for (let step = 0; step < 20; step++) {
    const next = new Map(names.map((name) => [name, 0.15]));
    for (const [source, target] of mentions) next.set(target, next.get(target) + (0.85 * ranks.get(source)) / out.get(source));
    ranks = next;
  }
  const sum = [...ranks.values()].reduce((a, b) => a + b, 0);
  return new Map([...ranks].map(([name, rank]) => [name, (rank * names.length) / sum]));
}

/** Label propagation: 8 steps in which all take the most frequent label around; of equals, the first in a hash map of Scala's. */
function communitiesOf(mentions, names) {
  const id = new Map(names.map((name, i) => [name, i]));
  let labels = names.map((_, i) => i);
  for (let step = 0; step < 8; step++) {
    const around = names.map(() => new Map());
    const hear = (who, label) => around[who].set(label, (around[who].get(label) ?? 0) + 1);
    for (const [source, target] of mentions) {
      hear(id.get(source), labels[id.get(target)]);
      hear(id.get(target), labels[id.get(source)]);
    }
    labels = around.map((heard) => {
      let buckets = 16;
      while (heard.size >= (buckets * 3) / 4) buckets *= 2;
      const place = (label) => [label % buckets, label];
      const most = Math.max(...heard.values());
      const [first] = [...heard]
        .filter(([, count]) => count === most)
        .map(([label]) => place(label))
        .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      return first[1];
    });
  }
  return new Map(names.map((name, i) => [name, names[labels[i]]]));
}

/** What the page shows, and its table, are what the model has. */
async function compare(page, model, minutes) {
  const { shown, late, tweets } = await page.evaluate(() => window.rivuletMentions);
  const { startMs, endMs, mentions } = model.window(minutes);
  assert.deepEqual([shown.startMs, shown.endMs], [startMs, endMs]);
  const counts = new Map();
  for (const pair of mentions) counts.set(pair.join(' '), (counts.get(pair.join(' ')) ?? 0) + 1);
  assert.deepEqual(new Map(shown.edges.map(([source, target, count]) => [`${source} ${target}`, count])), counts);
  const names = [...new Set(mentions.flat())].sort();
  const [ranks, communities] = [ranksOf(mentions, names), communitiesOf(mentions, names)];
  assert.deepEqual(shown.accounts.map(({ name }) => name).sort(), names);
  for (const { name, rank, community } of shown.accounts) {
    assert.ok(Math.abs(rank - ranks.get(name)) < 1e-9, `${name}: ${rank}, not ${ranks.get(name)}`);
    assert.equal(community, communities.get(name), name);
  }
  const first = names.sort((a, b) => ranks.get(b) - ranks.get(a)).slice(0, 10);
  const rows = await page.$$eval('#table tbody tr', (all) => all.map((row) => [...row.cells].map((td) => td.textContent)));
  assert.deepEqual(
    rows.map(([place, name, rank, mentioned]) => [place, name, rank, mentioned]),
    first.map((name, i) => [
      String(i + 1),
      `@${name}`,
      ranks.get(name).toFixed(2),
      String(mentions.filter(([, to]) => to === name).length),
    ]),
  );
  assert.equal(await page.textContent('#leaders'), `@${first[0]} leads`);
  return { late, tweets, communities: new Set(communities.values()).size, first };
}

async function open(settings = {}, query = `driven&seed=${SEED}`) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`pageerror: ${error.message}`));
  await page.goto(`${site.url}/mentions.html?${query}`);
  return { page, said, close: () => context.close() };
}

const running = (page) => page.waitForFunction(() => window.rivuletMentions.state === 'running', null, { timeout: 60_000 });
const settle = (page) => page.evaluate(() => window.rivuletMentions.settled());

test('edges, ranks and communities of each window equal a model; late mentions count where they belong; a pause is one', async () => {
  const { page, said, close } = await open();
  assert.match(await page.textContent('.picture'), /Press Start/);
  await page.click('#toggle');
  await running(page);
  const model = new Model();
  const advance = async (seconds) => {
    model.advance(seconds);
    await page.evaluate((ms) => window.rivuletMentions.advance(ms), 1_000 * seconds);
    await settle(page);
  };
  const leaders = new Set();
  const step = async (seconds, minutes) => {
    await advance(seconds);
    const found = await compare(page, model, minutes);
    leaders.add(found.first[0]);
    return found;
  };
  await step(1, 10);
  await step(1, 10);
  await step(5, 10);
  const { communities } = await step(6, 10);
  assert.ok(communities > 1 && communities < 20, `${communities} communities`);
  assert.ok(model.disordered > 20, `${model.disordered} mentions were out of order`);

  // Another window is shown at once, without another tweet.
  await page.selectOption('#minutes', '3');
  await page.waitForFunction(() => window.rivuletMentions.shown.endMs - window.rivuletMentions.shown.startMs === 180_000);
  await compare(page, model, 3);
  await step(2, 3);
  await page.selectOption('#minutes', '10');

  // A tweet of the minute before last, and one that is hopeless: the watermark is two minutes after the newest.
  const lateMs = model.crowd.nowMs - 100_000;
  const late = { id: 1_000_000, user: 'ada', text: 'so @yuri and @yuri, too', createdAt: new Date(lateMs).toISOString(), score: 0.5 };
  const hopeless = { ...late, text: '@bo', createdAt: new Date(lateMs - LATE_MS).toISOString() };
  const before = await page.evaluate(() => window.rivuletMentions.late);
  await page.evaluate((tweets) => window.rivuletMentions.write(tweets), [late, hopeless]);
  await settle(page);
  model.take(late);
  await compare(page, model, 10);
  assert.equal(await page.evaluate(() => window.rivuletMentions.late), before + 1);
  model.late += 1;

  await page.focus('#toggle');
  await page.keyboard.press('Enter');
  assert.equal(await page.textContent('#toggle'), 'Resume');
  const paused = await page.evaluate(() => window.rivuletMentions.tweets);
  await page.evaluate(() => window.rivuletMentions.advance(60_000));
  await settle(page);
  assert.equal((await compare(page, model, 10)).tweets, paused);
  await page.keyboard.press('Enter');
  assert.equal(await page.textContent('#toggle'), 'Pause');
  await step(3, 10);

  // Twice as many tweets in as much event time.
  await page.fill('#rate', '80');
  assert.equal(await page.textContent('#rate-value'), '80');
  model.rate = 80;
  const { tweets } = await step(10, 10);
  assert.equal(tweets, paused + 3 * 40 + 10 * 80);
  await page.selectOption('#minutes', '30');
  const { late: dropped } = await step(15, 30);
  assert.ok(model.late > 3 && dropped > 3 && dropped <= model.late, `${dropped} of ${model.late} late mentions were dropped`);
  assert.ok(leaders.size > 1, 'the first one changes');
  assert.deepEqual(said, []);
  await close();
});

for (const [look, settings] of Object.entries({
  light: { colorScheme: 'light', reducedMotion: 'reduce' },
  dark: { colorScheme: 'dark', reducedMotion: 'reduce' },
  'a phone': { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' },
})) {
  test(`at work, in ${look}: axe finds nothing, nothing is shifted or moves by itself, and the picture is drawn`, async () => {
    const { page, said, close } = await open(settings);
    await page.evaluate(() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const { hadRecentInput, value, sources } of list.getEntries())
          if (!hadRecentInput) window.shifts.push([value, ...sources.map(({ node }) => node?.outerHTML ?? node?.textContent)]);
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.evaluate(() => document.getElementById('toggle').click());
    await running(page);
    await page.evaluate(() => window.rivuletMentions.advance(8_000));
    await settle(page);
    const drawn = () =>
      page.evaluate(() => {
        const canvas = document.getElementById('picture');
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        let [count, sum] = [0, 0];
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] === 255) count += 1;
          sum = (Math.imul(sum, 31) + data[i] + data[i + 1] + data[i + 2] + data[i + 3]) | 0;
        }
        return [count, sum];
      });
    const [count, sum] = await drawn();
    assert.ok(count > 1_000, `${count} opaque pixels`);
    await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
    assert.equal((await drawn())[1], sum, 'the picture is still');
    const [width, view] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(width <= view, `${width} px of content in ${view} px`);
    assert.deepEqual(await page.evaluate(() => window.shifts), []);
    await page.addScriptTag({ path: join(JS, 'node_modules/axe-core/axe.min.js') });
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(
      violations.map(({ id, nodes }) => [id, ...nodes.map(({ target }) => String(target))]),
      [],
    );
    assert.deepEqual(said, []);
    await close();
  });
}

test('left to itself the stream flows, and the picture moves', async () => {
  const { page, said, close } = await open({}, '');
  await page.click('#toggle');
  await page.waitForFunction(() => window.rivuletMentions.shown?.mentions > 60, null, { timeout: 60_000 });
  const [before] = await page.evaluate(() => [window.rivuletMentions.shown.endMs]);
  await page.waitForFunction((endMs) => window.rivuletMentions.shown.endMs > endMs + 60_000, before, { timeout: 60_000 });
  await page.click('#toggle');
  assert.equal(await page.textContent('#state span'), 'Paused');
  assert.deepEqual(said, []);
  await close();
});

test('a community keeps its colour while most of its members stay, and small ones have none', () => {
  const colours = new CommunityColours(3);
  const first = colours.assign(
    new Map([
      ['a', ['a', 'b', 'c', 'd']],
      ['x', ['x', 'y', 'z']],
      ['q', ['q', 'r']],
    ]),
  );
  assert.deepEqual(
    [...first],
    [
      ['a', 0],
      ['x', 1],
    ],
  );
  // Other labels; the larger one is another now; a third community comes.
  const second = colours.assign(
    new Map([
      ['c', ['b', 'c', 'd']],
      ['y', ['x', 'y', 'z', 'a', 'u']],
      ['q', ['q', 'r', 's']],
    ]),
  );
  assert.deepEqual([second.get('c'), second.get('y'), second.get('q')], [0, 1, 2]);
  // More communities than colours: the smallest has none, and another has its colour.
  const third = colours.assign(
    new Map([
      ['m', ['m', 'n', 'o', 'p']],
      ['c', ['b', 'c', 'd', 'a']],
      ['y', ['x', 'y', 'z', 'u']],
      ['q', ['q', 'r', 's']],
    ]),
  );
  assert.deepEqual([third.get('c'), third.get('y'), third.get('q'), third.get('m')], [0, 1, undefined, 2]);
});
