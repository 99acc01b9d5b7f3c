import { SparkError, WorkerLoadError } from '../errors.js';
import type { FromWorker, Init } from '../protocol.js';
import { createWorker, workerUrlOf } from './create_worker.js';
import { type Assets, HINT, STALE } from './places.js';
import { Deadline, type Start } from './start_options.js';
import type { Violations } from './violations.js';

/** A worker whose script loads, and the error that it has met. */
export interface Launched {
  worker: Worker;
  error?: ErrorEvent;
}

/** How a session starts; a worker that comes later knows nothing of it. */
export interface Circumstances {
  start: Start;
  violations: Violations;
}

/** After this time without an answer it is looked whether the script is on its way at all. */
const PROBE_AFTER_MS = 3_000;

/** Creates a worker, whose script loads at once; it does nothing until it is started. */
export function launchWorker(assets: Assets, role: Init['role'], executor?: number): Launched {
  const launched: Launched = { worker: createWorker(assets, `rivulet ${role} ${executor ?? ''}`.trim()) };
  const noted = (event: ErrorEvent) => {
    launched.error ??= event;
  };
  launched.worker.addEventListener('error', noted, { once: true });
  return launched;
}

/**
 * Starts a worker and waits until its engine runs. Of a script that loads slowly nothing is heard, so the wait ends only when no bytes
 * come either: neither of the engine nor of the script, which is then fetched beside the worker.
 */
export function startWorker(
  assets: Assets,
  init: Init,
  launched = launchWorker(assets, init.role, init.executor),
  { start, violations }: Partial<Circumstances> = {},
): Promise<Worker> {
  const { worker } = launched;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      deadline.end();
      clearTimeout(probing);
      deaf?.();
      worker.removeEventListener('message', onMessage);
      worker.removeEventListener('error', onError);
      act();
    };
    const fail = (error: Error | Promise<Error>) =>
      settle(() => {
        worker.terminate();
        Promise.resolve(error).then(reject, reject);
      });
    const failed = (words: string, isSilent: boolean) => fail(explained(workerUrlOf(assets), words, isSilent, violations));
    const deadline = new Deadline(() => failed('', true));
    const deaf = start?.onSign(() => deadline.extend());
    const probing = setTimeout(() => void start?.probe(workerUrlOf(assets)), PROBE_AFTER_MS);
    const onError = (event: ErrorEvent) => failed(event.message ?? '', false);
    const onMessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.t === 'fatal') {
        fail(new SparkError(`The ${init.role} worker failed to start: ${data.message}`, { condition: 'RIVULET_WORKER_START' }));
      } else if (data.t === 'ready') {
        if (data.version === init.version) settle(() => resolve(worker));
        else {
          const message = `The worker is version ${data.version}, the page runs ${init.version}`;
          fail(new WorkerLoadError(message, workerUrlOf(assets), STALE, { reason: 'version' }));
        }
      }
    };
    worker.addEventListener('message', onMessage);
    worker.addEventListener('error', onError);
    if (launched.error) onError(launched.error);
    else worker.postMessage(init);
  });
}

/** The error of a worker that did not load. What finds the cause is loaded only now, and without it the error knows less. */
async function explained(url: string, words: string, isSilent: boolean, violations: Violations | undefined): Promise<Error> {
  try {
    const { diagnose } = await import('./diagnosis.js');
    return await diagnose({ url, words, isSilent, violations });
  } catch (cause) {
    const message = `The worker did not ${isSilent ? 'answer' : 'load'}${words && `: ${words}`}`;
    return new WorkerLoadError(message, url, HINT, { reason: isSilent ? 'timeout' : 'unknown', cause });
  }
}
