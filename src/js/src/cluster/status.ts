import type { EngineStatus } from '../protocol.js';
import type { Backend } from './backend.js';
import type { ExecutorEvent } from './cluster.js';

/**
 * What the engine is doing, for user interfaces: `spark.status`. A session on a Spark cluster has no executors here, and no status.
 * @example
 * ```ts
 * const end = spark.status.watch((status) => console.debug(status.jobs.length));
 * await spark.range(10).count();
 * end();
 * spark.status.executors; // → [0, 1]
 * ```
 */
export class StatusEvents {
  readonly #watchers = new Set<(status: EngineStatus) => void>();
  readonly #executorWatchers = new Set<(event: ExecutorEvent) => void>();
  #last: EngineStatus | undefined;

  /** @internal */
  constructor(private readonly cluster: () => Backend) {}

  /** The newest status that arrived while somebody watched; undefined before the first. */
  get last(): EngineStatus | undefined {
    return this.#last;
  }

  /** Calls `f` with the executors, jobs and stages, at most four times per second. Returns a function that ends it. */
  watch(f: (status: EngineStatus) => void): () => void {
    if (this.#watchers.size === 0) this.cluster().post({ t: 'watchStatus', on: true });
    this.#watchers.add(f);
    return () => {
      if (!this.#watchers.delete(f) || this.#watchers.size > 0) return;
      try {
        this.cluster().post({ t: 'watchStatus', on: false });
      } catch {
        // The session is stopped: nothing is watched any more.
      }
    };
  }

  /** Calls `f` when an executor joins or is lost. Returns a function that ends it. */
  onExecutor(f: (event: ExecutorEvent) => void): () => void {
    this.#executorWatchers.add(f);
    return () => this.#executorWatchers.delete(f);
  }

  /** Numbers of the executors that are alive. */
  get executors(): number[] {
    return this.cluster().executors;
  }
  /** Ends an executor as a crash would; returns false if it is gone already. A replacement follows. */
  killExecutor(executor: number): boolean {
    return this.cluster().kill(executor);
  }
  /** Returns the bytes of wasm memory of each worker, by name. */
  heapBytes(): Promise<Record<string, number>> {
    return this.cluster().heapBytes();
  }

  /** @internal */
  receive(status: EngineStatus): void {
    this.#last = status;
    for (const f of this.#watchers) f(status);
  }
  /** @internal */
  executor(event: ExecutorEvent): void {
    for (const f of this.#executorWatchers) f(event);
  }
}
