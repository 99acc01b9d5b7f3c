// Where the pages of a case live: storage that no other case shares.
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchIn } from '../../src/js/scripts/browser.mjs';

export const FLAGS = [
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

/** A context of the browser that all cases share. */
export class OwnContext {
  constructor(browser) {
    this.browser = browser;
  }
  async open() {
    this.context = await this.browser.newContext();
    return this.context;
  }
  close() {
    return this.context?.close();
  }
}

/** A browser that can be killed: its storage is in a folder, and outlives it. */
export class OwnBrowser {
  folder = mkdtempSync(join(tmpdir(), 'rivulet-chaos-'));

  async open() {
    this.context = await launchIn(this.folder, FLAGS);
    return this.context;
  }
  /** Kills the browser's process, as the system does for want of memory. */
  async kill() {
    const closed = new Promise((go) => this.context.once('close', go));
    // The lock of a folder is a link to `host-process`.
    process.kill(Number(readlinkSync(join(this.folder, 'SingletonLock')).split('-').at(-1)), 'SIGKILL');
    await closed;
  }
  async close() {
    await this.context?.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
