import { WorkerLoadError } from '../errors.js';

/** Where the parts of the package are; a part that is left out is found beside this module. */
export interface Assets {
  /** URL of `worker.js`, for bundlers that do not follow `new URL(…, import.meta.url)`. */
  workerUrl?: string | URL;
  /** URL of `functions.js`, likewise; beside `workerUrl` if only that is given. */
  functionsUrl?: string | URL;
  /** URL of `engine_bg.wasm`, likewise. */
  wasmUrl?: string | URL;
  /** An already compiled engine: nothing is fetched. */
  wasmModule?: WebAssembly.Module;
}

/** Where the entries `index.js`, `cdn.js` and `inline.js` have the parts. */
export interface Parts {
  worker?: () => Worker;
  functions?: () => string;
  /** Where the engine is, or the engine. */
  wasm?: () => URL | Promise<WebAssembly.Module>;
}
/** @internal */
export const parts: Parts = {};

/** What to do where the files beside the bundle are not found. */
export const HINT =
  "Most bundlers find the files by themselves; with others copy worker.js, functions.js and engine_bg.wasm from the package's dist " +
  'folder next to your bundle, or pass assets({ workerUrl, functionsUrl, wasmUrl }), or import "rivulet/inline", which needs no files.';

/** Vite before version 8 moves a package's module when it serves it, and not what is beside it. */
export const VITE_HINT =
  "Vite 7 and older move the module away from its files in development: add optimizeDeps: { exclude: ['rivulet'] } to vite.config.";

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
