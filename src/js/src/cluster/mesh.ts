import type { FromWorker, ToDriver, ToExecutor } from '../protocol.js';

type ForeachBatch = Extract<FromWorker, { t: 'foreachBatch' }>;

/** An executor that is alive. */
export interface Member {
  executor: number;
  incarnation: number;
  lock: string;
  worker: Worker;
}

const toExecutor = (worker: Worker, message: ToExecutor, port: MessagePort) => worker.postMessage(message, [port]);

/**
 * Connects a new executor with its peers, the page, which hears rows from it, and then with the driver, which may use it from that
 * moment on.
 */
export function connect(driver: Worker, members: Iterable<Member>, joining: Member, hear: (rows: ForeachBatch) => void): void {
  for (const peer of members) {
    const { port1, port2 } = new MessageChannel();
    toExecutor(joining.worker, { t: 'peer', executor: peer.executor, incarnation: peer.incarnation, port: port1 }, port1);
    toExecutor(peer.worker, { t: 'peer', executor: joining.executor, incarnation: joining.incarnation, port: port2 }, port2);
  }
  const page = new MessageChannel();
  page.port2.onmessage = ({ data }: MessageEvent<ForeachBatch>) => hear(data);
  toExecutor(joining.worker, { t: 'pagePort', port: page.port1 }, page.port1);
  const { port1, port2 } = new MessageChannel();
  toExecutor(joining.worker, { t: 'driverPort', port: port1 }, port1);
  const { executor, incarnation, lock } = joining;
  const message: ToDriver = { t: 'executor', executor, incarnation, lock, port: port2 };
  driver.postMessage(message, [port2]);
}
