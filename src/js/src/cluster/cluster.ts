import { abortReason, SessionClosedError, type SparkError } from '../errors.js';
import type {
  CredentialsAnswer,
  CredentialsWanted,
  FromDriver,
  FromDriverAtOnce,
  FromWorker,
  Init,
  ToDriver,
  ToExecutor,
} from '../protocol.js';
import { FULL_VERSION } from '../version.js';
import type { Backend } from './backend.js';
import { compileEngine } from './engine_file.js';
import { type Circumstances, type Launched, launchWorker, startWorker } from './handshake.js';
import { connect, type Member } from './mesh.js';
import { type Assets, functionsUrlOf, locksOf, restUrlOf } from './places.js';
import { RestartPolicy } from './restart.js';
import { Start, type StartOptions, unlessAborted } from './start_options.js';
import { requireBrowser, requireLocks } from './surroundings.js';
import { Violations } from './violations.js';

/** What the cluster tells its owner. */
export interface ClusterEvents {
  message(message: FromDriver): void;
  /** The driver is gone, and with it every query. */
  closed(error: SparkError): void;
  executor(event: ExecutorEvent): void;
  /** A worker wants credentials that a function of the page returns; `post` answers it. */
  credentials(wanted: CredentialsWanted, post: (answer: CredentialsAnswer) => void): void;
}

/** An executor joined, or was lost. */
export interface ExecutorEvent {
  /** What happened. */
  type: 'added' | 'lost';
  /** Number of the executor, from 0. */
  executor: number;
  /** Counts the workers that served as this executor, from 0. */
  incarnation: number;
  /** Why it was lost. */
  reason?: string;
}

/**
 * The workers of one session: a driver and N executors, which the page creates, wires and replaces. The page holds no
 * part of the engine; it only passes ports on.
 */
export class Cluster implements Backend {
  readonly #members = new Map<number, Member>();
  readonly #reasons = new Map<string, string>();
  readonly #restarts = new RestartPolicy();
  /** Executors that the driver has had ended. */
  readonly #excused = new Set<string>();
  readonly #heapRequests = new Map<number, { worker: Worker; resolve: (bytes: number) => void }>();
  #nextHeapRequest = 0;
  readonly #alarms = new Map<number, () => void>();
  #nextAlarm = 0;
  /** Files that executors may read, also those that come later. */
  readonly #blobs = new Map<number, Blob>();
  /** By the number of a file: the workers whose confirmation is awaited. */
  readonly #lending = new Map<number, { workers: Set<Worker>; done: () => void }>();
  #closed = false;

  private constructor(
    readonly driver: Worker,
    readonly module: WebAssembly.Module,
    readonly name: string,
    readonly conf: Record<string, string>,
    readonly assets: Assets,
    readonly events: ClusterEvents,
  ) {}

