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
  functions?: () => string;
  /** Where the engine is, or the engine. */
  wasm?: () => URL | Promise<WebAssembly.Module>;
  /** Where the rest of the engine is; an entry that has the engine whole does without. */
  rest?: () => string;
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

/** The URL of the script that runs the user's functions, for executors to load. */
export function functionsUrlOf({ functionsUrl, workerUrl }: Assets): string {
  if (functionsUrl !== undefined) return new URL(functionsUrl, location.href).href;
  if (workerUrl !== undefined) return new URL('functions.js', new URL(workerUrl, location.href)).href;
  return placed('functions.js', () => new URL(parts.functions!(), location.href).href);
}

/** The URL of the engine, or the engine where the entry has it. */
export function engineOf({ wasmUrl }: Assets): URL | Promise<WebAssembly.Module> {
  return wasmUrl === undefined ? placed('engine_bg.wasm', () => parts.wasm!()) : new URL(wasmUrl, location.href);
}

/** The URL of the rest of the engine, for workers to load; empty where the entry has the engine whole. */
export function restUrlOf({ restUrl, wasmUrl }: Assets): string {
  if (restUrl !== undefined) return new URL(restUrl, location.href).href;
  if (wasmUrl !== undefined) return new URL('engine_rest.wasm', new URL(wasmUrl, location.href)).href;
  const { rest } = parts;
  return rest ? placed('engine_rest.wasm', () => new URL(rest(), location.href).href) : '';
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
