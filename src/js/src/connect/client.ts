import type { Connection } from '../cluster/connection.js';
import { IllegalStateException, SparkRuntimeException } from '../errors.js';
import { InterruptRequest_InterruptType } from '../generated/spark/connect/base_pb.js';
import { uuid } from '../uuid.js';
import type { AnalyzeKind, AnalyzeResult, Command, CommandKind, ConfigOperation, ExecuteResponse, Relation } from './messages.js';

type ResponseCase = NonNullable<ExecuteResponse['responseType']['case']>;
type ResponseOf<K> = Extract<ExecuteResponse['responseType'], { case: K }>['value'];
type AnalyzeCase = NonNullable<AnalyzeResult['case']>;
type AnalysisOf<K> = Extract<AnalyzeResult, { case: K }>['value'];

/** Writes requests and reads responses. */
export type Codec = Pick<typeof import('./messages.js'), 'encode' | 'decode'>;

const CLIENT_TYPE = 'rivulet-js';

/** Spark Connect's service, typed: encodes requests and decodes responses. Knows nothing of DataFrames. */
export class ConnectClient {
  readonly sessionId = uuid();
  #nextPlanId = 0n;

  /** Without a codec nothing can be sent: a session sets it when it has loaded it. */
  constructor(
    readonly connection: Connection,
    public codec?: Codec,
  ) {}

  get #codec(): Codec {
    if (!this.codec) throw new IllegalStateException('The session has no codec yet');
    return this.codec;
  }

  /** A fresh plan id: every relation carries one, so that a column can say which relation it is of. */
  nextPlanId(): bigint {
    return this.#nextPlanId++;
  }

  #who() {
    return { sessionId: this.sessionId, userContext: { userId: 'rivulet', userName: 'rivulet' }, clientType: CLIENT_TYPE };
  }

  /** The bytes of ExecutePlan for a relation or command. */
  executeRequest(plan: { root: Relation } | { command: Command }): Uint8Array {
    const opType = 'root' in plan ? { case: 'root' as const, value: plan.root } : { case: 'command' as const, value: plan.command };
    return this.#codec.encode('ExecutePlanRequest', { ...this.#who(), operationId: uuid(), plan: { opType } });
  }

  /** Runs a plan and yields the engine's responses. */
  async *execute(plan: { root: Relation } | { command: Command }, signal?: AbortSignal): AsyncGenerator<ExecuteResponse, void, undefined> {
    for await (const bytes of this.connection.stream('ExecutePlan', this.executeRequest(plan), signal)) {
      yield this.#codec.decode('ExecutePlanResponse', bytes);
    }
  }

  /** Runs a command and returns the first response of the wanted kind, if there is one. */
  async command<K extends ResponseCase>(command: CommandKind, wanted?: K, signal?: AbortSignal): Promise<ResponseOf<K> | undefined> {
    let found: unknown;
    for await (const { responseType } of this.execute({ command: { commandType: command } }, signal)) {
      if (wanted && responseType.case === wanted) found ??= responseType.value;
    }
    return found as ResponseOf<K> | undefined;
  }

  /** AnalyzePlan: the result of the same kind as the question. */
  async analyze<K extends AnalyzeCase>(analyze: Extract<AnalyzeKind, { case: K }>, signal?: AbortSignal): Promise<AnalysisOf<K>> {
    const request = this.#codec.encode('AnalyzePlanRequest', { ...this.#who(), analyze });
    const { result } = this.#codec.decode('AnalyzePlanResponse', await this.connection.unary('AnalyzePlan', request, signal));
    if (result.case !== analyze.case)
      throw new SparkRuntimeException(`The engine answered ${analyze.case} with ${result.case ?? 'nothing'}`);
    return result.value as unknown as AnalysisOf<K>;
  }

  /** Sets configuration entries. */
  async setConf(pairs: Record<string, string>): Promise<void> {
    await this.#config({ case: 'set', value: { pairs: Object.entries(pairs).map(([key, value]) => ({ key, value })) } });
  }

  /** Values of these keys; an unknown key is the engine's error, unless `fallback` is given. */
  async getConf(keys: string[], fallback?: string | null): Promise<(string | undefined)[]> {
    const pairs = await this.#config(
      fallback === undefined
        ? { case: 'get', value: { keys } }
        : fallback === null
          ? { case: 'getOption', value: { keys } }
          : { case: 'getWithDefault', value: { pairs: keys.map((key) => ({ key, value: fallback })) } },
    );
    return keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
  }

  /** All entries. */
  async allConf(): Promise<Record<string, string>> {
    const pairs = await this.#config({ case: 'getAll', value: {} });
    return Object.fromEntries(pairs.map(({ key, value }) => [key, value ?? '']));
  }

  /** Removes entries. */
  async unsetConf(keys: string[]): Promise<void> {
    await this.#config({ case: 'unset', value: { keys } });
  }

  async #config(opType: ConfigOperation): Promise<{ key: string; value?: string | undefined }[]> {
    const request = this.#codec.encode('ConfigRequest', { ...this.#who(), operation: { opType } });
    return this.#codec.decode('ConfigResponse', await this.connection.unary('Config', request)).pairs;
  }

  /** Interrupts all running operations of the session; returns their ids. */
  async interruptAll(): Promise<string[]> {
    const request = this.#codec.encode('InterruptRequest', { ...this.#who(), interruptType: InterruptRequest_InterruptType.ALL });
    return this.#codec.decode('InterruptResponse', await this.connection.unary('Interrupt', request)).interruptedIds;
  }

  /** Releases what the engine holds for the session. */
  async release(): Promise<void> {
    await this.connection.unary('ReleaseSession', this.#codec.encode('ReleaseSessionRequest', this.#who()));
  }
}
