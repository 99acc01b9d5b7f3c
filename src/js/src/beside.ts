/** The files beside this module: worker, functions and engine, by the expressions that bundlers look for. */
import { parts } from './cluster/places.js';

parts.worker ??= () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
parts.functions ??= () => new URL('./functions.js', import.meta.url).href;
parts.wasm ??= () => new URL('./engine_bg.wasm', import.meta.url);
parts.rest ??= () => new URL('./engine_rest.wasm', import.meta.url).href;
