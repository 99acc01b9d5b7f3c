/**
 * Rivulet with engine and worker inside a module: the classes of `rivulet`, for bundlers that leave `new URL(…, import.meta.url)` as
 * it is, for webviews, and for pages that are opened as files. The page's Content-Security-Policy needs `blob:` in `worker-src`.
 */
import { functions, wasm, worker } from 'rivulet-inlined';
import { _parts } from './api.js';

let [workerUrl, functionsUrl]: (string | undefined)[] = [];
const urlOf = (script: string) => URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));

_parts.worker = () => {
  workerUrl ??= urlOf(worker);
  // A classic worker: a page of a file has no others.
  return new Worker(workerUrl);
};
// A worker of a file's page may not read what the page has made, but may read what is written in the URL itself.
_parts.functions = () =>
  (functionsUrl ??= location.protocol === 'file:' ? `data:text/javascript,${encodeURIComponent(functions)}` : urlOf(functions));

/** The bytes of base64; natively where the browser can, for a loop over megabytes stalls the page. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as { fromBase64?: (base64: string) => Uint8Array<ArrayBuffer> };
  return fromBase64 ? fromBase64.call(Uint8Array, base64) : Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

_parts.wasm = async () => {
  const bytes = new Blob([bytesOf(wasm)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return WebAssembly.compile(await new Response(bytes).arrayBuffer());
};

export * from './api.js';
