// Bundles test/*.test.ts and runs them with node's own test runner.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { generate } from './generated.mjs';
import { CACHE, JS } from './paths.mjs';

generate();
const only = process.argv.slice(2);
const names = readdirSync(join(JS, 'test')).filter(
  (name) => name.endsWith('.test.ts') && (only.length === 0 || only.some((o) => name.includes(o))),
);
const out = join(CACHE, 'js-tests');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  entryPoints: names.map((name) => join(JS, 'test', name)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
  absWorkingDir: JS,
  loader: { '.json': 'json' },
});
const files = names.map((name) => join(out, name.replace('.ts', '.mjs')));
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], { stdio: 'inherit' });
process.exit(run.status ?? 1);
