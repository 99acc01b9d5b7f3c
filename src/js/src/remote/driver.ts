import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import type { Backend } from '../cluster/backend.js';
import {
  ExecutePlanRequestSchema,
  type ExecutePlanResponse,
  ExecutePlanResponseSchema,
} from '../generated/remote/spark/connect/base_pb.js';
import {
  CommandSchema,
  StreamingQueryEventType as EventType,
  type StreamingQueryCommand,
  type StreamingQueryListenerEvent,
  type WriteStreamOperationStart,
} from '../generated/remote/spark/connect/commands_pb.js';
import type { FromDriver, ToDriver } from '../protocol.js';
import { addressOf } from './address.js';
import { Calls, UNARY } from './calls.js';
import { failure, notThere, RemoteFailure } from './failures.js';
import { optionOf } from './lines.js';
import { PageFunctions } from './page_functions.js';
import { PageSources } from './sources.js';

/** Most bytes of responses that the page is still to read, as the engine in the page keeps it. */
const MOST_UNREAD_BYTES = 16 << 20;
/** Most bytes that wait in a push source. */
const PUSH_LIMIT_BYTES = 16 << 20;
/** How long one question waits for the end of a query, ms: a page has few connections to a server. */
const TERMINATION_MS = 200;
/** How long such a question pauses. */
const PAUSE_MS = 300;

type Request = Extract<ToDriver, { t: 'req' }>;
type ListenerMessage = Extract<FromDriver, { t: 'listener' }>;

/** What the driver knows of a call that runs. */
interface Running {
  abort: AbortController;
  unreadBytes: number;
  /** Continues after the page has read. */
  read: () => void;
}

/**
 * A driver that is a Spark cluster: takes the messages that the driver in a worker takes, and answers with those that it answers
 * with, by Spark Connect. What only the page has, its sources and functions, is brought to the cluster or called from there.
 */
export class RemoteDriver implements Backend {
  readonly executors: number[] = [];
  readonly #calls: Calls;
  readonly #sources: PageSources;
  readonly #functions: PageFunctions;
  readonly #running = new Map<number, Running>();
  /** Ends the events of queries; undefined before they are wanted. */
  #listening: { ready: Promise<void>; abort: AbortController } | undefined;
  /** Whether the page wants to hear of progress. */
  #progress = false;

