import assert from 'node:assert/strict';
import { request } from 'node:http';
import { mock, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { dateDay, TimeUnit, tableFromArrays, tableToIPC, timestamp } from '@uwdata/flechette';
// @ts-expect-error: scripts have no types
import { serve } from '../scripts/serve.mjs';
import { FileRegistry } from '../src/files/registry.js';
import { unzip, zip } from '../src/files/zip.js';
import { hold, KeptNeeds } from '../src/needs.js';
import type { ToDriver } from '../src/protocol.js';
import { rowsFromIPC } from '../src/values/rows.js';
import { collected } from './garbage.js';

const OPTIONS = { bigint: false };
const bytes = (text: string) => new TextEncoder().encode(text);
const archive = async (name = 'metadata/part-0', content = bytes('a model')) => new Uint8Array(await zip([[name, content]]).arrayBuffer());

/** A zip of one deflated file that says another size of it. */
async function deflatedArchive(content: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Uint8Array(deflateRawSync(content));
  const made = await archive('data', packed);
  const view = new DataView(made.buffer);
  const central = made.byteLength - 22 - 46 - 4;
  view.setUint16(central + 10, 8, true);
  view.setUint32(central + 24, size, true);
  return made;
}

const refuses = (made: Uint8Array<ArrayBuffer>, condition: string, mostBytes?: number) =>
  assert.rejects(unzip(made, mostBytes), (error: { condition?: string }) => error.condition === condition);

test('a zip is read as it was written', async () => {
  const [file] = await unzip(await archive());
  assert.deepEqual([file?.[0], new TextDecoder().decode(file?.[1])], ['metadata/part-0', 'a model']);
});

test('a damaged zip is named as such, wherever it is damaged or cut', async () => {
  const whole = await archive();
  for (let at = 0; at < whole.byteLength; at++) {
    await refuses(whole.slice(0, at), 'RIVULET_CORRUPT_ARCHIVE');
    const changed = whole.slice();
    changed[at] = (changed[at] as number) ^ 0xff;
    // Times, versions and comments are for nobody here; a name may be another one, a size one that is too large.
    await unzip(changed).catch((error) => assert.match(error.condition, /^RIVULET_(CORRUPT_ARCHIVE|ARCHIVE_TOO_LARGE)$/, `byte ${at}`));
  }
  const content = whole.slice();
  content[30 + 'metadata/part-0'.length] = 0;
  await refuses(content, 'RIVULET_CORRUPT_ARCHIVE');
});

test('a zip that unpacks to more than it says, or to too much, is refused before it does', async () => {
  const zeros = new Uint8Array(10_000_000);
  await refuses(await deflatedArchive(zeros, 100), 'RIVULET_CORRUPT_ARCHIVE');
  await refuses(await deflatedArchive(zeros, zeros.length), 'RIVULET_ARCHIVE_TOO_LARGE', 1_000_000);
  await refuses(await deflatedArchive(zeros, 2 ** 32 - 1), 'RIVULET_ARCHIVE_TOO_LARGE');
});

test('a zip has no files outside of it', async () => {
  for (const name of ['../secret', 'a/../../b', '/etc/passwd', 'a\\b']) await refuses(await archive(name), 'RIVULET_CORRUPT_ARCHIVE');
});

test('dates beyond those of JavaScript are text, times beyond are an error', () => {
  const date = (days: number) => {
    const table = tableFromArrays({ d: [days * 86_400_000] }, { types: { d: dateDay() }, useDate: false } as never);
    return rowsFromIPC(tableToIPC(table, { format: 'stream' }) as Uint8Array<ArrayBuffer>, OPTIONS)[0]?.['d'];
  };
  // As Spark's make_date and date_from_unix_date number the days.
  assert.equal(date(0), '1970-01-01');
  assert.equal(date(100_000_000), '+275760-09-13');
  assert.equal(date(100_000_001), '+275760-09-14');
  assert.equal(date(2_147_483_647), '+5881580-07-11');
  assert.equal(date(-2_147_483_648), '-5877641-06-23');
  const times = tableFromArrays({ t: [9e15] }, { types: { t: timestamp(TimeUnit.MILLISECOND) } });
  assert.throws(() => rowsFromIPC(tableToIPC(times, { format: 'stream' }) as Uint8Array<ArrayBuffer>, OPTIONS), {
    condition: 'RIVULET_DATE_RANGE',
  });
});

test('the demo server answers nonsense with 400 and goes on', async () => {
  const { server, port } = await serve(new URL('.', import.meta.url).pathname);
  const status = (path: string) =>
    new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', path }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
  for (const path of ['/%ff', '/%', '//', '/a%00b']) assert.equal(await status(path), 400, path);
  assert.equal(await status('/absent'), 404);
  server.close();
});

/** A registry, and the paths that it has registered and not taken back. */
function watchedRegistry() {
  const paths = new Set<string>();
  const post = (message: ToDriver) => {
    if (message.t !== 'file') return;
    if (message.blob) paths.add(message.path);
    else paths.delete(message.path);
  };
  return { paths, registry: new FileRegistry({ post } as never) };
}

test('files are taken back after nobody has what was read from them', async () => {
  const { paths, registry } = watchedRegistry();
  for (let n = 0; n < 10; n++) await registry.register([new Blob(['a']), new Blob(['b'])], false).ready;
  assert.equal(paths.size, 20);
  assert.ok(await collected(() => paths.size === 0), `${paths.size} files are still registered`);
});

test('files stay registered while an action or a query runs, and those of views for the session', async () => {
  const { paths, registry } = watchedRegistry();
  const register = (follow: boolean) => registry.register([new Blob(['a'])], follow).ready;
  const release = hold([register(false), register(true)]);
  const kept = new KeptNeeds();
  kept.keep([register(false), Promise.resolve()]);
  register(true);
  register(false);
  assert.ok(await collected(() => paths.size === 3), 'what nobody has leaves');
  assert.ok(!(await collected(() => paths.size < 3, 10)), 'nothing else leaves');
  release();
  assert.ok(await collected(() => paths.size === 1), 'what the action had leaves after it');
  assert.ok(!(await collected(() => paths.size < 1, 10)));
  kept.clear();
  assert.ok(await collected(() => paths.size === 0), 'the session has ended');
});

test('a directory that was followed is looked at no more, and its files are taken back, after nobody has it', async ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] });
  const { paths, registry } = watchedRegistry();
  let looks = 0;
  const handle = {
    kind: 'directory',
    name: 'in',
    entries: async function* () {
      looks++;
      yield ['a', { kind: 'file', getFile: async () => new File(['a'], 'a', { lastModified: 1 }) }];
    },
  } as unknown as FileSystemDirectoryHandle;
  const release = hold(await registered(registry, handle));
  const look = async () => {
    mock.timers.tick(1_000);
    for (let n = 0; n < 20; n++) await Promise.resolve();
  };
  const before = looks;
  await look();
  assert.ok(looks > before && paths.size === 1);
  release();
  assert.ok(await collected(() => paths.size === 0));
  const after = looks;
  await look();
  assert.equal(looks, after);
});

