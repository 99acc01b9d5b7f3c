// Assembles the npm package into pkg/: bundles facade and worker, copies the engine, emits types.
//   RIVULET_WASM_DIR    folder with engine.js and engine_bg.wasm (wasm-bindgen --target web)
//   RIVULET_PROTO_DIR   folder with spark/connect/*.proto
//   RIVULET_PKG_DIR     where the package goes (default: pkg/ of the repository)
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';
import { JS, PKG, ROOT, WASM } from './paths.mjs';
import { pruneTypes } from './types.mjs';

const manifest = JSON.parse(readFileSync(join(JS, 'package.template.json'), 'utf8'));
const step = (text) => console.log(`package: ${text}`);

for (const file of ['engine.js', 'engine_bg.wasm']) {
  if (!existsSync(join(WASM, file))) {
    console.error(`package: ${join(WASM, file)} is missing: build the engine first (./build.sh build)`);
    process.exit(1);
  }
}
if (!existsSync(join(JS, 'src/generated')) || process.env.RIVULET_PROTO_DIR) {
  step('messages from .proto files');
  execFileSync(process.execPath, [join(JS, 'scripts/generate-proto.mjs')], { stdio: 'inherit' });
}

const dist = join(PKG, 'dist');
rmSync(PKG, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

const common = {
  bundle: true, format: 'esm', target: 'es2022', minify: true, sourcemap: false, legalComments: 'none', logLevel: 'warning',
  define: { __RIVULET_VERSION__: JSON.stringify(manifest.version) },
  absWorkingDir: JS,
};
/** The worker bundles the wasm-bindgen glue, which looks for no file by itself: the page hands it the compiled module. */
const engine = {
  name: 'rivulet-engine',
  setup(b) {
    b.onResolve({ filter: /^rivulet-engine$/ }, () => ({ path: join(WASM, 'engine.js') }));
    b.onLoad({ filter: /engine\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(/new URL\(['"][^'"]*_bg\.wasm['"],\s*import\.meta\.url\)/g, 'undefined'),
      loader: 'js',
    }));
  },
};

step('worker.js');
await build({ ...common, entryPoints: ['src/worker/main.ts'], outfile: join(dist, 'worker.js'), plugins: [engine] });
step('index.js');
await build({ ...common, entryPoints: ['src/index.ts'], outfile: join(dist, 'index.js') });
step('cdn.js');
await build({ ...common, entryPoints: ['src/cdn.ts'], outfile: join(dist, 'cdn.js') });

step('engine_bg.wasm');
copyFileSync(join(WASM, 'engine_bg.wasm'), join(dist, 'engine_bg.wasm'));

step('inline.js');
const inlined = {
  name: 'inlined-parts',
  setup(b) {
    b.onResolve({ filter: /^rivulet-inlined$/ }, (args) => ({ path: args.path, namespace: 'inlined' }));
    b.onLoad({ filter: /.*/, namespace: 'inlined' }, () => ({
      contents: `export const worker = ${JSON.stringify(readFileSync(join(dist, 'worker.js'), 'utf8'))};
        export const wasm = ${JSON.stringify(deflateRawSync(readFileSync(join(dist, 'engine_bg.wasm')), { level: 9 }).toString('base64'))};`,
      loader: 'js',
    }));
  },
};
await build({ ...common, entryPoints: ['src/inline.ts'], outfile: join(dist, 'inline.js'), plugins: [inlined] });

step('types');
const types = join(dist, 'types');
execFileSync(join(JS, 'node_modules/.bin/tsc'), ['-p', join(JS, 'tsconfig.types.json'), '--outDir', types], { stdio: 'inherit' });

pruneTypes(types, ['index.d.ts', 'inline.d.ts', 'cdn.d.ts']);

writeFileSync(join(PKG, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(join(JS, 'README.md'), join(PKG, 'README.md'));
for (const name of ['LICENSE', 'THIRD_PARTY.md']) {
  if (existsSync(join(ROOT, name))) copyFileSync(join(ROOT, name), join(PKG, name));
}
step(`done: ${PKG}`);
