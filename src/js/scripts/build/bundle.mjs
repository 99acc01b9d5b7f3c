// How parts of the package are bundled: minified ES modules that know the package's version.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { JS } from '../paths.mjs';

/** package.json of the package. */
export const manifest = JSON.parse(readFileSync(join(JS, 'package.template.json'), 'utf8'));

/** Bundles one entry. */
export async function bundle(entry, outfile, plugins = []) {
  await build({
    entryPoints: [entry],
    outfile,
    plugins,
    absWorkingDir: JS,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: !process.env.RIVULET_READABLE,
    legalComments: 'none',
    logLevel: 'warning',
    define: { __RIVULET_VERSION__: JSON.stringify(manifest.version) },
  });
}

/** For the entries beside index.js: they import it, so that a page that mixes entries has one copy of the classes. */
export const besideIndex = {
  name: 'beside-index',
  setup(b) {
    b.onResolve({ filter: /^\.\/index\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/**
 * Bundles worker.js with the wasm-bindgen glue `engine.js` of a folder. The glue must look for no file by itself: the page
 * hands it the compiled module, and a URL in it would make bundlers ship the engine twice.
 */
export async function bundleWorker(engineFolder, outfile) {
  await bundle('src/worker/main.ts', outfile, [
    {
      name: 'rivulet-engine',
      setup(b) {
        b.onResolve({ filter: /^rivulet-engine$/ }, () => ({ path: join(engineFolder, 'engine.js') }));
        b.onLoad({ filter: /[/\\]engine\.js$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replaceAll(/new URL\(['"][^'"]*_bg\.wasm['"],\s*import\.meta\.url\)/g, 'undefined'),
          loader: 'js',
        }));
      },
    },
  ]);
}
