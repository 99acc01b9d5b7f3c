// How parts of the package are bundled: minified ES modules that know the package's version.
import { readFileSync, writeFileSync } from 'node:fs';
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

/**
 * Tells bundlers to leave alone the imports of a script whose modules are known only when it runs: minifying has dropped the words
 * that the source has for them.
 */
export function sealImports(file) {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll(/\bimport\((?=[\w$])/g, 'import(/* webpackIgnore: true */ /* @vite-ignore */ '));
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
  sealImports(outfile);
}

/** Bundles functions.js. */
export async function bundleFunctions(outfile) {
  await bundle('src/functions/main.ts', outfile);
  sealImports(outfile);
}
