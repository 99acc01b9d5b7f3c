import { WorkerLoadError } from '../errors.js';

/** Where the parts of the package are; a part that is left out is found beside this module. */
export interface Assets {
  /** URL of `worker.js`, for bundlers that do not follow `new URL(…, import.meta.url)`. */
  workerUrl?: string | URL;
  /** URL of `functions.js`, likewise; beside `workerUrl` if only that is given. */
  functionsUrl?: string | URL;
  /** URL of `engine_bg.wasm`, likewise. */
  wasmUrl?: string | URL;
  /** URL of `engine_rest.wasm`, likewise; beside `wasmUrl` if only that is given. */
  restUrl?: string | URL;
  /** An already compiled engine: nothing is fetched to start it. */
  wasmModule?: WebAssembly.Module;
}

/** Where the entries `index.js`, `cdn.js` and `inline.js` have the parts. */
export interface Parts {
  worker?: () => Worker;
  /** Where the worker's script is, if `worker` starts it without the browser. */
  workerUrl?: () => string;
  functions?: () => string;
  /** Where the engine is, or the engine. */
  wasm?: () => URL | Promise<WebAssembly.Module>;
  /** Where the rest of the engine is; an entry that has the engine whole does without. */
  rest?: () => string;
  /** What stands for `navigator.locks` and `navigator.storage` where no browser is. */
  locks?: LockManager;
  storage?: StorageManager;
  /** What relative URLs are relative to where no page is. */
  base?: string;
}
/** @internal */
export const parts: Parts = {};

/** What to do where the files beside the bundle are not found. */
export const HINT =
  'Most bundlers find the files by themselves; with others copy worker.js, functions.js, engine_bg.wasm and engine_rest.wasm from the ' +
  "package's dist folder next to your bundle, or pass assets({ workerUrl, functionsUrl, wasmUrl, restUrl }), or import 'rivulet/inline', which needs no files.";

/** Vite before version 8 moves a package's module when it serves it, and not what is beside it. */
export const VITE_HINT =
  "Vite 7 and older move the module away from its files in development: add optimizeDeps: { exclude: ['rivulet'] } to vite.config.";

/** What to do where files are of two builds. */
export const STALE = 'Take all files from one copy of the package, and clear stale caches (of the server, a service worker, the browser).';

/** What to do where a file was not found under its URL. */
export const hintFor = (url: string): string => (url.includes('/.vite/deps/') ? VITE_HINT : HINT);

/** A URL that may be relative to the page. */
export const urlOf = (url: string | URL, base = globalThis.location?.href ?? parts.base): URL => new URL(url, base);

/** The locks by which a session hears of the end of workers. */
export const locksOf = (): LockManager => parts.locks ?? navigator.locks;

/** The private file system of the origin. */
export const originStorage = (): Promise<FileSystemDirectoryHandle> => (parts.storage ?? navigator.storage).getDirectory();

/** The URL of the script that runs the user's functions, for executors to load. */
export function functionsUrlOf({ functionsUrl, workerUrl }: Assets): string {
  if (functionsUrl !== undefined) return urlOf(functionsUrl).href;
  if (workerUrl !== undefined) return new URL('functions.js', urlOf(workerUrl)).href;
  return placed('functions.js', () => urlOf(parts.functions!()).href);
}

/** The URL of the engine, or the engine where the entry has it. */
export function engineOf({ wasmUrl }: Assets): URL | Promise<WebAssembly.Module> {
  return wasmUrl === undefined ? placed('engine_bg.wasm', () => parts.wasm!()) : urlOf(wasmUrl);
}

/** The URL of the rest of the engine, for workers to load; empty where the entry has the engine whole. */
export function restUrlOf({ restUrl, wasmUrl }: Assets): string {
  if (restUrl !== undefined) return urlOf(restUrl).href;
  if (wasmUrl !== undefined) return new URL('engine_rest.wasm', urlOf(wasmUrl)).href;
  const { rest } = parts;
  return rest ? placed('engine_rest.wasm', () => urlOf(rest()).href) : '';
}

/** Names a part whose place depends on where this module is: a bundle that is a script knows no place. */
export function placed<T>(file: string, find: () => T): T {
  try {
    return find();
  } catch (cause) {
    if (!(cause instanceof TypeError && /\bURL\b/.test(cause.message))) throw cause;
    throw new WorkerLoadError('The bundle is a script, not a module, and does not know where its files are', `${file} beside it`, HINT, {
      reason: 'unplaced',
      cause,
    });
  }
}
