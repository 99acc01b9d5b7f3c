import type { Init, PortMessage, ToExecutor } from '../protocol.js';
import { guarded } from './death.js';
import type { Engine, Executor } from './engine.js';
import { log } from './log.js';
import { bytesOf } from './kept.js';
import { listen, sendBlocks, sendToPage } from './port.js';
import { Programs } from './programs.js';
import { ReceiverRunner } from './receiver_runner.js';
import { openSpill } from './spill.js';

/** A peer's port, or the messages that wait for it: the driver may name a peer before the page's `peer` message is here. */
interface Peer {
  port?: MessagePort;
  waiting: PortMessage[];
}

/** The executor worker: runs tasks and exchanges blocks with the driver and its peers. */
export async function startExecutor(engine: Engine, init: Init): Promise<(message: ToExecutor) => void> {
  const self = init.executor ?? 0;
  const peers = new Map<string, Peer>();
  const gone = new Set<string>();
  let driverPort: MessagePort | undefined;

  const peer = (key: string): Peer => {
    let found = peers.get(key);
    if (!found) peers.set(key, (found = { waiting: [] }));
    return found;
  };
  const programs = new Programs(undefined, bytesOf(init.conf['spark.rivulet.executor.storageMemory']));
  const receivers = new ReceiverRunner();
  /** Messages of the driver that wait for functions to be loaded, in order. */
  const held: PortMessage[] = [];
  const deliver = (message: PortMessage) =>
    guarded(() => {
      if (programs.loading || held.length > 0) {
        if (held.push(message) === 1) void release();
        return;
      }
      executor.driverMessage(message.header, message.blobs);
    });
  const release = async () => {
    while (held.length > 0) {
      await programs.loading;
      const { header, blobs } = held[0]!;
      guarded(() => executor.driverMessage(header, blobs));
      held.shift();
    }
  };
  const executor: Executor = new engine.Executor(
    self,
    init.incarnation,
    JSON.stringify(init.conf),
    {
      now: () => Date.now(),
      toDriver: (header, blobs) => {
        if (driverPort) sendBlocks(driverPort, header, blobs);
      },
      toPeer: (other, incarnation, header, blobs) => {
        const key = `${other}.${incarnation}`;
        // A task may name a peer that is known here to be gone: it must not wait. Not from inside the engine's call.
        if (gone.has(key)) return queueMicrotask(() => guarded(() => executor.peerLost(other, incarnation)));
        const { port, waiting } = peer(key);
        if (port) sendBlocks(port, header, blobs);
        else waiting.push({ header, blobs });
      },
      log: (level, text) => log(`executor ${self}`, level, text),
    },
    await openSpill(init.lock),
    programs,
  );

  const meet = (other: number, incarnation: number, port: MessagePort) => {
    const entry = peer(`${other}.${incarnation}`);
    entry.port = port;
    for (const { header, blobs } of entry.waiting.splice(0)) sendBlocks(port, header, blobs);
    listen(port, ({ header, blobs }) => guarded(() => executor.peerMessage(other, incarnation, header, blobs)));
  };
  const part = (other: number, incarnation: number) => {
    const key = `${other}.${incarnation}`;
    peers.get(key)?.port?.close();
    peers.delete(key);
    gone.add(key);
    executor.peerLost(other, incarnation);
  };

  return (message) =>
    guarded(() => {
      switch (message.t) {
        case 'driverPort':
          driverPort = message.port;
          return listen(message.port, deliver);
        case 'peer':
          return meet(message.executor, message.incarnation, message.port);
        case 'peerLost':
          return part(message.executor, message.incarnation);
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
