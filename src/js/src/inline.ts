/**
 * Rivulet in one file: engine and worker are inside this module. For bundlers that leave `new URL(…, import.meta.url)` as it
 * is, pages without a server and webviews. The page's CSP needs `blob:` in `worker-src`.
 */
import { wasm, worker } from 'rivulet-inlined';
import { parts } from './cluster/load.js';

let workerUrl: string | undefined;

parts.worker = () => {
  workerUrl ??= URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
  return new Worker(workerUrl, { type: 'module' });
};

parts.wasm = async () => {
  const packed = Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0));
  const bytes = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return WebAssembly.compile(await new Response(bytes).arrayBuffer());
};

export * from './index.js';
