// A contender in a browser of its own, and what its page's process has used.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { launch } from '../../src/js/scripts/browser.mjs';

const FLAGS = [
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--js-flags=--expose-gc --max-old-space-size=4096',
];
const TIMEOUT_MS = 240_000;

/** Reads a file of /proc; undefined on other systems and for what has ended. */
function proc(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}

const threadsOf = (pid) => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

/** A browser with one page, and the figures of its renderer: all threads of the page, its workers included. */
export class Tab {
  static async open(url, flags = []) {
    const browser = await launch([...FLAGS, ...flags]);
    const page = await browser.newPage();
    const tab = new Tab(browser, page);
    page.on('pageerror', (error) => tab.errors.push(error.message));
    await page.goto(url);
    await page.waitForFunction(() => Boolean(globalThis.bench), undefined, { timeout: TIMEOUT_MS });
    // Only Chromium says which processes are its pages'.
    const session = await browser.newBrowserCDPSession?.();
    const processes = await session?.send('SystemInfo.getProcessInfo');
    tab.renderers = processes?.processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id) ?? [];
    return tab;
  }

  errors = [];

  constructor(browser, page) {
    this.browser = browser;
    this.page = page;
  }

  /** Calls a function of the page's `bench`. */
  async call(name, ...args) {
    let late;
    const timeout = new Promise((_, reject) => {
      late = setTimeout(() => reject(new Error(`${name} takes longer than ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
    });
    try {
      return await Promise.race([this.page.evaluate(([what, list]) => globalThis.bench[what](...list), [name, args]), timeout]);
    } catch (error) {
      throw new Error([error.message.split('\n')[0], ...this.errors].join('; '), { cause: error });
    } finally {
      clearTimeout(late);
    }
  }

  /** Seconds of CPU that threads which still run have used; NaN where the system does not count them. */
  cpuSeconds() {
    const threads = this.renderers.flatMap((pid) => threadsOf(pid).map((thread) => proc(`${pid}/task/${thread}/schedstat`)));
    return threads.length > 0 ? threads.reduce((sum, stat) => sum + Number(stat?.split(' ')[0] ?? 0), 0) / 1e9 : Number.NaN;
  }

  /** The most memory in bytes that was resident since `resetPeak`. */
  peakBytes() {
    const peaks = this.renderers.map((pid) => 1_024 * Number(/VmHWM:\s+(\d+)/.exec(proc(`${pid}/status`))?.[1] ?? Number.NaN));
    return peaks.length > 0 ? Math.max(...peaks) : Number.NaN;
  }

  resetPeak() {
    for (const pid of this.renderers) {
      try {
        writeFileSync(`/proc/${pid}/clear_refs`, '5');
      } catch {
        // Other systems, or not ours to reset: the peak is that of the page's whole life.
      }
    }
  }

  close() {
    return this.browser.close();
  }
}
