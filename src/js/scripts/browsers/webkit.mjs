// WebKit (GTK) over WebDriver, with as much of Playwright's pages as the tests use that know no browser. A driver has one session, a
// session does one thing at a time: what a page does is begun, and asked for until it is there.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortablePage } from './page.mjs';
import { callText, resultOf, waitUntil } from './wire.mjs';

const DRIVER = process.env.RIVULET_WEBKIT ?? '/usr/bin/WebKitWebDriver';
const MINI_BROWSERS = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`);
// What Safari has and this browser leaves off: the origin's storage and its private file system.
const FEATURES = ['StorageAPI', 'StorageAPIEstimate', 'FileSystem'].map((name) => `+${name}`).join();
// Without a language the browser says that its own is C, which Intl refuses.
const ENV = {
  WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  LIBGL_ALWAYS_SOFTWARE: '1',
  LANG: 'en_US.UTF-8',
};

/** A port that nobody listens at. */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** A driver with its session. */
class Session {
  /** Commands come one after the other. */
  #last = Promise.resolve();

  /** `colorScheme` and `reducedMotion` are the visitor's, who has them from the desktop. */
  static async start({ colorScheme, reducedMotion } = {}) {
    const session = new Session();
    session.desktop = mkdtempSync(join(tmpdir(), 'rivulet-webkit-'));
    mkdirSync(join(session.desktop, 'gtk-3.0'));
    const moves = Number(reducedMotion !== 'reduce');
    writeFileSync(join(session.desktop, 'gtk-3.0/settings.ini'), `[Settings]\ngtk-enable-animations=${moves}\n`);
    const port = await freePort();
    session.url = `http://127.0.0.1:${port}`;
    session.driver = spawn('xvfb-run', ['-a', DRIVER, `--port=${port}`], {
      env: { ...process.env, ...ENV, XDG_CONFIG_HOME: session.desktop, GTK_THEME: colorScheme === 'dark' ? 'Adwaita:dark' : 'Adwaita' },
      stdio: 'ignore',
      detached: true,
    });
    await waitUntil(() =>
      fetch(`${session.url}/status`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    const binary = MINI_BROWSERS.find(existsSync);
    const options = { 'webkitgtk:browserOptions': { binary, args: ['--automation', `--features=${FEATURES}`] } };
    const { sessionId, capabilities } = await session.#send('POST', '/session', { capabilities: { alwaysMatch: options } });
    session.path = `/session/${sessionId}`;
    session.version = capabilities.browserVersion;
    // Windows are opened from this one, which stays.
    session.first = await session.command('GET', '/window');
    await session.command('POST', '/timeouts', { script: 600_000, pageLoad: 120_000 });
    return session;
  }

  async #send(method, path, body) {
    const response = await fetch(this.url + path, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (value?.error) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }

  /** Does something in a window, or in none. */
  command(method, path, body, window) {
    const run = async () => {
      if (window !== undefined) await this.#send('POST', `${this.path}/window`, { handle: window });
      return this.#send(method, this.path + path, body);
    };
    const done = this.#last.then(run, run);
    this.#last = done.catch(() => {});
    return done;
  }

  async end() {
    await this.command('DELETE', '').catch(() => {});
    try {
      process.kill(-this.driver.pid);
    } catch {
      // It has ended.
    }
    rmSync(this.desktop, { recursive: true, force: true });
  }
}

class Page extends PortablePage {
  #calls = 0;
  constructor(session, window) {
    super();
    Object.assign(this, { session, window });
  }
  /** What a page says is not heard here. */
  on() {}
  #do(method, path, body) {
    return this.session.command(method, path, body, this.window);
  }
  async goto(url) {
    await this.#do('POST', '/url', { url });
    await this.#loaded();
  }
  /** The driver answers before all scripts have run. */
  #loaded() {
    return waitUntil(() => this.#run("return document.readyState === 'complete' || null;"), { timeout: 120_000 });
  }
  async reload() {
    await this.#do('POST', '/refresh', {});
    await this.#loaded();
  }
  #run(script) {
    return this.#do('POST', '/execute/sync', { script, args: [] });
  }
  async evaluate(f, arg) {
    const name = `rivuletCall${this.#calls++}`;
    await this.#run(`${callText(f, arg)}.then((text) => { window.${name} = text; });`);
    return resultOf(await waitUntil(() => this.#run(`return window.${name} ?? null;`), { timeout: 600_000 }));
  }
  resize({ width, height }) {
    return this.#do('POST', '/window/rect', { width, height });
  }
  close() {
    return this.#do('DELETE', '/window');
  }
}

class Context {
  constructor(session, settings = {}) {
    Object.assign(this, { session, settings });
  }
  async newPage(settings = {}) {
    const { handle } = await this.session.command('POST', '/window/new', { type: 'window' }, this.session.first);
    const page = new Page(this.session, handle);
    const { viewport } = { ...this.settings, ...settings };
    if (viewport) await page.resize(viewport);
    return page;
  }
  close() {
    return this.session.end();
  }
}

/** Launches the browser; the error without one says what to install. */
export async function launch() {
  if (!existsSync(DRIVER))
    throw new Error(`${DRIVER} is missing: install WebKit's driver (apt-get install webkit2gtk-driver xvfb) or set RIVULET_WEBKIT`);
  const own = new Context(await Session.start());
  const others = [];
  const newContext = async (settings = {}) => {
    const context = new Context(await Session.start(settings), settings);
    others.push(context);
    return context;
  };
  const close = async () => {
    for (const context of [...others, own]) await Context.prototype.close.call(context);
  };
  return Object.assign(own, { newContext, close });
}
