// Runs test/remote.check.ts: the client against a Spark Connect server (Spark's own, or ./build.sh serve-connect).
//   node remote.mjs localhost:15002 [NAME-PATTERN]
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CACHE, JS } from './paths.mjs';

const [remote = 'localhost:15002', pattern] = process.argv.slice(2);
const out = join(CACHE, 'js-tests');
mkdirSync(out, { recursive: true });
const outfile = join(out, 'remote.check.mjs');
await build({
  entryPoints: [join(JS, 'test/remote.check.ts')],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
  absWorkingDir: JS,
});
const only = pattern ? [`--test-name-pattern=${pattern}`] : [];
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test-reporter=spec', '--test', ...only, outfile], {
  stdio: 'inherit',
  env: { ...process.env, RIVULET_REMOTE: remote },
});
process.exit(run.status ?? 1);
