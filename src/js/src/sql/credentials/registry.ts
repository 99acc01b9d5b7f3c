/** Functions of the page that return credentials, and the workers' questions to them. */
import { IllegalArgumentException, SparkTypeError, stackWithCondition, UnsupportedOperationException } from '../../errors.js';
import type { CredentialsAnswer, CredentialsGone, CredentialsWanted } from '../../protocol.js';
import { described, kindOf } from '../../values/misfit.js';
import { type AwsCredentials, checked, type HeaderCredentials, Unusable } from './returned.js';

/** What a function that returns credentials is called with. */
export interface CredentialsRequest {
  /** The name under which the function is registered. */
  readonly name: string;
  /** The format that needs them: headers for `kafka`, keys for `aws-kinesis`. */
  readonly system: 'kafka' | 'aws-kinesis';
  /** The server that they are for: `kafka.bridge.url`, or the endpoint of Kinesis. */
  readonly url: string;
  /** Why: none are known, those that are known expire soon, or the server has refused them. */
  readonly reason: 'first' | 'expiring' | 'refused';
  /** Aborted when nobody waits any longer: the time is over, or the function is not registered any more. */
  readonly signal: AbortSignal;
}

/** Returns credentials: headers for Kafka's HTTP servers, keys for Kinesis. */
export type CredentialsFunction = (
  request: CredentialsRequest,
) => HeaderCredentials | AwsCredentials | Promise<HeaderCredentials | AwsCredentials>;

/** How a function that returns credentials is called. */
export interface CredentialsOptions {
  /** How long it may take, ms; 30000 by default. */
  timeoutMs?: number;
}

/** What the functions need of the session. @internal */
export interface CredentialsHost {
  /** Calls `work` after `inMs` ms, whether or not the page is in the background; returns what cancels that. */
  alarm(inMs: number, work: () => void): () => void;
  /** Posts to all workers. */
  postToAll(message: CredentialsGone): void;
  /** Whether the session runs on a Spark cluster. */
  isRemote(): boolean;
  /** The time, ms since the epoch. */
  now(): number;
}

/** How long a function may take, ms. */
const TIMEOUT_MS = 30_000;

/** What a function has returned, or why it failed. */
type Outcome = Omit<CredentialsAnswer, 't' | 'id'>;

/** One function. */
interface Registered {
  call: CredentialsFunction;
  timeoutMs: number;
  /** Aborted when the function is not registered any more. */
  gone: AbortController;
  /** What it has returned last, by system and server. */
  kept: Map<string, Outcome>;
  /** The calls that are underway or wait, by system and server. */
  running: Map<string, Promise<Outcome | undefined>>;
  /** Settles when the last of them is over: one runs at a time. */
  last: Promise<unknown>;
}

/**
 * Functions of the page that return credentials for other systems, by name: `spark.credentials`. Options name them:
 * `kafka.bridge.credentials` and `kinesis.credentials`. What they return stays in memory, and is never written.
 */
export class Credentials {
  readonly #functions = new Map<string, Registered>();
  #serial = 0;

  /** @internal */
  constructor(private readonly host: CredentialsHost) {}

  /**
   * Registers a function under a name, in place of another of that name. It is called when a query first needs credentials, shortly
   * before they expire (after five minutes if they do not say when), and once more when a server refuses them. All workers share
   * what it returns, and it is never called twice at the same time. If it throws, takes too long or returns something else, the
   * query ends with an error whose condition begins with `RIVULET_CREDENTIALS`.
   * @example
   * ```ts
   * const logIn = async (_server: string) => ({ token: 'abc', seconds: 3_600 });
   * spark.credentials.register('orders', async ({ url }) => {
   *   const { token, seconds } = await logIn(url);
   *   return { headers: { Authorization: `Bearer ${token}` }, expiresAt: Date.now() + 1_000 * seconds };
   * });
   * const orders = spark.readStream
   *   .format('kafka')
   *   .option('kafka.bridge.url', 'https://kafka.example')
   *   .option('kafka.bridge.credentials', 'orders')
   *   .option('subscribe', 'orders');
   * (await orders.load().columns()).slice(0, 2); // → ['key', 'value']
   * ```
   */
  register(name: string, call: CredentialsFunction, { timeoutMs = TIMEOUT_MS }: CredentialsOptions = {}): void {
    if (this.host.isRemote())
      throw new UnsupportedOperationException(
        'A Spark cluster does not ask a page for credentials: set them where its executors run, or as options of the source',
        { condition: 'RIVULET_NOT_ON_A_CLUSTER' },
      );
    checkName(name);
    if (typeof call !== 'function')
      throw new SparkTypeError(`spark.credentials.register('${name}', …) needs a function, got ${described(call)} (${kindOf(call)})`);
    if (!Number.isFinite(timeoutMs) || timeoutMs <= 0)
      throw new IllegalArgumentException(
        `timeoutMs of spark.credentials.register('${name}', …) must be a positive number, got ${described(timeoutMs)}`,
      );
    this.unregister(name);
    const [kept, running] = [new Map(), new Map()];
    this.#functions.set(name, { call, timeoutMs, gone: new AbortController(), kept, running, last: Promise.resolve() });
  }

