// The jobs and batches page: what the engine tells of itself, as a visitor sees it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite } from '../../src/js/scripts/demo/site.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { JobLog, progress } from '../../www/jobs.js';
import { durationsOf, spread } from '../../www/tasks_table.js';
import { rowsOf, tickStep } from '../../www/timeline.js';
import { TweetGenerator } from '../../www/tweets.js';

const SENTENCES = 40_000;
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

/** Opens the page; `prepare` runs in it before the session has started anything. `close` checks that nothing went wrong. */
async function open(prepare) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${site.url}/ui.html`);
  if (prepare) await page.evaluate(prepare);
  await page.waitForSelector('#words:not([disabled])', { timeout: 30_000 });
  const close = async () => {
    assert.deepEqual(errors, []);
    assert.equal(await page.evaluate(() => window.rivuletUi.error), null);
    await page.close();
  };
  const rows = (table) => page.$$eval(`#${table} tbody tr`, (all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  return { page, rows, close };
}

test('the word count is listed as done jobs, with stages and tasks', async () => {
  const { page, rows, close } = await open();
  assert.deepEqual(await rows('jobs'), []);
  await page.click('#words');
  await page.waitForSelector('#result .chip', { timeout: 30_000 });
  await page.waitForFunction(() => document.querySelectorAll('#jobs [data-state="succeeded"]').length === 2, null, { timeout: 10_000 });
  const generator = new TweetGenerator({ seed: 42 });
  const words = new Map();
  for (let n = 0; n < SENTENCES; n++) for (const word of generator.next().text.split(' ')) words.set(word, (words.get(word) ?? 0) + 1);
  const top = [...words.values()].sort((a, b) => b - a).slice(0, 12);
  assert.deepEqual(await page.$$eval('#result .chip b', (all) => all.map((b) => Number(b.textContent.replaceAll(',', '')))), top);

  const [collect, sample] = await rows('jobs');
  assert.deepEqual([collect[0], collect[1], collect[2]], ['2', 'collect', 'succeeded']);
  assert.deepEqual([sample[0], sample[1], sample[2], sample[5], sample[6]], ['1', 'sortBy: sample', 'succeeded', '2/2', '12/12']);
  // The stage of the first shuffle is skipped where its output is still there.
  assert.equal(collect[5], '2/2, 1 skipped');
  assert.match(collect[4], /^[\d.]+ (ms|s)$/);
  assert.equal((await rows('tasks')).length, 3);
  assert.equal(await page.locator('#dag .dag-stage').count(), 3);
  const attempts = await page.evaluate(() => window.rivuletUi.jobs()[0].stages.flatMap((stage) => stage.attempts ?? []).length);
  assert.equal(attempts, 8);
  assert.equal(await page.locator('#timeline .task').count(), attempts);

  await page.click('#jobs tr[data-job="1"] button');
  assert.equal((await rows('tasks')).length, 2);
  assert.match(await page.textContent('#timeline-note'), /^job 1, sortBy: sample/);
  await page.click('#follow');
  assert.match(await page.textContent('#timeline-note'), /^job 2, collect/);
  await close();
});

test('the join is summed by country, and its two sides are kept', async () => {
  const { page, rows, close } = await open();
  await page.click('#join');
  await page.waitForSelector('#result .chip', { timeout: 30_000 });
  await page.waitForFunction(() => document.querySelectorAll('#jobs [data-state="succeeded"]').length === 3, null, { timeout: 10_000 });
  // What is (n · 7919) mod 4000 has the country of that mod 8; 40,000 visits of 1 to 30 minutes.
  const minutes = new Array(8).fill(0);
  for (let n = 0; n < 40_000; n++) minutes[((n * 7_919) % 4_000) % 8] += 1 + (n % 30);
  const shown = await page.$$eval('#result .chip b', (all) => all.map((b) => Number(b.textContent.replaceAll(',', ''))));
  assert.deepEqual(
    shown,
    minutes.sort((a, b) => b - a),
  );
  assert.deepEqual(
    (await rows('jobs')).map((job) => job[1]),
    ['collect', 'sortBy: sample', 'count'],
  );
  if (await page.isVisible('#storage-card')) {
    await page.waitForFunction(() => document.querySelectorAll('#storage tbody tr').length === 2, null, { timeout: 10_000 });
    for (const [, , kept, bytes] of await rows('storage')) assert.deepEqual([kept, /^[\d.]+ [KM]iB$/.test(bytes)], ['4 of 4', true]);
  }
  await close();
});

