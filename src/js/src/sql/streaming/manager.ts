import type { Context } from '../plan.js';
import type { ListenerBus, StreamingQueryListener } from './listener.js';
import { StreamingQuery } from './query.js';

/** All streaming queries of a session: `spark.streams` (`StreamingQueryManager`). */
export class StreamingQueryManager {
  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly bus: ListenerBus,
  ) {}

  /**
   * Returns the queries that run.
   * @example
   * ```ts
   * const query = await spark.readStream.format('rate').load().writeStream.format('noop').queryName('idle').start();
   * const names = (await spark.streams.active()).map((active) => active.name);
   * await query.stop();
   * names; // → ['idle']
   * ```
   */
  async active(): Promise<StreamingQuery[]> {
    const result = await this.#command({ case: 'active', value: true });
    return result?.case !== 'active' ? [] : result.value.activeQueries.map(({ id, name }) => this.#query(id, name));
  }

  /** Returns the running query of that id, or null. */
  async get(id: string): Promise<StreamingQuery | null> {
    const result = await this.#command({ case: 'getQuery', value: id });
    return result?.case === 'query' ? this.#query(result.value.id, result.value.name) : null;
  }

  /** Waits until a query ends; with a timeout, in seconds, returns whether one ended in time. */
  async awaitAnyTermination(timeout?: number): Promise<boolean> {
    const timeoutMs = timeout === undefined ? undefined : BigInt(Math.ceil(timeout * 1000));
    const result = await this.#command({ case: 'awaitAnyTermination', value: { timeoutMs } });
    return result?.case === 'awaitAnyTermination' ? result.value.terminated : true;
  }

  /** Forgets ended queries, so that {@link awaitAnyTermination} waits for new ends. */
  async resetTerminated(): Promise<void> {
    await this.#command({ case: 'resetTerminated', value: true });
  }

  /** Calls `listener` with the events of all queries from now on. */
  addListener(listener: StreamingQueryListener): void {
    this.bus.add(listener);
  }
  /** Undoes {@link addListener}. */
  removeListener(listener: StreamingQueryListener): void {
    this.bus.remove(listener);
  }

  #query(id: { id: string; runId: string } | undefined, name: string | undefined): StreamingQuery {
    return new StreamingQuery(this.context, id?.id ?? '', id?.runId ?? '', name || null);
  }

  async #command(command: ManagerCommand) {
    const result = await this.context.client.command(
      { case: 'streamingQueryManagerCommand', value: { command } },
      'streamingQueryManagerCommandResult',
    );
    return result?.resultType;
  }
}

type ManagerCommand =
  | { case: 'active' | 'resetTerminated'; value: true }
  | { case: 'getQuery'; value: string }
  | { case: 'awaitAnyTermination'; value: { timeoutMs?: bigint | undefined } };
