import { hintFor, STALE } from '../cluster/places.js';
import { WorkerLoadError } from '../errors.js';
import { BUILD } from '../version.js';

/** How long the rest of the engine may take to come. */
const PATIENCE_MS = 120_000;

/**
 * Fetches the rest of the engine and puts it in its place. Whoever calls this is in the midst of a call of the engine's, which
 * continues with what it called: so it waits, as only workers may. Throws a WorkerLoadError, which ends the worker.
 */
export function loadRest(url: string, first: WebAssembly.Exports): void {
  const fails = (message: string, reason: 'missing' | 'content' | 'version' | 'unknown', hint: string, cause?: unknown) =>
    new WorkerLoadError(`The rest of the engine ${message}`, url, hint, { reason, cause });
  const request = new XMLHttpRequest();
  request.open('GET', url, false);
  request.responseType = 'arraybuffer';
  request.timeout = PATIENCE_MS;
  try {
    request.send();
  } catch (cause) {
    throw fails(`did not come: ${String(cause)}`, 'unknown', 'Try again once the server can be reached.', cause);
  }
  if (request.status >= 400) throw fails(`could not be fetched: HTTP ${request.status}`, 'missing', hintFor(url));
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(request.response);
  } catch (cause) {
    throw fails(`is not WebAssembly: ${String(cause)}`, 'content', hintFor(url), cause);
  }
  const [section] = WebAssembly.Module.customSections(module, 'rivulet');
  const build = section ? new TextDecoder().decode(section).split(' ')[1] : '';
  if (BUILD !== '' && build !== BUILD) throw fails(`is of another build than ${BUILD}`, 'version', STALE);
  new WebAssembly.Instance(module, { first });
}
