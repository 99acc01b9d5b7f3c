import { abortReason } from '../errors.js';

/** How far a session's start has come. */
export interface StartProgress {
  /** The engine is downloaded, then compiled; then the workers start; then the session is there. */
  stage: 'download' | 'compile' | 'workers' | 'ready';
  /** Bytes of the engine that have come. */
  loadedBytes: number;
  /** Bytes of the engine; undefined where the server does not say. */
  totalBytes: number | undefined;
  /** Whole percent of the engine that have come, 0 to 100; undefined where the total is. */
  percent: number | undefined;
}

/** What a session's start may be given. */
export interface StartOptions {
  /** Ends the start: workers and download end, and the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Is called with each step of the start, and at its end. */
  onProgress?: (progress: StartProgress) => void;
}

/** Settles as `work`, or rejects with the reason of a signal if that comes first. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  work.catch(() => {});
  if (signal.aborted) throw abortReason(signal);
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortReason(signal));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Reports a start, and hears signs of life: bytes that come. @internal */
export class Start {
  #loaded = 0;
  #total: number | undefined;
  readonly #listeners = new Set<() => void>();
  /** URLs that somebody listens to already. */
  readonly #probed = new Set<string>();

  constructor(readonly options: StartOptions = {}) {}

  /** Reports the stage. */
  says(stage: StartProgress['stage'], loadedBytes = this.#loaded, totalBytes = this.#total): void {
    this.#loaded = loadedBytes;
    this.#total = totalBytes;
    const percent =
      totalBytes === undefined ? undefined : totalBytes === 0 ? 100 : Math.min(100, Math.floor((100 * loadedBytes) / totalBytes));
    try {
      this.options.onProgress?.({ stage, loadedBytes, totalBytes, percent });
    } catch (error) {
      reportError(error);
    }
  }

  /** Bytes have come, of whatever file. */
  sign(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` at each sign. Returns a function that ends it. */
  onSign(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Downloads a file anew, whose bytes are signs: of a worker's script nothing is heard until it runs. */
  async probe(url: string): Promise<void> {
    if (this.#probed.has(url) || !/^https?:/.test(url)) return;
    this.#probed.add(url);
    try {
      const { body } = await fetch(url, { cache: 'no-store', ...(this.options.signal && { signal: this.options.signal }) });
      const reader = body?.getReader();
      while (reader && !(await reader.read()).done) this.sign();
      this.sign();
    } catch {
      // The worker's own failure says more.
    }
  }
}

/** How long nothing may come. */
export const SILENCE_MS = 10_000;

/** Calls `passed` when nothing has come for {@link SILENCE_MS}. */
export class Deadline {
  #timer: ReturnType<typeof setTimeout>;

  constructor(private readonly passed: () => void) {
    this.#timer = setTimeout(passed, SILENCE_MS);
  }

  /** Something has come. */
  extend(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.passed, SILENCE_MS);
  }

  /** Nothing is waited for any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
