import type { ActionOptions } from '../../connect/action_options.js';
import type { StreamingQueryCommand } from '../../connect/messages.js';
import { SparkRuntimeException, StreamingQueryException } from '../../errors.js';
import type { Context } from '../plan.js';
import type { StreamingQueryProgress, StreamingQueryStatus } from './progress.js';

type CommandKind = NonNullable<StreamingQueryCommand['command']>;

/** A streaming query, running or ended (`StreamingQuery`). */
export class StreamingQuery {
  /** @internal */
  constructor(
    private readonly context: Context,
    /** Stays the same when the query restarts from its checkpoint. */
    readonly id: string,
    /** Changes with every start. */
    readonly runId: string,
    /** As given by queryName(), or null. */
    readonly name: string | null,
  ) {}

  async #command(command: CommandKind, options: ActionOptions = {}) {
    const value: StreamingQueryCommand = { queryId: { id: this.id, runId: this.runId }, command };
    const result = await this.context.client.command(
      { case: 'streamingQueryCommand', value },
      'streamingQueryCommandResult',
      options.signal,
    );
    return result?.resultType;
  }

  async #result<K extends string>(command: CommandKind, wanted: K) {
    const result = await this.#command(command);
    if (result?.case !== (wanted as string))
      throw new SparkRuntimeException(`The engine answered ${command.case} with ${result?.case ?? 'nothing'}`);
    return result as Extract<NonNullable<typeof result>, { case: K }>;
  }

  /** Returns what the query is doing. */
  async status(): Promise<StreamingQueryStatus> {
    const { value } = await this.#result({ case: 'status', value: true }, 'status');
    return { message: value.statusMessage, isDataAvailable: value.isDataAvailable, isTriggerActive: value.isTriggerActive };
  }
  /** Returns whether the query still runs. */
  async isActive(): Promise<boolean> {
    return (await this.#result({ case: 'status', value: true }, 'status')).value.isActive;
  }
  /** Returns the newest progress; null before the first batch. */
  async lastProgress(): Promise<StreamingQueryProgress | null> {
    const { value } = await this.#result({ case: 'lastProgress', value: true }, 'recentProgress');
    const last = value.recentProgressJson.at(-1);
    return last === undefined ? null : (JSON.parse(last) as StreamingQueryProgress);
  }
  /** Returns the newest progresses, oldest first (at most `spark.sql.streaming.numRecentProgressUpdates`). */
  async recentProgress(): Promise<StreamingQueryProgress[]> {
    const { value } = await this.#result({ case: 'recentProgress', value: true }, 'recentProgress');
    return value.recentProgressJson.map((json) => JSON.parse(json) as StreamingQueryProgress);
  }
  /**
   * Waits until the query has ended; throws its error. With a timeout, in seconds, returns whether it ended in time.
   * @example
   * ```ts
   * const ticks = spark.readStream.format('rate').load();
   * const query = await ticks.writeStream.format('noop').start();
   * const ended = await query.awaitTermination(0.1);
   * await query.stop();
   * [ended, await query.awaitTermination()]; // → [false, true]
   * ```
   */
  async awaitTermination(timeout?: number, options: ActionOptions = {}): Promise<boolean> {
    const timeoutMs = timeout === undefined ? undefined : BigInt(Math.ceil(timeout * 1000));
    const result = await this.#command({ case: 'awaitTermination', value: { timeoutMs } }, options);
    return result?.case === 'awaitTermination' ? result.value.terminated : true;
  }
  /** Waits until all data that is available now is processed. For tests: on a busy stream it may never return. */
  async processAllAvailable(options: ActionOptions = {}): Promise<void> {
    await this.context.readers.settled();
    await this.#command({ case: 'processAllAvailable', value: true }, options);
  }
  /**
   * Stops the query; what its last whole batch wrote stays.
   * @example
   * ```ts
   * const query = await spark.readStream.format('rate').load().writeStream.format('noop').start();
   * await query.stop();
   * await query.isActive(); // → false
   * ```
   */
  async stop(): Promise<void> {
    await this.#command({ case: 'stop', value: true });
  }
  /** Returns the error that ended the query, or null. */
  async exception(): Promise<StreamingQueryException | null> {
    const result = await this.#command({ case: 'exception', value: true });
    if (result?.case !== 'exception' || result.value.exceptionMessage === undefined) return null;
    const { exceptionMessage, errorClass, stackTrace } = result.value;
    // The server sends what Java's toString returns: the class name stands before the message.
    return new StreamingQueryException(exceptionMessage.replace(/^[\w.$]+Exception: /, ''), {
      condition: errorClass || null,
      cause: stackTrace,
    });
  }
  /** Prints the plan of the last batch. */
  async explain(extended = false): Promise<void> {
    console.log(await this.explainString(extended));
  }
  /** Returns the plan of the last batch as a string. */
  async explainString(extended = false): Promise<string> {
    return (await this.#result({ case: 'explain', value: { extended } }, 'explain')).value.result;
  }
}
