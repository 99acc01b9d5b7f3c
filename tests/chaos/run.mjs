// Rounds of chaos: cases one after the other in one Chromium, until they had as many faults as asked.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG, ROOT } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { drawCase, runCase } from './case.mjs';
import { FLAGS } from './homes.mjs';

/** What to say of a case that failed. */
function story({ seed, plan, faults, failures, history, said }) {
  return [
    `FAILED: seed ${seed}, ${plan.pipeline} ${JSON.stringify({ ...plan.params, ...plan.conf, ...plan.options, slowMs: plan.slowMs })}`,
    ...failures.map((failure) => `  ${failure}`),
    '  faults:',
    ...history.map((fault) => `    ${fault}`),
    ...(said.length > 0 ? ['  pages said:', ...said.map((words) => `    ${words}`)] : []),
    // The same query and faults; at which instruction of a batch they come is the machine's business.
    `  again: ./build.sh chaos --seed ${seed} --rounds ${faults.length}`,
  ].join('\n');
}

/**
 * Runs cases of the seeds from `seed` on until they had `rounds` faults. `say` hears of each case, `stories` are of those that
 * failed, `table` sums up.
 */
export async function chaos({ seed, rounds, say = () => {} }) {
  if (!existsSync(join(PKG, 'dist/worker.js'))) throw new Error(`${PKG} has no package: run ./build.sh build first`);
  const mounts = { '/pkg/': PKG, '/chaos/': join(ROOT, 'tests/chaos/') };
  const site = await serve(join(ROOT, 'tests/browser/page'), { mounts });
  const browser = await launch(FLAGS);
  const stories = [];
  const cases = [];
  try {
    for (let left = rounds, at = seed; left > 0; at++) {
      const drawn = drawCase(at, left);
      left -= drawn.faults.length;
      const done = { ...drawn, ...(await runCase(drawn, { browser, url: site.url })) };
      cases.push(done);
      const { plan, faults, events, batches, repeated, seconds, failures } = done;
      say(
        `${failures.length > 0 ? 'FAILED' : 'ok'} ${at} ${plan.pipeline}: ${faults.map(({ name }) => name).join(', ')}; ${events} events, ${batches} batches, ${repeated} repeated, ${seconds} s`,
      );
      if (failures.length === 0) continue;
      stories.push(story(done));
      say(stories.at(-1));
    }
  } finally {
    await browser.close();
    site.server.close();
  }
  return { stories, cases, table: table(cases) };
}

function table(cases) {
  const sum = (what) => cases.reduce((all, one) => all + one[what], 0);
  const kinds = new Map();
  for (const { name } of cases.flatMap(({ faults }) => faults)) kinds.set(name, (kinds.get(name) ?? 0) + 1);
  const rows = [
    ...[...kinds].sort(([a], [b]) => a.localeCompare(b)),
    ['faults', cases.flatMap(({ faults }) => faults).length],
    ['queries', cases.length],
    ['starts', sum('starts')],
    ['refusals', sum('refusals')],
    ['events', sum('events')],
    ['batches', sum('batches')],
    ['batches repeated', sum('repeated')],
    ['rows lost', sum('lost')],
    ['rows doubled', sum('doubled')],
    ['queries that failed', cases.filter(({ failures }) => failures.length > 0).length],
  ];
  const wide = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, count]) => `${name.padEnd(wide)} ${String(count).padStart(8)}`).join('\n');
}
