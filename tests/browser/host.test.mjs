// The worker's script, with an engine that only does what it is told: how it loads, what it hands over, and how it ends.
// What the engine's edge does itself is tested in `tests/web`.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundleFunctions, bundleWorker, manifest } from '../../src/js/scripts/build/bundle.mjs';
import { browser, HERE } from './harness.mjs';

const folder = mkdtempSync(join(tmpdir(), 'rivulet-host-'));
const shared = browser({ mounts: { '/fake/': folder } });
before(async () => {
  await bundleWorker(join(HERE, 'fake_engine'), join(folder, 'worker.js'));
  await bundleFunctions(join(folder, 'functions.js'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `f` in a page that has `begin(init)`: a worker, its messages so far, and `heard(is)`, the first one for which `is` holds. */
async function inside(f, arg) {
  const page = await shared.open();
  await page.evaluate((version) => {
    window.begin = (more) => {
      const worker = new Worker('/fake/worker.js', { type: 'module' });
      const [messages, waits] = [[], []];
      worker.onmessage = ({ data }) => {
        messages.push(data);
        for (const look of waits) look();
      };
      const heard = (is) =>
        new Promise((resolve) => {
          const look = () => {
            const found = messages.find(is);
            if (found) resolve(found);
          };
          waits.push(look);
          look();
        });
      const lock = crypto.randomUUID();
      const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
      worker.postMessage({ t: 'init', role: 'driver', incarnation: 0, module, version, conf: {}, lock, ...more });
      const ask = (method, id = 1) => worker.postMessage({ t: 'req', id, method, bytes: new Uint8Array() });
      // Granted when the worker has ended, however it did.
      const ended = () => navigator.locks.request(lock, () => true);
      return { worker, messages, heard, ask, ended };
    };
  }, manifest.version);
  try {
    return await page.evaluate(f, arg);
  } finally {
    await page.close();
  }
}

test('messages that come before the engine is there reach it in their order', async () => {
  const { seen, loading } = await inside(async () => {
    const { worker, heard, ask } = window.begin();
    ask('first');
    worker.postMessage({ t: 'watchStatus', on: true });
    ask('second', 2);
    return heard(({ t, id }) => t === 'res' && id === 2);
  });
  assert.deepEqual(seen, ['first', 'watchStatus', 'second']);
  assert.equal(loading, true);
});

test('a trap ends the worker: it is said once, nothing more is handed over, and its lock is free', async () => {
  const { said, later, free } = await inside(async () => {
    const { messages, heard, ask, ended } = window.begin();
    ask('trap');
    ask('echo', 2);
    const said = await heard(({ t }) => t === 'fatal');
    const free = await ended();
    return { said, later: messages.filter((m) => m !== said && m.t !== 'ready').length, free };
  });
  assert.deepEqual([said.cause, said.message], ['memory', 'its heap of 2 MB could not grow']);
  assert.match(said.stack, /worker\.js/);
  assert.deepEqual([later, free], [0, true]);
});

test('a panic is said with its text and place, which the trap itself lacks', async () => {
  const said = await inside(async () => {
    const last = [];
    for (const method of ['panic', 'deep']) {
      const { heard, ask } = window.begin();
      ask(method);
      last.push(await heard(({ t }) => t === 'fatal'));
    }
    return last.map(({ message, cause }) => [message, cause]);
  });
  assert.deepEqual(said, [
    ['panicked at somewhere.rs:1 (unreachable)', 'panic'],
    ['the stack is too small (Maximum call stack size exceeded)', 'panic'],
  ]);
});

test('a failure that nobody waits for ends the worker, too', async () => {
  const { message } = await inside(async () => {
    const { heard, ask, ended } = window.begin();
    ask('later');
    await ended();
    return heard(({ t }) => t === 'fatal');
  });
  assert.equal(message, 'nobody waits for this');
});

test('files are the script’s: the engine hears nothing of them', async () => {
  const { seen, lent } = await inside(async () => {
    const { worker, heard, ask } = window.begin({ role: 'executor', executor: 0 });
    worker.postMessage({ t: 'blob', id: 7, blob: new Blob(['x']) });
    const lent = await heard(({ t }) => t === 'lent');
    ask('echo');
    const { seen } = await heard(({ t }) => t === 'res');
    return { seen, lent };
  });
  assert.deepEqual([seen, lent], [['echo'], { t: 'lent', id: 7 }]);
});

test('the script that runs functions is loaded with the first plan, and the plan reaches it', async () => {
  const found = await inside(async () => {
    const { heard, ask } = window.begin({ role: 'executor', executor: 0, functions: new URL('/fake/functions.js', location.href).href });
    ask('echo');
    const { loaded: before } = await heard(({ t, id }) => t === 'res' && id === 1);
    ask('load', 2);
    const { loaded, blocks } = await heard(({ t, id }) => t === 'res' && id === 2);
    return { before, loaded, blocks };
  });
  assert.deepEqual(found, { before: false, loaded: true, blocks: 1 });
});

test('a page of another version is refused', async () => {
  const { message } = await inside(() => window.begin({ version: '0.0.1' }).heard(({ t }) => t === 'fatal'));
  assert.match(message, /page runs version 0\.0\.1.*stale caches/);
});
