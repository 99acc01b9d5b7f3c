// The worker as the engine's host, with an engine that only does what it is told: storage, files, timers, sockets, ports, death.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundleWorker, manifest } from '../../src/js/scripts/build/bundle.mjs';
import { browser, HERE } from './harness.mjs';

const folder = mkdtempSync(join(tmpdir(), 'rivulet-host-'));
const shared = browser({ mounts: { '/fake/': folder } });
before(() => bundleWorker(join(HERE, 'fake_engine'), join(folder, 'worker.js')));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A page with a small client of the protocol: `driver`, `executor(n)`, `call(method, ...args)`, `heard(event)`. */
async function open() {
  const page = await shared.open();
  await page.evaluate(async (version) => {
    const module = await WebAssembly.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const names = crypto.randomUUID();
    const start = (role, executor, incarnation = 0) =>
      new Promise((resolve, reject) => {
        const worker = new Worker('/fake/worker.js', { type: 'module' });
        const lock = `${names}-${role}-${executor}-${incarnation}`;
        worker.onmessage = ({ data }) =>
          data.t === 'ready' ? resolve({ worker, lock, executor, incarnation }) : reject(new Error(data.message));
        worker.postMessage({ t: 'init', role, executor, incarnation, module, version, conf: { a: 'b' }, lock });
      });
    const { worker: driver } = await start('driver');
    const events = [];
    const answers = new Map();
    const waits = [];
    driver.onmessage = ({ data }) => {
      if (data.t === 'res') answers.get(data.id)(new TextDecoder().decode(data.bytes));
      else {
        events.push(data.t === 'console' ? JSON.parse(data.text) : data);
        for (const look of waits) look();
      }
    };
    let id = 0;
    window.t = {
      driver,
      events,
      start,
      raw: (method, bytes = new Uint8Array()) =>
        new Promise((resolve) => {
          answers.set(++id, resolve);
          driver.postMessage({ t: 'req', id, method, bytes });
        }),
      call: async (method, ...args) => JSON.parse(await window.t.raw(method, new TextEncoder().encode(JSON.stringify(args)))),
      /** The first event for which `is` holds, taken out of the list. */
      heard: (is) =>
        new Promise((resolve) => {
          const look = () => {
            const at = events.findIndex(is);
            if (at < 0) return;
            waits.splice(waits.indexOf(look), 1);
            resolve(events.splice(at, 1)[0]);
          };
          waits.push(look);
          look();
        }),
      named: (name, ...first) => window.t.heard((e) => Array.isArray(e) && e[0] === name && first.every((value, n) => e[n + 1] === value)),
      async join(member, ...peers) {
        for (const peer of peers) {
          const { port1, port2 } = new MessageChannel();
          member.worker.postMessage({ t: 'peer', executor: peer.executor, incarnation: peer.incarnation, port: port1 }, [port1]);
          peer.worker.postMessage({ t: 'peer', executor: member.executor, incarnation: member.incarnation, port: port2 }, [port2]);
        }
        const { port1, port2 } = new MessageChannel();
        member.worker.postMessage({ t: 'driverPort', port: port1 }, [port1]);
        driver.postMessage({ t: 'executor', executor: member.executor, incarnation: member.incarnation, lock: member.lock, port: port2 }, [
          port2,
        ]);
        await window.t.named('executorJoined', member.executor, member.incarnation);
      },
      json: (...value) => ({ bytes: [...new TextEncoder().encode(JSON.stringify(value))] }),
      text: (bytes) => JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes))),
    };
  }, manifest.version);
  return page;
}

async function inside(f, arg) {
  const page = await open();
  try {
    return await page.evaluate(f, arg);
  } finally {
    await page.close();
  }
}

