import type { Init, PortMessage, ToExecutor } from '../protocol.js';
import { guarded } from './death.js';
import type { Engine, Executor, ExecutorHost } from './engine.js';
import { bytesOf } from './kept.js';
import { log } from './log.js';
import { listen, sendBlocks, sendToPage } from './port.js';
import { Programs } from './programs.js';
import { ReceiverRunner } from './receiver_runner.js';
import { openSpill } from './spill.js';

/** A peer's port, or the messages that wait for it: the driver may name a peer before the page's `peer` message is here. */
interface Peer {
  port?: MessagePort;
  waiting: PortMessage[];
}

/** The other executors. */
class Peers {
  readonly #peers = new Map<string, Peer>();
  readonly #gone = new Set<string>();

  constructor(private readonly executor: () => Executor) {}

  #of(key: string): Peer {
    let found = this.#peers.get(key);
    if (!found) this.#peers.set(key, (found = { waiting: [] }));
    return found;
  }

  send(other: number, incarnation: number, header: Uint8Array, blobs: Uint8Array[]): void {
    const key = `${other}.${incarnation}`;
    // A task may name a peer that is known here to be gone: it must not wait. Not from inside the engine's call.
    if (this.#gone.has(key)) return queueMicrotask(() => guarded(() => this.executor().peerLost(other, incarnation)));
    const { port, waiting } = this.#of(key);
    if (port) sendBlocks(port, header, blobs);
    else waiting.push({ header, blobs });
  }

  meet(other: number, incarnation: number, port: MessagePort): void {
    const entry = this.#of(`${other}.${incarnation}`);
    entry.port = port;
    for (const { header, blobs } of entry.waiting.splice(0)) sendBlocks(port, header, blobs);
    listen(port, ({ header, blobs }) => guarded(() => this.executor().peerMessage(other, incarnation, header, blobs)));
  }

  part(other: number, incarnation: number): void {
    const key = `${other}.${incarnation}`;
    this.#peers.get(key)?.port?.close();
    this.#peers.delete(key);
    this.#gone.add(key);
    this.executor().peerLost(other, incarnation);
  }
}

/** Delivers the driver's messages in order; they wait while functions of plans are loaded. */
class Inbox {
  readonly #held: PortMessage[] = [];

  constructor(
    private readonly programs: Programs,
    private readonly executor: () => Executor,
  ) {}

  receive(message: PortMessage): void {
    guarded(() => {
      if (this.programs.loading || this.#held.length > 0) {
        if (this.#held.push(message) === 1) void this.#release();
        return;
      }
      this.executor().driverMessage(message.header, message.blobs);
    });
  }

  async #release(): Promise<void> {
    while (this.#held.length > 0) {
      await this.programs.loading;
      const { header, blobs } = this.#held[0]!;
      guarded(() => this.executor().driverMessage(header, blobs));
      this.#held.shift();
    }
  }
}

/** The executor worker: runs tasks and exchanges blocks with the driver and its peers. */
export async function startExecutor(engine: Engine, init: Init): Promise<(message: ToExecutor) => void> {
  const self = init.executor ?? 0;
  const peers = new Peers(() => executor);
  const programs = new Programs(undefined, bytesOf(init.conf['spark.rivulet.executor.storageMemory']));
  const inbox = new Inbox(programs, () => executor);
  const receivers = new ReceiverRunner();
  let driverPort: MessagePort | undefined;
  const host: ExecutorHost = {
    now: () => Date.now(),
    toDriver: (header, blobs) => {
      if (driverPort) sendBlocks(driverPort, header, blobs);
    },
    toPeer: (other, incarnation, header, blobs) => peers.send(other, incarnation, header, blobs),
    log: (level, text) => log(`executor ${self}`, level, text),
  };
  const executor: Executor = new engine.Executor(
    self,
    init.incarnation,
    JSON.stringify(init.conf),
    host,
    await openSpill(init.lock),
    programs,
  );

  return (message) =>
    guarded(() => {
      switch (message.t) {
        case 'driverPort':
          driverPort = message.port;
          return listen(message.port, (received) => inbox.receive(received));
        case 'peer':
          return peers.meet(message.executor, message.incarnation, message.port);
        case 'peerLost':
          return peers.part(message.executor, message.incarnation);
        case 'blob':
          programs.blobs.set(message.id, message.blob);
          return sendToPage({ t: 'lent', id: message.id });
        case 'receiver':
          return void receivers.start(message.id, message.receiver);
        case 'receiverStop':
          return void receivers.stop(message.id);
        case 'stored':
          return receivers.stored(message.id, message.seq);
        case 'heap':
          return sendToPage({ t: 'heapBytes', id: message.id, bytes: executor.heapBytes() });
        case 'init':
          return;
      }
    });
}
