// Every page of the site in light and dark and on a phone: it starts, fits, axe finds nothing, and the console stays empty.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { launch } from '../../src/js/scripts/browser.mjs';
import { assembleSite } from '../../src/js/scripts/demo/site.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { faults, STARTED } from './pages.mjs';

const folder = assembleSite();
/** Of the reference's pages, which are laid out alike, the longest and a module's. */
const OF_REFERENCE = ['api/Functions.html', 'api/rivulet-ml.html'];
const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.html') && (!name.startsWith('api/') || OF_REFERENCE.includes(name)))
  .sort();
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  'on a phone': { colorScheme: 'light', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
let browser;
let site;
before(async () => {
  site = await serve(folder);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.server.close();
  site?.server.closeAllConnections();
});

for (const [look, settings] of Object.entries(LOOKS))
  describe(look, () => {
    let context;
    before(async () => {
      // What fades in has no contrast yet.
      context = await browser.newContext({ reducedMotion: 'reduce', ...settings });
    });
    after(() => context?.close());

    for (const path of pages)
      test(path, async () => {
        const page = await context.newPage();
        const said = [];
        page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
        page.on('pageerror', (error) => said.push(`pageerror: ${error.message}`));
        await page.goto(`${site.url}/${path}`);
        if (STARTED[path]) await page.waitForFunction(STARTED[path], null, { timeout: 60_000 });
        const [width, view, theme, headings] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          document.documentElement.clientWidth,
          document.documentElement.dataset.theme,
          document.querySelectorAll('h1').length,
        ]);
        assert.ok(width <= view, `${width} px of content in ${view} px`);
        assert.equal(theme, settings.colorScheme);
        assert.equal(headings, 1);
        // WebKit's driver hangs where a page has canvases, Firefox refuses 65,536 pixels.
        if (process.env.RIVULET_SCREENSHOTS)
          await page.screenshot?.({
            path: `${process.env.RIVULET_SCREENSHOTS}/${path.replace('/', '-')}-${look.replaceAll(' ', '-')}.png`,
            fullPage: path !== 'guide/functions.html',
          });
        // Pages of the guide are laid out alike: what axe finds on one phone page it finds on all.
        const isPhone = settings.isMobile && path.startsWith('guide/') && path !== 'guide/sources.html';
        if (!isPhone) assert.deepEqual(await faults(page), []);
        assert.deepEqual(said, []);
        await page.close();
      });
  });
