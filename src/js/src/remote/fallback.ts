import { fromBinary } from '@bufbuild/protobuf';
import type { Backend, OpenRemote } from '../cluster/backend.js';
import {
  ConfigRequestSchema,
  type ExecutePlanRequest,
  ExecutePlanRequestSchema,
  ExecutePlanResponseSchema,
} from '../generated/remote/spark/connect/base_pb.js';
import type { FromDriver, ToDriver, WireError } from '../protocol.js';
import { addressOf } from './address.js';

/** Conditions of errors that say that a query is too large for this page, or that the engine does not have what it asks for. */
const REFUSALS = [
  /^UNSUPPORTED_FEATURE\.RIVULET/,
  /^RIVULET_(EXECUTION_MEMORY|MAX_RESULT_SIZE|OUT_OF_MEMORY|PLAN_TOO_DEEP|STATE_TOO_LARGE|TIMEOUT)$/,
];
/** Statements that later ones depend on, and that change nothing but the session. */
const OF_SESSION = /^\s*(create\s+(or\s+replace\s+)?(global\s+)?temp(orary)?\s+view|drop\s+view|set)\s/i;
/** Settings that are about this page. */
const OF_PAGE = /^spark\.(rivulet\.|driver\.maxResultSize$|app\.name$|master$)/;

type Request = Extract<ToDriver, { t: 'req' }>;
type File = Extract<ToDriver, { t: 'file' }>;

/** A call whose answer is still to come. */
interface Call {
  request: Request;
  /** What kind of call it is. */
  kind: 'query' | 'session';
  /** Whether the page has had a part of its result. */
  isAnswered: boolean;
}

/**
 * The page's engine, and a Spark cluster: a query that the engine refuses, for its size or for what it asks, is sent there
 * (`spark.rivulet.fallbackRemote`). The cluster is asked for the first time then, and has the settings, temporary views and files of
 * the session by then. Streams stay in the page: a query that has started is where its state is.
 */
export class Fallback implements Backend {
  /** Calls that may still be sent to the cluster, by id. */
  readonly #calls = new Map<number, Call>();
  /** Calls that the cluster answers, and the error of the page's engine. */
  readonly #sent = new Map<number, WireError>();
  /** What the cluster's session must have and does not have yet, in order: settings, views and statements. */
  readonly #session: Request[] = [];
  /** Files of the page that a plan may read, by path. */
  readonly #files = new Map<string, File>();
  /** The cluster, once it was asked. */
  #remote: Backend | undefined;
  /** What brings it there, so far. */
  #brought: Promise<void> = Promise.resolve();
  /** Calls that do, and what waits for each; their ids are negative, which none of the page's is. */
  readonly #own = new Map<number, () => void>();
  #last = 0;

  constructor(
    private readonly local: Backend,
    private readonly open: (receive: (message: FromDriver) => void) => Backend,
    private readonly tell: (message: FromDriver) => void,
    private readonly address: string,
  ) {}

  get executors(): number[] {
    return this.local.executors;
  }

  kill(executor: number): boolean {
    return this.local.kill(executor);
  }

  heapBytes(): Promise<Record<string, number>> {
    return this.local.heapBytes();
  }

  stop(): void {
    this.local.stop();
    this.#remote?.stop();
  }

  post(message: ToDriver, transfer?: Transferable[]): void {
    switch (message.t) {
      case 'req':
        this.#note(message);
        break;
      case 'cancel':
      case 'taken':
        if (this.#sent.has(message.id)) {
          if (message.t === 'cancel') this.#sent.delete(message.id);
          return this.#remote?.post(message);
        }
        if (message.t === 'cancel') this.#calls.delete(message.id);
        break;
      case 'file':
        if (message.blob) this.#files.set(message.path, message);
        else this.#files.delete(message.path);
        this.#remote?.post(message);
        break;
    }
    this.local.post(message, transfer);
  }

  /** Takes a message of the page's engine. */
  receive(message: FromDriver): void {
    const call = 'id' in message ? this.#calls.get(message.id) : undefined;
    if (!call || !('id' in message)) return this.tell(message);
    switch (message.t) {
      case 'res':
        call.isAnswered ||= call.request.method !== 'ExecutePlan' || isResult(message.bytes);
        break;
      case 'end':
        this.#calls.delete(message.id);
        if (call.kind === 'session') this.#session.push(call.request);
        break;
      case 'err':
        this.#calls.delete(message.id);
        if (!call.isAnswered && isRefusal(message.error)) return this.#send(call.request, message.error);
        break;
    }
    this.tell(message);
  }

