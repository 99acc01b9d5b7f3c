import type { FromWorker } from '../protocol.js';

/**
 * How a worker ends. A trap inside an asynchronous handler ends nothing by itself: the worker would live on with a
 * poisoned instance and nobody would know. So every entry into wasm goes through {@link guarded}, and any failure is
 * reported once before the worker closes itself, which frees its lock.
 */
let dead = false;
/** The panic hook's message: with `panic=abort` the error itself says only "unreachable". */
let lastError = '';

/** Remembers what the engine logged as an error, to explain a trap that follows. */
export function noteError(text: string): void {
  lastError = text;
}

/** Reports the failure to the page and closes this worker. */
export function die(cause: unknown): void {
  if (dead) return;
  dead = true;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const said = lastError ? `${lastError} (${error.message})` : error.message;
  const message: FromWorker = { t: 'fatal', message: said, stack: error.stack ?? '' };
  postMessage(message);
  self.close();
}

/** Runs one entry into the engine; a failure of any kind is the end of this worker. */
export function guarded(entry: () => void): void {
  if (dead) return;
  try {
    entry();
  } catch (error) {
    die(error);
  }
}

/** Makes errors that escape every handler fatal too. */
export function watchForDeath(): void {
  self.addEventListener('error', (event) => die(event.error ?? new Error(event.message)));
  self.addEventListener('unhandledrejection', (event) => die(event.reason));
}

/** Takes the exclusive lock `name` until the worker ends. Resolves when it is held. */
export function holdLock(name: string): Promise<void> {
  return new Promise((held, failed) => {
    navigator.locks
      .request(name, { mode: 'exclusive' }, () => {
        held();
        return new Promise<never>(() => {});
      })
      .catch(failed);
  });
}

/** Calls `gone` when the holder of `name` has ended. */
export function onceReleased(name: string, gone: () => void): void {
  void navigator.locks.request(name, { mode: 'exclusive' }, gone);
}
