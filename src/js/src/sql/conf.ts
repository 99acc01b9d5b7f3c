import type { ConnectClient } from '../connect/client.js';
import { settingText } from './option.js';

/** Settings of a session: `spark.conf` (`RuntimeConfig`). */
export class RuntimeConfig {
  /** @internal */
  constructor(
    private readonly client: ConnectClient,
    private readonly changed: (key: string, value: string | undefined) => void,
  ) {}

  /** Sets an entry. Throws INVALID_CONF_VALUE for a value that the entry cannot have. */
  async set(key: string, value: string | number | boolean): Promise<void> {
    const text = settingText(key, value);
    await this.client.setConf({ [key]: text });
    this.changed(key, text);
  }
  /**
   * Returns the value of an entry, or `fallback`; without a fallback an unknown key is the error SQL_CONF_NOT_FOUND.
   * @example
   * ```ts
   * await spark.conf.set('spark.sql.session.timeZone', 'UTC');
   * await spark.conf.get('spark.sql.session.timeZone'); // → 'UTC'
   * ```
   */
  async get(key: string, fallback?: string): Promise<string> {
    return (await this.client.getConf([key], fallback))[0] ?? fallback ?? '';
  }
  /** Returns all entries that are set. */
  async getAll(): Promise<Record<string, string>> {
    return this.client.allConf();
  }
  /** Returns an entry to its default. */
  async unset(key: string): Promise<void> {
    await this.client.unsetConf([key]);
    this.changed(key, undefined);
  }
}