  /** Keeps a call that could be sent, or that later ones depend on. Its bytes are copied, as those that are posted move. */
  #note(request: Request): void {
    const kind = kindOf(request);
    if (kind) this.#calls.set(request.id, { request: { ...request, bytes: request.bytes.slice() }, kind, isAnswered: false });
  }

  /** Sends a call to the cluster, after what its session must have. */
  #send(request: Request, refusal: WireError): void {
    const named = refusal.condition ?? refusal.exception;
    console.info(`[rivulet] ${named}: the query runs on ${this.address.split('/;')[0]} (spark.rivulet.fallbackRemote)`);
    this.#sent.set(request.id, refusal);
    const remote = this.#opened();
    this.#brought = this.#brought.then(() => this.#bring(remote));
    void this.#brought.then(() => this.#sent.has(request.id) && remote.post(request));
  }

  /** Returns the cluster, which has the files of the page from now on. */
  #opened(): Backend {
    if (this.#remote) return this.#remote;
    const remote = this.open((message) => this.#answered(message));
    for (const file of this.#files.values()) remote.post(file);
    this.#remote = remote;
    return remote;
  }

  /** Brings what the session must have to the cluster, one after the other. */
  async #bring(remote: Backend): Promise<void> {
    for (const { method, bytes } of this.#session.splice(0)) {
      const id = --this.#last;
      const done = new Promise<void>((go) => this.#own.set(id, go));
      remote.post({ t: 'req', id, method, bytes });
      await done;
    }
  }

  /** Takes a message of the cluster. */
  #answered(message: FromDriver): void {
    if (!('id' in message)) return;
    const own = this.#own.get(message.id);
    // Settings and views that the cluster does not take fail where they are used.
    if (own && (message.t === 'end' || message.t === 'err')) {
      this.#own.delete(message.id);
      own();
    }
    if (!this.#sent.has(message.id)) return;
    const refusal = this.#sent.get(message.id) as WireError;
    if (message.t === 'end' || message.t === 'err') this.#sent.delete(message.id);
    if (message.t === 'err' && message.error.condition?.startsWith('RIVULET_REMOTE')) {
      // Why the page's engine did not run it is what the caller must know, too.
      const text = `${refusal.message} And the cluster of spark.rivulet.fallbackRemote: ${message.error.message}`;
      return this.tell({ ...message, error: { ...refusal, message: text } });
    }
    this.tell(message);
  }
}

const isRefusal = ({ condition }: WireError) => condition !== null && REFUSALS.some((pattern) => pattern.test(condition));

/** Whether a response has a part of the result: before it come the schema, and what is known of the progress. */
function isResult(bytes: Uint8Array): boolean {
  const { case: kind } = fromBinary(ExecutePlanResponseSchema, bytes).responseType;
  return kind !== undefined && kind !== 'executionProgress';
}

/** Returns what a call is: one that can be sent elsewhere, one that later calls depend on, or neither. */
function kindOf({ method, bytes }: Request): Call['kind'] | undefined {
  if (method === 'AnalyzePlan') return 'query';
  if (method === 'Config') {
    const { operation } = fromBinary(ConfigRequestSchema, bytes);
    const pairs = operation?.opType.case === 'set' ? operation.opType.value.pairs : [];
    return pairs.some(({ key }) => !OF_PAGE.test(key)) || operation?.opType.case === 'unset' ? 'session' : undefined;
  }
  return method === 'ExecutePlan' ? kindOfPlan(fromBinary(ExecutePlanRequestSchema, bytes)) : undefined;
}

function kindOfPlan({ plan }: ExecutePlanRequest): Call['kind'] | undefined {
  if (plan?.opType.case === 'root') return 'query';
  const command = plan?.opType.case === 'command' ? plan.opType.value.commandType : undefined;
  if (command?.case === 'createDataframeView') return 'session';
  if (command?.case !== 'sqlCommand') return undefined;
  const { input } = command.value;
  const text = input?.relType.case === 'sql' ? input.relType.value.query : command.value.sql;
  return OF_SESSION.test(text) ? 'session' : /^\s*(select|with|from|values|table|\()/i.test(text) ? 'query' : undefined;
}

/** Returns what joins a cluster to an engine; throws RIVULET_REMOTE_ADDRESS for what is not a connection string. */
export const fallbackBy = (openRemote: OpenRemote) => (address: string) => {
  addressOf(address);
  return (local: Backend, tell: (message: FromDriver) => void) =>
    new Fallback(local, (receive) => openRemote(address, receive), tell, address);
};
