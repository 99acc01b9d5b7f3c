import type { Wire } from '../../cluster/connection.js';
import { SparkRuntimeException, stackWithCondition } from '../../errors.js';
import type { FromDriver, ToDriver } from '../../protocol.js';
import { type Row, type RowOptions, rowsFromIPC } from '../../values/rows.js';
import type { DataFrame } from '../dataframe.js';
import type { SinkFunction, Sinks } from '../plan.js';

/**
 * Called with each micro-batch and its number; the batch is committed when the promise resolves. A query with a checkpoint
 * that ends before that calls it again with the same number and the same rows when it is started again: a function that
 * takes a number only once makes its effects exactly once.
 */
export type ForeachBatchFunction = (batch: DataFrame, batchId: number) => void | Promise<void>;

/**
 * Takes the rows of a stream one by one (`ForeachWriter`). The guarantee is *at least once*: after a crash in the middle of a batch
 * all its rows come again, under the same `batchId`, by which `open` can tell. The order of rows within a batch is not fixed.
 */
export interface ForeachWriter {
  /** Begins a batch; returning false skips its rows. */
  open?(partitionId: number, batchId: number): boolean | Promise<boolean>;
  /** Takes a row. */
  process(row: Row): void | Promise<void>;
  /** Ends a batch, with the error that ended it or null. */
  close?(error: Error | null): void | Promise<void>;
}

/** Whether a function is not done: what else it returns says nothing. */
const isPending = (returned: unknown): returned is PromiseLike<void> =>
  typeof (returned as PromiseLike<void> | null | undefined)?.then === 'function';

type ForeachBatch = Extract<FromDriver, { t: 'foreachBatch' }>;

/** Lots of rows that are acknowledged together: the driver hands out more than these before it waits for the first. */
const LOTS_TOGETHER = 16;
/** How long a lot that is done with waits for others, ms. */
const LOT_WAITS_MS = 4;

/** Says of lots of rows that they are done with: several at once, as each message wakes the driver. */
class Acknowledgements {
  /** How many lots of each run wait: all of one batch and one job. */
  readonly #waiting = new Map<string, { batchId: number; job?: number; lots: number }>();
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly post: (done: { run: string; batchId: number; job?: number; lots: number }) => void) {}

  /** Notes that a lot is done with. In a hidden page timers are late, and nothing waits. */
  add({ run, batchId, job }: Pick<ForeachBatch, 'run' | 'batchId' | 'job'>): void {
    const others = this.#waiting.get(run);
    if (others && (others.batchId !== batchId || others.job !== job)) this.flush();
    const lots = (this.#waiting.get(run)?.lots ?? 0) + 1;
    this.#waiting.set(run, { batchId, job, lots });
    if (lots >= LOTS_TOGETHER || globalThis.document?.visibilityState === 'hidden') this.flush();
    else this.#late ??= setTimeout(() => this.flush(), LOT_WAITS_MS);
  }

  /** Says so of all that wait. */
  flush(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
    for (const [run, lots] of this.#waiting) this.post({ run, ...lots });
    this.#waiting.clear();
  }
}

/** The sinks of a session that run on the page. @internal */
export class PageSinks implements Sinks {
  readonly #sinks = new Map<string, SinkFunction>();
  /** The last batch of each run that a function works on or waits for; false once it has thrown. */
  readonly #busy = new Map<string, Promise<boolean>>();
  readonly #done = new Acknowledgements((done) => this.#tell(done));
  /** The last job of each run that has handed over rows. */
  readonly #jobs = new Map<string, number>();
  #next = 0;

  constructor(
    private readonly wire: Wire,
    private readonly dataFrameOf: (arrow: Uint8Array[]) => DataFrame,
  ) {}

  /** A new sink; its id goes into the query's options. */
  add(f: SinkFunction): string {
    const sink = `sink-${this.#next++}`;
    this.#sinks.set(sink, f);
    return sink;
  }

  /** Forgets the sink of a query that has ended, or one whose query never started. */
  release(sink: string, runId: string | undefined): void {
    if (runId !== undefined) {
      this.#busy.delete(runId);
      this.#jobs.delete(runId);
    }
    const ended = this.#sinks.get(sink)?.ended;
    this.#sinks.delete(sink);
    void ended?.()?.catch((error) => console.error('[rivulet] close() of a foreach writer failed:', error));
  }

  /**
   * Calls the user's function when it has done with the batch before, and tells the driver how it went. It is not called again
   * once it has thrown: the query ends with that.
   */
  receive(batch: ForeachBatch): void {
    const { run, job } = batch;
    if (job !== undefined && !this.#counts(batch, job)) return;
    const before = this.#busy.get(run);
    const done = before ? before.then((goesOn) => goesOn && this.#sinks.has(batch.sink) && this.#call(batch)) : this.#call(batch);
    if (done === true) return;
    const later = Promise.resolve(done);
    this.#busy.set(run, later);
    void later.then((goesOn) => {
      if (goesOn && this.#busy.get(run) === later) this.#busy.delete(run);
    });
  }

  /** Whether rows of a job are wanted: not those of a query that has ended, nor of tasks that were started again since. */
  #counts({ run, sink }: ForeachBatch, job: number): boolean {
    if (!this.#sinks.has(sink) || job < (this.#jobs.get(run) ?? job)) return false;
    this.#jobs.set(run, job);
    return true;
  }

  /** Returns whether the function has returned, and not thrown: at once, if it did so at once. */
  #call(batch: ForeachBatch): boolean | Promise<boolean> {
    const f = this.#sinks.get(batch.sink);
    try {
      if (!f) throw new SparkRuntimeException(`This page has no sink ${batch.sink}`);
      const called = f(f.takesArrow ? batch.arrow : this.dataFrameOf(batch.arrow), batch.batchId);
      if (!isPending(called)) return this.#returned(f, batch);
      return Promise.resolve(called).then(
        () => this.#returned(f, batch),
        (thrown) => this.#thrown(batch, thrown),
      );
    } catch (thrown) {
      return this.#thrown(batch, thrown);
    }
  }

  #returned(f: SinkFunction, { run, batchId, job }: ForeachBatch): true {
    // Only what takes an epoch's rows as they come has several lots at once.
    if (f.ended) this.#done.add({ run, batchId, job });
    else this.#tell({ run, batchId, job });
    return true;
  }

  #thrown({ run, batchId }: ForeachBatch, thrown: unknown): false {
    const error =
      thrown instanceof Error
        ? { message: `${thrown.name}: ${thrown.message}`, stack: stackWithCondition(thrown) }
        : { message: String(thrown), stack: '' };
    this.#tell({ run, batchId, error });
    return false;
  }

  #tell(done: Omit<Extract<ToDriver, { t: 'foreachBatchDone' }>, 't'>): void {
    try {
      this.wire.post({ t: 'foreachBatchDone', ...done });
    } catch {
      // The session was stopped meanwhile: nobody waits for the answer.
    }
  }
}

