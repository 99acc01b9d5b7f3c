// Sizes of what a page downloads, and the limits they must keep.
//   node benches/size.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { PKG } from '../src/js/scripts/paths.mjs';

const PARTS = [
  { file: 'engine_bg.wasm', what: 'engine', measure: 'brotli', limit: 4_000_000, goal: 3_000_000 },
  { file: 'index.js', what: 'client on the page', measure: 'gzip', limit: 80_000, goal: 60_000 },
  { file: 'remote.js', what: 'for Spark clusters, on demand', measure: 'gzip', limit: 120_000, goal: 90_000 },
  { file: 'worker.js', what: 'worker', measure: 'gzip', limit: 44_000, goal: 20_000 },
];

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
const column = (bytes) => bytes.toLocaleString('en').padStart(14);

let failed = 0;
console.log(`${'file'.padEnd(18)}${'raw'.padStart(14)}${'gzip 9'.padStart(14)}${'brotli 11'.padStart(14)}   limit`);
for (const { file, what, measure, limit, goal } of PARTS) {
  const path = join(PKG, 'dist', file);
  if (!existsSync(path)) {
    console.error(`size: ${path} is missing: run ./build.sh build first`);
    process.exit(1);
  }
  const bytes = readFileSync(path);
  const sizes = { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli(bytes) };
  const size = sizes[measure];
  const verdict =
    size > limit ? 'TOO LARGE' : size > goal ? `within the limit, ${(size - goal).toLocaleString('en')} above the goal` : 'ok';
  if (size > limit) failed += 1;
  console.log(
    `${file.padEnd(18)}${column(sizes.raw)}${column(sizes.gzip)}${column(sizes.brotli)}   ${what}: ${measure} ≤ ${limit.toLocaleString('en')} (goal ${goal.toLocaleString('en')}): ${verdict}`,
  );
}
process.exit(failed === 0 ? 0 : 1);