  /** Compiles the engine, starts all workers and wires them. */
  static async start(
    executors: number,
    settings: Record<string, string>,
    assets: Assets,
    events: ClusterEvents,
    options: StartOptions = {},
  ): Promise<Cluster> {
    requireBrowser();
    if (options.signal?.aborted) throw abortReason(options.signal);
    await unlessAborted(requireLocks(), options.signal);
    // One partition per executor, as Spark's `local[N]` has it.
    const conf = { 'spark.default.parallelism': String(executors), ...settings };
    const around = { start: new Start(options), violations: new Violations() };
    const launched: Launched[] = [];
    let cluster: Cluster | undefined;
    try {
      // Scripts of workers load while the engine compiles, and all workers start at once.
      launched.push(launchWorker(assets, 'driver'));
      for (let executor = 0; executor < executors; executor++) launched.push(launchWorker(assets, 'executor', executor));
      const module = await unlessAborted(compileEngine(assets, around.start, around.violations), options.signal);
      around.start.says('workers');
      cluster = new Cluster(launched[0]!.worker, module, `rivulet-${crypto.randomUUID()}`, conf, assets, events);
      await unlessAborted(cluster.#startAll(launched, around), options.signal);
      around.start.says('ready');
      return cluster;
    } catch (error) {
      cluster?.stop();
      for (const { worker } of launched) worker.terminate();
      throw error;
    } finally {
      around.violations.end();
    }
  }

  /** Starts workers that are launched: the driver, then the executors. */
  async #startAll([own, ...executors]: Launched[], around: Circumstances): Promise<void> {
    const { module, conf, assets } = this;
    const lock = `${this.name}-driver`;
    const [functions, rest] = [functionsUrlOf(assets), restUrlOf(assets)];
    const init: Init = { t: 'init', role: 'driver', incarnation: 0, module, version: FULL_VERSION, conf, lock, functions, rest };
    await Promise.all([
      startWorker(assets, init, own, around).then((driver) => this.#watch(driver, lock)),
      ...executors.map((worker, executor) => this.#add(executor, 0, worker, around)),
    ]);
  }

  /** Hears what the driver says, and when it ends. */
  #watch(driver: Worker, lock: string): void {
    driver.onmessage = ({ data }: MessageEvent<FromDriverAtOnce>) => {
      if (data.t === 'many') for (const message of data.messages) this.#fromDriver(message);
      else this.#fromDriver(data);
    };
    void locksOf().request(lock, () => this.#driverDied('The driver worker has ended'));
  }

  /** Posts to the driver; `transfer` moves. */
  post(message: ToDriver, transfer: Transferable[] = []): void {
    if (this.#closed) throw new SessionClosedError('The session is stopped');
    this.driver.postMessage(message, transfer);
  }

  /** Posts to all workers; does nothing once they have ended. */
  postToAll(message: ToDriver & ToExecutor): void {
    if (this.#closed) return;
    this.driver.postMessage(message);
    for (const { worker } of this.#members.values()) worker.postMessage(message);
  }

  /** Numbers of the executors that are alive. */
  get executors(): number[] {
    return [...this.#members.keys()].sort((a, b) => a - b);
  }

  /** Ends an executor as a crash would. A replacement follows, and what it held is computed again from lineage. */
  kill(executor: number): boolean {
    const member = this.#members.get(executor);
    if (!member || this.#closed) return false;
    this.#terminate(member, 'killed by the page');
    return true;
  }

  #terminate({ executor, incarnation, worker }: Member, reason: string): void {
    this.#reasons.set(`${executor}.${incarnation}`, reason);
    worker.terminate();
    this.post({ t: 'executorDown', executor, incarnation });
  }

  /** Ends an executor that cannot be interrupted, or has a large heap; that says nothing about how long executors live here. */
  #endAndReplace(executor: number, incarnation: number, why: string): void {
    const member = this.#members.get(executor);
    if (this.#closed || member?.incarnation !== incarnation) return;
    this.#excused.add(`${executor}.${incarnation}`);
    this.#terminate(member, why);
  }

  /** Bytes of wasm memory of the driver and of each executor, by name; 0 for one that ends before it answers. */
  async heapBytes(): Promise<Record<string, number>> {
    const ask = (worker: Worker) =>
      new Promise<number>((resolve) => {
        const id = this.#nextHeapRequest++;
        this.#heapRequests.set(id, { worker, resolve });
        worker.postMessage({ t: 'heap', id } satisfies ToDriver & ToExecutor);
      });
    const named: [string, Worker][] = [['driver', this.driver]];
    for (const [executor, member] of this.#members) named.push([`executor ${executor}`, member.worker]);
    return Object.fromEntries(await Promise.all(named.map(async ([name, worker]) => [name, await ask(worker)] as const)));
  }

  /** Calls `work` after `inMs` ms, even while the page is in the background. Returns a function that cancels the call. */
  alarm(inMs: number, work: () => void): () => void {
    const id = this.#nextAlarm++;
    this.#alarms.set(id, work);
    this.post({ t: 'alarm', id, inMs });
    return () => this.#alarms.delete(id);
  }

  #rang(id: number): void {
    const work = this.#alarms.get(id);
    this.#alarms.delete(id);
    work?.();
  }

  /** Lends a file to all executors; settles when those that are alive have it. */
  async lend(id: number, blob: Blob): Promise<void> {
    this.#blobs.set(id, blob);
    const workers = new Set([...this.#members.values()].map(({ worker }) => worker));
    if (workers.size === 0) return;
    await new Promise<void>((done) => {
      this.#lending.set(id, { workers, done });
      for (const worker of workers) worker.postMessage({ t: 'blob', id, blob } satisfies ToExecutor);
    });
  }

  /** Takes a file back. */
  takeBack(id: number): void {
    if (!this.#blobs.delete(id)) return;
    for (const { worker } of this.#members.values()) worker.postMessage({ t: 'blob', id, blob: null } satisfies ToExecutor);
  }

  #lent(id: number, worker: Worker): void {
    const waits = this.#lending.get(id);
    if (!waits?.workers.delete(worker) || waits.workers.size > 0) return;
    this.#lending.delete(id);
    waits.done();
  }

  /** Ends all workers. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    const executors = [...this.#members.values()];
    this.#members.clear();
    for (const { worker } of executors) this.#end(worker);
    this.#end(this.driver);
    // No worker rings any more: whoever waits is called now.
    for (const id of [...this.#alarms.keys()]) this.#rang(id);
  }

  async #add(executor: number, incarnation: number, launched?: Launched, around?: Circumstances): Promise<void> {
    const lock = `${this.name}-executor-${executor}-${incarnation}`;
    const { module, conf } = this;
    const [functions, rest] = [functionsUrlOf(this.assets), restUrlOf(this.assets)];
    const init: Init = { t: 'init', role: 'executor', executor, incarnation, module, version: FULL_VERSION, conf, lock, functions, rest };
    const worker = await startWorker(this.assets, init, launched, around);
    if (this.#closed) {
      worker.terminate();
      return;
    }
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.t === 'lent') this.#lent(data.id, worker);
      else if (data.t === 'fatal') this.#died(executor, incarnation, data);
      else if (data.t === 'credentialsWanted') this.#credentials(data, worker);
      else this.#fromWorker(data);
    };
    for (const [id, blob] of this.#blobs) worker.postMessage({ t: 'blob', id, blob } satisfies ToExecutor);
    const member = { executor, incarnation, lock, worker };
    connect(this.driver, this.#members.values(), member, (rows) => {
      if (!this.#closed) this.events.message(rows);
    });
    this.#members.set(executor, member);
    this.events.executor({ type: 'added', executor, incarnation });
  }

  /** Notes the last words of an executor; a cause reaches the driver before it learns of the death. */
  #died(executor: number, incarnation: number, { message, cause }: Extract<FromWorker, { t: 'fatal' }>): void {
    const who = `${executor}.${incarnation}`;
    console.error(`[rivulet] executor ${who} failed: ${message}`);
    this.#reasons.set(who, message);
    if (cause && !this.#closed) this.post({ t: 'executorDown', executor, incarnation, cause: { kind: cause, message } });
  }

  /** Answers a worker that wants credentials; one that has ended meanwhile hears nothing. */
  #credentials(wanted: CredentialsWanted, worker: Worker): void {
    this.events.credentials(wanted, (answer) => {
      if (!this.#closed) worker.postMessage(answer satisfies ToDriver & ToExecutor);
    });
  }

  #fromWorker(message: FromWorker): void {
    if (message.t === 'heapBytes') {
      this.#heapRequests.get(message.id)?.resolve(message.bytes);
      this.#heapRequests.delete(message.id);
    }
  }

  #fromDriver(message: FromDriver): void {
    if (message.t === 'fatal') this.#driverDied(message.message);
    else if (message.t === 'heapBytes') this.#fromWorker(message);
    else if (message.t === 'rang') this.#rang(message.id);
    else if (message.t === 'credentialsWanted') this.#credentials(message, this.driver);
    else if (message.t === 'executorLost') this.#lost(message.executor, message.incarnation, message.excused);
    else if (message.t === 'replaceExecutor') this.#endAndReplace(message.executor, message.incarnation, message.why);
    else this.events.message(message);
  }

  #end(worker: Worker): void {
    worker.terminate();
    for (const id of this.#lending.keys()) this.#lent(id, worker);
    for (const [id, request] of this.#heapRequests) {
      if (request.worker === worker && this.#heapRequests.delete(id)) request.resolve(0);
    }
  }

  #lost(executor: number, incarnation: number, ofItsTask: boolean): void {
    const member = this.#members.get(executor);
    if (this.#closed || member?.incarnation !== incarnation) return;
    this.#end(member.worker);
    this.#members.delete(executor);
    for (const peer of this.#members.values()) peer.worker.postMessage({ t: 'peerLost', executor, incarnation } satisfies ToExecutor);
    const who = `${executor}.${incarnation}`;
    const reason = this.#reasons.get(who) ?? 'ended unexpectedly';
    this.#reasons.delete(who);
    this.events.executor({ type: 'lost', executor, incarnation, reason });
    const excused = this.#excused.delete(who) || ofItsTask;
    const delayMs = excused ? 0 : this.#restarts.delayMs(Date.now());
    if (delayMs === undefined) return this.#driverDied(`Executors die too often; the last reason was: ${reason}`);
    setTimeout(() => this.#replace(executor, incarnation + 1), delayMs);
  }

  #replace(executor: number, incarnation: number): void {
    if (this.#closed) return;
    this.#add(executor, incarnation).catch((error: unknown) => this.#driverDied(`An executor could not be replaced: ${String(error)}`));
  }

  #driverDied(message: string): void {
    if (this.#closed) return;
    this.stop();
    this.events.closed(new SessionClosedError(message, { condition: 'RIVULET_DRIVER_LOST' }));
  }
}
