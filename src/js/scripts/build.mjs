// Assembles the npm package into pkg/: bundles facade and worker, copies the engine, emits types.
//   RIVULET_WASM_DIR    folder with engine.js and engine_bg.wasm (wasm-bindgen --target web), and THIRD_PARTY.md of the crates if made
//   RIVULET_PROTO_DIR   folder with spark/connect/*.proto
//   RIVULET_PKG_DIR     where the package goes (default: pkg/ of the repository)
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import {
  besideIndex,
  besideIndexAll,
  bundle,
  bundleFunctions,
  bundleIndex,
  bundleRemote,
  bundleWorker,
  manifest,
} from './build/bundle.mjs';
import { emitTypes } from './build/types.mjs';
import { generate } from './generated.mjs';
import { JS, PKG, ROOT, WASM } from './paths.mjs';

const step = (text) => console.log(`package: ${text}`);

for (const file of ['engine.js', 'engine_bg.wasm']) {
  if (!existsSync(join(WASM, file))) {
    console.error(`package: ${join(WASM, file)} is missing: build the engine first (./build.sh build)`);
    process.exit(1);
  }
}
generate(step);

const dist = join(PKG, 'dist');
rmSync(PKG, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

step('worker.js');
await bundleWorker(WASM, join(dist, 'worker.js'));
step('functions.js');
await bundleFunctions(join(dist, 'functions.js'));
step('index.js');
await bundleIndex(join(dist, 'index.js'));
step('remote.js, remote-node.js');
await bundleRemote(dist);
step('sources.js');
await bundle('src/sources.ts', join(dist, 'sources.js'));
step('cdn.js');
await bundle('src/cdn.ts', join(dist, 'cdn.js'), [besideIndex]);

step('flume.js');
await bundle('src/flume.ts', join(dist, 'flume.js'));

step('graph.js');
await bundle('src/graph.ts', join(dist, 'graph.js'), [besideIndexAll]);

step('engine_bg.wasm');
copyFileSync(join(WASM, 'engine_bg.wasm'), join(dist, 'engine_bg.wasm'));

step('inline.js');
const inlined = {
  name: 'inlined-parts',
  setup(b) {
    b.onResolve({ filter: /^rivulet-inlined$/ }, (args) => ({ path: args.path, namespace: 'inlined' }));
    b.onLoad({ filter: /.*/, namespace: 'inlined' }, () => ({
      contents: `export const worker = ${JSON.stringify(readFileSync(join(dist, 'worker.js'), 'utf8'))};
export const functions = ${JSON.stringify(readFileSync(join(dist, 'functions.js'), 'utf8'))};
        export const wasm = ${JSON.stringify(deflateRawSync(readFileSync(join(dist, 'engine_bg.wasm')), { level: 9 }).toString('base64'))};`,
      loader: 'js',
    }));
  },
};
await bundle('src/inline.ts', join(dist, 'inline.js'), [inlined, besideIndex]);

step('types');
emitTypes(join(dist, 'types'));

writeFileSync(join(PKG, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(join(JS, 'README.md'), join(PKG, 'README.md'));
if (existsSync(join(ROOT, 'LICENSE'))) copyFileSync(join(ROOT, 'LICENSE'), join(PKG, 'LICENSE'));
/** Packages whose code is in the bundles: by the licence that they bring, or its name. */
const PACKAGES = ['@uwdata/flechette', '@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-web', '@connectrpc/connect-node'];
const licences = PACKAGES.map((name) => {
  const folder = join(JS, 'node_modules', name);
  const text = existsSync(join(folder, 'LICENSE'))
    ? readFileSync(join(folder, 'LICENSE'), 'utf8')
    : `Licence: ${JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).license}\n`;
  return `## ${name}\n\n${text}\n`;
});
const crates = existsSync(join(WASM, 'THIRD_PARTY.md')) ? readFileSync(join(WASM, 'THIRD_PARTY.md'), 'utf8') : '';
writeFileSync(join(PKG, 'THIRD_PARTY.md'), `# Software inside this package\n\n${licences.join('')}${crates}`);
step(`done: ${PKG}`);
