import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type CallOptions, type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { crc32 } from '../files/zip.js';
import {
  AddArtifactsRequestSchema,
  type AddArtifactsResponse,
  type AddArtifactsResponseSchema,
  type ArtifactStatusesResponse,
  type ConfigRequest,
  ConfigRequestSchema,
  type ConfigResponse,
  type ExecutePlanRequest,
  ExecutePlanRequest_RequestOptionSchema,
  ExecutePlanRequestSchema,
  type ExecutePlanResponse,
  SparkConnectService,
} from '../generated/remote/spark/connect/base_pb.js';
import { type Command, CommandSchema } from '../generated/remote/spark/connect/commands_pb.js';
import { type Relation, RelationSchema } from '../generated/remote/spark/connect/relations_pb.js';
import { uuid } from '../uuid.js';
import type { Address } from './address.js';
import { factsOf, isPassing, RemoteFailure, sparkError, transportError } from './failures.js';

/** How often a call is made again in a row before its error is the caller's. */
const TRIES = 8;
/** How often before the server has answered for the first time: its address may be wrong. */
const FIRST_TRIES = 2;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 3_000;

/** What every request says of the caller. */
interface Said {
  sessionId: string;
  userContext?: { userId: string; userName: string } | undefined;
  clientType?: string | undefined;
}

/** Spark Connect's calls to a server: made again when the line breaks, with Spark's errors. */
export class Calls {
  readonly client: Client<typeof SparkConnectService>;
  /** Id of the session. */
  readonly sessionId: string;
  #isReached = false;

  constructor(
    private readonly transport: Transport,
    private readonly address: Address,
  ) {
    this.client = createClient(SparkConnectService, transport);
    this.sessionId = address.sessionId ?? uuid();
  }

  /** Writes into a request who asks. */
  sign<T extends Said>(request: T): T {
    const { userId } = this.address;
    return Object.assign(request, {
      sessionId: this.sessionId,
      userContext: { $typeName: 'spark.connect.UserContext', userId, userName: userId, extensions: [] },
      clientType: this.address.userAgent,
    });
  }

