import { IllegalArgumentException, SessionClosedError, SparkRuntimeException, SparkTypeError } from '../errors.js';
import type { ActionOptions } from '../sql/action_options.js';
import type { Context } from '../sql/plan.js';
import { Broadcast } from './broadcast.js';
import { decode, encode, NotCloneableError } from './codec.js';
import { planBytes, prepare, type Dataset, type PlanBuilder } from './dataset.js';
import { PLAN_TYPE, type Action } from './plan.js';
import { RDD } from './rdd.js';
import { checkPartitions } from './shuffles.js';

/** What a dataset's definition must say; the rest is filled in. */
type Definition = Omit<Dataset, 'id' | 'cached'>;

/** The way to partitioned datasets of JavaScript values: `spark.sparkContext`. */
export class SparkContext {
  #next = 0;
  /** Datasets that executors may forget; told with the next job. */
  #dropped: number[] = [];

  /** Partitions of a dataset where nothing else is said: `spark.default.parallelism`, else the number of executors. */
  readonly defaultParallelism: number;
  /** Partitions after a shuffle: `spark.default.parallelism` where it is set; else as many as before. @internal */
  readonly shufflePartitions: number | undefined;

  /** @internal */
  constructor(private readonly context: Pick<Context, 'client'>, executors: number, conf: Record<string, string>, private readonly stopped: () => boolean) {
    const set = Number(conf['spark.default.parallelism']);
    this.shufflePartitions = Number.isInteger(set) && set > 0 ? set : undefined;
    this.defaultParallelism = this.shufflePartitions ?? executors;
  }

  /**
   * A dataset of these values in `numSlices` partitions of equal length; slice i is elements ⌊i·size/n⌋ up to ⌊(i+1)·size/n⌋
   * (`ParallelCollectionRDD.slice`). Values must be cloneable; class instances and functions are a SparkTypeError.
   */
  parallelize<T>(values: Iterable<T>, numSlices = this.defaultParallelism): RDD<T> {
    const all = [...values];
    const n = checkPartitions(numSlices, 'parallelize');
    const slices = Array.from({ length: n }, (_, i) => all.slice(Math.floor((i * all.length) / n), Math.floor(((i + 1) * all.length) / n)));
    return this.#ofParts(slices, 'parallelize', 'ParallelCollectionRDD');
  }

  /** A dataset of exactly these partitions. */
  fromPartitions<T>(partitions: readonly (readonly T[])[]): RDD<T> {
    return this.#ofParts(partitions, 'fromPartitions', 'ParallelCollectionRDD');
  }

  /** Whole numbers from 0 to `start`, or from `start` to `end` by `step` (without `end` itself). */
  range(start: number, end?: number, step = 1, numSlices = this.defaultParallelism): RDD<number> {
    if (step === 0) throw new IllegalArgumentException('range: step cannot be 0');
    const [from, to] = end === undefined ? [0, start] : [start, end];
    const size = Math.max(0, Math.ceil((to - from) / step));
    const n = checkPartitions(numSlices, 'range');
    const at = (i: number) => Math.floor((i * size) / n);
    const bounds = this.parallelize(Array.from({ length: n }, (_, i) => [from + at(i) * step, at(i + 1) - at(i)] as [number, number]), n);
    return bounds.flatMap(([first, count], b) => Array.from({ length: count }, (_, i) => first + i * b.step), { step });
  }

  /** A dataset without partitions. */
  emptyRDD<T>(): RDD<T> {
    return new RDD<T>(this, this.dataset({ name: 'EmptyRDD', kind: 'source', parents: [], partitions: 0, sources: [] }));
  }

  /** All rows of all of them, partitions one after the other. */
  union<T>(rdds: readonly RDD<T>[]): RDD<T> {
    if (rdds.length === 0) return this.emptyRDD<T>();
    const parents = rdds.map((rdd) => rdd.definition);
    return new RDD<T>(this, this.dataset({
      name: 'UnionRDD', kind: 'union', parents, partitions: parents.reduce((sum, p) => sum + p.partitions, 0),
    }));
  }

