import type { ConnectClient } from '../connect/client.js';

/** Settings of a session: `spark.conf`. */
export class RuntimeConfig {
  /** @internal */
  constructor(
    private readonly client: ConnectClient,
    private readonly changed: (key: string, value: string | undefined) => void,
  ) {}

  /** Sets an entry. */
  async set(key: string, value: string | number | boolean): Promise<void> {
    await this.client.setConf({ [key]: String(value) });
    this.changed(key, String(value));
  }
  /** The value of an entry, or `fallback`; without a fallback an unknown key is an error. */
  async get(key: string, fallback?: string): Promise<string> {
    return (await this.client.getConf([key], fallback))[0] ?? fallback ?? '';
  }
  /** All entries. */
  async getAll(): Promise<Record<string, string>> {
    return this.client.allConf();
  }
  /** Back to the default. */
  async unset(key: string): Promise<void> {
    await this.client.unsetConf([key]);
    this.changed(key, undefined);
  }
}
