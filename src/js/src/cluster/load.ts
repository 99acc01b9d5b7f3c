import { SparkError, WorkerLoadError } from '../errors.js';

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

/** How long a worker may take to answer the handshake. */
export const START_DEADLINE_MS = 10_000;

/** What the entries `inline.js` and `cdn.js` put in place of the files beside the facade. */
export interface Parts {
  worker?: () => Worker;
  functions?: () => string;
  wasm?: () => Promise<WebAssembly.Module>;
}
/** @internal */
export const parts: Parts = {};

/** Throws where there are no workers at all, which is the case on servers. */
export function requireBrowser(): void {
  if (typeof Worker !== 'function' || typeof MessageChannel !== 'function' || !globalThis.navigator?.locks) {
    throw new SparkError(
      'Rivulet runs in a browser (it needs Worker, MessageChannel and Web Locks in a secure context: https or localhost); ' +
        'importing it elsewhere is fine, but a session there runs on a Spark cluster: SparkSession.builder.remote("sc://host:port").',
      { condition: 'RIVULET_NO_BROWSER' },
    );
  }
}

/** Fetches and compiles the engine once. */
export async function compileEngine(assets: Assets): Promise<WebAssembly.Module> {
  if (assets.wasmModule) return assets.wasmModule;
  if (assets.wasmUrl === undefined && parts.wasm) return parts.wasm();
  const url = assets.wasmUrl === undefined ? new URL('./engine_bg.wasm', import.meta.url) : new URL(assets.wasmUrl, location.href);
  const hint = 'Serve engine_bg.wasm next to the bundle, or pass assets({ wasmUrl }).';
  try {
    const response = await fetch(url);
    if (!response.ok) throw new WorkerLoadError(`The engine could not be fetched: HTTP ${response.status}`, url.href, hint);
    const retry = response.clone();
    // A server that knows no application/wasm makes compileStreaming refuse: compile the bytes instead.
    return await WebAssembly.compileStreaming(response).catch(async () => WebAssembly.compile(await retry.arrayBuffer()));
  } catch (cause) {
    if (cause instanceof WorkerLoadError) throw cause;
    throw new WorkerLoadError(`The engine could not be compiled: ${String(cause)}`, url.href, hint, cause);
  }
}

/** Creates one worker, which does nothing until `init` sets its role. */
export function createWorker(assets: Assets, name: string): Worker {
  if (assets.workerUrl !== undefined) return new Worker(assets.workerUrl, { type: 'module', name });
  if (parts.worker) return parts.worker();
  // A bare literal in a branch of its own: bundlers find the worker by it.
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}

/** The URL of the script that runs the user's functions, for executors to load. */
export function functionsUrlOf({ functionsUrl, workerUrl }: Assets): string {
  if (functionsUrl !== undefined) return new URL(functionsUrl, location.href).href;
  if (workerUrl !== undefined) return new URL('functions.js', new URL(workerUrl, location.href)).href;
  if (parts.functions) return parts.functions();
  return new URL('./functions.js', import.meta.url).href;
}

/** The URL to name in errors. */
export function workerUrlOf(assets: Assets): string {
  return String(assets.workerUrl ?? 'worker.js beside the package');
}
