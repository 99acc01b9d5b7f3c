import type { Driver, StorageKind } from './engine.js';

/**
 * Persistent storage in the origin's private file system, below `/rivulet`. Operations run one after the other; a write
 * is flushed before it is reported done. Errors are `NotFoundError: …`, `QuotaExceededError: …` and the like.
 */
export class Storage {
  #last: Promise<void> = Promise.resolve();
  readonly #done: Driver['storageDone'];

  constructor(done: Driver['storageDone']) {
    this.#done = done;
  }

  run(op: number, kind: StorageKind, path: string, bytes: Uint8Array | undefined): void {
    this.#last = this.#last.then(() => perform(kind, path, bytes)).then(
      (result) => this.#done(op, undefined, result),
      (error: unknown) => this.#done(op, error instanceof Error ? `${error.name}: ${error.message}` : String(error), undefined),
    );
  }
}

async function perform(kind: StorageKind, path: string, bytes: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  const parts = path.split('/').filter((p) => p !== '');
  switch (kind) {
    case 'write': return write(parts, bytes ?? new Uint8Array());
    case 'read': return read(parts);
    case 'list': return new TextEncoder().encode((await list(parts)).join('\n'));
    case 'remove': return remove(parts);
  }
}

/** The folder of these names; made if `create`, else its absence is a NotFoundError. */
async function folder(names: string[], create: boolean): Promise<FileSystemDirectoryHandle> {
  if (!navigator.storage?.getDirectory) throw new Error('this browser has no origin private file system');
  let at = await navigator.storage.getDirectory();
  for (const name of ['rivulet', ...names]) at = await at.getDirectoryHandle(name, { create });
  return at;
}

async function write(path: string[], bytes: Uint8Array): Promise<undefined> {
  const file = await (await folder(path.slice(0, -1), true)).getFileHandle(path.at(-1) ?? '', { create: true });
  const access = await file.createSyncAccessHandle();
  try {
    access.truncate(0);
    const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at: 0 });
    if (written !== bytes.byteLength) throw new Error(`wrote ${written} of ${bytes.byteLength} bytes`);
    access.flush();
  } finally {
    access.close();
  }
}

async function read(path: string[]): Promise<Uint8Array> {
  const file = await (await folder(path.slice(0, -1), false)).getFileHandle(path.at(-1) ?? '');
  return new Uint8Array(await (await file.getFile()).arrayBuffer());
}

/** Names in a folder, folders among them; none when it does not exist. */
async function list(path: string[]): Promise<string[]> {
  try {
    const names: string[] = [];
    for await (const name of (await folder(path, false)).keys()) names.push(name);
    return names.sort();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return [];
    throw error;
  }
}

/** Removes a file or a whole folder; nothing to remove is no error. */
async function remove(path: string[]): Promise<undefined> {
  try {
    await (await folder(path.slice(0, -1), false)).removeEntry(path.at(-1) ?? '', { recursive: true });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
  }
}