  /** Makes a call of one response, again if the line breaks before it is there. */
  async unary<T>(call: (options: CallOptions) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const own = linked(signal);
    try {
      for (let failed = 1; ; failed++) {
        try {
          const answer = await call(this.#options(own.signal));
          this.#isReached = true;
          return answer;
        } catch (thrown) {
          await this.#mayTryAgain(ConnectError.from(thrown), failed, own.signal);
        }
      }
    } finally {
      own.release();
    }
  }

  /**
   * Runs a plan and yields the responses. If the line breaks, the operation continues in the server and is attached to again, so
   * that each response comes once. Leaving the loop early, or `signal`, ends it in the server.
   */
  async *execute(request: ExecutePlanRequest, callers?: AbortSignal): AsyncGenerator<ExecutePlanResponse, void, undefined> {
    const { signal, release } = linked(callers);
    const { sessionId, userContext, clientType } = request;
    const operationId = (request.operationId ??= uuid());
    const which = { sessionId, userContext, clientType, operationId };
    const reattachable = create(ExecutePlanRequest_RequestOptionSchema, {
      requestOption: { case: 'reattachOptions', value: { reattachable: true } },
    });
    request.requestOptions.push(reattachable);
    let lastResponseId: string | undefined;
    let failed = 0;
    let stream = this.client.executePlan(request, this.#options(signal));
    try {
      for (;;) {
        failed += 1;
        try {
          for await (const response of stream) {
            this.#isReached = true;
            failed = 0;
            lastResponseId = response.responseId;
            if (response.responseType.case === 'resultComplete') return;
            yield response;
          }
          // A server ends long streams, to be attached to anew; one that sends nothing in them is broken.
          if (failed > 0) throw new ConnectError('the server ends its answer before it is complete', Code.Unavailable);
        } catch (thrown) {
          const error = ConnectError.from(thrown);
          const isLost = lastResponseId === undefined && factsOf(error)['errorClass'] === 'INVALID_HANDLE.OPERATION_NOT_FOUND';
          if (isLost && failed < TRIES) {
            // The server does not know the request.
            stream = this.client.executePlan(request, this.#options(signal));
            continue;
          }
          await this.#mayTryAgain(error, failed, signal);
        }
        stream = this.client.reattachExecute({ ...which, lastResponseId }, this.#options(signal));
      }
    } finally {
      release();
      // The server forgets the operation in time, even if this does not come.
      const all = { case: 'releaseAll', value: {} } as const;
      this.client.releaseExecute({ ...which, release: all }, this.#options()).catch(() => {});
    }
  }

  /** Waits before a call that has failed `failed` times in a row is made again; throws the error of one that is not to be. */
  async #mayTryAgain(error: ConnectError, failed: number, signal: AbortSignal): Promise<void> {
    const tries = this.#isReached ? TRIES : FIRST_TRIES;
    if (!isPassing(error) || failed >= tries || signal.aborted) throw await this.#failure(error);
    await pause(failed, signal);
  }

  /** Runs a plan of the driver's own, in the session or in another of the same user. */
  async run(
    plan: { root: Relation } | { command: Command },
    sessionId = this.sessionId,
    signal?: AbortSignal,
  ): Promise<ExecutePlanResponse[]> {
    const opType = 'root' in plan ? ({ case: 'root', value: plan.root } as const) : ({ case: 'command', value: plan.command } as const);
    const request = this.sign(create(ExecutePlanRequestSchema, { plan: { opType } }));
    request.sessionId = sessionId;
    const responses = [];
    for await (const response of this.execute(request, signal)) responses.push(response);
    return responses;
  }

  /** Runs a command. */
  async command(commandType: Parameters<typeof create<typeof CommandSchema>>[1]): Promise<ExecutePlanResponse[]> {
    return this.run({ command: create(CommandSchema, commandType) });
  }

  /** Runs an SQL command. */
  async sql(query: string): Promise<void> {
    const input = create(RelationSchema, { common: { planId: 0n }, relType: { case: 'sql', value: { query } } });
    await this.command({ commandType: { case: 'sqlCommand', value: { input } } });
  }

  /** Reads settings; undefined for one that is not set. */
  async settings(keys: string[]): Promise<(string | undefined)[]> {
    const { pairs } = await this.#config({ case: 'getOption', value: { $typeName: 'spark.connect.ConfigRequest.GetOption', keys } });
    return keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
  }

  /** Changes settings. */
  async set(pairs: Record<string, string>): Promise<void> {
    const list = Object.entries(pairs).map(([key, value]) => ({ $typeName: 'spark.connect.KeyValue' as const, key, value }));
    await this.#config({ case: 'set', value: { $typeName: 'spark.connect.ConfigRequest.Set', pairs: list } });
  }

  async #config(opType: NonNullable<ConfigRequest['operation']>['opType']): Promise<ConfigResponse> {
    const request = this.sign(create(ConfigRequestSchema, { operation: { opType } }));
    return this.unary((options) => this.client.config(request, options));
  }

  /** Returns which of these artifacts the server has. */
  async artifacts(names: string[]): Promise<Set<string>> {
    const request = this.sign({ names, sessionId: '' });
    const found: ArtifactStatusesResponse = await this.unary((options) => this.client.artifactStatus(request, options));
    return new Set(Object.entries(found.statuses).flatMap(([name, { exists }]) => (exists ? [name] : [])));
  }

  /** Brings an artifact to the server, in one message: a page cannot stream what it sends. */
  async addArtifact(name: string, data: Uint8Array): Promise<AddArtifactsResponse> {
    const crc = BigInt(crc32(data));
    const batch = { artifacts: [{ name, data: { data, crc } }] };
    const request = this.sign(create(AddArtifactsRequestSchema, { payload: { case: 'batch', value: batch } }));
    const method = { ...SparkConnectService.method.addArtifacts, methodKind: 'unary' as const };
    return this.unary(async ({ signal, headers }) => {
      const response = await this.transport.unary(method, signal, undefined, headers, request);
      return response.message as MessageShape<typeof AddArtifactsResponseSchema>;
    });
  }

  #options(signal?: AbortSignal): CallOptions {
    return { headers: this.address.headers, ...(signal && { signal }) };
  }

  /** What went wrong, in Spark's words where they are Spark's. */
  async #failure(error: ConnectError): Promise<Error> {
    if (error.cause instanceof RemoteFailure) return error.cause;
    const facts = factsOf(error);
    if (facts['classes'] === undefined) return new RemoteFailure(transportError(error, this.address.url));
    const { errorId } = facts;
    const more = errorId
      ? await this.client.fetchErrorDetails(this.sign({ errorId, sessionId: '' }), this.#options()).catch(() => undefined)
      : undefined;
    return new RemoteFailure(sparkError(error, facts, more));
  }
}

/** Methods of the client's that have one response, by name. */
export const UNARY = {
  AnalyzePlan: unaryMethod('analyzePlan'),
  Config: unaryMethod('config'),
  Interrupt: unaryMethod('interrupt'),
  ReleaseSession: unaryMethod('releaseSession'),
} as const;

function unaryMethod<K extends 'analyzePlan' | 'config' | 'interrupt' | 'releaseSession'>(name: K) {
  const { input, output } = SparkConnectService.method[name];
  return {
    read: (bytes: Uint8Array) => fromBinary(input as DescMessage, bytes) as MessageShape<(typeof SparkConnectService.method)[K]['input']>,
    call: async (calls: Calls, request: object, signal: AbortSignal): Promise<Uint8Array> => {
      const answer = await calls.unary(
        (options) => (calls.client[name] as (r: object, o: CallOptions) => Promise<object>)(request, options),
        signal,
      );
      return toBinary(output as DescMessage, answer as MessageShape<DescMessage>);
    },
  };
}

/** A signal of a call's own that aborts with the caller's, until it is released: what listens to it goes with the call. */
function linked(callers?: AbortSignal): { signal: AbortSignal; release: () => void } {
  const own = new AbortController();
  const abort = () => own.abort(callers?.reason);
  if (callers?.aborted) abort();
  callers?.addEventListener('abort', abort, { once: true });
  return { signal: own.signal, release: () => callers?.removeEventListener('abort', abort) };
}

/** Waits before a call is made again: twice as long each time. */
function pause(failed: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failed - 1));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const abort = () => {
      clearTimeout(timer);
      reject(new ConnectError('cancelled', Code.Canceled));
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}
