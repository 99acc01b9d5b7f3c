// What tests of the site's pages ask, in any browser.
import { join } from 'node:path';
import { JS } from '../../src/js/scripts/paths.mjs';

const AXE = join(JS, 'node_modules/axe-core/axe.min.js');
/** Pages that start a session by themselves, and how they say that it has started. */
export const STARTED = {
  'index.html': () => window.rivuletHome?.totals.batches > 1,
  'playground.html': () => window.rivuletPlayground?.state === 'ready',
  'ui.html': () => window.rivuletUi?.state === 'running',
};

/** What axe finds, as lines. */
export async function faults(page) {
  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target} ${failureSummary}`),
  );
}
