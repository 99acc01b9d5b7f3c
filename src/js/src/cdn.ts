/**
 * Rivulet from another origin. Workers must be of the page's own origin, so the worker is a one-line module in a Blob that
 * imports the real one; the page's CSP needs `blob:` in `worker-src` and this origin in `script-src`.
 */
import { parts } from './cluster/load.js';

parts.worker = () => {
  const url = URL.createObjectURL(
    new Blob([`import ${JSON.stringify(new URL('./worker.js', import.meta.url).href)};`], { type: 'text/javascript' }),
  );
  return new Worker(url, { type: 'module' });
};

export * from './index.js';
