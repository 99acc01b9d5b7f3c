import type { FileStore } from './storage.js';

const DATABASE = 'rivulet';
const STORE = 'files';

/** Files in IndexedDB: one record each, under its path. */
export class IndexedFiles implements FileStore {
  private constructor(private readonly database: IDBDatabase) {}

  static open(): Promise<IndexedFiles> {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return answered(request).then((database) => new IndexedFiles(database));
  }

  async write(path: string[], bytes: Uint8Array): Promise<void> {
    const transaction = this.#change();
    transaction.objectStore(STORE).put(bytes, path.join('/'));
    await committed(transaction);
  }

  async read(path: string[]): Promise<Uint8Array> {
    const found = await answered<Uint8Array | undefined>(this.#look().get(path.join('/')));
    if (!found) throw new DOMException(`there is no ${path.join('/')}`, 'NotFoundError');
    return found;
  }

  async list(path: string[]): Promise<string[]> {
    const prefix = path.length > 0 ? `${path.join('/')}/` : '';
    const keys = await answered(this.#look().getAllKeys(below(prefix)));
    return [...new Set(keys.map((key) => String(key).slice(prefix.length).split('/')[0] ?? ''))].sort();
  }

  async remove(path: string[]): Promise<void> {
    const transaction = this.#change();
    const store = transaction.objectStore(STORE);
    store.delete(path.join('/'));
    store.delete(below(`${path.join('/')}/`));
    await committed(transaction);
  }

  #look(): IDBObjectStore {
    return this.database.transaction(STORE, 'readonly').objectStore(STORE);
  }

  /** A transaction that is on the disk when it completes. */
  #change(): IDBTransaction {
    return this.database.transaction(STORE, 'readwrite', { durability: 'strict' });
  }
}

/** All keys with this prefix. */
function below(prefix: string): IDBKeyRange {
  return IDBKeyRange.bound(prefix, `${prefix}\uffff`);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB failed'));
  });
}
