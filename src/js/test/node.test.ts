// What stands for the browser in a process: locks and handles of files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { DirectoryHandle } from '../src/node/handles.js';
import { Locks, LockTable } from '../src/node/locks.js';
import { openState, stateDirectory } from '../src/node/state_directory.js';

const folder = mkdtempSync(join(tmpdir(), 'rivulet-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A promise and what settles it. */
function open(): { promise: Promise<void>; settle: () => void } {
  let settle = () => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

test('a lock has one holder at a time, in the order of requests', async () => {
  const locks = Locks.of(new LockTable());
  const [first, second] = [open(), open()];
  const order: string[] = [];
  const hold = (name: string, until: Promise<void>) =>
    locks.request('a', async () => {
      order.push(name);
      await until;
      return name;
    });
  const [one, two] = [hold('one', first.promise), hold('two', second.promise)];
  assert.equal(await locks.request('a', { ifAvailable: true }, (lock) => lock), null);
  assert.deepEqual(await locks.request('b', { ifAvailable: true }, (lock) => lock?.name), 'b');
  assert.deepEqual((await locks.query()).held, [{ name: 'a' }]);
  assert.deepEqual(order, ['one']);
  first.settle();
  assert.equal(await one, 'one');
  second.settle();
  assert.equal(await two, 'two');
  assert.deepEqual((await locks.query()).held, []);
});

test('a callback that fails gives its lock back', async () => {
  const locks = Locks.of(new LockTable());
  const failing = locks.request('a', () => Promise.reject(new Error('no')));
  await assert.rejects(failing, /^Error: no$/);
  assert.equal(await locks.request('a', () => 1), 1);
});

test('who ends gives back what it holds and waits for nothing', async () => {
  const table = new LockTable();
  const [near, far] = [Locks.of(table), new MessageChannel()];
  const other = Locks.at(far.port2);
  table.serve(far.port1);
  const held = open();
  await new Promise<void>((granted) => {
    void other.request('a', () => {
      granted();
      return held.promise;
    });
  });
  let has = false;
  const wanted = near.request('a', () => {
    has = true;
  });
  void other.request('a', () => assert.fail('a lock went to a thread that is gone'));
  await near.query();
  await other.query();
  assert.equal(has, false);
  table.release(far.port1);
  await wanted;
  assert.equal(has, true);
  far.port1.close();
});

test('files are written in place, replaced whole, listed and removed, whatever their names', async () => {
  const root = new DirectoryHandle('', folder);
  const inner = await root.getDirectoryHandle('a:b*c', { create: true });
  const file = await inner.getFileHandle('Zürich?.txt', { create: true });
  const access = await file.createSyncAccessHandle();
  assert.equal(access.write(Uint8Array.of(1, 2, 3, 4)), 4);
  assert.equal(access.write(Uint8Array.of(9), { at: 1 }), 1);
  access.truncate(3);
  access.flush();
  const back = new Uint8Array(8);
  assert.equal(access.read(back, { at: 0 }), 3);
  assert.deepEqual([...back.subarray(0, 3), access.getSize()], [1, 9, 3, 3]);
  access.close();
  const writable = await file.createWritable();
  await writable.write('grüezi');
  assert.deepEqual(new Uint8Array(await (await file.getFile()).arrayBuffer()), Uint8Array.of(1, 9, 3));
  await writable.close();
  assert.equal(await (await file.getFile()).text(), 'grüezi');
  const found = [];
  for await (const [name, handle] of inner.entries()) found.push([name, handle.kind]);
  assert.deepEqual(found, [['Zürich?.txt', 'file']]);
  const named = (name: string) => (error: unknown) => error instanceof DOMException && error.name === name;
  await assert.rejects(root.removeEntry('a:b*c'), named('InvalidModificationError'));
  await root.removeEntry('a:b*c', { recursive: true });
  assert.deepEqual(readdirSync(folder), []);
  await assert.rejects(root.getFileHandle('none'), named('NotFoundError'));
  await root.getDirectoryHandle('d', { create: true });
  await assert.rejects(root.getFileHandle('d'), named('TypeMismatchError'));
  for (const name of ['', '..', 'a/b']) await assert.rejects(root.getFileHandle(name, { create: true }), TypeError, name);
});

test('a directory has one process, whose successor takes it over', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  stateDirectory(file);
  assert.throws(() => openState(), { condition: 'RIVULET_STATE_DIRECTORY', message: /file cannot be used: EEXIST/ });
  const path = join(folder, 'state');
  const mark = join(path, '%owner');
  mkdirSync(path);
  // A process that has ended.
  writeFileSync(mark, String(spawnSync(process.execPath, ['--version']).pid));
  stateDirectory(path);
  assert.equal(openState(), path);
  assert.equal(readFileSync(mark, 'utf8'), String(process.pid));
  const names = [];
  for await (const name of new DirectoryHandle('', path).keys()) names.push(name);
  assert.deepEqual(names, []);
  assert.throws(() => stateDirectory(join(folder, 'other')), /state of this process is in .*state already/);
});
