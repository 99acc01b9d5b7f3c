// Firefox over WebDriver BiDi, with as much of Playwright's pages as the tests use that know no browser.
import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import { PortablePage } from './page.mjs';
import { callText, resultOf } from './wire.mjs';

const FIREFOX = process.env.RIVULET_FIREFOX ?? '/usr/bin/firefox-esr';

class Page extends PortablePage {
  constructor(page) {
    super();
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
  screenshot({ path, fullPage }) {
    return this.page.screenshot({ path, fullPage });
  }
  close() {
    return this.page.close();
  }
}

class Context {
  constructor(context, settings = {}) {
    Object.assign(this, { context, settings });
  }
  async newPage(settings = {}) {
    const page = await this.context.newPage();
    const { viewport } = { ...this.settings, ...settings };
    if (viewport) await page.setViewport(viewport);
    return new Page(page);
  }
  close() {
    return this.context.close();
  }
}

/** Preferences of a visitor who wants a theme or nothing that moves. */
const preferences = ({ colorScheme, reducedMotion }) => ({
  ...(colorScheme && { 'layout.css.prefers-color-scheme.content-override': colorScheme === 'dark' ? 0 : 1 }),
  ...(reducedMotion === 'reduce' && { 'ui.prefersReducedMotion': 1 }),
});

const start = (settings) =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    protocolTimeout: 600_000,
    extraPrefsFirefox: preferences(settings),
  });

/** Launches the browser; the error without one says what to install. A context whose visitor has wishes is a browser of its own. */
export async function launch() {
  if (!existsSync(FIREFOX)) throw new Error(`${FIREFOX} is missing: install Firefox (apt-get install firefox-esr) or set RIVULET_FIREFOX`);
  const browser = await start({});
  const others = [];
  const newContext = async (settings = {}) => {
    if (Object.keys(preferences(settings)).length === 0) return new Context(await browser.createBrowserContext(), settings);
    others.push(await start(settings));
    return new Context(others.at(-1), settings);
  };
  const close = async () => {
    for (const one of [...others, browser]) await one.close();
  };
  return Object.assign(new Context(browser), { newContext, close });
}
