/**
 * Entry of every worker of Rivulet: loads the engine, which becomes the driver or an executor when the page says `init`,
 * and hands it what runs the user's functions.
 */

import * as engine from 'rivulet-engine';
import { SparkError } from '../errors.js';
import type { DeathCause, FromWorker, Init, ToDriver, ToExecutor } from '../protocol.js';
import { FULL_VERSION } from '../version.js';
import type { Engine, Worker } from './engine.js';
import { LatePrograms } from './late_programs.js';
import { loadRest } from './rest.js';

type Message = ToDriver | ToExecutor;

const tell = (message: FromWorker, transfer: Transferable[] = []) => postMessage(message, { transfer });
/** Files that the page lends to the user's functions. */
const lent = new Map<number, Blob>();
let worker: Worker | undefined;
/** Messages that came while the engine was starting, in order. */
const early: Message[] = [];
let dead = false;
/** How long a worker whose cause of death the page learns waits for the page to end it. */
const CLOSE_MS = 1_000;
let memory: WebAssembly.Memory | undefined;

/** Reports why this worker ends, and ends it, which frees its lock: after a trap the instance is broken. */
function die(cause: unknown): void {
  if (dead) return;
  dead = true;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const known = causeOf(error);
  tell({ t: 'fatal', stack: error.stack ?? '', ...known });
  // The driver hears of a cause from the page, and of the lock at once; the page ends this worker when both know.
  if (known.cause) setTimeout(() => self.close(), CLOSE_MS);
  else self.close();
}

/** What is known of the end of an engine that has trapped: with panic=abort the error says only "unreachable". */
function causeOf(error: Error): { message: string; cause?: DeathCause } {
  // The engine leaves the panic's text here.
  const panic = (globalThis as { rivuletPanic?: string }).rivuletPanic;
  if (panic) return { message: `${panic} (${error.message})`, cause: 'panic' };
  if (error instanceof RangeError) return { message: `the stack is too small (${error.message})`, cause: 'panic' };
  // Nothing else traps without a word.
  const heapMB = Math.round((memory?.buffer.byteLength ?? 0) / 1e6);
  if (error instanceof WebAssembly.RuntimeError) return { message: `its heap of ${heapMB} MB could not grow`, cause: 'memory' };
  return { message: error.message };
}
self.addEventListener('error', (event) => die(event.error ?? new Error(event.message)));
self.addEventListener('unhandledrejection', (event) => die(event.reason));

async function start(init: Init): Promise<void> {
  if (init.version !== FULL_VERSION) {
    // The page compares the versions and names the file.
    tell({ t: 'ready', version: FULL_VERSION });
    throw new SparkError(`worker.js is version ${FULL_VERSION}, but the page runs version ${init.version}: clear stale caches`, {
      condition: 'RIVULET_WORKER_VERSION',
    });
  }
  const built = engine as unknown as Engine;
  const first = await built.default({ module_or_path: init.module });
  memory = first.memory;
  (globalThis as { rivuletLoadRest?: () => void }).rivuletLoadRest = () => loadRest(init.rest, first);
  // Not from inside a task: the engine does one thing at a time.
  const says: Worker['receiverSays'] = (...report) => queueMicrotask(() => worker!.receiverSays(...report));
  const storage = init.conf['spark.rivulet.executor.storageMemory'];
  const programs = new LatePrograms(init.functions, ({ Programs }) => new Programs(undefined, storage, says, lent), says);
  worker = await built.Worker.start(init, programs);
  tell({ t: 'ready', version: FULL_VERSION });
  early.splice(0).forEach(receive);
}

/** Hands a message to what it is for: files are the user's functions', all else is the engine's. */
function receive(message: Message): void {
  if (message.t !== 'blob') return worker!.receive(message);
  if (message.blob) lent.set(message.id, message.blob);
  else lent.delete(message.id);
  tell({ t: 'lent', id: message.id });
}

self.onmessage = ({ data }: MessageEvent<Message>) => {
  if (dead) return;
  if (data.t === 'init') start(data).catch(die);
  else if (worker) receive(data);
  else early.push(data);
};