test('storage writes, lists, reads and removes in order, below folders', async () => {
  const seen = await inside(async () => {
    const { call, named } = window.t;
    const root = `test-${crypto.randomUUID()}`;
    const steps = [
      ['write', `${root}/offsets/0`, { bytes: [1, 2, 3] }],
      ['write', `${root}/offsets/1`, { bytes: [] }],
      ['write', `${root}/offsets/0`, { bytes: [9] }],
      ['list', `${root}/offsets`],
      ['read', `${root}/offsets/0`],
      ['read', `${root}/nothing`],
      ['list', `${root}/nowhere`],
      ['remove', `${root}/offsets`],
      ['list', root],
      ['remove', `${root}/gone`],
    ];
    steps.forEach(([kind, path, bytes], op) => void call('storage', op, kind, path, bytes));
    const done = [];
    for (let op = 0; op < steps.length; op++) done.push((await named('storageDone', op)).slice(2));
    return done.map(([error, bytes]) => [error?.split(':')[0] ?? null, bytes && String.fromCharCode(...bytes)]);
  });
  assert.deepEqual(
    seen.map(([error]) => error),
    [null, null, null, null, null, 'NotFoundError', null, null, null, null],
  );
  assert.equal(seen[3][1], '0\n1');
  assert.equal(seen[4][1], '\t');
  assert.equal(seen[6][1], '');
  assert.equal(seen[8][1], '');
});

test('registered files are listed below a path and read; unregistered ones are gone', async () => {
  const seen = await inside(async () => {
    const { call, driver } = window.t;
    driver.postMessage({ t: 'file', path: 'rivulet-file:/0/b', blob: new Blob(['xy']), modified: 5 });
    driver.postMessage({ t: 'file', path: 'rivulet-file:/0/a', blob: new Blob(['z']), modified: 6 });
    driver.postMessage({ t: 'file', path: 'rivulet-file:/01/a', blob: new Blob(['other']), modified: 7 });
    const listed = await call('listFiles', 'rivulet-file:/0');
    const read = await call('readFile', 'rivulet-file:/0/b');
    driver.postMessage({ t: 'file', path: 'rivulet-file:/0/b', blob: null, modified: 0 });
    return { listed, read, left: await call('listFiles', 'rivulet-file:/0/b') };
  });
  assert.deepEqual(seen.listed, [
    { path: 'rivulet-file:/0/a', size: 1, modified: 6 },
    { path: 'rivulet-file:/0/b', size: 2, modified: 5 },
  ]);
  assert.deepEqual(seen.read, [120, 121]);
  assert.deepEqual(seen.left, []);
});

test('one timer: due at once, later, replaced and cleared', async () => {
  const seen = await inside(async () => {
    const { call, events, named } = window.t;
    const startMs = Date.now();
    await call('setTimer', startMs - 5);
    await named('timer');
    await call('setTimer', Date.now() + 10_000);
    await call('setTimer', Date.now() + 60);
    await named('timer');
    const tookMs = Date.now() - startMs;
    await call('setTimer', Date.now() + 30);
    await call('setTimer');
    await new Promise((go) => setTimeout(go, 80));
    return { tookMs, more: events.length };
  });
  assert.ok(seen.tookMs >= 55 && seen.tookMs < 5_000);
  assert.equal(seen.more, 0);
});

test('a WebSocket that cannot be opened says error and close', async () => {
  const events = await inside(async () => {
    const { call, named } = window.t;
    await call('openSocket', 1, 'ws://127.0.0.1:9/');
    await call('openSocket', 2, 'not a url');
    return [
      await named('connectionEvent', 1, 'error'),
      await named('connectionEvent', 1, 'close'),
      await named('connectionEvent', 2, 'error'),
      await named('connectionEvent', 2, 'close'),
    ];
  });
  assert.equal(events.length, 4);
});

