import type { Clock } from '../clock.js';
import type { ActionOptions } from '../connect/action_options.js';
import type { ConnectClient } from '../connect/client.js';
import { IllegalArgumentException, IllegalStateException, SparkError, SparkRuntimeException, SparkTypeError } from '../errors.js';
import { type OpenFile, openFiles } from '../files/open.js';
import type { FileSource } from '../files/registry.js';
import { shown } from '../values/misfit.js';
import { Accumulator, type AccumulatorParam, addNumbers } from './accumulator.js';
import { Broadcast } from './broadcast.js';
import { checkPartitions } from './call_check.js';
import { CheckpointDirectory } from './checkpoint_directory.js';
import { type Action, type DriverDataset, type Op, PLAN_TYPE, UPDATES_TYPE } from './job_plan.js';
import { Jobs } from './jobs.js';
import { prepare, type RddNode, replace, toCheckpoint } from './node.js';
import { forgetting, type JobHeader, PlanBuilder, planBytes } from './plan_builder.js';
import { RDD } from './rdd.js';
import { type AnyRemote, checkRemote, rowsBlock, valueBlock } from './remote.js';
import { hashPlacement } from './shuffles.js';
import { decode, encode, encodePairs } from './value_codec.js';

/** What datasets ask of the session: its client, and to lend files to the executors. @internal */
export interface Engine {
  readonly client: ConnectClient;
  lend(id: number, blob: Blob): Promise<void>;
  takeBack(id: number): void;
  /** Has the driver hold the partitions of a source, by the key of its dataset; the blocks move. */
  hold(key: number, blocks: Uint8Array[]): void;
  /** Ends the session. */
  stop(): Promise<void>;
  /** Calls `work` after `inMs` ms, even while the page is in the background. Returns a function that cancels the call. */
  alarm?(inMs: number, work: () => void): () => void;
}

/** What a dataset's definition must say; the rest is filled in. */
type Definition = Omit<RddNode, 'id' | 'key' | 'level'>;

/** Sources of fewer bytes are sent with each job. */
const LEAST_HELD_BYTES = 65_536;
/** The most bytes of sources that the driver holds for a context. */
const HELD_BYTES = 256 * 1024 * 1024;

/** Counts how often the driver named one of its datasets to the page. */
interface Shown {
  readonly key: number;
  times: number;
}

/** Datasets of all contexts so far: sessions may share a page, and never a key. */
let keys = 0;
/** Files that were lent to executors so far. */
let blobs = 0;
/** Accumulators so far. */
let accumulators = 0;

/** What Spark reads files by. */
const FILE_CLASSES = { lines: 'HadoopRDD', files: 'WholeTextFileRDD', records: 'NewHadoopRDD' } as const;

/** Bytes of a file that one partition has at most, as Hadoop's local blocks. */
const SPLIT_BYTES = 32 << 20;

