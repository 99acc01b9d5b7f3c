import type { Assets } from '../cluster/load.js';
import { IllegalArgumentException } from '../errors.js';
import { settingText } from './option.js';
import { SparkSession } from './session.js';

let active: Promise<SparkSession> | undefined;

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
   * or engine cannot be loaded, INVALID_CONF_VALUE for a value that a setting cannot have.
   * @example
   * ```ts
   * const same = await SparkSession.builder.config('spark.sql.shuffle.partitions', 2).getOrCreate();
   * same.isStopped; // → false
   * ```
   */
  async getOrCreate(): Promise<SparkSession> {
    // Whoever asks while a session starts waits for that one.
    for (let known = active; known; known = active === known ? undefined : active) {
      const existing = await known.catch(() => undefined);
      if (!existing || existing.isStopped) continue;
      const pairs = Object.entries(this.#conf).filter(([key]) => key !== 'spark.master' && key !== 'spark.app.name');
      for (const [key, value] of pairs) await existing.conf.set(key, value);
      return existing;
    }
    active = this.create();
    return active;
  }

  /**
   * Starts a session with workers of its own, whatever runs already. Throws as {@link getOrCreate}.
   * @example
   * ```ts
   * const own = await SparkSession.builder.master('local[1]').create();
   * const three = await own.range(3).count();
   * await own.stop();
   * three; // → 3
   * ```
   */
  async create(): Promise<SparkSession> {
    const master = this.#conf['spark.master'] ?? 'local[*]';
    return SparkSession.start(executorsOf(master), { 'spark.app.name': 'rivulet', ...this.#conf, 'spark.master': master }, this.#assets);
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
