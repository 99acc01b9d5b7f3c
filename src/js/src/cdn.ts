/**
 * Rivulet from another origin: the classes of `rivulet`, whose sessions start their workers through a Blob. Workers must be of the
 * page's own origin, so the worker is a one-line module that imports the real one; the page's Content-Security-Policy needs `blob:`
 * in `worker-src` and this origin in `script-src`.
 */
import { _parts } from './index.js';

_parts.worker = () => {
  const worker = new URL('./worker.js', import.meta.url).href;
  const url = URL.createObjectURL(new Blob([`import ${JSON.stringify(worker)};`], { type: 'text/javascript' }));
  return new Worker(url, { type: 'module' });
};

_parts.functions = () => new URL('./functions.js', import.meta.url).href;

export * from './index.js';