  /**
   * Lines of a text: of a `File` or `Blob`, or of what a URL answers. Read when the first action needs them; split among at
   * least `minPartitions` partitions.
   */
  textFile(source: Blob | string | URL, minPartitions = Math.min(this.defaultParallelism, 2)): RDD<string> {
    const n = checkPartitions(minPartitions, 'textFile');
    const parts: Uint8Array[] = Array.from({ length: n }, () => encode([]));
    let read: Promise<void> | undefined;
    const load = async () => {
      const text = source instanceof Blob ? await source.text() : await fetched(source);
      const lines = text.split(/\r\n|\n|\r/);
      if (lines.at(-1) === '') lines.pop();
      for (let i = 0; i < n; i++) parts[i] = encode(lines.slice(Math.floor((i * lines.length) / n), Math.floor(((i + 1) * lines.length) / n)));
    };
    return new RDD<string>(this, this.dataset({
      name: 'HadoopRDD', kind: 'source', parents: [], partitions: n, sources: parts, prepare: () => (read ??= load()),
    }));
  }

  /** A value for functions to use; bind it to them. */
  broadcast<T>(value: T): Broadcast<T> {
    try {
      encode([value]);
    } catch (error) {
      if (error instanceof NotCloneableError) throw new SparkTypeError(`broadcast: ${error.message}`, { cause: error });
      throw error;
    }
    return new Broadcast(value);
  }

  #ofParts<T>(partitions: readonly (readonly T[])[], method: string, name: string): RDD<T> {
    let sources: Uint8Array[];
    try {
      sources = partitions.map((part) => encode(part));
    } catch (error) {
      if (error instanceof NotCloneableError) throw new SparkTypeError(`${method}: ${error.message}`, { cause: error });
      throw error;
    }
    return new RDD<T>(this, this.dataset({ name, kind: 'source', parents: [], partitions: partitions.length, sources }));
  }

  /** @internal */
  dataset(definition: Definition): Dataset {
    if (this.stopped()) throw new SessionClosedError('Cannot call methods on a stopped SparkContext');
    return { ...definition, id: this.#next++, cached: false };
  }

  /** Executors forget the kept partitions of a dataset when the next job starts. @internal */
  drop(dataset: Dataset): void { this.#dropped.push(dataset.id); }

  /** The rows of a dataset as a source of its own, in the same places. @internal */
  async pin<T>(root: Dataset): Promise<RDD<T>> {
    const sources = await this.#blocks(root, () => ({ t: 'collect' }), 'materialize', {});
    return new RDD<T>(this, this.dataset({
      name: 'MapPartitionsRDD', kind: 'source', parents: [], partitions: root.partitions, sources, placement: root.placement,
    }));
  }

  /** Runs an action on a dataset: per partition (or per one of `only`) what the executors made of it. @internal */
  async run(
    root: Dataset, action: (plan: PlanBuilder) => Action, description: string, options: ActionOptions = {}, only?: number[],
  ): Promise<unknown[][]> {
    return (await this.#blocks(root, action, description, options, only)).map(decode);
  }

  async #blocks(
    root: Dataset, action: (plan: PlanBuilder) => Action, description: string, options: ActionOptions, only?: number[],
  ): Promise<Uint8Array[]> {
    if (this.stopped()) throw new SessionClosedError('Cannot call methods on a stopped SparkContext');
    await prepare(root);
    const wanted = only ?? Array.from({ length: root.partitions }, (_, i) => i);
    if (wanted.length === 0) return [];
    const value = planBytes(root, action, description, only, this.#dropped.splice(0));
    const relation = { relType: { case: 'extension' as const, value: { typeUrl: PLAN_TYPE, value } } };
    const parts = new Map<number, Uint8Array>();
    for await (const { responseType } of this.context.client.execute({ root: relation }, options.signal)) {
      if (responseType.case !== 'extension') continue;
      const bytes = responseType.value.value;
      const partition = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      parts.set(partition, bytes.subarray(4));
    }
    return wanted.map((partition) => {
      const part = parts.get(partition);
      if (!part) throw new SparkRuntimeException(`The engine gave no result for partition ${partition} of ${description}`);
      return part;
    });
  }
}

async function fetched(url: string | URL): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new SparkRuntimeException(`textFile: ${url} answered ${response.status} ${response.statusText}`);
  return response.text();
}
