// Firefox over WebDriver BiDi, with as much of Playwright's pages as the tests use that know no browser.
import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import { callText, handleOf, resultOf, waitUntil } from './wire.mjs';

const FIREFOX = process.env.RIVULET_FIREFOX ?? '/usr/bin/firefox-esr';

class Page {
  constructor(page) {
    this.page = page;
  }
  on(event, listener) {
    this.page.on(event, (message) => listener(message.type ? { type: () => message.type(), text: () => message.text() } : message));
  }
  goto(url) {
    return this.page.goto(url);
  }
  reload() {
    return this.page.reload();
  }
  url() {
    return this.page.url();
  }
  async evaluate(f, arg) {
    return resultOf(await this.page.evaluate(callText(f, arg)));
  }
  waitForTimeout(ms) {
    return new Promise((go) => setTimeout(go, ms));
  }
  async waitForFunction(f, arg, options) {
    return handleOf(await waitUntil(() => this.evaluate(f, arg), options));
  }
  close() {
    return this.page.close();
  }
}

class Context {
  constructor(context) {
    this.context = context;
  }
  async newPage() {
    return new Page(await this.context.newPage());
  }
  close() {
    return this.context.close();
  }
}

/** Launches the browser; the error without one says what to install. */
export async function launch() {
  if (!existsSync(FIREFOX)) throw new Error(`${FIREFOX} is missing: install Firefox (apt-get install firefox-esr) or set RIVULET_FIREFOX`);
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, headless: true, protocolTimeout: 600_000 });
  return Object.assign(new Context(browser), { newContext: async () => new Context(await browser.createBrowserContext()) });
}
