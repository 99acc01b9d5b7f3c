// Sizes of what a page downloads, and the limits they must keep.
//   node benches/size.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { JS, PKG } from '../src/js/scripts/paths.mjs';

const { build } = await import(pathToFileURL(join(JS, 'node_modules/esbuild/lib/main.js')).href);

const DIST = join(PKG, 'dist');
const named = (file) => () => [readFileSync(join(DIST, file))];

/** The name of a file, and of all that it imports when it is loaded. */
function imported(entry) {
  const files = new Set([entry]);
  for (const file of files) {
    const text = readFileSync(join(DIST, file)).toString();
    for (const [, other] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g)) files.add(other);
  }
  return files;
}

const contents = (files) => [...files].map((file) => readFileSync(join(DIST, file)));
const withImports = (entry) => contents(imported(entry));

/** What a session loads while it starts, beside what index.js has loaded: the part whose chunk has the session's own message. */
function sessionPart() {
  const before = imported('index.js');
  const loads = [...before].find((file) => readFileSync(join(DIST, file)).includes('"sessions",import('));
  if (!loads) throw new Error('no chunk of index.js loads the part for sessions');
  const [, part] = /"sessions",import\("\.\/([^"]+)"\)/.exec(readFileSync(join(DIST, loads)).toString());
  return contents([...imported(part)].filter((file) => !before.has(file)));
}

/** Leaves out what a page loads on demand. */
const onDemand = {
  name: 'on-demand',
  setup(b) {
    b.onResolve({ filter: /./ }, ({ path, kind }) => (kind === 'dynamic-import' ? { path, external: true } : undefined));
  },
};

/** What a bundler makes of a page that imports these names of an entry, or all of them. */
async function bundled(names, entry = 'index.js') {
  const [clause, used] = names === '*' ? ['* as all', 'all'] : [`{ ${names} }`, `[${names}]`];
  const { outputFiles } = await build({
    stdin: {
      contents: `import ${clause} from ${JSON.stringify(join(DIST, entry))}; globalThis.used = ${used};`,
      resolveDir: DIST,
    },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    plugins: [onDemand],
    write: false,
  });
  return [outputFiles[0].contents];
}

const PARTS = [
  { file: 'engine_bg.wasm', what: 'engine', measure: 'brotli', limit: 3_600_000, goal: 3_000_000, of: named('engine_bg.wasm') },
  {
    file: 'engine_rest.wasm',
    what: 'of the engine what few pages run, on demand',
    measure: 'brotli',
    limit: 4_000_000,
    goal: 3_000_000,
    of: named('engine_rest.wasm'),
  },
  { file: 'rivulet', what: 'all of the client, bundled', measure: 'gzip', limit: 60_000, goal: 60_000, of: () => bundled('*') },
  {
    file: 'SparkSession',
    what: 'of it, bundled alone',
    measure: 'gzip',
    limit: 45_000,
    goal: 45_000,
    of: () => bundled('SparkSession'),
  },
  { file: '+ functions', what: 'DataFrames', measure: 'gzip', limit: 50_000, goal: 50_000, of: () => bundled('SparkSession, functions') },
  {
    file: 'index.js',
    what: 'the same as rivulet without a bundler: the file with its chunks',
    measure: 'gzip',
    limit: 61_000,
    goal: 60_000,
    of: () => withImports('index.js'),
  },
  {
    file: 'for sessions',
    what: 'what a session loads while its workers start: messages, rows, datasets, streams',
    measure: 'gzip',
    limit: 62_000,
    goal: 60_000,
    of: sessionPart,
  },
  { file: 'rivulet/ml', what: 'bundled', measure: 'gzip', limit: 40_000, goal: 40_000, of: () => bundled('*', 'ml.js') },
  { file: 'rivulet/graph', what: 'bundled', measure: 'gzip', limit: 40_000, goal: 40_000, of: () => bundled('*', 'graph.js') },
  { file: 'rivulet/dstream', what: 'bundled', measure: 'gzip', limit: 3_000, goal: 3_000, of: () => bundled('*', 'dstream.js') },
  { file: 'remote.js', what: 'for Spark clusters, on demand', measure: 'gzip', limit: 120_000, goal: 90_000, of: named('remote.js') },
  {
    file: 'functions.js',
    what: 'for functions over rows, on demand',
    measure: 'gzip',
    limit: 44_000,
    goal: 40_000,
    of: named('functions.js'),
  },
  { file: 'worker.js', what: 'worker', measure: 'gzip', limit: 20_000, goal: 20_000, of: named('worker.js') },
];

/** Static hosts refuse files that are larger. */
const FILE_LIMIT = 25 * 1024 * 1024;

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
const column = (bytes) => bytes.toLocaleString('en').padStart(14);

let failed = 0;
console.log(`${'file'.padEnd(18)}${'raw'.padStart(14)}${'gzip 9'.padStart(14)}${'brotli 11'.padStart(14)}   limit`);
if (!existsSync(join(DIST, 'index.js'))) {
  console.error(`size: ${PKG} has no package: run ./build.sh build first`);
  process.exit(1);
}
const sum = (pieces, size) => pieces.reduce((all, bytes) => all + size(bytes), 0);
for (const { file, what, measure, limit, goal, of } of PARTS) {
  const pieces = await of();
  const sizes = {
    raw: sum(pieces, ({ length }) => length),
    gzip: sum(pieces, (b) => gzipSync(b, { level: 9 }).length),
    brotli: sum(pieces, brotli),
  };
  const size = sizes[measure];
  const verdict =
    size > limit ? 'TOO LARGE' : size > goal ? `within the limit, ${(size - goal).toLocaleString('en')} above the goal` : 'ok';
  if (size > limit) failed += 1;
  for (const { length } of pieces) {
    if (length > FILE_LIMIT) {
      console.log(`${file} has ${length.toLocaleString('en')} bytes, more than the 25 MiB that static hosts take: TOO LARGE`);
      failed += 1;
    }
  }
  console.log(
    `${file.padEnd(18)}${column(sizes.raw)}${column(sizes.gzip)}${column(sizes.brotli)}   ${what}: ${measure} ≤ ${limit.toLocaleString('en')} (goal ${goal.toLocaleString('en')}): ${verdict}`,
  );
}
process.exit(failed === 0 ? 0 : 1);
