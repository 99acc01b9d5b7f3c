/** Why a worker's script did not load: the browser itself does not say. */
import { type LoadFailure, WorkerLoadError } from '../errors.js';
import { HINT, hintFor } from './places.js';
import { SILENCE_MS } from './start_options.js';
import type { Violations } from './violations.js';

/** What is known of the failure. */
export interface Failure {
  url: string;
  /** The browser's own words, if it had any. */
  words: string;
  /** Whether nothing was heard of the worker for too long. */
  isSilent: boolean;
  violations: Violations | undefined;
}

/** The word by which `cdn.ts` says, from inside a worker, what was refused there. */
const INSIDE = /securitypolicyviolation ([\w-]+)/;

/** Returns the error that names cause and remedy. It may ask the server for the script once more. */
export async function diagnose(failure: Failure): Promise<WorkerLoadError> {
  const { url, words, isSilent } = failure;
  const error = (message: string, hint: string, reason: LoadFailure) => new WorkerLoadError(message, url, hint, { reason });
  const directive = await refusedBy(failure);
  if (directive) {
    const { protocol, origin } = new URL(url, location.href);
    const source = protocol === 'blob:' ? 'blob:' : origin === location.origin ? "'self'" : origin;
    return error(`The page's Content-Security-Policy (${directive}) refuses the worker`, `It needs ${source} in ${directive}.`, 'csp');
  }
  const served = /^https?:/.test(url) ? await look(url) : undefined;
  if (served?.fault) return error(`The worker did not load: ${served.fault}`, served.hint, served.reason);
  if (isSilent) {
    const hint = `Check that the URL serves Rivulet's worker.js, whole${served ? ` (it was served as ${served.type})` : ''}.`;
    return error(`The worker did not answer within ${SILENCE_MS / 1000} s`, hint, 'timeout');
  }
  if (words || served) {
    const what = words || 'it is served as it should be, and does not run';
    return error(`The worker's script failed: ${what}`, `Copy worker.js from the package once more. ${HINT}`, 'syntax');
  }
  return error('The worker did not load', HINT, 'unknown');
}

/** The directive of the Content-Security-Policy that refused the worker, if one did. */
async function refusedBy({ url, words, violations }: Failure): Promise<string | undefined> {
  const inside = INSIDE.exec(words)?.[1];
  if (inside) return inside;
  const isOfWorker = (directive: string) => /^(worker|script|child|default)-src/.test(directive);
  const found = await violations?.find(
    ({ directive, blocked }) => isOfWorker(directive) && (url.startsWith(blocked) || blocked === 'blob'),
  );
  return found?.directive;
}

interface Served {
  type: string;
  fault?: string;
  hint: string;
  reason: LoadFailure;
}

/** Asks the server for the script, and says what is wrong with the answer. */
async function look(url: string): Promise<Served> {
  const hint = hintFor(url);
  const fault = (type: string, fault: string, reason: LoadFailure, other = hint): Served => ({ type, fault, hint: other, reason });
  let response: Response;
  let head: string;
  try {
    response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(SILENCE_MS / 4) });
    head = await firstWords(response);
  } catch (cause) {
    // The caller has an error for what hangs.
    if (cause instanceof DOMException && cause.name === 'TimeoutError') return { type: 'nothing', hint, reason: 'timeout' };
    return fault('nothing', `the server cannot be reached (${String(cause)})`, 'network', 'Check the connection and the server.');
  }
  const type = response.headers.get('content-type') ?? 'no type';
  if (!response.ok) return fault(type, `HTTP ${response.status}`, 'missing');
  if (/^text\/html\b/i.test(type) || /^\s*</.test(head)) {
    return fault(
      type,
      'the server sent a page (HTML) in its place, as servers of single-page applications do for files they do not have',
      'html',
    );
  }
  if (!/\b(java|ecma)script\b/i.test(type)) {
    return fault(type, `it is served as ${type}`, 'type', 'Serve .js files as text/javascript: browsers run no module of another type.');
  }
  if (!response.headers.has('cross-origin-embedder-policy') && (await isEmbedding())) {
    const remedy = 'Send the header Cross-Origin-Embedder-Policy with worker.js and functions.js, too.';
    return fault(type, 'the page has a Cross-Origin-Embedder-Policy, and the worker has none', 'coep', remedy);
  }
  return { type, hint, reason: 'unknown' };
}

/** The first characters of a body. */
async function firstWords(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const first = await reader?.read();
  void reader?.cancel().catch(() => {});
  return new TextDecoder().decode(first?.value?.subarray(0, 64));
}

/** Whether the page was served with a Cross-Origin-Embedder-Policy, which only its own headers say. */
async function isEmbedding(): Promise<boolean> {
  try {
    return (await fetch(location.href, { method: 'HEAD' })).headers.has('cross-origin-embedder-policy');
  } catch {
    return globalThis.crossOriginIsolated === true;
  }
}
