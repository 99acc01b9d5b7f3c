// The system's Chromium, driven by playwright-core; RIVULET_BROWSER=firefox or webkit has another in its place.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { CHROMIUM, CHROMIUM_FLAGS } from './paths.mjs';

function options(extra) {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: install Chromium (apt-get install chromium) or set RIVULET_CHROMIUM`);
  return { executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS, ...extra] };
}

/** Launches the browser; the error without one says what to install. */
export async function launch(extra = []) {
  const name = process.env.RIVULET_BROWSER ?? 'chromium';
  if (name === 'firefox') return (await import('./browsers/firefox.mjs')).launch();
  if (name === 'webkit') return (await import('./browsers/webkit.mjs')).launch();
  if (name !== 'chromium') throw new Error(`RIVULET_BROWSER=${name}: chromium, firefox or webkit`);
  return chromium.launch(options(extra));
}

/** Launches a browser that keeps its storage in a folder; returns its only context. */
export async function launchIn(folder, extra = []) {
  return chromium.launchPersistentContext(folder, options(extra));
}

/** Writes a page's console and errors to this console. */
export function echo(page, prefix = 'page') {
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') console.log(`${prefix}: ${message.text()}`);
  });
  page.on('pageerror', (error) => console.log(`${prefix}: ${error.stack ?? error.message}`));
}