/** What somebody has of a directory that is followed, once its files are registered. */
async function registered(registry: FileRegistry, handle: FileSystemDirectoryHandle): Promise<unknown> {
  const { ready } = registry.register([handle], true);
  await ready;
  return [ready];
}

test('files of a directory that is followed come in the order of their changes, and none before it is written', async () => {
  const files = new Map<string, File>();
  const put = (name: string, text: string) => files.set(name, new File([text], name, { lastModified: Date.now() }));
  const handle = {
    kind: 'directory',
    name: 'in',
    // The order of names is not that of changes.
    entries: async function* () {
      for (const name of [...files.keys()].sort()) yield [name, { kind: 'file', getFile: async () => files.get(name) }];
    },
  } as unknown as FileSystemDirectoryHandle;
  const posted: string[] = [];
  const registry = new FileRegistry({ post: (message: ToDriver) => message.t === 'file' && posted.push(message.path) } as never);
  const turns = async () => {
    for (let n = 0; n < 20; n++) await Promise.resolve();
  };
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 10_000 });
  try {
    // The directory is looked at when the clock shows whole seconds.
    const look = async () => {
      mock.timers.tick(1_000 - (Date.now() % 1_000));
      await turns();
      return posted.splice(0).map((path) => path.split('/').at(-1));
    };
    put('z', 'first');
    await registry.register([handle], true).ready;
    assert.deepEqual(await look(), ['z']);
    put('y', 'second');
    mock.timers.tick(10);
    put('x', 'third');
    put('w', 'changed at once, but before it by name');
    put('v.crswap', 'the content of a file that is open');
    put('_w', 'hidden');
    assert.deepEqual(await look(), ['y', 'w', 'x']);
    // Opened, but not yet closed: a look 600 ms later sees it without content.
    mock.timers.tick(400);
    put('u', '');
    mock.timers.tick(100);
    put('t', 'of another writer');
    assert.deepEqual(await look(), []);
    put('u', 'written');
    assert.deepEqual(await look(), ['t', 'u']);
    put('s', '');
    assert.deepEqual(await look(), ['s'], 'a file that stays empty is a file');
  } finally {
    registry.stop();
    mock.timers.reset();
  }
});
