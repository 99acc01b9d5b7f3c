// One Chromium and one plain static server (no special headers) for a file of tests.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG, ROOT } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';

export const HERE = dirname(fileURLToPath(import.meta.url));
export { PKG, ROOT };

/** For tests that ask what only playwright knows of a page. */
export const CHROMIUM_ONLY = ['chromium', undefined].includes(process.env.RIVULET_BROWSER) ? {} : { skip: 'Chromium only' };

/** For tests whose page has files of its own: WebKit is driven in a private window, which refuses them; checkpoints are in IndexedDB there. */
export const PRIVATE_FILES = process.env.RIVULET_BROWSER === 'webkit' ? { skip: 'a private window has no private file system' } : {};

/**
 * Gives the tests of a file a browser and a server; `open()` gives a fresh page that can `import('rivulet')`. Pages of one browser
 * context share the origin's storage.
 */
export function browser({ headers, types, mounts = {}, flags = [], answer } = {}) {
  const shared = { pages: [] };
  before(async () => {
    if (!existsSync(join(PKG, 'dist/worker.js'))) throw new Error(`${PKG} has no package: run ./build.sh build first`);
    const all = { '/pkg/': PKG, '/tests/': HERE, '/www/': join(ROOT, 'www'), ...mounts };
    Object.assign(shared, await serve(resolve(HERE, 'page'), { mounts: all, headers, types, answer }));
    shared.browser = await launch(flags);
  });
  after(async () => {
    await shared.browser?.close();
    shared.server?.close();
    // Answers that hang, on purpose, would keep it open.
    shared.server?.closeAllConnections();
  });
  shared.open = async (path = '/blank.html', context = shared.browser) => {
    const page = await context.newPage();
    page.said = [];
    page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => page.said.push(`pageerror: ${error.message}`));
    await page.goto(shared.url + path);
    return page;
  };
  return shared;
}

/** Runs `f` in a fresh page and closes it; what the page said is shown when it fails. */
export async function inPage(shared, f, arg) {
  const page = await shared.open();
  try {
    return await page.evaluate(f, arg);
  } catch (error) {
    error.message += `\n  the page said:\n  ${page.said.slice(-20).join('\n  ')}`;
    throw error;
  } finally {
    await page.close();
  }
}
