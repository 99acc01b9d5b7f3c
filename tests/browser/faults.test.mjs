// Starts that fail: files that are not there or are something else, and pages that may not start a worker. Each is an error of a type,
// soon, whose sentence names the file, the cause and the remedy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { signed } from '../../src/js/scripts/build/engine.mjs';
import { browser, PKG } from './harness.mjs';

const DIST = '/pkg/dist/';
const WORKER = `${DIST}worker.js`;
const ENGINE = `${DIST}engine_bg.wasm`;
const PAGE = '<!doctype html><title>app</title><p>everything is this page';

/** What the server answers in place of a file, by path: a function of the response. */
const faults = new Map();
const shared = browser({
  answer: (path, response) => {
    const fault = faults.get(path);
    fault?.(response);
    return fault !== undefined;
  },
});

const answered = (status, type, body) => (response) => response.writeHead(status, { 'content-type': type }).end(body);
const hangs = () => {};
const worker = () => readFileSync(join(PKG, 'dist/worker.js'), 'utf8');
const engine = () => readFileSync(join(PKG, 'dist/engine_bg.wasm'));
const EMPTY = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** What a session in a page of its own answers: 3, or the error of its start. */
async function started(page) {
  return page.evaluate(async () => {
    const { SparkSession } = await import('/pkg/dist/index.js');
    const begun = performance.now();
    window.reads = 0;
    const { prototype } = ReadableStreamDefaultReader;
    const { read } = prototype;
    prototype.read = async function () {
      const chunk = await read.call(this);
      window.reads += 1;
      return chunk;
    };
    try {
      const onProgress = ({ stage }) => (window.stage = stage);
      const spark = await SparkSession.builder.master('local[1]').create({ onProgress });
      const count = await spark.range(3).count();
      await spark.stop();
      return count;
    } catch (error) {
      const { name, condition, reason, message, url } = error;
      return { name, condition, reason, message, url, seconds: (performance.now() - begun) / 1_000 };
    }
  });
}

/** The same where a file is something else; `meanwhile` acts on the page while the session starts. */
async function startedWith(path, fault, meanwhile) {
  faults.set(path, fault);
  const page = await shared.open();
  try {
    if (meanwhile) await page.clock.install();
    const answer = started(page);
    await meanwhile?.(page);
    return await answer;
  } finally {
    faults.delete(path);
    await page.close();
  }
}

/** Lets the time pass in which nothing may come, once the page has asked for the file. */
const silence = (asked) => async (page) => {
  await asked;
  await page.clock.fastForward(11_000);
};

/** Lets seconds pass in the page, once the engine is there and it waits for the workers. */
function untilWorkers(seconds) {
  return async (page) => {
    while ((await page.evaluate(() => window.stage)) !== 'workers');
    await page.clock.fastForward(seconds * 1_000);
  };
}

/** A fault that hangs, and when it was asked for. */
function hanging(begin = hangs) {
  let told;
  const asked = new Promise((resolve) => {
    told = resolve;
  });
  return [
    (response) => {
      begin(response);
      told();
    },
    silence(asked),
  ];
}

/** A worker that hears what the page wants, and does not answer; and the time that passes then. */
function deaf() {
  const heard = `${DIST}heard`;
  const [told, meanwhile] = hanging();
  faults.set(heard, told);
  return [answered(200, 'text/javascript', `onmessage = () => fetch('${heard}');`), meanwhile];
}

const other = (text) => text.replaceAll(/\b0\.1\.0\+[0-9a-f]{16}\b/g, '0.0.9').replaceAll(/"0\.1\.0"/g, '"0.0.9"');

