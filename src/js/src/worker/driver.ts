import type { FromDriver, Init, ToDriver, WireError } from '../protocol.js';
import { Connections } from './connections.js';
import { guarded, onceReleased } from './death.js';
import type { Driver, DriverHost, Engine } from './engine.js';
import { log } from './log.js';
import { listen, sendBlocks, sendToPage } from './port.js';
import { RegisteredFiles } from './registered_files.js';
import { Storage } from './storage.js';
import { Timer } from './timer.js';

/** The executors that the driver is connected with. */
class Links {
  readonly #links = new Map<number, { incarnation: number; port: MessagePort }>();

  constructor(private readonly driver: () => Driver) {}

  send(executor: number, incarnation: number, header: Uint8Array, blobs: Uint8Array[]): void {
    const link = this.#links.get(executor);
    if (link?.incarnation === incarnation) sendBlocks(link.port, header, blobs);
  }

  join(executor: number, incarnation: number, lock: string, port: MessagePort): void {
    const before = this.#links.get(executor);
    if (before) this.lose(executor, before.incarnation);
    this.#links.set(executor, { incarnation, port });
    this.driver().executorJoined(executor, incarnation);
    listen(port, ({ header, blobs }) => {
      if (this.#links.get(executor)?.incarnation !== incarnation) return;
      guarded(() => this.driver().executorMessage(executor, incarnation, header, blobs));
    });
    onceReleased(lock, () => guarded(() => this.lose(executor, incarnation)));
  }

  lose(executor: number, incarnation: number): void {
    const link = this.#links.get(executor);
    if (link?.incarnation !== incarnation) return;
    this.#links.delete(executor);
    link.port.close();
    this.driver().executorLost(executor, incarnation);
    tell({ t: 'executorLost', executor, incarnation });
  }
}

const tell = (message: FromDriver, arrays?: Uint8Array[]) => sendToPage(message, arrays);

/** The driver worker: carries the engine's effects out and brings it the events of the world. */
export function startDriver(engine: Engine, init: Init): (message: ToDriver) => void {
  const links = new Links(() => driver);
  const files = new RegisteredFiles();
  const timer = new Timer(() => guarded(() => driver.timer()));
  const connections = new Connections((id, kind, data) => guarded(() => driver.connectionEvent(id, kind, data)));
  const storage = new Storage((op, error, bytes) => guarded(() => driver.storageDone(op, error, bytes)));

  const host: DriverHost = {
    now: () => Date.now(),
    respond: (id, bytes) => tell({ t: 'res', id, bytes }, [bytes]),
    end: (id) => tell({ t: 'end', id }),
    fail: (id, errorJson) => tell({ t: 'err', id, error: JSON.parse(errorJson) as WireError }),
    toExecutor: (executor, incarnation, header, blobs) => links.send(executor, incarnation, header, blobs),
    setTimer: (atMs) => timer.set(atMs),
    credit: (source, queuedBytes, limitBytes, durable) => tell({ t: 'credit', source, queuedBytes, limitBytes, durable: durable ?? null }),
    openSocket: (id, url) => connections.openSocket(id, url),
    openResponse: (id, url, headers) => connections.openResponse(id, url, headers),
    sendSocket: (id, text) => connections.send(id, text),
    closeConnection: (id) => connections.close(id),
    listFiles: (path) => files.list(path),
    readFile: (path) => files.read(path),
    foreachBatch: (sink, run, batchId, arrow) => tell({ t: 'foreachBatch', sink, run, batchId, arrow }, arrow),
    listener: (eventType, json) => tell({ t: 'listener', eventType: eventType as 'started' | 'progress' | 'idle' | 'terminated', json }),
    status: (json) => tell({ t: 'status', json }),
    console: (text) => tell({ t: 'console', text }),
    storage: (op, kind, path, bytes) => storage.run(op, kind, path, bytes),
    log: (level, text) => log('driver', level, text),
  };
  const driver: Driver = new engine.Driver(JSON.stringify(init.conf), host);

  return (message) =>
    guarded(() => {
      switch (message.t) {
        case 'executor':
          return links.join(message.executor, message.incarnation, message.lock, message.port);
        case 'executorDown':
          return links.lose(message.executor, message.incarnation);
        case 'req':
          return driver.request(message.id, message.method, message.bytes);
        case 'cancel':
          return driver.cancel(message.id);
        case 'push':
          return driver.push(message.source, message.seq, message.bytes);
        case 'pushEnd':
          return driver.pushEnd(message.source);
        case 'file':
          return files.set(message.path, message.blob, message.modified);
        case 'foreachBatchDone':
          return driver.foreachBatchDone(message.run, message.batchId, message.error && (message.error.stack || message.error.message));
        case 'watchStatus':
          return driver.watchStatus(message.on);
        case 'alarm':
          return void setTimeout(() => tell({ t: 'rang', id: message.id }), message.inMs);
        case 'heap':
          return tell({ t: 'heapBytes', id: message.id, bytes: driver.heapBytes() });
        case 'init':
          return;
      }
    });
}
