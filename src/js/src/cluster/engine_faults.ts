/** Why the engine did not load: what came in its place, or who refused it. */
import { WorkerLoadError } from '../errors.js';
import { ENGINE_BYTES } from '../version.js';
import type { Download } from './engine_file.js';
import { hintFor } from './places.js';
import { SILENCE_MS } from './start_options.js';
import type { Violations } from './violations.js';

/** Returns the error that names cause and remedy. */
export async function explain(file: Download, cause: unknown, violations: Violations): Promise<WorkerLoadError> {
  const { url, status, bytes, isSilent } = file;
  if (isSilent) {
    const message = `No byte of the engine came for ${SILENCE_MS / 1000} s, after ${bytes} bytes`;
    return new WorkerLoadError(message, url, 'The server or the connection hangs: try again.', { reason: 'timeout', cause });
  }
  if (status >= 400) {
    return new WorkerLoadError(`The engine could not be fetched: HTTP ${status}`, url, hintFor(url), { reason: 'missing', cause });
  }
  return (status > 0 && foreign(file, cause)) || refused(url, cause, violations);
}

/** An error for what is not the engine, or not all of it. */
function foreign({ url, bytes, head, total, type }: Download, cause: unknown): WorkerLoadError | undefined {
  const text = new TextDecoder('latin1').decode(head).trimStart();
  if (/^</.test(text) || /^text\/html\b/i.test(type)) {
    const message =
      'The server sent a page (HTML) in place of the engine, as servers of single-page applications do for files they do not have';
    return new WorkerLoadError(message, url, hintFor(url), { reason: 'html', cause });
  }
  if (text.startsWith('version https://git-lfs')) {
    const hint = 'Fetch the file itself before you deploy: git lfs pull.';
    return new WorkerLoadError('The server has only a pointer of Git LFS in place of the engine', url, hint, { reason: 'content', cause });
  }
  const whole = ENGINE_BYTES || total;
  if (whole !== undefined && bytes < whole && (text === '' || text.startsWith('\0asm'))) {
    const message = `Only ${bytes} of the engine's ${whole} bytes have come`;
    const hint = 'The connection broke off, or the file on the server is cut off: try again, then copy engine_bg.wasm there once more.';
    return new WorkerLoadError(message, url, hint, { reason: 'truncated', cause });
  }
  if (head.length > 3 && !text.startsWith('\0asm')) {
    const message = `What came (${bytes} bytes of ${type || 'no type'}) is not WebAssembly`;
    return new WorkerLoadError(message, url, hintFor(url), { reason: 'content', cause });
  }
  return undefined;
}

/** An error for what the browser did not fetch or did not compile. */
async function refused(url: string, cause: unknown, violations: Violations): Promise<WorkerLoadError> {
  const { origin } = new URL(url, location.href);
  const found = await violations.find(
    ({ directive, blocked }) => blocked === 'wasm-eval' || (directive === 'connect-src' && url.startsWith(blocked)),
  );
  if (found) {
    const isEval = found.blocked === 'wasm-eval';
    const wanted = isEval ? "'wasm-unsafe-eval' in script-src" : `${origin === location.origin ? "'self'" : origin} in connect-src`;
    const message = `The page's Content-Security-Policy (${found.directive}) refuses ${isEval ? 'to compile' : 'to fetch'} the engine`;
    return new WorkerLoadError(message, url, `It needs ${wanted}.`, { reason: 'csp', cause });
  }
  if (cause instanceof WebAssembly.CompileError) {
    const hint = 'The file is damaged, or this browser is older than Chromium 116, Firefox 124 and Safari 17.4.';
    return new WorkerLoadError(`The engine could not be compiled: ${cause.message}`, url, hint, { reason: 'content', cause });
  }
  const hint =
    origin === location.origin
      ? 'Check the connection and the server.'
      : 'Its server must allow this page (Access-Control-Allow-Origin), and be reachable.';
  return new WorkerLoadError(`The engine could not be fetched: ${String(cause)}`, url, hint, { reason: 'network', cause });
}