/** What is wrong, the file, what comes in its place, the reason that the error has, and what its sentence says. */
const FILES = [
  ['worker.js is missing', WORKER, answered(404, 'text/plain', 'no'), 'missing', /HTTP 404.*copy worker\.js.*rivulet\/inline/],
  ['a page comes in place of worker.js', WORKER, answered(200, 'text/html', PAGE), 'html', /a page \(HTML\).*single-page.*copy worker\.js/],
  [
    'worker.js has a type that browsers do not run',
    WORKER,
    (r) => answered(200, 'text/plain', worker())(r),
    'type',
    /text\/plain.*Serve \.js files as text\/javascript/,
  ],
  ['worker.js is damaged', WORKER, answered(200, 'text/javascript', 'const ('), 'syntax', /script failed.*once more/],
  [
    'worker.js is of another version',
    WORKER,
    (r) => answered(200, 'text/javascript', versioned())(r),
    'version',
    /version 0\.0\.9.*page runs.*0\.1\.0.*stale caches/,
  ],
  ['worker.js does not come', WORKER, hangs, untilWorkers(11), 'timeout', /did not answer within 10 s/],
  ['worker.js is another program', WORKER, ...deaf(), 'timeout', /serves Rivulet's worker\.js/],
  ['the engine is missing', ENGINE, answered(404, 'text/plain', 'no'), 'missing', /HTTP 404.*rivulet\/inline/],
  ['a page comes in place of the engine', ENGINE, answered(200, 'text/html', PAGE), 'html', /a page \(HTML\).*single-page/],
  ['a page comes in place of the engine, as WebAssembly', ENGINE, answered(200, 'application/wasm', PAGE), 'html', /a page \(HTML\)/],
  [
    'the engine is a pointer of Git LFS',
    ENGINE,
    answered(200, 'application/wasm', 'version https://git-lfs.github.com/spec/v1\noid 1\n'),
    'content',
    /git lfs pull/,
  ],
  [
    'the engine is cut off',
    ENGINE,
    (r) => answered(200, 'application/wasm', engine().subarray(0, 100_000))(r),
    'truncated',
    /Only 100000 of the engine's \d{8} bytes.*once more/,
  ],
  ['the connection breaks off', ENGINE, brokenOff, 'truncated', /Only \d+ of the engine's \d{8} bytes.*try again/],
  ['the engine does not come', ENGINE, ...hanging(), 'timeout', /No byte of the engine came for 10 s, after 0 bytes/],
  ['the engine stops coming', ENGINE, ...hanging(begun), 'timeout', /after 100000 bytes.*try again/],
  ['the engine is another program', ENGINE, answered(200, 'application/wasm', EMPTY), 'version', /another program/],
  [
    'the engine is of another build',
    ENGINE,
    answered(200, 'application/wasm', signed(EMPTY, '0123456789abcdef')),
    'version',
    /0123456789abcdef.*page runs version 0\.1\.0, build.*one copy of the package/,
  ],
];

/** worker.js as a version before this would have been. */
function versioned() {
  const text = worker();
  const changed = other(text);
  assert.notEqual(changed, text, 'worker.js has its version in it');
  return changed;
}

function begun(response) {
  response.writeHead(200, { 'content-type': 'application/wasm', 'content-length': engine().length }).write(engine().subarray(0, 100_000));
}

function brokenOff(response) {
  begun(response);
  response.on('drain', () => response.destroy());
  setImmediate(() => response.socket.end());
}

for (const [what, path, fault, ...rest] of FILES) {
  const [meanwhile, reason, sentence] = rest.length === 3 ? rest : [undefined, ...rest];
  test(`${what}: ${reason}`, async () => {
    const error = await startedWith(path, fault, meanwhile);
    assert.deepEqual([error.name, error.condition, error.reason], ['WorkerLoadError', 'RIVULET_WORKER_LOAD', reason], error.message);
    assert.equal(error.url, shared.url + path);
    assert.ok(error.message.includes(error.url), error.message);
    assert.match(error.message, sentence);
    if (reason !== 'timeout') assert.ok(error.seconds < 10, `${error.seconds} s`);
  });
}

test('a worker that comes slowly is waited for as long as bytes come', async () => {
  const text = worker();
  const parts = [0, 1, 2, 3].map((i) => text.slice((i * text.length) / 4, ((i + 1) * text.length) / 4));
  const open = new Set();
  const sent = [];
  const slow = (response) => {
    response.writeHead(200, { 'content-type': 'text/javascript' });
    for (const part of sent) response.write(part);
    open.add(response);
  };
  const send = (part) => {
    sent.push(part);
    for (const response of open) response.write(part);
  };
  const count = await startedWith(WORKER, slow, async (page) => {
    await untilWorkers(3)(page);
    // The browser asks once for the workers, which share its cache, and the page looks by itself at what comes.
    const isLooked = () => [...open].some(({ req }) => req.headers['cache-control'] === 'no-cache');
    while (open.size < 2 || !isLooked()) await page.evaluate(() => {});
    for (const part of parts) {
      const before = await page.evaluate(() => window.reads);
      send(part);
      while ((await page.evaluate(() => window.reads)) === before);
      // In the page's time the whole takes longer than it would wait for silence.
      for (let second = 0; second < 6; second++) await page.clock.fastForward(1_000);
    }
    for (const response of open) response.end();
    faults.set(WORKER, answered(200, 'text/javascript', text));
  });
  assert.equal(count, 3);
});
