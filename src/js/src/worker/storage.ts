import type { Driver, StorageKind } from './engine.js';
import { IndexedFiles } from './storage_indexed.js';
import { OriginFiles } from './storage_origin.js';

/** Where files are kept. Paths are names in order; a file is found by all of them, a folder by those before. */
export interface FileStore {
  /** Makes or replaces a file, and does not return before it is durable. */
  write(path: string[], bytes: Uint8Array): Promise<void>;
  /** Rejects with a NotFoundError where there is no such file. */
  read(path: string[]): Promise<Uint8Array>;
  /** Names in a folder, folders among them; none when it does not exist. */
  list(path: string[]): Promise<string[]>;
  /** Removes a file or a whole folder; does nothing if it does not exist. */
  remove(path: string[]): Promise<void>;
}

/**
 * Persistent storage of the origin: its private file system, or IndexedDB where the browser has none. Operations run one
 * after the other. Errors are reported as `NotFoundError: …`, `QuotaExceededError: …`, `LockedError: …` and the like.
 */
export class Storage {
  #last: Promise<void> = Promise.resolve();
  readonly #done: Driver['storageDone'];
  #files: Promise<FileStore> | undefined;
  /** Releases the Web Locks that this driver holds, by path. */
  readonly #locks = new Map<string, () => void>();

  constructor(done: Driver['storageDone']) {
    this.#done = done;
  }

  run(op: number, kind: StorageKind, path: string, bytes: Uint8Array | undefined): void {
    this.#last = this.#last
      .then(() => this.#perform(kind, path, bytes))
      .then(
        (result) => this.#done(op, undefined, result),
        (error: unknown) => this.#done(op, error instanceof Error ? `${error.name}: ${error.message}` : String(error), undefined),
      );
  }

  async #perform(kind: StorageKind, path: string, bytes: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const parts = path.split('/').filter((p) => p !== '');
    if (kind === 'lock') return this.#lock(parts.join('/'));
    if (kind === 'unlock') return this.#unlock(parts.join('/'));
    const files = await (this.#files ??= openFiles());
    switch (kind) {
      case 'write':
        await files.write(parts, bytes ?? new Uint8Array());
        return undefined;
      case 'read':
        return files.read(parts);
      case 'list':
        return new TextEncoder().encode((await files.list(parts)).join('\n'));
      case 'remove':
        await files.remove(parts);
        return undefined;
    }
  }

  /** One driver of the origin holds a path, in whatever tab; its end releases it, however it comes. */
  async #lock(path: string): Promise<undefined> {
    const taken = await new Promise<boolean>((answer, fail) => {
      navigator.locks
        .request(`rivulet-checkpoint:${path}`, { ifAvailable: true }, (lock) => {
          answer(lock !== null);
          return lock === null ? undefined : new Promise<void>((release) => this.#locks.set(path, release));
        })
        .catch(fail);
    });
    if (!taken) throw Object.assign(new Error(`${path} is in use`), { name: 'LockedError' });
  }

  #unlock(path: string): undefined {
    this.#locks.get(path)?.();
    this.#locks.delete(path);
  }
}

async function openFiles(): Promise<FileStore> {
  try {
    return await OriginFiles.open();
  } catch {
    // No such file system, or not in this mode of the browser.
    return IndexedFiles.open();
  }
}
