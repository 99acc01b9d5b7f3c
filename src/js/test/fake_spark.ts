import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import {
  type ExecutePlanRequest,
  type ExecutePlanResponse,
  ExecutePlanResponseSchema,
  SparkConnectService,
} from '../src/generated/remote/spark/connect/base_pb.js';
import type { StreamingQueryEventType } from '../src/generated/remote/spark/connect/commands_pb.js';

type Answer = MessageInitShape<typeof ExecutePlanResponseSchema>['responseType'];

/** What a line or a server does wrong: called for each stream with its number, from 0; returns after how many responses it breaks. */
export type Breaks = (stream: number) => number;

/** A Spark Connect server in memory: does what the driver's tests need, and keeps what it receives. */
export class FakeSpark {
  readonly conf = new Map<string, string>();
  /** Commands and plans, in the order in which they came. */
  readonly asked: ExecutePlanRequest[] = [];
  /** SQL commands among them. */
  readonly sql: string[] = [];
  readonly released: string[] = [];
  readonly attached: { operationId: string; lastResponseId: string | undefined }[] = [];
  readonly artifacts = new Map<string, Uint8Array>();
  /** How often each call of one response came. */
  readonly calls = new Map<string, number>();
  /** Calls of one response that fail before the next succeeds. */
  failing = 0;
  /** Requests to run a plan that are lost. */
  losing = 0;
  breaks: Breaks = () => Number.POSITIVE_INFINITY;
  /** What a plan or command is answered with, before its end. */
  answer: (request: ExecutePlanRequest) => Answer[] | Promise<Answer[]> = () => [];
  #streams = 0;
  #operations = new Map<string, ExecutePlanResponse[]>();
  #events: ((event: { eventJson: string; eventType: StreamingQueryEventType }) => void) | undefined;

  /** Tells the listener of an event. */
  event(eventType: StreamingQueryEventType, event: object): void {
    this.#events?.({ eventType, eventJson: JSON.stringify(event) });
  }

  /** An error of Spark's, as it comes over gRPC. */
  static error(errorClass: string, classes: string[], message: string): ConnectError {
    const error = new ConnectError(message, Code.Internal);
    const metadata = { errorClass, classes: JSON.stringify(classes), sqlState: '42000', messageParameters: '{"name":"x"}' };
    error.details = [{ type: 'google.rpc.ErrorInfo', value: errorInfo(metadata) }];
    return error;
  }

  readonly transport = createRouterTransport(({ service, rpc }) => {
    const counted = <Q, A>(name: string, answer: (request: Q) => A) => {
      return (request: Q): A => {
        this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
        if (this.failing-- > 0) throw new ConnectError('the line is down', Code.Unavailable);
        return answer(request);
      };
    };
    service(SparkConnectService, {
      analyzePlan: counted('analyzePlan', () => ({ result: { case: 'sparkVersion' as const, value: { version: '4.3.0' } } })),
      config: counted('config', ({ operation }) => {
        const { opType } = operation ?? {};
        if (opType?.case === 'set') for (const { key, value } of opType.value.pairs) this.conf.set(key, value ?? '');
        const keys = opType?.case === 'getOption' ? opType.value.keys : [];
        return { pairs: keys.map((key) => ({ key, value: this.conf.get(key) })) };
      }),
      artifactStatus: counted('artifactStatus', ({ names }) => ({
        statuses: Object.fromEntries(names.map((name) => [name, { exists: this.artifacts.has(name) }])),
      })),
      releaseExecute: ({ operationId }) => {
        this.released.push(operationId);
        return { operationId };
      },
      releaseSession: counted('releaseSession', () => ({})),
      executePlan: (request, { signal }) => this.#execute(request, signal),
      reattachExecute: ({ operationId, lastResponseId }) => {
        this.attached.push({ operationId, lastResponseId });
        const all = this.#operations.get(operationId);
        if (!all) throw FakeSpark.error('INVALID_HANDLE.OPERATION_NOT_FOUND', ['org.apache.spark.SparkSQLException'], 'no such operation');
        const from = all.findIndex(({ responseId }) => responseId === lastResponseId) + 1;
        return this.#stream(all.slice(from));
      },
    });
    // One message of a stream is sent as a call of one message, which over gRPC is the same.
    rpc({ ...SparkConnectService.method.addArtifacts, methodKind: 'unary' as const }, ({ payload }) => {
      if (payload.case !== 'batch') return {};
      for (const { name, data } of payload.value.artifacts) this.artifacts.set(name, data?.data ?? new Uint8Array());
      return {};
    });
  });

  async *#execute(request: ExecutePlanRequest, signal: AbortSignal): AsyncGenerator<ExecutePlanResponse> {
    if (this.losing-- > 0) throw new ConnectError('the request is lost', Code.Unavailable);
    const command = request.plan?.opType.case === 'command' ? request.plan.opType.value.commandType : undefined;
    if (command?.case === 'streamingQueryListenerBusCommand') return yield* this.#listen(signal);
    this.asked.push(request);
    if (command?.case === 'sqlCommand' && command.value.input?.relType.case === 'sql')
      this.sql.push(command.value.input.relType.value.query);
    const operationId = request.operationId ?? '';
    const answers = [...(await this.answer(request)), { case: 'resultComplete' as const, value: {} }];
    const responses = answers.map((responseType, i) =>
      create(ExecutePlanResponseSchema, { operationId, responseId: `${operationId}/${i}`, responseType }),
    );
    this.#operations.set(operationId, responses);
    yield* this.#stream(responses);
  }

  async *#stream(responses: ExecutePlanResponse[]): AsyncGenerator<ExecutePlanResponse> {
    const whole = this.breaks(this.#streams++);
    for (const [i, response] of responses.entries()) {
      if (i >= whole) throw new ConnectError('the line broke', Code.Unavailable);
      yield response;
    }
  }

  async *#listen(signal: AbortSignal): AsyncGenerator<ExecutePlanResponse> {
    const events = (value: object) =>
      create(ExecutePlanResponseSchema, { responseType: { case: 'streamingQueryListenerEventsResult', value } });
    yield events({ listenerBusListenerAdded: true });
    while (!signal.aborted) {
      const event = await new Promise<object | undefined>((resolve) => {
        this.#events = resolve;
        signal.addEventListener('abort', () => resolve(undefined), { once: true });
      });
      if (event) yield events({ events: [event] });
    }
  }
}

/** The bytes of google.rpc.ErrorInfo with these metadata. */
function errorInfo(metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
  const field = (number: number, bytes: Iterable<number>) => [(number << 3) | 2, ...varint([...bytes].length), ...bytes];
  const entries = Object.entries(metadata).map(([key, value]) =>
    field(3, [...field(1, text.encode(key)), ...field(2, text.encode(value))]),
  );
  return Uint8Array.from([...field(1, text.encode('reason')), ...entries.flat()]);
}
