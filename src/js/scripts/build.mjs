// Assembles the npm package into pkg/: bundles facade and worker, copies the engine, emits types.
//   RIVULET_WASM_DIR    folder with engine.js and engine_bg.wasm (wasm-bindgen --target web); of a release with engine_first.wasm and
//                       engine_rest.wasm, too (rivulet-pack cut)
//   RIVULET_PROTO_DIR   folder with spark/connect/*.proto
//   RIVULET_PKG_DIR     where the package goes (default: pkg/ of the repository)
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { bundleEntries, bundleFunctions, bundleRemote, bundleThread, bundleWorker } from './build/bundle.mjs';
import { buildOf, partsOf } from './build/engine.mjs';
import { thirdParty } from './build/licences.mjs';
import { packageFiles } from './build/manifest.mjs';
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

step('engine_bg.wasm, engine_rest.wasm');
const build = buildOf(WASM);
const { first, rest, whole } = partsOf(WASM, build);
writeFileSync(join(dist, 'engine_bg.wasm'), first);
writeFileSync(join(dist, 'engine_rest.wasm'), rest);
const engine = { build, bytes: first.length };

step('worker.js');
const metafiles = [await bundleWorker(WASM, join(dist, 'worker.js'), engine)];
step('functions.js, node_worker.js');
metafiles.push(await bundleFunctions(join(dist, 'functions.js')), await bundleThread(join(dist, 'node_worker.js')));
step('index.js and the other entries');
/** Without the names of source maps, which lie nowhere near a Blob. */
const script = (name) => readFileSync(join(dist, name), 'utf8').replace(/\/\/# sourceMappingURL=.*\n$/, '');
metafiles.push(
  await bundleEntries(dist, engine, {
    worker: script('worker.js'),
    functions: script('functions.js'),
    wasm: deflateRawSync(whole, { level: 9 }).toString('base64'),
  }),
);
step('remote.js, remote-node.js');
metafiles.push(...(await bundleRemote(dist)));

step('types');
emitTypes(join(dist, 'types'));

step('package.json, THIRD_PARTY.md');
for (const [name, text] of packageFiles()) writeFileSync(join(PKG, name), text);
copyFileSync(join(JS, 'README.md'), join(PKG, 'README.md'));
for (const name of ['LICENSE', 'CHANGELOG.md']) copyFileSync(join(ROOT, name), join(PKG, name));
writeFileSync(join(PKG, 'THIRD_PARTY.md'), thirdParty(metafiles));
step(`done: ${PKG}`);
