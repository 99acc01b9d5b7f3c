import { SparkRuntimeException } from '../errors.js';
import type { ReceiverId, ReceiverOrder } from '../protocol.js';
import { unframed } from '../rdd/framing.js';
import type { FunctionSource, RddPlan } from '../rdd/job_plan.js';
import { TaskAccumulators } from '../rdd/task/accumulators.js';
import { Blobs } from '../rdd/task/blobs.js';
import { Compute } from '../rdd/task/compute.js';
import { loadFunctions, type UserFunction } from '../rdd/task/functions.js';
import { bytesOf, KeptPartitions } from '../rdd/task/kept.js';
import { answer, deal, type Task, type TaskOutput } from '../rdd/task/task.js';
import { userError } from '../rdd/task/user_error.js';
import { decode } from '../rdd/value_codec.js';
import { OWN_PROCESSORS } from '../state/components.js';
import type { GroupFunctionPlan, GroupHeader } from '../state/group_plan.js';
import { runGroups } from '../state/run.js';
import { parseSchema } from '../values/ddl.js';
import { encodeRows } from '../values/encode.js';
import { rowsFromIPC } from '../values/rows.js';
import type { ProgramHost } from './program_host.js';
import { ReceiverRunner } from './receiver_runner.js';

interface Loaded {
  plan: RddPlan;
  values: Uint8Array[];
  functions: UserFunction[];
  /** Why the functions could not be loaded. */
  failure?: unknown;
  bound: Map<number, unknown>;
  accumulators: TaskAccumulators;
}

/** A function over groups, with what is bound to it. */
interface LoadedFunction {
  plan: GroupFunctionPlan;
  extra: unknown[];
  f?: UserFunction;
  failure?: unknown;
}

/** Runs the user's functions over partitions of datasets, in an executor. */
export class Programs implements ProgramHost {
  readonly #plans = new Map<number, Loaded>();
  readonly #functions = new Map<string, LoadedFunction>();
  readonly #kept: KeptPartitions;
  readonly blobs: Blobs;
  readonly #receivers: ReceiverRunner;
  #loading: Promise<void> | undefined;

  constructor(
    private readonly importText?: (text: string) => Promise<unknown>,
    /** How much memory kept partitions may take, as a setting. */
    storageMemory?: string,
    says: ConstructorParameters<typeof ReceiverRunner>[0] = () => {},
    /** Files that the page lends, by number. */
    lent: ReadonlyMap<number, Blob> = new Map(),
  ) {
    this.blobs = new Blobs(lent);
    this.#receivers = new ReceiverRunner(says);
    this.#kept = new KeptPartitions(bytesOf(storageMemory));
  }

  receiver(id: ReceiverId, order: ReceiverOrder, block?: Uint8Array): void {
    this.#receivers.take(id, order, block);
  }

  get loading(): Promise<void> | undefined {
    return this.#loading;
  }