/** The way to partitioned datasets of JavaScript values: `spark.sparkContext` (`SparkContext`). */
export class SparkContext {
  #next = 0;
  /** What the engine may forget: sent soon, or with the next job. */
  readonly #forgotten: Required<Pick<JobHeader, 'forget' | 'unkeep'>> = { forget: [], unkeep: [] };
  /** Datasets that the page itself has forgotten: nobody reads what was shuffled or kept for them. */
  readonly #collected = new FinalizationRegistry<number>((key) => this.#forget('forget', key));
  /** Bytes of the sources that the driver holds, by key. */
  readonly #held = new Map<number, number>();
  /** Files of datasets that the page has forgotten go back. */
  readonly #lent = new FinalizationRegistry<number[]>((ids) =>
    ids.forEach((id) => {
      if (!this.stopped()) this.context.takeBack(id);
    }),
  );
  /** Datasets of the driver's that the page knows, and how often it has heard of them. */
  readonly #shown = new Map<number, { dataset: WeakRef<RddNode>; shown: Shown }>();
  readonly #unseen = new FinalizationRegistry<Shown>((shown) => {
    if (this.#shown.get(shown.key)?.shown === shown) this.#shown.delete(shown.key);
    for (; shown.times > 0; shown.times--) this.#forget('forget', shown.key);
  });
  readonly #jobs: Jobs;
  #checkpoints: CheckpointDirectory | undefined;

  /** Partitions of a dataset by default: `spark.default.parallelism`, else the number of executors. */
  readonly defaultParallelism: number;
  /** Partitions after a shuffle: `spark.default.parallelism` where it is set; else as many as before. @internal */
  readonly shufflePartitions: number | undefined;

  /** @internal */
  constructor(
    private readonly context: Engine,
    executors: number,
    /** @internal */ readonly conf: Readonly<Record<string, string>>,
    private readonly stopped: () => boolean,
  ) {
    this.#jobs = new Jobs(conf);
    const set = Number(conf['spark.default.parallelism']);
    this.shufflePartitions = Number.isInteger(set) && set > 0 ? set : undefined;
    this.defaultParallelism = this.shufflePartitions ?? executors;
  }

  /**
   * Makes a dataset of these values in `numSlices` partitions of equal length; slice i is elements ⌊i·size/n⌋ up to ⌊(i+1)·size/n⌋
   * (`ParallelCollectionRDD.slice`). Throws a SparkTypeError for values that cannot be cloned: class instances and functions.
   * @example
   * ```ts
   * await sc.parallelize(['a', 'b', 'c'], 2).glom().collect(); // → [['a'], ['b', 'c']]
   * ```
   */
  parallelize<T>(values: Iterable<T>, numSlices = this.defaultParallelism): RDD<T> {
    const all = [...values];
    const n = checkPartitions(numSlices, 'parallelize');
    const slices = Array.from({ length: n }, (_, i) => all.slice(Math.floor((i * all.length) / n), Math.floor(((i + 1) * all.length) / n)));
    return this.#ofParts(slices, 'parallelize');
  }

  /** Makes a dataset of exactly these partitions. */
  fromPartitions<T>(partitions: readonly (readonly T[])[]): RDD<T> {
    return this.#ofParts(partitions, 'fromPartitions');
  }

  /**
   * Makes a dataset of whole numbers from 0 to `start`, or from `start` to `end` by `step`, without `end` itself.
   * Throws an IllegalArgumentException for a number that is not whole, or beyond 2^53 − 1.
   * @example
   * ```ts
   * await sc.range(1, 10, 4).collect(); // → [1, 5, 9]
   * ```
   */
  range(start: number, end?: number, step = 1, numSlices = this.defaultParallelism): RDD<number> {
    for (const bound of [start, end ?? 0, step]) {
      if (!Number.isSafeInteger(bound)) throw new IllegalArgumentException(`range: ${shown(bound)} is not a whole number up to 2^53 - 1`);
    }
    if (step === 0) throw new IllegalArgumentException('range: step cannot be 0');
    const [from, to] = end === undefined ? [0, start] : [start, end];
    const size = Math.max(0, Math.ceil((to - from) / step));
    const n = checkPartitions(numSlices, 'range');
    const at = (i: number) => Math.floor((i * size) / n);
    const sources = Array.from({ length: n }, (_, i) => rowsBlock([[from + at(i) * step, at(i + 1) - at(i)]], 'range'));
    const name = ['MapPartitionsRDD', 'ParallelCollectionRDD'];
    return new RDD<number>(
      this,
      this.node({ name, kind: 'source', parents: [], partitions: n, sources, op: () => ({ t: 'range', step }) }),
    );
  }

  /** Makes a dataset without partitions. */
  emptyRDD<T>(): RDD<T> {
    return new RDD<T>(this, this.node({ name: ['EmptyRDD'], kind: 'source', parents: [], partitions: 0, sources: [] }));
  }

  /** Returns all rows of all of them, partitions one after the other. */
  union<T>(rdds: readonly RDD<T>[]): RDD<T> {
    if (rdds.length === 0) return this.emptyRDD<T>();
    const parents = rdds.map((rdd) => rdd.definition);
    return new RDD<T>(
      this,
      this.node({
        name: ['UnionRDD'],
        kind: 'union',
        parents,
        partitions: parents.reduce((sum, p) => sum + p.partitions, 0),
      }),
    );
  }

  /**
   * Reads lines of text files: `File`s and `Blob`s, handles of files and folders, URLs, and `opfs:` paths. They are opened when the
   * first action needs them, and read where the tasks run: each partition takes an equal share of all bytes, and the lines that
   * begin in it. Lines end with \n, \r\n or \r; the text is UTF-8.
   * @example
   * ```ts
   * const file = new Blob(['one two\nthree\n']);
   * await sc.textFile(file).flatMap((line) => line.split(' ')).count(); // → 3
   * ```
   */
  textFile(source: FileSource, minPartitions = Math.min(this.defaultParallelism, 2)): RDD<string> {
    const n = checkPartitions(minPartitions, 'textFile');
    const share = source instanceof Blob ? Math.max(n, Math.ceil(source.size / SPLIT_BYTES)) : n;
    return this.#files<string>(source, share, { t: 'lines' }, (files) => {
      const size = files.reduce((sum, { blob }) => sum + blob.size, 0);
      return Array.from({ length: share }, (_, i) => {
        const [first, last] = [Math.floor((i * size) / share), Math.floor(((i + 1) * size) / share)];
        let at = 0;
        return files.flatMap(({ id, blob }) => {
          const [start, end] = [Math.max(first - at, 0), Math.min(last - at, blob.size)];
          at += blob.size;
          return start < end ? [[id, start, end]] : [];
        });
      });
    });
  }

  /** Reads files as pairs of name and whole text, from the same sources as {@link textFile}. */
  wholeTextFiles(source: FileSource, minPartitions = Math.min(this.defaultParallelism, 2)): RDD<[name: string, text: string]> {
    const n = checkPartitions(minPartitions, 'wholeTextFiles');
    return this.#files<[string, string]>(source, n, { t: 'files' }, (files) =>
      Array.from({ length: n }, (_, i) =>
        files.slice(Math.floor((i * files.length) / n), Math.floor(((i + 1) * files.length) / n)).map(({ id }) => [id]),
      ),
    );
  }

  /**
   * Reads files of records that have `recordLength` bytes each, from the same sources as {@link textFile}. A file that ends in the
   * middle of a record fails the action.
   * @example
   * ```ts
   * const file = new Blob([new Uint8Array([1, 2, 3, 4])]);
   * await sc.binaryRecords(file, 2).map(([a, b]) => a! + b!).collect(); // → [3, 7]
   * ```
   */
  binaryRecords(source: FileSource, recordLength: number, minPartitions = Math.min(this.defaultParallelism, 2)): RDD<Uint8Array> {
    if (!Number.isInteger(recordLength) || recordLength <= 0)
      throw new IllegalArgumentException(`binaryRecords: the record length (${recordLength}) must be a positive whole number`);
    const n = checkPartitions(minPartitions, 'binaryRecords');
    return this.#files<Uint8Array>(source, n, { t: 'records', length: recordLength }, (files) => {
      const records = files.map(({ id, blob }) => ({ id, size: blob.size, count: Math.ceil(blob.size / recordLength) }));
      const all = records.reduce((sum, { count }) => sum + count, 0);
      return Array.from({ length: n }, (_, i) => {
        const [first, last] = [Math.floor((i * all) / n), Math.floor(((i + 1) * all) / n)];
        let at = 0;
        return records.flatMap(({ id, size, count }) => {
          const [start, end] = [Math.max(first - at, 0), Math.min(last - at, count)];
          at += count;
          return start < end ? [[id, start * recordLength, Math.min(end * recordLength, size)]] : [];
        });
      });
    });
  }

  #files<T>(
    source: FileSource,
    partitions: number,
    op: Extract<Op, { t: 'lines' | 'files' | 'records' }>,
    share: (files: (OpenFile & { id: number })[]) => unknown[][],
  ): RDD<T> {
    const sources: Uint8Array[] = Array.from({ length: partitions }, () => encode([]));
    let opened: Promise<void> | undefined;
    const lent: number[] = [];
    const open = async () => {
      const files = (await openFiles(source)).map((file) => ({ ...file, id: blobs++ }));
      for (const { id, blob } of files) {
        await this.context.lend(id, blob);
        lent.push(id);
      }
      share(files).forEach((rows, i) => {
        sources[i] = encode(rows);
      });
    };
    const dataset = this.node({
      name: ['MapPartitionsRDD', FILE_CLASSES[op.t]],
      kind: 'source',
      parents: [],
      partitions,
      sources,
      op: () => op,
      prepare: () =>
        (opened ??= open().catch((error: unknown) => {
          opened = undefined;
          throw error;
        })),
    });
    this.#lent.register(dataset, lent);
    return new RDD<T>(this, dataset);
  }

  /** A dataset of the blocks that these files hold, in their order. */
  async #ofBlocks(files: readonly Blob[], like: Pick<RddNode, 'partitions' | 'placement'>): Promise<RddNode> {
    const ids: number[] = [];
    for (const blob of files) {
      ids.push(blobs++);
      await this.context.lend(ids.at(-1)!, blob);
    }
    const dataset = this.node({
      name: ['ReliableCheckpointRDD'],
      kind: 'source',
      parents: [],
      partitions: like.partitions,
      sources: ids.map((id) => encode([id])),
      op: () => ({ t: 'blocks' }),
      placement: like.placement,
    });
    this.#lent.register(dataset, ids);
    return dataset;
  }

  /**
   * Makes a sum of numbers that tasks add to; bind it to the functions that do. With a parameter, it sums values of another type.
   */
  accumulator(initial: number): Accumulator<number>;
  accumulator<T, V = T>(initial: T, param: AccumulatorParam<T, V>): Accumulator<T, V>;
  accumulator<T, V = T>(initial: T, param?: AccumulatorParam<T, V>): Accumulator<T, V> {
    if (param) {
      checkRemote(param.addInPlace as AnyRemote, 'accumulator');
      return new Accumulator<T, V>(accumulators++, initial, param.zero, param.addInPlace as AnyRemote, param.addInPlace);
    }
    if (typeof initial !== 'number') throw new SparkTypeError(`accumulator: ${typeof initial} needs a parameter { zero, addInPlace }`);
    return new Accumulator<T, V>(accumulators++, initial, 0 as T, 'sum', addNumbers as never);
  }
  /** Makes a sum that begins at 0. */
  longAccumulator(name?: string): Accumulator<number> {
    return new Accumulator<number>(accumulators++, 0, 0, 'sum', addNumbers, name);
  }
  /** Makes a sum that begins at 0. */
  doubleAccumulator(name?: string): Accumulator<number> {
    return this.longAccumulator(name);
  }
  /** Makes a list of all values that tasks add, in no particular order. */
  collectionAccumulator<V>(name?: string): Accumulator<V[], V> {
    return new Accumulator<V[], V>(
      accumulators++,
      [],
      [],
      'list',
      (all, more) => {
        for (const one of more) all.push(one);
        return all;
      },
      name,
    );
  }

  // Properties of the jobs to come.

  /** Puts the jobs from now on into a group, to be cancelled together; the description names them in lists of jobs. */
  setJobGroup(groupId: string, description: string): void {
    this.#jobs.setGroup(groupId, description);
  }
  /** Ends {@link setJobGroup}: later jobs are in no group. */
  clearJobGroup(): void {
    this.#jobs.clearGroup();
  }
  /** Names the jobs from now on in lists of jobs; null ends that. */
  setJobDescription(description: string | null): void {
    this.#jobs.describe(description);
  }
  /** Cancels the running jobs of a group; their actions reject with SPARK_JOB_CANCELLED. */
  cancelJobGroup(groupId: string): void {
    this.#jobs.cancel(
      groupId,
      new SparkError(`Job cancelled: it is part of the cancelled job group ${groupId}`, { condition: 'SPARK_JOB_CANCELLED' }),
    );
  }
  /** Cancels all running jobs; their actions reject with SPARK_JOB_CANCELLED. */
  cancelAllJobs(): void {
    this.#jobs.cancel(undefined, new SparkError('Job cancelled as part of cancellation of all jobs', { condition: 'SPARK_JOB_CANCELLED' }));
  }
  /**
   * Sets a property of the jobs from now on, such as `spark.scheduler.pool`, their pool with `spark.scheduler.mode=FAIR`. Null
   * removes it.
   */
  setLocalProperty(key: string, value: string | null): void {
    this.#jobs.set(key, value);
  }
  /** Returns a property that was set by {@link setLocalProperty}, or null. */
  getLocalProperty(key: string): string | null {
    return this.#jobs.get(key);
  }

  /**
   * Sets where {@link RDD.checkpoint} writes: an `opfs:` path or a folder's handle. Each context writes into a folder of its own in
   * it.
   */
  setCheckpointDir(directory: string | FileSystemDirectoryHandle): void {
    this.#checkpoints = new CheckpointDirectory(directory);
  }
  /** @internal */
  get client(): ConnectClient {
    return this.context.client;
  }
  /** @internal */
  get checkpoints(): CheckpointDirectory | undefined {
    return this.#checkpoints;
  }

  /**
   * Makes a value available to functions that it is bound to. Throws a SparkTypeError for a value that cannot be cloned.
   * @example
   * ```ts
   * const stop = sc.broadcast(new Set(['the', 'a']));
   * const words = sc.parallelize(['the', 'cat']).filter((word, b) => !b.stop.value.has(word), { stop });
   * await words.collect(); // → ['cat']
   * ```
   */
  broadcast<T>(value: T): Broadcast<T> {
    valueBlock(value, 'broadcast');
    return new Broadcast(value);
  }

  #ofParts<T>(partitions: readonly (readonly T[])[], method: string): RDD<T> {
    const sources = partitions.map((part) => rowsBlock(part, method));
    return new RDD<T>(
      this,
      this.node({ name: ['ParallelCollectionRDD'], kind: 'source', parents: [], partitions: partitions.length, sources }),
    );
  }

  /** Pairs of whole numbers, of two columns that are as long, in slices as {@link parallelize} has them. @internal */
  columnPairs(first: Int32Array | Float64Array, second: Int32Array | Float64Array, numSlices: number): RddNode {
    const n = checkPartitions(numSlices, 'fromEdgeColumns');
    const at = (i: number) => Math.floor((i * first.length) / n);
    const sources = Array.from({ length: n }, (_, i) => encodePairs(first.subarray(at(i), at(i + 1)), second.subarray(at(i), at(i + 1))));
    return this.node({ name: ['ParallelCollectionRDD'], kind: 'source', parents: [], partitions: n, sources });
  }

  /** @internal */
  node(definition: Definition): RddNode {
    if (this.stopped())
      throw new IllegalStateException('Cannot call methods on a stopped SparkContext', { condition: 'RIVULET_CONTEXT_STOPPED' });
    this.#next += definition.name.length;
    const dataset: RddNode = { ...definition, id: this.#next - 1, key: keys++, level: null };
    if (dataset.wide?.some(Boolean)) this.watch(dataset);
    return dataset;
  }

  /** The engine forgets what it has of a dataset when the page has no use for it any more. @internal */
  watch(dataset: RddNode): void {
    this.#collected.unregister(dataset);
    this.#collected.register(dataset, dataset.key, dataset);
  }

  /** Executors free what they keep of a dataset. @internal */
  unkeep(dataset: RddNode): void {
    this.#forget('unkeep', dataset.key);
  }

  #forget(what: 'forget' | 'unkeep', key: number): void {
    if (what === 'forget') this.#held.delete(key);
    if (this.#forgotten[what].push(key) > 1) return;
    setTimeout(() => {
      if (this.stopped() || (!this.#forgotten.forget.length && !this.#forgotten.unkeep.length)) return;
      const value = forgetting({ description: 'forget', ...this.#takeForgotten() });
      void this.#send(value, {}, () => {}).catch(() => {});
    });
  }

  /** Has the driver hold a source, which is then never sent again: not a small one, and not beyond {@link HELD_BYTES}. */
  #holds(dataset: RddNode): boolean {
    if (dataset.isHeld) return true;
    const bytes = dataset.sources!.reduce((sum, block) => sum + block.length, 0);
    // A dataset that was written to a checkpoint directory has other blocks than before.
    this.#held.delete(dataset.key);
    const all = [...this.#held.values()].reduce((sum, one) => sum + one, bytes);
    if (bytes < LEAST_HELD_BYTES || all > HELD_BYTES) return false;
    this.#held.set(dataset.key, bytes);
    this.watch(dataset);
    this.context.hold(
      dataset.key,
      dataset.sources!.map((block) => block.slice()),
    );
    dataset.isHeld = true;
    return true;
  }

  #takeForgotten(): Pick<JobHeader, 'forget' | 'unkeep'> {
    const { forget, unkeep } = this.#forgotten;
    return { ...(forget.length > 0 && { forget: forget.splice(0) }), ...(unkeep.length > 0 && { unkeep: unkeep.splice(0) }) };
  }

  async #send(value: Uint8Array, options: ActionOptions, receive: (typeUrl: string, bytes: Uint8Array) => unknown): Promise<void> {
    const relation = { relType: { case: 'extension' as const, value: { typeUrl: PLAN_TYPE, value } } };
    for await (const { responseType } of this.context.client.execute({ root: relation }, options.signal)) {
      if (responseType.case === 'extension') receive(responseType.value.typeUrl, responseType.value.value);
    }
  }

  /** A dataset of the driver's; what it `holds` lives as long as it does. @internal */
  ofDriver<T>(
    { key, name, level, partitions, partitioner }: DriverDataset,
    accumulators: ReadonlyMap<number, Accumulator<unknown>>,
    holds: unknown,
  ): RDD<T> {
    const known = this.#shown.get(key);
    const alive = known?.dataset.deref();
    if (alive) {
      known!.shown.times += 1;
      return new RDD<T>(this, alive);
    }
    const placement = partitioner ? hashPlacement(partitioner.partitions, partitioner.doubles ? 'double' : 'any') : undefined;
    const made = this.node({ name: [name], kind: 'dataset', parents: [], partitions, placement, accumulators, holds });
    const dataset: RddNode = { ...made, key, level };
    const shown = { key, times: 1 };
    this.#shown.set(key, { dataset: new WeakRef(dataset), shown });
    this.#unseen.register(dataset, shown);
    return new RDD<T>(this, dataset);
  }

  /** A clock that keeps running in the background; undefined without a worker for it. @internal */
  get alarms(): Clock | undefined {
    const { alarm } = this.context;
    return alarm && { now: () => Date.now(), at: (timeMs, work) => alarm(Math.max(0, timeMs - Date.now()), work) };
  }
  /** Ends the session. */
  stop(): Promise<void> {
    return this.context.stop();
  }

  async #checkpoint(dataset: RddNode): Promise<void> {
    if (!this.#checkpoints) return;
    // Its own job must not begin this again.
    delete dataset.checkpoint;
    try {
      const directory = this.#checkpoints;
      const blocks = await this.#blocks(dataset, () => ({ t: 'collect' }), 'checkpoint', {});
      replace(dataset, await this.#ofBlocks(await directory.write(dataset.id, blocks), dataset));
    } catch (error) {
      dataset.checkpoint = 'wanted';
      throw error;
    }
  }

  /** Runs an action on a dataset: per partition (or per one of `only`) what the executors made of it. @internal */
  async run(
    root: RddNode,
    action: (plan: PlanBuilder) => Action,
    description: string,
    options: ActionOptions = {},
    only?: number[],
  ): Promise<unknown[][]> {
    return (await this.#blocks(root, action, description, options, only)).map(decode);
  }

  /** Runs an action as {@link run} does, and returns what came as it is. @internal */
  blocks(root: RddNode, action: (plan: PlanBuilder) => Action, description: string, options: ActionOptions = {}): Promise<Uint8Array[]> {
    return this.#blocks(root, action, description, options);
  }

  async #blocks(
    root: RddNode,
    action: (plan: PlanBuilder) => Action,
    description: string,
    options: ActionOptions,
    only?: number[],
  ): Promise<Uint8Array[]> {
    if (this.stopped())
      throw new IllegalStateException('Cannot call methods on a stopped SparkContext', { condition: 'RIVULET_CONTEXT_STOPPED' });
    const job = this.#jobs.next();
    await prepare(root);
    const wanted = only ?? Array.from({ length: root.partitions }, (_, i) => i);
    if (wanted.length === 0) return [];
    if (root.isHere && root.checkpoint !== 'wanted' && action(new PlanBuilder()).t === 'collect')
      return wanted.map((i) => root.sources![i]!);
    const name = job.description ? `${job.description}: ${description}` : description;
    const about = { description: name, ...this.#takeForgotten(), ...(job.pool && { pool: job.pool }) };
    const { value, accumulators } = planBytes(root, action, about, { only, holds: (dataset) => this.#holds(dataset) });
    const parts = new Map<number, Uint8Array>();
    const updates: Uint8Array[] = [];
    await this.#jobs.run(job, options.signal, (signal) =>
      this.#send(value, { signal }, (typeUrl, bytes) => {
        if (typeUrl === UPDATES_TYPE) return updates.push(bytes);
        return parts.set(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), bytes.subarray(4));
      }),
    );
    for (const [id, sum] of updates.flatMap(decode) as [number, unknown][]) accumulators.get(id)?.merged(sum);
    for (const dataset of toCheckpoint(root)) await this.#checkpoint(dataset);
    return wanted.map((partition) => {
      const part = parts.get(partition);
      if (!part) throw new SparkRuntimeException(`The engine returned no result for partition ${partition} of ${description}`);
      return part;
    });
  }
}
