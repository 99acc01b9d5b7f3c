// Runs tests/browser one file after the other (they share two cores and one clock).
//   node browser-tests.mjs [--shared] [NAME…]     --shared: only files that every browser can run
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

const folder = join(ROOT, 'tests/browser');
const only = process.argv.slice(2).filter((word) => word !== '--shared');
/** Files that ask of a page what every driver knows. */
const SHARED = new Set(
  'contained checkpoints demo executors goldens graph_library graph_mistakes host memory ml moods package pages rdd rdd_mistakes sentiment sources sse state storage values'.split(
    ' ',
  ),
);
const isWanted = (name) =>
  (!process.argv.includes('--shared') || SHARED.has(name.replace('.test.mjs', ''))) &&
  (only.length === 0 || only.some((o) => name.includes(o)));
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs') && isWanted(name))
  .sort();
const run = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files.map((name) => join(folder, name))],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
