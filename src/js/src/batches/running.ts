/** The page's half of a running context: it sends orders, hears events, and runs what only the page can. */
import { type Clock, systemClock } from '../clock.js';
import { errorFromWire, SessionClosedError, SparkError } from '../errors.js';
import type { SparkContext } from '../rdd/context.js';
import { framed } from '../rdd/framing.js';
import { UPDATES_TYPE } from '../rdd/job_plan.js';
import { prepare } from '../rdd/node.js';
import { PlanBuilder, planBytes } from '../rdd/plan_builder.js';
import type { RDD } from '../rdd/rdd.js';
import { decode, encode } from '../rdd/value_codec.js';
import type { InputHost, PageInput } from './inputs.js';
import {
  type BatchInfo,
  EVENT_TYPE,
  ORDER_TYPE,
  type Order,
  type ReceiverInfo,
  type StreamDefinition,
  type StreamingEvent,
} from './wire.js';

/** Receives events of batches and receivers (`StreamingListener`). An error of a listener is logged and stops nothing. */
export interface StreamingListener {
  /** Runs when a batch was put into the queue. */
  onBatchSubmitted?(info: BatchInfo): void;
  /** Runs when a batch begins. */
  onBatchStarted?(info: BatchInfo): void;
  /** Runs when a batch is done or has failed. */
  onBatchCompleted?(info: BatchInfo): void;
  /** Runs when the context has started. */
  onStreamingStarted?(timeMs: number): void;
  /** Runs when a receiver has started in an executor. */
  onReceiverStarted?(info: ReceiverInfo): void;
  /** Runs when a receiver has failed, or a socket was lost; it starts again. */
  onReceiverError?(error: Error): void;
  /** Runs when a receiver has stopped. */
  onReceiverStopped?(info: ReceiverInfo): void;
}

/** The functions and values of all streams, and the datasets that states begin with. */
export class StreamPlan extends PlanBuilder {
  readonly initial: RDD<unknown>[] = [];

  /** The number of a dataset that states begin with; null for none. */
  begin(rdd: RDD<unknown> | undefined): number | null {
    return rdd ? this.initial.push(rdd) - 1 : null;
  }
}

/** What a function of the page makes of datasets. */
export type PageFunction = (rdds: RDD<unknown>[], timeMs: number) => RDD<unknown> | Promise<RDD<unknown>>;

/** A stream, as it is run. */
export interface ProgramStream {
  define(plan: StreamPlan): StreamDefinition;
  /** What must be done before it can be defined. */
  prepare?: (() => Promise<unknown>) | undefined;
  page?: PageFunction | undefined;
  input?: PageInput | undefined;
}

/** What is done with each dataset of a stream. */
export interface Output {
  stream: number;
  work(rdd: RDD<unknown>, timeMs: number): void | Promise<void>;
}

/** A context's streams and outputs. */
export interface Program {
  context: SparkContext;
  batchMs: number;
  /** Where it writes what it needs to continue: a path of the driver's storage. */
  directory: string | null;
  rememberMs: number;
  /** A clock that the page moves. */
  clock: Clock | undefined;
  streams: readonly ProgramStream[];
  outputs: readonly Output[];
  tell<K extends keyof StreamingListener>(event: K, value: Parameters<NonNullable<StreamingListener[K]>>[0]): void;
  /** A batch has failed, or the context cannot continue. */
  failed(error: unknown): void;
  ended(): void;
}

type Answer = Extract<StreamingEvent, { t: 'slice' }>;
let contexts = 0;

export class Running {
  readonly #number = contexts++;
  readonly #plan = new StreamPlan();
  readonly #context: SparkContext;
  readonly #clock: Clock;
  /** What the page has answered, as long as the driver may need it: files that are lent belong to it. */
  readonly #answers = new Map<number, Map<number, RDD<unknown>>>();
  readonly #offered = new Map<number, () => void>();
  /** Who waits for something to change. */
  #waiting: (() => void)[] = [];
  #open = 0;
  #tokens = 0;
  #synced = 0;
  #restored: { found: boolean } | undefined;
  /** What a function of the page's has thrown, and why the page cannot continue. */
  #thrown: { error: unknown } | undefined;
  #failure: { error: unknown } | undefined;
  #ready: Promise<unknown> | undefined;
  #ended = false;
  #cancelTick: (() => void) | undefined;

