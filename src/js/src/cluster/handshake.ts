import { SparkError, WorkerLoadError } from '../errors.js';
import type { FromWorker, Init } from '../protocol.js';
import { type Assets, createWorker, START_DEADLINE_MS, workerUrlOf } from './load.js';

/** A worker whose script loads, and the error that it has met. */
export interface Launched {
  worker: Worker;
  error?: ErrorEvent;
}

/** Creates a worker, whose script loads at once; it does nothing until it is started. */
export function launchWorker(assets: Assets, role: Init['role'], executor?: number): Launched {
  const launched: Launched = { worker: createWorker(assets, `rivulet ${role} ${executor ?? ''}`.trim()) };
  const noted = (event: ErrorEvent) => {
    launched.error ??= event;
  };
  launched.worker.addEventListener('error', noted, { once: true });
  return launched;
}

/** Starts a worker and waits until its engine runs. A worker that fails to load says nothing by itself, hence the deadline. */
export function startWorker(assets: Assets, init: Init, launched = launchWorker(assets, init.role, init.executor)): Promise<Worker> {
  const url = workerUrlOf(assets);
  const { worker } = launched;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(deadline);
      worker.removeEventListener('message', onMessage);
      worker.removeEventListener('error', onError);
      act();
    };
    const fail = (error: Error) =>
      settle(() => {
        worker.terminate();
        reject(error);
      });
    const deadline = setTimeout(
      () =>
        fail(
          new WorkerLoadError(
            `The worker did not answer within ${START_DEADLINE_MS / 1000} s`,
            url,
            'Check that the URL serves worker.js as JavaScript and that the Content-Security-Policy allows it (worker-src).',
          ),
        ),
      START_DEADLINE_MS,
    );
    const onError = (event: ErrorEvent) =>
      fail(
        new WorkerLoadError(
          `The worker did not load${event.message ? `: ${event.message}` : ''}`,
          url,
          "Most bundlers find it by themselves; with others copy worker.js, functions.js and engine_bg.wasm from the package's dist " +
            'folder next to your bundle, or pass assets({ workerUrl, functionsUrl, wasmUrl }), or import "rivulet/inline".',
        ),
      );
    const onMessage = (event: MessageEvent<FromWorker>) => {
      const message = event.data;
      if (message.t === 'fatal') {
        fail(new SparkError(`The ${init.role} worker failed to start: ${message.message}`, { condition: 'RIVULET_WORKER_START' }));
      } else if (message.t === 'ready') {
        if (message.version === init.version) settle(() => resolve(worker));
        else {
          fail(
            new WorkerLoadError(
              `The worker is version ${message.version}, the page runs ${init.version}`,
              url,
              'Clear stale caches of one of the files.',
            ),
          );
        }
      }
    };
    worker.addEventListener('message', onMessage);
    worker.addEventListener('error', onError);
    if (launched.error) onError(launched.error);
    else worker.postMessage(init);
  });
}
