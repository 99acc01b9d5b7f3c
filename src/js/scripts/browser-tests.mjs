// Runs tests/browser one file after the other (they share two cores and one clock).
//   node browser-tests.mjs [NAME…]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

const folder = join(ROOT, 'tests/browser');
const only = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs') && (only.length === 0 || only.some((o) => name.includes(o))))
  .sort();
const run = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files.map((name) => join(folder, name))],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