  /** Opens the context in the driver. */
  constructor(private readonly program: Program) {
    const { context, streams } = program;
    this.#context = context;
    this.#clock = program.clock ?? context.alarms ?? systemClock;
    const preparing = streams.flatMap((stream) => stream.prepare ?? []);
    if (preparing.length > 0) this.#ready = Promise.all(preparing.map((one) => one())).catch((error: unknown) => this.#fail(error));
    void this.#listen();
  }

  /** The context's order to open, and its events until it is over. */
  async #listen(): Promise<void> {
    try {
      if (this.#ready) await this.#ready;
      if (this.#ended) return;
      for await (const { responseType } of this.#context.client.execute({ command: this.#command(...this.#opening()) })) {
        if (responseType.case !== 'extension') continue;
        const { typeUrl, value } = responseType.value;
        if (typeUrl === EVENT_TYPE) this.#hear(JSON.parse(new TextDecoder().decode(value)) as StreamingEvent);
        else if (typeUrl === UPDATES_TYPE)
          for (const [id, sum] of decode(value) as [number, unknown][]) this.#plan.accumulators.get(id)?.merged(sum);
      }
      if (!this.#ended) this.#fail(new SessionClosedError('The session is stopped'));
    } catch (error) {
      this.#fail(error);
    }
  }

  #opening(): [Order, Uint8Array[]] {
    const { batchMs, directory, rememberMs, clock, outputs, streams } = this.program;
    const definitions = streams.map((stream) => stream.define(this.#plan));
    const { functions, values, initial } = this.#plan;
    const order: Order = {
      t: 'open',
      batchMs,
      directory,
      rememberMs,
      streams: definitions,
      outputs: outputs.map(({ stream }) => stream),
      functions,
      values: values.length,
      clockMs: clock ? clock.now() : null,
      shufflePartitions: this.#context.shufflePartitions ?? null,
    };
    return [order, [encode([]), ...values, ...initial.map((rdd) => this.#planOf(rdd))]];
  }

  /** A dataset of the page's, for the driver. */
  #planOf({ definition }: RDD<unknown>): Uint8Array {
    const { value, accumulators } = planBytes(definition, () => ({ t: 'collect' }), { description: 'stream' });
    for (const [id, accumulator] of accumulators) this.#plan.accumulators.set(id, accumulator);
    return value;
  }

  #command(order: Order, blobs: readonly Uint8Array[] = []) {
    const text = new TextEncoder().encode(JSON.stringify({ context: this.#number, order }));
    return { commandType: { case: 'extension' as const, value: { typeUrl: ORDER_TYPE, value: framed([text, ...blobs]) } } };
  }

  /** Says something to the context; orders arrive in the order of the calls. What goes wrong ends the context. */
  #send(order: Order, blobs?: readonly Uint8Array[]): void {
    const post = async () => {
      if (this.#ended) return;
      for await (const _ of this.#context.client.execute({ command: this.#command(order, blobs) }));
    };
    (this.#ready ? this.#ready.then(post) : post()).catch((error: unknown) => {
      if (!this.#ended) this.#fail(error);
    });
  }

  #hear(event: StreamingEvent): void {
    const { program } = this;
    switch (event.t) {
      case 'started':
        return program.tell('onStreamingStarted', event.timeMs);
      case 'submitted':
        this.#open += 1;
        this.#cut(event.info.batchTime);
        return program.tell('onBatchSubmitted', event.info);
      case 'batchStarted':
        return program.tell('onBatchStarted', event.info);
      case 'completed':
        this.#open -= 1;
        this.#changed();
        return program.tell('onBatchCompleted', event.info);
      case 'receiverStarted':
        return program.tell('onReceiverStarted', event.info);
      case 'receiverStopped':
        return program.tell('onReceiverStopped', event.info);
      case 'receiverError':
        return this.#inputFailed(errorFromWire(event.error));
      case 'failed': {
        // The page's own error has more to say.
        const { error } = this.#thrown ?? { error: errorFromWire(event.error) };
        this.#thrown = undefined;
        console.error('[rivulet] A batch of a streaming context failed:', error);
        this.#failure ??= { error };
        return program.failed(error);
      }
      case 'ask':
        return void this.#answer(event);
      case 'output':
        return void this.#output(event);
      case 'safe':
      case 'refused':
      case 'admitted':
        for (const token of event.tokens) this.#settle(token);
        return;
      case 'grain':
        return program.streams[event.input]?.input?.grain?.(event.records);
      case 'released':
        for (const time of this.#answers.get(event.stream)?.keys() ?? [])
          if (time <= event.upToMs) this.#answers.get(event.stream)!.delete(time);
        return;
      case 'wakeAt':
        return void this.#clock.at(event.atMs, () => this.#time());
      case 'synced':
        this.#synced -= 1;
        return this.#changed();
      case 'stopInputs':
        return this.#stopInputs();
      case 'restored':
        for (const [number, noted] of Object.entries(event.notes)) program.streams[Number(number)]?.input?.recover?.(noted);
        this.#restored = { found: event.found };
        return this.#changed();
      case 'ended':
        return this.#end();
      case 'slice':
    }
  }

  #settle(token: number): void {
    this.#offered.get(token)?.();
    this.#offered.delete(token);
  }

  async #answer({ stream, timeMs, parents, isNew }: Extract<StreamingEvent, { t: 'ask' }>): Promise<void> {
    const about = { t: 'dataset', stream, timeMs, error: null, note: null, partitioner: null } as const;
    try {
      const { input, page } = this.program.streams[stream]!;
      const made: { rdd: RDD<unknown> | undefined; note?: unknown } = input
        ? await input.dataset!(timeMs, isNew)
        : {
            rdd: await page!(
              parents.map((parent) => this.#context.ofDriver(parent, this.#plan.accumulators, this.#answers)),
              timeMs,
            ),
          };
      const { rdd, note } = made;
      if (!rdd) {
        throw new SparkError(
          'Transform function must not return null. Return SparkContext.emptyRDD() instead to represent no element as the result of transformation.',
        );
      }
      await prepare(rdd.definition);
      const answers = this.#answers.get(stream) ?? new Map<number, RDD<unknown>>();
      this.#answers.set(stream, answers.set(timeMs, rdd));
      const by = rdd.definition.placement?.partitioner(new PlanBuilder());
      this.#send({ ...about, note: note ?? null, partitioner: by?.t === 'hash' ? by : null }, [this.#planOf(rdd)]);
    } catch (error) {
      this.#thrown ??= { error };
      this.#send({ ...about, error: String(error) });
    }
    this.#changed();
  }

  async #output({ output, timeMs, dataset }: Extract<StreamingEvent, { t: 'output' }>): Promise<void> {
    let thrown: { error: unknown } | undefined;
    try {
      await this.program.outputs[output]!.work(this.#context.ofDriver(dataset, this.#plan.accumulators, this.#answers), timeMs);
    } catch (error) {
      this.#thrown = thrown = { error };
    }
    const said = thrown && (thrown.error instanceof Error ? thrown.error.message : String(thrown.error));
    this.#send({ t: 'outputDone', error: said ?? null });
  }

  readonly #inputFailed = (error: Error): void => {
    console.warn(`[rivulet] ${error.message}`);
    this.program.tell('onReceiverError', error);
  };

  get #inputs(): PageInput[] {
    return this.program.streams.flatMap(({ input }) => input ?? []);
  }
  #cut(timeMs: number): void {
    for (const input of this.#inputs) input.cut?.(timeMs);
  }

  /** Resolves when the context continues from its checkpoint, whether there is one or not: that is the result. */
  async restore(): Promise<boolean> {
    this.#send({ t: 'restore' });
    await this.#until(() => this.#restored !== undefined);
    return this.#restored?.found ?? false;
  }

  /** Starts the inputs and the batches. */
  start(): void {
    const { program } = this;
    const host = (number: number): InputHost => ({
      clock: this.#clock,
      isManual: program.clock !== undefined,
      batchMs: program.batchMs,
      offer: (block, records) => {
        const token = this.#tokens++;
        const admitted = new Promise<void>((resolve) => this.#offered.set(token, resolve));
        this.#send({ t: 'offer', input: number, records, token }, [block]);
        return admitted;
      },
      failed: this.#inputFailed,
    });
    try {
      program.streams.forEach(({ input }, number) => input?.start?.(host(number)));
    } catch (error) {
      this.#send({ t: 'stop', gracefully: false });
      this.#end();
      throw error;
    }
    if (program.clock) this.#time();
    this.#send({ t: 'start' });
    if (program.clock) this.#tick(Math.floor(program.clock.now() / program.batchMs) * program.batchMs);
  }

  #time(): void {
    if (this.#ended) return;
    for (const input of this.#inputs) input.flush?.();
    this.#send({ t: 'time', nowMs: this.#clock.now() });
  }
  /** Tells the driver the end of each interval of a clock that the page moves. */
  #tick(lastMs: number): void {
    const timeMs = lastMs + this.program.batchMs;
    this.#cancelTick = this.#clock.at(timeMs, () => {
      this.#tick(timeMs);
      this.#cut(timeMs);
      this.#time();
    });
  }

  /** Resolves when all batches submitted so far are done. */
  async processed(): Promise<void> {
    do {
      this.#synced += 1;
      this.#send({ t: 'sync' });
      await this.#until(() => this.#synced === 0 && this.#open === 0, true);
    } while (this.#open > 0);
  }

  /** Returns the datasets of a stream in a closed range of times. */
  async slice(stream: number, fromMs: number, toMs: number): Promise<RDD<unknown>[]> {
    for (;;) {
      let answer: Answer | undefined;
      const changed = new Promise<void>((resolve) => this.#waiting.push(resolve));
      const command = this.#command({ t: 'slice', stream, fromMs, toMs });
      try {
        for await (const { responseType } of this.#context.client.execute({ command })) {
          if (responseType.case === 'extension') answer = JSON.parse(new TextDecoder().decode(responseType.value.value)) as Answer;
        }
      } catch (cause) {
        const { error } = this.#thrown ?? { error: cause };
        this.#thrown = undefined;
        throw error;
      }
      if (answer?.datasets) return answer.datasets.map((ref) => this.#context.ofDriver(ref, this.#plan.accumulators, this.#answers));
      await changed;
    }
  }

  /** Stops; resolves when the context is over. */
  async stop(gracefully: boolean): Promise<void> {
    this.#cancelTick?.();
    this.#send({ t: 'stop', gracefully });
    await this.#until(() => this.#ended, true);
  }

  #stopInputs(): void {
    this.#cancelTick?.();
    for (const input of this.#inputs) input.stop?.();
    this.#send({ t: 'inputsStopped', waiting: this.#inputs.some((input) => input.waiting?.()) });
  }

  /** Waits until something is so; throws why the context has ended before that, unless `quietly`. */
  async #until(is: () => boolean, quietly = false): Promise<void> {
    while (!is()) {
      if (this.#ended) {
        if (this.#failure && !quietly) throw this.#failure.error;
        return;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.program.failed(error);
    this.#end();
  }
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTick?.();
    for (const input of this.#inputs) input.stop?.();
    for (const token of [...this.#offered.keys()]) this.#settle(token);
    this.program.ended();
    this.#changed();
  }
}
