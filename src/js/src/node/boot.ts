/** Begins a thread that is a worker: sets up what scripts find in a worker of a browser, then loads `worker.js`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type MessagePort, type Transferable as Moved, parentPort, workerData } from 'node:worker_threads';
import { DirectoryHandle, FileHandle, SyncAccessHandle } from './handles.js';
import { Locks } from './locks.js';
import { storageIn } from './state_directory.js';
import type { BlobRead, ThreadData } from './thread.js';

const { script, state, locks, blobs } = workerData as ThreadData;
const port = parentPort as MessagePort;
const events = new EventTarget();

/** Reads synchronously, as only workers may. */
class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer {
    const shared = new SharedArrayBuffer(8 + blob.size);
    const read: BlobRead = { blob, done: new Int32Array(shared, 0, 1), bytes: new Uint8Array(shared, 8) };
    blobs.postMessage(read);
    Atomics.wait(read.done, 0, 0);
    if (read.done[0] !== 1) throw new DOMException('The file could not be read', 'NotReadableError');
    return read.bytes.slice().buffer as ArrayBuffer;
  }
}

/** Fetches a file synchronously: the rest of the engine. */
class FileRequest {
  status = 0;
  response: unknown;
  #url = '';
  open(_method: string, url: string): void {
    this.#url = url;
  }
  send(): void {
    this.response = readFileSync(fileURLToPath(this.#url));
    this.status = 200;
  }
}

const storage = storageIn(() => state);
/** Stands for a class with one instance. */
const only = (instance: unknown) => ({ [Symbol.hasInstance]: (value: unknown) => value === instance });

const own = {
  self: globalThis,
  name: '',
  DedicatedWorkerGlobalScope: only(globalThis),
  StorageManager: only(storage),
  FileReaderSync,
  FileSystemDirectoryHandle: DirectoryHandle,
  FileSystemFileHandle: FileHandle,
  FileSystemSyncAccessHandle: SyncAccessHandle,
  XMLHttpRequest: FileRequest,
  // Node.js and Deno load no modules from URLs of Blobs; Bun loads none from data URLs.
  rivuletLoadsText: !('bun' in process.versions),
  location: new URL(script),
  navigator: { locks: Locks.at(locks), storage },
  postMessage: (message: unknown, options: Moved[] | { transfer?: Moved[] } = []) =>
    port.postMessage(message, Array.isArray(options) ? options : (options.transfer ?? [])),
  addEventListener: events.addEventListener.bind(events),
  removeEventListener: events.removeEventListener.bind(events),
  dispatchEvent: events.dispatchEvent.bind(events),
  close: () => process.exit(),
};
for (const [key, value] of Object.entries(own)) Object.defineProperty(globalThis, key, { value, writable: true, configurable: true });

const scope = globalThis as unknown as { onmessage?: (event: MessageEvent) => void };
process.on('uncaughtException', (error) => events.dispatchEvent(Object.assign(new Event('error'), { error, message: error.message })));
process.on('unhandledRejection', (reason) => events.dispatchEvent(Object.assign(new Event('unhandledrejection'), { reason })));
await import(script);
port.on('message', (data) => scope.onmessage?.(new MessageEvent('message', { data })));