  load(id: number, text: string, blobs: Uint8Array[]): void {
    const plan = JSON.parse(text) as RddPlan;
    const loaded: Loaded = { plan, values: blobs, functions: [], bound: new Map(), accumulators: new TaskAccumulators() };
    this.#plans.set(id, loaded);
    if (plan.functions.length === 0) return;
    this.#import(plan.functions, loaded, (functions) => {
      loaded.functions = functions;
    });
  }

  /** Loads functions, or notes why they could not be loaded; messages of the driver wait for it. */
  #import(sources: readonly FunctionSource[], to: { failure?: unknown }, take: (functions: UserFunction[]) => void): void {
    const one = loadFunctions(sources, this.importText).then(take, (error: unknown) => {
      to.failure = error;
    });
    const all = Promise.all([this.#loading, one]).then(() => {});
    this.#loading = all;
    void all.then(() => {
      if (this.#loading === all) this.#loading = undefined;
    });
  }

  loadFunction(id: number, number: number, payload: Uint8Array): void {
    const [head, ...values] = unframed(payload);
    const plan = JSON.parse(new TextDecoder().decode(head)) as GroupFunctionPlan;
    const { f, bound } = plan.call;
    const loaded: LoadedFunction = { plan, extra: bound === undefined ? [] : [decode(values[bound]!)[0]] };
    this.#functions.set(`${id}/${number}`, loaded);
    if (plan.own) {
      loaded.f = OWN_PROCESSORS[plan.own] as unknown as UserFunction;
      return;
    }
    this.#import(plan.functions, loaded, (functions) => {
      loaded.f = functions[f]!;
    });
  }

  callGroups(
    id: number,
    number: number,
    header: GroupHeader,
    blobs: Uint8Array[],
  ): [rows: Uint8Array | undefined, changes: Uint8Array | undefined] {
    const loaded = this.#functions.get(`${id}/${number}`);
    if (!loaded) throw new SparkRuntimeException('a task came before its function');
    if (loaded.failure || !loaded.f) throw loaded.failure ?? new SparkRuntimeException('a function is not loaded');
    try {
      return runGroups(loaded.plan, loaded.f, loaded.extra, header, blobs);
    } catch (error) {
      throw userError(error, undefined, 'group');
    }
  }

  unload(id: number): void {
    this.#plans.delete(id);
    for (const key of this.#functions.keys()) if (key.startsWith(`${id}/`)) this.#functions.delete(key);
  }

  keeps(dataset: number, partition: number): boolean {
    return this.#kept.has(dataset, partition);
  }
  kept(dataset: number, partition: number): Uint8Array | undefined {
    return this.#kept.block(dataset, partition);
  }
  forget(dataset: number): void {
    this.#kept.forget(dataset);
  }

  run(id: number, task: Task, blobs: Uint8Array[]): TaskOutput {
    const loaded = this.#plans.get(id);
    if (!loaded) throw new SparkRuntimeException('a task came before its plan');
    if (loaded.failure) throw loaded.failure;
    const { plan } = loaded;
    loaded.accumulators.reset();
    let next = 0;
    const sources = new Map(task.sources.map(([node, partition]) => [`${node}/${partition}`, blobs[next++]!]));
    const shuffled = new Map(
      task.shuffled.map(([node, parent, partition, blocks]) => {
        const own = blobs.slice(next, (next += blocks));
        return [`${node}/${parent}/${partition}`, own];
      }),
    );
    const brought = new Map(task.kept.map(([dataset, partition]) => [`${dataset}/${partition}`, blobs[next++]!]));
    const keeps: TaskOutput[2] = [];
    const made = new Map<string, unknown[]>();
    const compute = new Compute(plan, loaded.functions, {
      source: (node, partition) => {
        const block = sources.get(`${node}/${partition}`);
        if (!block) throw new SparkRuntimeException(`partition ${partition} of dataset ${plan.nodes[node]?.id} is missing from the task`);
        return decode(block);
      },
      shuffled: function* (node, parent, partition) {
        for (const block of shuffled.get(`${node}/${parent}/${partition}`) ?? []) yield decode(block);
      },
      lines: (blob, start, end) => this.blobs.lines(blob, start, end),
      records: (blob, start, end, length) => this.blobs.records(blob, start, end, length),
      file: (blob) => this.blobs.file(blob),
      frame: (block, bigint) => rowsFromIPC(block, { bigint }),
      toFrame: (rows, schema) => encodeRows(rows, parseSchema(schema)),
      block: (blob) => decode(new Uint8Array(this.blobs.read(blob))),
      cached: ({ key }, partition) => {
        const place = `${key}/${partition}`;
        const block = brought.get(place);
        if (block && !made.has(place)) made.set(place, decode(block));
        return this.#kept.get(key, partition) ?? made.get(place);
      },
      keep: ({ key, level }, partition, rows) => {
        made.set(`${key}/${partition}`, rows);
        const kept = this.#kept.keep(key, partition, rows, level ?? 'MEMORY_ONLY');
        if (kept) keeps.push([key, partition, kept.bytes, kept.block]);
      },
      blob: (number) => decode(loaded.values[number]!)[0],
      bound: (number) => {
        if (!loaded.bound.has(number))
          loaded.bound.set(number, loaded.accumulators.bind(decode(loaded.values[number]!)[0], loaded.functions));
        return loaded.bound.get(number);
      },
    });
    try {
      if (!task.write) {
        const { blocks, rows } = answer(compute, task.root, task.partition, plan.action);
        return [blocks, rows, keeps, loaded.accumulators.take()];
      }
      const [node, parent] = task.write;
      const write = plan.nodes[node]?.write?.[parent];
      if (!write) throw new SparkRuntimeException(`dataset ${node} does not say how its parent ${parent} is partitioned`);
      const { blocks, rows } = deal(compute, task.root, task.partition, write);
      return [blocks, rows, keeps, loaded.accumulators.take()];
    } catch (error) {
      throw userError(error, `partition ${task.partition}`, 'record');
    }
  }
}
