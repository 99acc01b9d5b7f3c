/** Workers as threads of a Node.js process, with the interface that browsers have for them. */
import { MessageChannel, type Transferable as Moved, Worker as Thread } from 'node:worker_threads';
import { LockTable } from './locks.js';
import { openState } from './state_directory.js';

/** What a thread is given when it begins. */
export interface ThreadData {
  /** URL of `worker.js`. */
  script: string;
  /** Where its state is. */
  state: string;
  /** To the table of locks. */
  locks: import('node:worker_threads').MessagePort;
  /** To the reader of Blobs. */
  blobs: import('node:worker_threads').MessagePort;
}

/** A question for a Blob's bytes: they are put into `bytes`, then `done` is 1, or 2 if it cannot be read. */
export interface BlobRead {
  blob: Blob;
  done: Int32Array;
  bytes: Uint8Array;
}

/** The locks of the process. */
export const table = new LockTable();

/** A worker (`Worker`). */
export class ThreadWorker extends EventTarget {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly #thread: Thread;

  constructor(boot: URL, script: URL, name: string) {
    super();
    const [locks, blobs] = [new MessageChannel(), new MessageChannel()];
    const workerData: ThreadData = { script: script.href, state: openState(), locks: locks.port2, blobs: blobs.port2 };
    // Its standard streams are those of the process.
    this.#thread = new Thread(boot, { name, workerData, transferList: [locks.port2, blobs.port2], stdout: false, stderr: false });
    table.serve(locks.port1);
    blobs.port1.on('message', (read: BlobRead) => void readInto(read));
    for (const { port1 } of [locks, blobs]) port1.unref();
    this.#thread.on('message', (data) => this.#says(new MessageEvent('message', { data }), this.onmessage));
    this.#thread.on('error', (error: Error) =>
      this.#says(Object.assign(new Event('error'), { message: error.message, error }), this.onerror),
    );
    this.#thread.on('exit', () => {
      table.release(locks.port1);
      locks.port1.close();
      blobs.port1.close();
    });
  }

  #says<E extends Event>(event: E, handler: ((event: E) => void) | null): void {
    handler?.call(this, event);
    this.dispatchEvent(event);
  }

  postMessage(message: unknown, options: Transferable[] | { transfer?: Transferable[] } = []): void {
    const moved = Array.isArray(options) ? options : (options.transfer ?? []);
    this.#thread.postMessage(message, moved as unknown as Moved[]);
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}

/** Reads a Blob for a thread that waits. */
async function readInto({ blob, done, bytes }: BlobRead): Promise<void> {
  try {
    bytes.set(new Uint8Array(await blob.arrayBuffer()));
    Atomics.store(done, 0, 1);
  } catch {
    Atomics.store(done, 0, 2);
  }
  Atomics.notify(done, 0);
}
