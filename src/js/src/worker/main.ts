/**
 * Entry of every worker of Rivulet. Doing nothing until the page says `init`, it becomes the driver or an executor.
 */

import * as engine from 'rivulet-engine';
import { SparkError } from '../errors.js';
import type { Init, ToDriver, ToExecutor } from '../protocol.js';
import { VERSION } from '../version.js';
import { die, holdLock, watchForDeath } from './death.js';
import { startDriver } from './driver.js';
import type { Engine } from './engine.js';
import { startExecutor } from './executor.js';
import { sendToPage } from './port.js';

watchForDeath();

/** Messages that came while the engine was starting, in order. */
const early: (ToDriver | ToExecutor)[] = [];
let receive: ((message: never) => void) | undefined;

self.onmessage = (event: MessageEvent<ToDriver | ToExecutor>) => {
  const message = event.data;
  if (message.t === 'init') start(message).catch(die);
  else if (receive) receive(message as never);
  else early.push(message);
};

async function start(init: Init): Promise<void> {
  await holdLock(init.lock);
  if (init.version !== VERSION) {
    throw new SparkError(`worker.js is version ${VERSION}, but the page runs version ${init.version}: clear stale caches`, {
      condition: 'RIVULET_WORKER_VERSION',
    });
  }
  const built = engine as unknown as Engine;
  await built.default({ module_or_path: init.module });
  receive = init.role === 'driver' ? startDriver(built, init) : await startExecutor(built, init);
  sendToPage({ t: 'ready', version: VERSION });
  for (const message of early.splice(0)) receive(message as never);
}
