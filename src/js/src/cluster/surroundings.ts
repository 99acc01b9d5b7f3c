import { SparkError } from '../errors.js';
import { locksOf, parts } from './places.js';

/** Throws where there are no workers at all, which is the case on servers, and where the browser keeps from the page what it needs. */
export function requireBrowser(): void {
  // An entry that brings locks brings all the rest.
  if (parts.locks) return;
  if (typeof Worker !== 'function' || typeof MessageChannel !== 'function' || typeof WebAssembly !== 'object') {
    throw new SparkError(
      'Rivulet runs in a browser (it needs Worker, MessageChannel and WebAssembly); importing it elsewhere is fine, but a session there ' +
        'runs on a Spark cluster: SparkSession.builder.remote("sc://host:port"). In Node.js import rivulet/node in place of rivulet.',
      { condition: 'RIVULET_NO_BROWSER' },
    );
  }
  const url = globalThis.location?.href ?? 'this page';
  if (globalThis.isSecureContext === false) {
    throw new SparkError(
      `${url} is not a secure context, and browsers keep Web Locks from such pages: serve it over https, or as http://localhost.`,
      { condition: 'RIVULET_INSECURE_CONTEXT', parameters: { url } },
    );
  }
  if (globalThis.origin === 'null' && globalThis.location?.protocol !== 'file:') {
    throw new SparkError(
      `${url} is in a frame without an origin, which may start no workers: add allow-same-origin to its sandbox attribute (or to the ` +
        'sandbox directive of its Content-Security-Policy).',
      { condition: 'RIVULET_SANDBOXED', parameters: { url } },
    );
  }
  if (!globalThis.navigator?.locks) {
    throw new SparkError('This browser has no Web Locks: Rivulet needs Chromium 116, Firefox 124, Safari 17.4, or a later one.', {
      condition: 'RIVULET_NO_BROWSER',
    });
  }
}

/** Rejects where the browser refuses Web Locks, as it does to frames of other sites when their storage is blocked. */
export async function requireLocks(): Promise<void> {
  const url = globalThis.location?.href ?? 'this process';
  try {
    await locksOf().request(`rivulet-${crypto.randomUUID()}`, () => {});
  } catch (cause) {
    throw new SparkError(
      `The browser refuses Web Locks and storage to ${url}: most likely it is a frame in a page of another site, and the user blocks ` +
        'third-party storage. Open it in a tab of its own, or call document.requestStorageAccess() in a click first.',
      { condition: 'RIVULET_STORAGE_DENIED', parameters: { url }, cause },
    );
  }
}
