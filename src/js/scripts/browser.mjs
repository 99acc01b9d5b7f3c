// The system's Chromium, driven by playwright-core.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { CHROMIUM, CHROMIUM_FLAGS } from './paths.mjs';

/** Launches the browser; the error without one says what to install. */
export async function launch(extra = []) {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: install Chromium (apt-get install chromium) or set RIVULET_CHROMIUM`);
  return chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS, ...extra] });
}

/** Writes a page's console and errors to this console. */
export function echo(page, prefix = 'page') {
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') console.log(`${prefix}: ${message.text()}`);
  });
  page.on('pageerror', (error) => console.log(`${prefix}: ${error.stack ?? error.message}`));
}
