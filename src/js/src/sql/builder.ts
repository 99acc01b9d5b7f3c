import type { Assets } from '../cluster/places.js';
import { type StartOptions, unlessAborted } from '../cluster/start_options.js';
import { IllegalArgumentException, IllegalStateException } from '../errors.js';
import { settingText } from './option.js';
import { SparkSession } from './session.js';

let active: Promise<SparkSession> | undefined;

/** The settings that say what a session runs on. */
const [MASTER, REMOTE] = ['spark.master', 'spark.remote'];

/** Gathers the settings of a session: `SparkSession.builder`. */
export class SparkSessionBuilder {
  readonly #conf: Record<string, string> = {};
  #assets: Assets = {};

  /** Sets a name, for logs. */
  appName(name: string): this {
    return this.config('spark.app.name', name);
  }
  /**
   * Sets the number of executors: `local[N]` is N; `local[*]` (the default) one less than the machine has cores, at most 8; `local`
   * one.
   */
  master(master: string): this {
    return this.config('spark.master', master);
  }
  /**
   * Runs the session on a Spark cluster, of Spark 4 or newer: `sc://host:port/;token=…` names its Spark Connect server, with the
   * parameters `token`, `use_ssl`, `user_id`, `session_id` (to share a session) and others, which become headers. A page reaches it
   * over gRPC-Web, through a gateway such as `rivulet-gateway`; Node.js over HTTP/2. What a page reads and its functions of
   * micro-batches stay in the page; datasets of JavaScript values (RDD), DStreams and functions over state are refused.
   * @example
   * ```ts
   * const open = () => SparkSession.builder.remote('sc://localhost:1').create();
   * const error = await open().catch((e: SparkError) => e);
   * error instanceof SparkError && error.condition; // → 'RIVULET_REMOTE_UNREACHABLE'
   * ```
   */
  remote(address: string): this {
    return this.config(REMOTE, address);
  }
  /** Sets a setting, such as `spark.sql.shuffle.partitions`. */
  config(key: string, value: string | number | boolean): this {
    this.#conf[key] = settingText(key, value);
    return this;
  }
  /** Says where the package's files are, if not beside the module. */
  assets(assets: Assets): this {
    this.#assets = { ...this.#assets, ...assets };
    return this;
  }

  /**
   * Returns the session that runs already or starts, with these settings added, or a new one. Throws a WorkerLoadError if worker
   * or engine cannot be loaded, RIVULET_INSECURE_CONTEXT, RIVULET_SANDBOXED or RIVULET_STORAGE_DENIED where the browser keeps from the
   * page what it needs, INVALID_CONF_VALUE for a value that a setting cannot have. A signal ends the start, or the wait for a start
   * that another call has begun. Only the call that begins a start learns of its progress.
   * @example
   * ```ts
   * const same = await SparkSession.builder.config('spark.sql.shuffle.partitions', 2).getOrCreate();
   * same.isStopped; // → false
   * ```
   */
  async getOrCreate(options: StartOptions = {}): Promise<SparkSession> {
    // Whoever asks while a session starts waits for that one.
    for (let known = active; known; known = active === known ? undefined : active) {
      const existing = await unlessAborted(
        known.catch(() => undefined),
        options.signal,
      );
      if (!existing || existing.isStopped) continue;
      this.#checkPlace();
      if (this.#conf[REMOTE] !== undefined && !existing.isRemote) {
        throw new IllegalStateException('Cannot start a remote Spark session because there is a regular Spark session already running', {
          condition: 'SESSION_ALREADY_EXIST',
        });
      }
      const pairs = Object.entries(this.#conf).filter(([key]) => ![MASTER, REMOTE, 'spark.app.name'].includes(key));
      for (const [key, value] of pairs) await existing.conf.set(key, value);
      return existing;
    }
    // Before anything is waited for: the next call finds it.
    const started = this.create(options);
    active = started;
    started.catch(() => {
      if (active === started) active = undefined;
    });
    return started;
  }

  /**
   * Starts a session with workers of its own, whatever runs already. Throws as {@link getOrCreate}.
   * @example
   * ```ts
   * const percents: (number | undefined)[] = [];
   * const own = await SparkSession.builder.master('local[1]').create({ onProgress: ({ percent }) => percents.push(percent) });
   * const three = await own.range(3).count();
   * await own.stop();
   * [three, percents.at(-1)]; // → [3, 100]
   * ```
   */
  async create(options: StartOptions = {}): Promise<SparkSession> {
    this.#checkPlace();
    const { [MASTER]: master = 'local[*]', [REMOTE]: remote, ...conf } = this.#conf;
    if (remote !== undefined) return SparkSession.connect(remote, conf, options);
    return SparkSession.start(executorsOf(master), { 'spark.app.name': 'rivulet', ...conf, [MASTER]: master }, this.#assets, options);
  }

  /** Throws where both a master and a remote are named (`SparkSession.Builder` of PySpark). */
  #checkPlace(): void {
    const { [MASTER]: master, [REMOTE]: remote } = this.#conf;
    if (master === undefined || remote === undefined) return;
    const message = `Spark Connect server and Spark master cannot be configured together: Spark master [${master}], Spark Connect [${remote.replace(/;.*/s, '')}]`;
    throw new IllegalArgumentException(message, { condition: 'CANNOT_CONFIGURE_SPARK_CONNECT_MASTER' });
  }
}

/** Number of executors that a master URL asks for. */
export function executorsOf(master: string): number {
  const cores = /^local(?:\[(\d+|\*)\])?$/.exec(master.trim());
  if (!cores || cores[1] === '0') {
    throw new IllegalArgumentException(`Could not parse Master URL: '${master}'; use local, local[N] or local[*]`, {
      condition: 'RIVULET_MASTER',
    });
  }
  if (cores[1] === '*') return Math.max(1, Math.min((globalThis.navigator?.hardwareConcurrency ?? 2) - 1, 8));
  return Number(cores[1] ?? 1);
}