test('batches of the stream are listed, and their records are the tweets that were made', async () => {
  const { page, rows, close } = await open();
  const recordsOf = (batches) => batches.reduce((sum, batch) => sum + Number(batch[1].replaceAll(',', '')), 0);
  await page.selectOption('#rate', '300');
  await page.click('#stream');
  // A slow machine makes fewer tweets a second than it is asked for.
  await page.waitForFunction(
    () => document.querySelectorAll('#batches [data-state="done"]').length >= 3 && window.rivuletUi.made() > 300,
    null,
    { timeout: 30_000 },
  );
  await page.waitForSelector('.bar', { timeout: 10_000 });
  assert.equal(await page.getAttribute('#tab-streaming', 'aria-selected'), 'true');
  await page.click('#stream');
  await page.waitForFunction(() => document.getElementById('stream').textContent === 'Start stream', null, { timeout: 20_000 });
  const batches = await rows('batches');
  const made = await page.evaluate(() => window.rivuletUi.made());
  assert.equal(recordsOf(batches), made);
  assert.equal(await page.textContent('#stream-records'), made.toLocaleString('en'));
  assert.equal(await page.textContent('#stream-batches'), String(batches.length));
  assert.equal(await page.textContent('#stream-waiting'), '0');
  for (const batch of batches) {
    assert.equal(batch[5], 'done');
    for (const delay of batch.slice(2, 5)) assert.match(delay, /^[\d.]+ (ms|s)$/);
  }
  await page.click('#tab-jobs');
  // The status may come later than the batch's end.
  await page.waitForFunction((n) => document.querySelectorAll('#jobs [data-state="succeeded"]').length === n, batches.length, {
    timeout: 10_000,
  });
  // A second stream starts from nothing.
  await page.click('#stream');
  await page.waitForFunction(() => document.querySelectorAll('#batches [data-state="done"]').length >= 1, null, { timeout: 30_000 });
  await page.click('#stream');
  await page.waitForFunction(() => document.getElementById('stream').textContent === 'Start stream', null, { timeout: 20_000 });
  assert.equal(recordsOf(await rows('batches')), await page.evaluate(() => window.rivuletUi.made()));
  await close();
});

test('attempts, skipped stages and kept datasets of a status are drawn; texts stay texts', async () => {
  const { page, rows, close } = await open(async () => {
    const { StatusEvents } = await import('rivulet');
    const attempt = (partition, executor, startMs, endMs, more) => ({
      partition,
      attempt: 0,
      executor,
      startMs,
      endMs,
      state: 'done',
      speculative: false,
      ...more,
    });
    const stage = (id, more) => ({
      id,
      attempt: 0,
      name: `stage ${id}`,
      tasks: 2,
      running: 0,
      completed: 2,
      failed: 0,
      parents: id > 0 ? [id - 1] : [],
      operators: '<b>work</b>',
      skipped: false,
      attempts: [],
      ...more,
    });
    const job = {
      id: 1,
      description: '<img src=x onerror=alert(1)>',
      state: 'succeeded',
      submittedMs: 1_000,
      finishedMs: 1_100,
      stages: [
        stage(0, { skipped: true }),
        stage(1, {
          attempts: [
            attempt(0, 0, 1_000, 1_040),
            attempt(1, 0, 1_010, 1_030, { state: 'failed' }),
            attempt(1, 1, 1_030, 1_050, { attempt: 1 }),
          ],
          failed: 1,
        }),
        stage(2, { attempts: [attempt(0, 0, 1_050, 1_090), attempt(1, 1, 1_050, 1_100, { speculative: true })] }),
      ],
    };
    const { receive } = StatusEvents.prototype;
    StatusEvents.prototype.receive = function receiveMade(status) {
      const datasets = [{ id: 3, name: 'Numbers', partitions: 4, kept: 3, bytes: 2_048 }];
      receive.call(this, { ...status, jobs: [job], datasets });
    };
  });
  await page.waitForSelector('#jobs tbody tr', { timeout: 10_000 });
  const [listed] = await rows('jobs');
  assert.deepEqual(
    [...listed.slice(0, 3), ...listed.slice(4)],
    ['1', '<img src=x onerror=alert(1)>', 'succeeded', '100 ms', '2/2, 1 skipped', '4/4, 1 failed'],
  );
  assert.equal(await page.locator('#timeline .task').count(), 5);
  assert.equal(await page.locator('#timeline .task.is-failed').count(), 1);
  assert.equal(await page.locator('#timeline .task.is-speculative').count(), 1);
  assert.deepEqual(await page.$$eval('#timeline .row-name', (all) => all.map((text) => text.textContent)), ['Executor 0', 'Executor 1']);
  assert.deepEqual(await page.$$eval('#legend li', (all) => all.map((li) => li.textContent)), [
    'Stage 0, skipped',
    'Stage 1',
    'Stage 2',
    'failed or lost',
    'speculative',
  ]);
  assert.deepEqual(
    (await rows('tasks')).map((row) => row.slice(0, 7)),
    [
      ['0', '<b>work</b>', 'skipped: its output was there already'],
      ['1', '<b>work</b>', '2/2', '1', '20 ms', '30 ms', '40 ms'],
      ['2', '<b>work</b>', '2/2', '0', '40 ms', '45 ms', '50 ms'],
    ],
  );
  assert.deepEqual(await rows('storage'), [['3', 'Numbers', '3 of 4', '2 KiB']]);
  await close();
});