  constructor(
    address: string,
    transportOf: (url: string) => Transport,
    private readonly receive: (message: FromDriver) => void,
  ) {
    const read = addressOf(address);
    this.#calls = new Calls(transportOf(read.url), read);
    this.#sources = new PageSources(
      this.#calls,
      (source, received, queuedBytes, durable) =>
        this.receive({ t: 'credit', source, received, queuedBytes, limitBytes: PUSH_LIMIT_BYTES, durable, isRead: true }),
      (message) => this.receive(message),
    );
    this.#functions = new PageFunctions(this.#calls, (batch) => this.receive(batch));
  }

  kill(): boolean {
    return false;
  }

  async heapBytes(): Promise<Record<string, number>> {
    return {};
  }

  stop(): void {
    this.#listening?.abort.abort();
    this.#functions.stop();
    this.#sources.abandon();
    for (const running of this.#running.values()) this.#end(running);
  }

  post(message: ToDriver): void {
    switch (message.t) {
      case 'req':
        return void this.#answer(message);
      case 'cancel':
        return this.#end(this.#running.get(message.id));
      case 'taken': {
        const running = this.#running.get(message.id);
        if (!running) return;
        running.unreadBytes -= message.bytes;
        return running.read();
      }
      case 'push':
        return this.#sources.push(message.source, message.bytes);
      case 'pushLines':
        return this.#sources.push(message.source, new TextEncoder().encode(message.lines));
      case 'sourceBlock':
        return this.#sources.read(message.connection, message.bytes);
      case 'sourceCaughtUp':
        return this.#sources.read(message.connection, undefined);
      case 'sourceEnd':
        this.#sources.read(message.connection, undefined);
        // A cluster knows no error of a page: its query waits.
        if (message.error) console.error('[rivulet] a stream of the page ends here:', message.error.message);
        return;
      case 'file':
        return this.#sources.file(message.path, message.blob);
      case 'foreachBatchDone':
        // A server that does not hear it asks no more after its patience; the query's own error then says so.
        return void this.#functions.done(message).catch(() => {});
      case 'listen':
        this.#progress = message.on;
        if (message.on) void this.#listen().catch(() => {});
        return;
      default:
        // Executors, alarms and states of the workers: there are none.
        return;
    }
  }

  /** Ends a call, also one that waits for its page to read. */
  #end(running: Running | undefined): void {
    running?.abort.abort();
    running?.read();
  }

  /** Answers one call of the client. */
  async #answer({ id, method, bytes }: Request): Promise<void> {
    const running: Running = { abort: new AbortController(), unreadBytes: 0, read: () => {} };
    this.#running.set(id, running);
    try {
      if (method === 'ExecutePlan') await this.#execute(id, bytes, running);
      else {
        const unary = (UNARY as Partial<Record<typeof method, (typeof UNARY)[keyof typeof UNARY]>>)[method];
        if (!unary) throw notThere(`The call ${method} is`);
        const request = this.#calls.sign(unary.read(bytes));
        if (method === 'AnalyzePlan') await this.#sources.rewrite(request);
        if (method === 'ReleaseSession') await this.#sources.close().catch(() => {});
        this.receive({ t: 'res', id, bytes: await unary.call(this.#calls, request, running.abort.signal) });
      }
      this.receive({ t: 'end', id });
    } catch (error) {
      if (running.abort.signal.aborted) return;
      const wire = error instanceof RemoteFailure ? error.wire : failure('SparkRuntimeException', 'INTERNAL_ERROR', String(error));
      this.receive({ t: 'err', id, error: wire });
    } finally {
      this.#running.delete(id);
    }
  }

  async #execute(id: number, bytes: Uint8Array, running: Running): Promise<void> {
    const request = this.#calls.sign(fromBinary(ExecutePlanRequestSchema, bytes));
    const { signal } = running.abort;
    const command = request.plan?.opType.case === 'command' ? request.plan.opType.value.commandType : undefined;
    if (command?.case === 'extension') throw notThere('This operation runs');
    const start = command?.case === 'writeStreamOperationStart' ? command.value : undefined;
    await this.#sources.rewrite(request, start && { hasCheckpoint: optionOf(start.options, 'checkpointLocation') !== undefined });
    if (start) return this.#start(id, start, signal);
    if (command?.case === 'streamingQueryCommand') {
      if (command.value.command.case === 'awaitTermination') return this.#awaitTermination(id, command.value, signal);
      if (command.value.command.case === 'processAllAvailable') await this.#sources.flushed();
    }
    for await (const response of this.#calls.execute(request, signal)) {
      await this.#send(id, response);
      while (running.unreadBytes > MOST_UNREAD_BYTES && !signal.aborted) {
        await new Promise<void>((resolve) => {
          running.read = resolve;
        });
      }
    }
  }

  #send(id: number, response: ExecutePlanResponse): void {
    const bytes = toBinary(ExecutePlanResponseSchema, response);
    const running = this.#running.get(id);
    if (running) running.unreadBytes += bytes.byteLength;
    this.receive({ t: 'res', id, bytes });
  }

  /** Starts a query; its functions of the page are called from then on. */
  async #start(id: number, start: WriteStreamOperationStart, signal: AbortSignal): Promise<void> {
    await this.#listen();
    // A query that takes what is there now takes all that the page has written.
    if (start.trigger.case === 'availableNow' || start.trigger.case === 'once') await this.#sources.flushed();
    if (start.format === 'rivulet.foreach') throw notThere('foreach() with a continuous or real-time trigger runs');
    const called = this.#functions.prepare(start);
    const command = create(CommandSchema, { commandType: { case: 'writeStreamOperationStart', value: start } });
    const run = () => this.#calls.run({ command }, undefined, signal);
    try {
      const responses = await run().catch((error: unknown) => {
        if (error instanceof RemoteFailure && called?.again(error.wire)) return run();
        throw error;
      });
      for (const response of responses) {
        if (response.responseType.case === 'writeStreamOperationStartResult') {
          const { queryId, queryStartedEventJson } = response.responseType.value;
          if (queryId) called?.started(queryId.runId);
          if (queryStartedEventJson) this.#tell('started', queryStartedEventJson);
        }
        this.#send(id, response);
      }
    } finally {
      called?.settled();
    }
  }

  /** Waits for a query's end by short questions, so that none holds a connection. */
  async #awaitTermination(id: number, value: StreamingQueryCommand, signal: AbortSignal): Promise<void> {
    const wanted = value.command.case === 'awaitTermination' ? value.command.value.timeoutMs : undefined;
    const endMs = wanted === undefined ? Number.POSITIVE_INFINITY : performance.now() + Number(wanted);
    for (;;) {
      const leftMs = Math.max(1, Math.min(TERMINATION_MS, endMs - performance.now()));
      if (value.command.case === 'awaitTermination') value.command.value.timeoutMs = BigInt(Math.ceil(leftMs));
      const command = create(CommandSchema, { commandType: { case: 'streamingQueryCommand', value } });
      const responses = await this.#calls.run({ command }, undefined, signal);
      const found = responses.find(({ responseType }) => responseType.case === 'streamingQueryCommandResult');
      const result = found?.responseType.case === 'streamingQueryCommandResult' ? found.responseType.value.resultType : undefined;
      const hasEnded = result?.case === 'awaitTermination' && result.value.terminated;
      if (found && (hasEnded || performance.now() >= endMs)) return this.#send(id, found);
      await new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE_MS, Math.max(0, endMs - performance.now()))));
    }
  }

  /** Hears the events of queries, once; resolves when the server has begun to send them. */
  #listen(): Promise<void> {
    if (this.#listening) return this.#listening.ready;
    const abort = new AbortController();
    const ready = new Promise<void>((resolve, reject) => {
      this.#hear(abort.signal, resolve).catch((error: unknown) => {
        this.#listening = undefined;
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    this.#listening = { ready, abort };
    return ready;
  }

  async #hear(signal: AbortSignal, begun: () => void): Promise<void> {
    const command = create(CommandSchema, {
      commandType: { case: 'streamingQueryListenerBusCommand', value: { command: { case: 'addListenerBusListener', value: true } } },
    });
    const request = this.#calls.sign(create(ExecutePlanRequestSchema, { plan: { opType: { case: 'command', value: command } } }));
    for await (const { responseType } of this.#calls.execute(request, signal)) {
      if (responseType.case !== 'streamingQueryListenerEventsResult') continue;
      if (responseType.value.listenerBusListenerAdded) begun();
      for (const event of responseType.value.events) this.#event(event);
    }
  }

  #event({ eventType, eventJson }: StreamingQueryListenerEvent): void {
    if (eventType === EventType.QUERY_TERMINATED_EVENT) {
      this.#functions.ended((JSON.parse(eventJson) as { runId: string }).runId);
      this.#tell('terminated', eventJson);
    } else if (this.#progress) this.#tell(eventType === EventType.QUERY_IDLE_EVENT ? 'idle' : 'progress', eventJson);
  }

  #tell(eventType: ListenerMessage['eventType'], json: string): void {
    this.receive({ t: 'listener', eventType, event: JSON.parse(json) as object });
  }
}
