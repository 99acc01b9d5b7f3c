// The benchmark: workloads × contenders in Chromium. Answers must agree with the reference's before times count.
//   node benches/bench.mjs [--only W1,W4] [--contenders typed,rivulet-1] [--reps 3] [--quick] [--scale 1] [--in-step]
//     [--json FILE] [--markdown FILE] [--profile] [--against FOLDER] [--browsers chromium,firefox,webkit]
// Names of workloads are in workloads/index.js, of contenders in contenders/index.mjs. --quick takes a fiftieth of the data,
// once, without a warm-up.
// --in-step has Rivulet answer a micro-batch before it gets the next one, as the others do of themselves: by default all batches are there
// from the start, for all contenders. --profile prints the busiest functions of each thread in one run more. --against has the package of
// another build, such as one from before a change, run in turn with this one, and prints how their times compare run by run.
// --browsers prints a table for each; files and targets are the first one's.
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { contenders } from './contenders/index.mjs';
import { Contest } from './harness/contest.mjs';
import { Figures } from './harness/figures.mjs';
import { comparison, markdown, table } from './harness/report.mjs';
import { openSite } from './harness/site.mjs';
import { targets } from './harness/targets.mjs';
import { groups, workloads } from './workloads/index.js';

const { values: args } = parseArgs({
  options: {
    only: { type: 'string' },
    contenders: { type: 'string' },
    reps: { type: 'string' },
    scale: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'in-step': { type: 'boolean', default: false },
    json: { type: 'string' },
    markdown: { type: 'string' },
    profile: { type: 'boolean', default: false },
    against: { type: 'string' },
    browsers: { type: 'string' },
  },
});
const QUICK_SCALE = 0.02;
const say = (text) => process.stdout.write(text);

const PAIRS = [
  ['rivulet-1', 'other-1'],
  ['rivulet-2', 'other-2'],
];

/** Returns the names of a list that are known, in its order, or the usual ones without a list. */
function chosen(list, known, usual, several = {}) {
  const names = list?.split(',').flatMap((name) => several[name] ?? [name]) ?? usual;
  const unknown = names.find((name) => !(name in known));
  if (unknown === undefined) return names;
  say(`bench: ${unknown} is not one of ${[...Object.keys(several), ...Object.keys(known)].join(', ')}\n`);
  process.exit(2);
}

const scale = Number(args.scale ?? (args.quick ? QUICK_SCALE : 1));
const reps = Number(args.reps ?? (args.quick ? 1 : 3));
const inBrowser = Object.keys(contenders).filter((name) => !contenders[name].native && !contenders[name].other);
const ids = chosen(args.only, workloads, Object.keys(workloads), groups);
const entrants = chosen(args.contenders, contenders, args.against ? PAIRS.flat() : inBrowser);
if (args.against !== undefined && !existsSync(join(args.against, 'dist/index.js'))) {
  say(`bench: --against ${args.against}: the folder holds no package (dist/index.js)\n`);
  process.exit(2);
}
const { server, url } = await openSite(entrants, args.against);
const usual = process.env.RIVULET_BROWSER ?? 'chromium';
const browsers = chosen(args.browsers, { chromium: true, firefox: true, webkit: true }, [usual]);
const contest = new Contest({
  site: url,
  scale,
  reps,
  options: { inStep: args['in-step'] },
  warmUp: !args.quick,
  profile: args.profile,
  say,
});
/** What was measured, by browser. */
const measured = browsers.map((browser) => ({ browser, rounds: {} }));
const [{ rounds }] = measured;
const figures = new Figures(rounds, scale);
const reached = () => (scale === 1 && browsers[0] === 'chromium' ? targets(figures) : []);

/** Writes what has been measured so far to the files that were asked for. */
function keep() {
  const machine = { cores: cpus().length, model: cpus()[0].model, node: process.version, date: new Date().toISOString() };
  if (args.json) writeFileSync(args.json, `${JSON.stringify({ machine, scale, reps, rounds, targets: reached() }, null, 2)}\n`);
  if (args.markdown) writeFileSync(args.markdown, markdown(figures, scale, reached()));
}

try {
  for (const { browser, rounds } of measured) {
    if (browsers.length > 1) say(`in ${browser}:\n`);
    process.env.RIVULET_BROWSER = browser;
    const known = await contest.knownBy(entrants);
    for (const id of ids) {
      const able = entrants.filter((contender) => known[contender].includes(id));
      if (able.length === 0) continue;
      rounds[id] = await contest.hold(id, able);
      keep();
    }
  }
} finally {
  server.close();
}

const faults = measured.flatMap(({ browser, rounds }) =>
  Object.values(rounds).flatMap(({ id, failures, differences }) => [
    ...Object.entries(failures).map(([contender, message]) => `${browser}, ${id}: ${contender} has failed: ${message}`),
    ...Object.entries(differences).map(
      ([contender, difference]) => `${browser}, ${id}: ${contender} DISAGREES with the reference: ${difference}`,
    ),
  ]),
);
for (const { browser, rounds } of measured) say(`\n${browser}\n${table(new Figures(rounds, scale), scale)}\n\n`);
if (args.against) for (const line of comparison(figures, PAIRS)) say(`${line}\n`);
for (const { number, what, verdict } of reached()) say(`${number}  ${what}: ${verdict}\n`);
if (scale !== 1) say(`Targets are for whole data, this is ${scale} of it.\n`);
say(faults.length === 0 ? '\nbench: all answers agree\n' : `\n${faults.map((fault) => `bench: ${fault}\n`).join('')}`);
process.exitCode = faults.length === 0 ? 0 : 1;