test('attempts that overlap get lanes of their own', () => {
  const attempts = [
    [0, 10],
    [5, 15],
    [10, 20],
    [16, null],
  ].map(([startMs, endMs], partition) => ({ partition, executor: 1, startMs, endMs }));
  const rows = rowsOf({ stages: [{ id: 0, attempts }, { id: 1 }] }, [0, 1], 30);
  assert.deepEqual(
    rows.map(({ executor, lanes }) => [executor, lanes.map((lane) => lane.map(({ attempt, endMs }) => [attempt.partition, endMs]))]),
    [
      [0, []],
      [
        1,
        [
          [
            [0, 10],
            [2, 20],
          ],
          [
            [1, 15],
            [3, 30],
          ],
        ],
      ],
    ],
  );
});

test('ticks are 1, 2 or 5 times a power of ten apart', () => {
  assert.deepEqual(
    [
      [1, 10],
      [9, 10],
      [11, 10],
      [45, 10],
      [100, 10],
      [101, 10],
      [70_000, 7],
    ].map(([span, most]) => tickStep(span, most)),
    [1, 1, 2, 5, 10, 20, 10_000],
  );
});

test("a task's duration is that of the attempt that was done first", () => {
  const attempts = [
    { partition: 1, startMs: 0, endMs: 90, state: 'done' },
    { partition: 1, startMs: 50, endMs: 70, state: 'done' },
    { partition: 0, startMs: 0, endMs: 5, state: 'failed' },
    { partition: 2, startMs: 0, endMs: null, state: 'running' },
  ];
  assert.deepEqual(durationsOf({ tasks: 3, attempts }), [null, 20, null]);
  assert.deepEqual(durationsOf({ tasks: 2 }), [null, null]);
  assert.deepEqual(spread([5, null, 1, 3]), { min: 1, median: 3, max: 5 });
  assert.deepEqual(spread([4, 1, 2, 9]), { min: 1, median: 3, max: 9 });
  assert.deepEqual(spread([null]), { min: null, median: null, max: null });
});

test('a job that the status lists no longer is kept, and its end is unknown if it was running', () => {
  const log = new JobLog();
  const job = (id, state) => ({ id, state, stages: [], submittedMs: 0, finishedMs: null });
  log.update({ jobs: [job(1, 'running'), job(2, 'succeeded')] });
  log.update({ jobs: [job(3, 'running')] });
  assert.deepEqual(
    log.newest().map(({ id, state }) => [id, state]),
    [
      [3, 'running'],
      [2, 'succeeded'],
      [1, 'unknown'],
    ],
  );
  log.update({ jobs: Array.from({ length: 200 }, (_, n) => job(n + 3, 'succeeded')) });
  assert.deepEqual([log.newest().length, log.newest()[0].id], [100, 202]);
});

test('skipped stages count for nothing but themselves', () => {
  const stages = [
    { skipped: true, tasks: 8, completed: 0, failed: 0 },
    { tasks: 4, completed: 4, failed: 1 },
    { tasks: 4, completed: 1, failed: 0 },
  ];
  assert.deepEqual(progress({ stages }), { skipped: 1, stages: 2, stagesDone: 1, tasks: 8, tasksDone: 5, failed: 1 });
});