test('executors exchange blocks with the driver and with each other, empty and shared buffers too', async () => {
  const seen = await inside(async () => {
    const { call, heard, join, json, start, text } = window.t;
    const [a, b] = [await start('executor', 0), await start('executor', 1)];
    await join(a);
    await join(b, a);
    const message = (executor, is) => heard((e) => e[0] === 'executorMessage' && e[1] === executor && is(text(e[3])));
    await call('toExecutor', 0, 0, json('echo', 7), [{ bytes: [1, 2] }, { bytes: [] }]);
    const echo = await message(0, ([what]) => what === 'echo');
    await call('toExecutor', 0, 0, json('peer', 1, 0), [{ bytes: [1, 2, 3] }]);
    const peer = text((await message(1, ([what]) => what === 'peer'))[3]);
    await call('toExecutor', 1, 0, json('spill'), []);
    const spill = text((await message(1, ([what]) => what === 'spilled'))[3]);
    return { echo: [text(echo[3]), echo[4]], peer, spill, conf: JSON.parse(await window.t.raw('conf')) };
  });
  assert.deepEqual(seen.echo, [
    ['echo', 7],
    [[1, 2], []],
  ]);
  assert.deepEqual(seen.peer, ['peer', 0, 0, 'hello from', 0, [3]]);
  assert.deepEqual(seen.spill, ['spilled', 3]);
  assert.deepEqual(seen.conf, { a: 'b' });
});

test('a block for a peer that is not here yet waits for it', async () => {
  const seen = await inside(async () => {
    const { call, heard, join, json, start, text } = window.t;
    const [a, b] = [await start('executor', 0), await start('executor', 1, 3)];
    await join(a);
    await call('toExecutor', 0, 0, json('peer', 1, 3), [{ bytes: [5] }]);
    await join(b, a);
    return text((await heard((e) => e[0] === 'executorMessage' && e[1] === 1))[3]);
  });
  assert.deepEqual(seen, ['peer', 0, 0, 'hello from', 0, [1]]);
});

test('an executor that is terminated, closes itself or traps is lost within milliseconds', async () => {
  const seen = await inside(async () => {
    const { call, heard, join, json, start } = window.t;
    const lost = (executor) => heard((e) => e[0] === 'executorLost' && e[1] === executor);
    const took = [];
    const dead = [];
    for (const [executor, end] of [
      [0, ({ worker }) => worker.terminate()],
      [1, () => call('toExecutor', 1, 0, json('trap'), [])],
    ]) {
      const member = await start('executor', executor);
      member.worker.onmessage = ({ data }) => dead.push(data.message);
      await join(member);
      const startMs = performance.now();
      end(member);
      await lost(executor);
      await heard((e) => e.t === 'executorLost' && e.executor === executor);
      took.push(performance.now() - startMs);
    }
    return { took, dead };
  });
  for (const ms of seen.took) assert.ok(ms < 500, `${ms} ms`);
  assert.deepEqual(seen.dead, ['panicked at somewhere.rs:1 (unreachable)']);
});

test('messages of an earlier incarnation are ignored', async () => {
  const seen = await inside(async () => {
    const { call, events, join, json, named, start } = window.t;
    const first = await start('executor', 0);
    await join(first);
    const second = await start('executor', 0, 1);
    await join(second);
    const lost = await named('executorLost', 0, 0);
    await call('toExecutor', 0, 0, json('echo'), []);
    await new Promise((go) => setTimeout(go, 50));
    return { lost: lost.slice(1), heard: events.filter((e) => e[0] === 'executorMessage').length };
  });
  assert.deepEqual(seen, { lost: [0, 0], heard: 0 });
});

test('a trap of the driver is fatal and said once', async () => {
  const said = await inside(async () => {
    const { driver, heard } = window.t;
    driver.postMessage({ t: 'req', id: 99, method: 'trap', bytes: new Uint8Array() });
    driver.postMessage({ t: 'req', id: 100, method: 'trap', bytes: new Uint8Array() });
    await heard((e) => e.t === 'fatal').then(({ message }) => {
      window.message = message;
    });
    await new Promise((go) => setTimeout(go, 50));
    return [window.message, window.t.events.filter((e) => e.t === 'fatal').length];
  });
  assert.deepEqual(said, ['unreachable', 0]);
});

test('a page of another version is refused', async () => {
  const page = await open();
  const message = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const worker = new Worker('/fake/worker.js', { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data.message);
        const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
        worker.postMessage({ t: 'init', role: 'driver', incarnation: 0, module, version: '0.0.1', conf: {}, lock: 'other' });
      }),
  );
  assert.match(message, /page runs version 0\.0\.1.*stale caches/);
  await page.close();
});
