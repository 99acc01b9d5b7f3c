import { WorkerLoadError } from '../errors.js';
import { type Assets, parts, placed } from './places.js';

/** The browser's interface of Trusted Types, as far as it is used. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}
type WorkerClass = typeof Worker;

/** Creates one worker, which does nothing until `init` sets its role. Throws a WorkerLoadError where the page may not have it. */
export function createWorker(assets: Assets, name: string): Worker {
  try {
    return build(assets, name);
  } catch (error) {
    return needsTrust(error) ? build(assets, name, trusting(assets)) : refuse(error, workerUrlOf(assets));
  }
}

/** The URL of the worker's script, which bundlers write into the expression that starts it. */
export function workerUrlOf(assets: Assets): string {
  if (parts.workerUrl) return parts.workerUrl();
  let found = 'worker.js beside the package';
  class Noted {
    constructor(url: string | URL) {
      found = String(url);
    }
  }
  try {
    build(assets, '', Noted as unknown as WorkerClass);
    return new URL(found, location.href).href;
  } catch {
    return found;
  }
}

/** Creates a worker by a class that stands in for the browser's: bundlers find a worker only in the words `new Worker(new URL(…))`. */
function build({ workerUrl }: Assets, name: string, by?: WorkerClass): Worker {
  const own = globalThis.Worker;
  if (by) globalThis.Worker = by;
  try {
    return workerUrl === undefined ? placed('worker.js', () => parts.worker!()) : new Worker(workerUrl, { type: 'module', name });
  } finally {
    globalThis.Worker = own;
  }
}

/** Whether a page with Trusted Types wants to know who vouches for the URL. */
const needsTrust = (error: unknown): boolean => error instanceof TypeError && /TrustedScriptURL/.test(error.message);

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;

/** Workers whose URL the policy `rivulet` vouches for. */
function trusting(assets: Assets): WorkerClass {
  try {
    const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
    policy ??= trustedTypes!.createPolicy('rivulet', { createScriptURL: (url) => url });
  } catch (cause) {
    const hint =
      "Add rivulet to the trusted-types directive of the page's Content-Security-Policy: it is the policy by which the worker starts.";
    const message = 'The page asks for Trusted Types, and does not allow the policy "rivulet"';
    throw new WorkerLoadError(message, workerUrlOf(assets), hint, { reason: 'trusted-types', cause });
  }
  const vouched = policy;
  return class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(vouched.createScriptURL(String(url)) as string, options);
    }
  };
}

/** Says why the browser does not even try to load the script. */
function refuse(error: unknown, url: string): never {
  if (!(error instanceof DOMException && error.name === 'SecurityError')) throw error;
  const hint =
    'Import "rivulet/cdn" in place of "rivulet", which starts it through a Blob, or serve the package from the page’s own origin.';
  const message = `A page of ${location.origin} cannot start a worker of another origin`;
  throw new WorkerLoadError(message, url, hint, { reason: 'origin', cause: error });
}