  /**
   * Takes a function back, with all that it has returned; returns whether there was one. A query that needs it again ends with
   * the error `RIVULET_CREDENTIALS.NOT_REGISTERED`.
   */
  unregister(name: string): boolean {
    const found = this.#functions.get(name);
    if (!found) return false;
    this.#functions.delete(name);
    found.gone.abort();
    this.host.postToAll({ t: 'credentialsGone', name });
    return true;
  }

  /** Ends all calls: the session is over. @internal */
  stop(): void {
    for (const { gone } of this.#functions.values()) gone.abort();
    this.#functions.clear();
  }

  /** Answers a worker's question by `post`, never after the worker heard that the function is gone. @internal */
  async answer(wanted: CredentialsWanted, post: (answer: CredentialsAnswer) => void): Promise<void> {
    for (;;) {
      const found = this.#functions.get(wanted.name);
      const outcome = found ? await this.#of(found, wanted) : this.#notRegistered(wanted);
      // Nothing is known if the function was taken back, or replaced, in the meantime.
      if (outcome && found === this.#functions.get(wanted.name)) return post({ t: 'credentials', id: wanted.id, ...outcome });
    }
  }

  /** What is kept of a function and is of use, or what it returns now. */
  async #of(found: Registered, wanted: CredentialsWanted): Promise<Outcome | undefined> {
    const key = `${wanted.system} ${wanted.url}`;
    const kept = found.kept.get(key);
    if (kept && kept.serial > wanted.refused && this.host.now() < kept.untilMs) return kept;
    let running = found.running.get(key);
    if (!running) {
      running = found.last.then(() => this.#call(found, wanted));
      found.last = running;
      found.running.set(key, running);
      void running.then((outcome) => {
        found.running.delete(key);
        if (outcome && !outcome.error) found.kept.set(key, outcome);
        else found.kept.delete(key);
      });
    }
    return running;
  }

  /** Calls a function; undefined if it is taken back in the meantime. */
  async #call(found: Registered, wanted: CredentialsWanted): Promise<Outcome | undefined> {
    const { gone, timeoutMs } = found;
    if (gone.signal.aborted) return undefined;
    const { name, system, url, reason } = wanted;
    const askedMs = this.host.now();
    const late = new AbortController();
    let cancel = () => {};
    const signal = AbortSignal.any([gone.signal, late.signal]);
    try {
      cancel = this.host.alarm(timeoutMs, () => late.abort());
      const request = { name, system, url, reason, signal } as CredentialsRequest;
      const returned = await Promise.race([aborted(signal), (async () => found.call(request))()]);
      if (gone.signal.aborted) return undefined;
      if (late.signal.aborted) return this.#failed('TIMED_OUT', `does not return within ${timeoutMs} ms`, wanted);
      return { serial: ++this.#serial, askedMs, ...checked(system, returned, this.host.now()) };
    } catch (error) {
      if (gone.signal.aborted) return undefined;
      if (error instanceof Unusable) return this.#failed('INVALID', error.message, wanted);
      return this.#failed('THREW', `threw ${worded(error)}`, wanted, error);
    } finally {
      cancel();
    }
  }

  #notRegistered(wanted: CredentialsWanted): Outcome {
    return this.#failed('NOT_REGISTERED', 'is not registered: call spark.credentials.register() before the query starts', wanted);
  }

  /** The error of a function, which names it, its option, and what is wrong. */
  #failed(kind: string, what: string, { name, option, url }: CredentialsWanted, cause?: unknown): Outcome {
    const message = `The function '${name}', which the option ${option} names for ${url}, ${what}.`;
    const stack = cause instanceof Error ? { stack: stackWithCondition(cause) } : {};
    return { serial: 0, askedMs: 0, untilMs: 0, values: {}, error: { condition: `RIVULET_CREDENTIALS.${kind}`, message, ...stack } };
  }
}

function checkName(name: unknown): void {
  if (typeof name === 'string' && name.trim() !== '' && name === name.trim()) return;
  throw new SparkTypeError(`A function for credentials needs a name without spaces around it, got ${described(name)} (${kindOf(name)})`);
}

/** Resolves when a signal is aborted. */
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const worded = (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : described(thrown));
