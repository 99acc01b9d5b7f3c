import type { WriteStreamStart } from '../../connect/messages.js';
import { IllegalArgumentException, SparkRuntimeException } from '../../errors.js';
import { hold } from '../../needs.js';
import type { Row } from '../../values/rows.js';
import { part } from '../load_part.js';
import { optionTexts } from '../option.js';
import type { Context, Plan, SinkFunction } from '../plan.js';
import type { ForeachBatchFunction, ForeachWriter, RowWriter } from './foreach.js';
import { StreamingQuery } from './query.js';

/** What a stream's result consists of in each batch: new rows, all rows, or changed rows. */
export type OutputMode = 'append' | 'complete' | 'update';
/**
 * When the next micro-batch begins: at fixed times (`10 seconds`), at once until the data of now is used up, or once. Or records
 * are processed one after the other as they come, in milliseconds: `continuous` for queries that only select and filter, at least
 * once; `realTime` with state too, which counts each record once, in output mode `update`. Their duration says how often the
 * checkpoint is written (`5 seconds` at least for `realTime`).
 */
export type Trigger = { processingTime: string } | { availableNow: true } | { once: true } | { continuous: string } | { realTime: string };

/** A trigger as the engine reads it. */
function triggerOf(trigger: Trigger): NonNullable<WriteStreamStart['trigger']> {
  if ('processingTime' in trigger) return { case: 'processingTimeInterval', value: trigger.processingTime.trim() };
  if ('continuous' in trigger) return { case: 'continuousCheckpointInterval', value: trigger.continuous.trim() };
  if ('realTime' in trigger) return { case: 'realTimeBatchDuration', value: trigger.realTime.trim() };
  return 'availableNow' in trigger ? { case: 'availableNow', value: true } : { case: 'once', value: true };
}

/** Says where a stream goes, and starts it: `df.writeStream` (`DataStreamWriter`). */
export class DataStreamWriter {
  readonly #start: WriteStreamStart & { options: Record<string, string> };
  #sink: ForeachBatchFunction | undefined;
  #writer: RowWriter | undefined;

  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
  ) {
    this.#start = { input: plan.relation, options: {} };
  }

  /** Sets the sink: `memory` (with queryName), `console`, `noop`, or files (`json`, `csv`, `text`). */
  format(source: string): this {
    this.#start.format = source;
    return this;
  }
  /** Sets the output mode: `append` (the default), `complete` or `update`. */
  outputMode(mode: OutputMode): this {
    this.#start.outputMode = mode;
    return this;
  }
  /** Sets an option of the sink, or `checkpointLocation`; undefined leaves it as it is. */
  option(key: string, value: string | number | boolean): this {
    Object.assign(this.#start.options, optionTexts({ [key]: value }));
    return this;
  }
  /** Sets several options. */
  options(options: Readonly<Record<string, string | number | boolean>>): this {
    for (const [key, value] of Object.entries(options)) this.option(key, value);
    return this;
  }
  /** Names the query; the memory sink's table has that name. */
  queryName(name: string): this {
    if (name.trim() === '')
      throw new IllegalArgumentException('The name of a query cannot be empty', { condition: 'VALUE_NOT_NON_EMPTY_STR' });
    this.#start.queryName = name;
    return this;
  }
  /** Sets the columns that file sinks make folders of. */
  partitionBy(...columns: string[]): this {
    this.#start.partitioningColumnNames = columns;
    return this;
  }
  /** Sets when micro-batches begin, or that there are none; by default as soon as there is data. */
  trigger(trigger: Trigger): this {
    this.#start.trigger = triggerOf(trigger);
    return this;
  }
  /**
   * Calls a function on this page with each micro-batch and its number. The batch is committed when the promise resolves, and may
   * come again after a crash, under the same number.
   * @example
   * ```ts
   * const numbers = spark.readStream.push({ schema: 'n INT' });
   * const sums: number[] = [];
   * const query = await numbers.df.writeStream
   *   .foreachBatch(async (batch) => {
   *     sums.push((await batch.agg(F.sum('n').alias('sum')).first())?.['sum']);
   *   })
   *   .start();
   * await numbers.write([{ n: 1 }, { n: 2 }]);
   * await query.processAllAvailable();
   * await query.stop();
   * sums; // → [3]
   * ```
   */
  foreachBatch(f: ForeachBatchFunction): this {
    [this.#sink, this.#writer] = [f, undefined];
    return this;
  }
  /** Calls a function (or a writer) on this page with each row: in batches or, with a `continuous` or `realTime` trigger, as it comes. */
  foreach(f: ((row: Row) => void | Promise<void>) | ForeachWriter): this {
    [this.#sink, this.#writer] = [undefined, f];
    return this;
  }

  /**
   * Starts the query; `path` is for file sinks. Throws an AnalysisException for a query that cannot run, such as an output mode
   * that its operators do not allow.
   * @example
   * ```ts
   * const ticks = spark.readStream.format('rate').load();
   * const query = await ticks.groupBy().count().writeStream.format('memory').queryName('ticks').outputMode('complete').start();
   * const active = await query.isActive();
   * await query.stop();
   * active; // → true
   * ```
   */
  async start(path?: string): Promise<StreamingQuery> {
    return this.#run(path === undefined ? undefined : { case: 'path', value: path });
  }
  /** Starts the query into a table. */
  async toTable(tableName: string): Promise<StreamingQuery> {
    return this.#run({ case: 'tableName', value: tableName });
  }

  async #run(sinkDestination: WriteStreamStart['sinkDestination']): Promise<StreamingQuery> {
    const { needs } = this.plan;
    await Promise.all(needs);
    const { client, runs, sinks } = this.context;
    const { case: when } = this.#start.trigger ?? {};
    const flows = this.#writer && (when === 'continuousCheckpointInterval' || when === 'realTimeBatchDuration');
    const sink = this.#writer ? part()[flows ? 'perEpoch' : 'perRow'](this.#writer, this.context.rowOptions) : this.#sink;
    const sinkId = sink && sinks.add(sink as SinkFunction);
    const format = flows ? 'rivulet.foreach' : 'rivulet.foreachBatch';
    const page = sinkId === undefined ? {} : { format, options: { ...this.#start.options, sinkId } };
    const value = { ...this.#start, sinkDestination, ...page };
    // The query continues when nobody on the page has it any more.
    const release = hold(needs);
    return runs.start(
      async () => {
        const result = await client.command({ case: 'writeStreamOperationStart', value }, 'writeStreamOperationStartResult');
        if (!result?.queryId) throw new SparkRuntimeException('The engine started no query');
        const { id, runId } = result.queryId;
        return new StreamingQuery(this.context, id, runId, result.name || null);
      },
      (runId) => {
        release();
        if (sinkId !== undefined) sinks.release(sinkId, runId);
      },
    );
  }
}