/** What takes rows: a function, or a writer with a beginning and an end. @internal */
export type RowWriter = ForeachWriter | ((row: Row) => void | Promise<void>);

/** A writer's functions, each bound to it. */
function functionsOf(writer: RowWriter): ForeachWriter {
  if (typeof writer === 'function') return { process: writer };
  const { open, process, close } = writer;
  return { open: open?.bind(writer), process: process.bind(writer), close: close?.bind(writer) };
}

const asError = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** The rows of Arrow streams. */
const rowsIn = (arrow: unknown, options: RowOptions) => (arrow as Uint8Array[]).flatMap((ipc) => rowsFromIPC(ipc, options));

/** A foreach writer as a function that takes whole batches. @internal */
export function perRow(writer: RowWriter, options: RowOptions): SinkFunction {
  const { open, process, close } = functionsOf(writer);
  const take: SinkFunction = async (arrow, batchId) => {
    let failure: Error | null = null;
    try {
      if (open && !(await open(0, batchId))) return;
      for (const row of rowsIn(arrow, options)) await process(row);
    } catch (error) {
      failure = asError(error);
      throw failure;
    } finally {
      await close?.(failure);
    }
  };
  take.takesArrow = true;
  return take;
}

/**
 * A foreach writer as a function that takes the rows of an epoch as they come: the writer is opened with the first and closed when
 * rows of the next come, or the query ends. @internal
 */
export function perEpoch(writer: RowWriter, options: RowOptions): SinkFunction {
  const { open, process, close } = functionsOf(writer);
  let epoch: { id: number; takes: boolean } | undefined;
  const end = async (error: Error | null) => {
    const opened = epoch;
    epoch = undefined;
    if (opened) await close?.(error);
  };
  /** Takes rows: at once, as long as the function is done when it returns, as most are. */
  const processed = (rows: readonly Row[]): void | Promise<void> => {
    const left = rows.values();
    for (const row of left) {
      const done = process(row);
      if (isPending(done)) return finished(done, left);
    }
  };
  const finished = async (first: PromiseLike<void>, left: Iterable<Row>) => {
    await first;
    for (const row of left) await process(row);
  };
  const failed = async (error: unknown): Promise<never> => {
    const failure = asError(error);
    await end(failure);
    throw failure;
  };
  const begun = async (arrow: unknown, id: number) => {
    if (epoch) await end(null);
    epoch = { id, takes: !open || (await open(0, id)) };
    if (epoch.takes) await processed(rowsIn(arrow, options));
  };
  const take: SinkFunction = (arrow, id) => {
    try {
      if (epoch?.id !== id) return begun(arrow, id).catch(failed);
      return epoch.takes ? processed(rowsIn(arrow, options))?.catch(failed) : undefined;
    } catch (error) {
      return failed(error);
    }
  };
  take.takesArrow = true;
  take.ended = () => end(null);
  return take;
}
