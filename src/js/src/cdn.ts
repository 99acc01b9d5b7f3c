/**
 * Rivulet from another origin: the classes of `rivulet`, whose sessions start their workers through a Blob. Workers must be of the
 * page's own origin, so the worker is a few lines that import the real one. A Content-Security-Policy of the page needs this origin in
 * `script-src` and `connect-src`, `'wasm-unsafe-eval'` in `script-src`, and `blob:` in `worker-src`; functions over rows need `blob:` in
 * `script-src`, too.
 */
import { _parts } from './api.js';

/** Keeps what the page says until the script is there. Of what is refused in a worker the page hears only by its error. */
const loader = (url: string) => `const early = [];
let why = '';
addEventListener('securitypolicyviolation', (event) => { why = 'securitypolicyviolation ' + event.effectiveDirective; });
self.onmessage = (event) => early.push(event);
import(${JSON.stringify(url)}).then(
  () => early.forEach((event) => self.onmessage(event)),
  (error) => setTimeout(() => { throw new Error(why || String(error)); }, 20),
);`;

let workerUrl: string | undefined;
_parts.worker = () => {
  const script = loader(new URL('./worker.js', import.meta.url).href);
  workerUrl ??= URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  return new Worker(workerUrl, { type: 'module' });
};
_parts.functions = () => new URL('./functions.js', import.meta.url).href;
_parts.wasm = () => new URL('./engine_bg.wasm', import.meta.url);
_parts.rest = () => new URL('./engine_rest.wasm', import.meta.url).href;

export * from './api.js';
