// How parts of the package are bundled: minified ES modules that know the package's version.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { JS } from '../paths.mjs';

/** package.json of the package. */
export const manifest = JSON.parse(readFileSync(join(JS, 'package.template.json'), 'utf8'));

/** Bundles one entry. */
export async function bundle(entry, outfile, plugins = [], more = {}) {
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
    ...more,
  });
}

/** Comments by which bundlers leave an import alone. */
const IGNORED = '/* webpackIgnore: true */ /* @vite-ignore */ ';

/**
 * Tells bundlers to leave alone the imports of a script whose modules are known only when it runs: minifying has dropped the words
 * that the source has for them.
 */
export function sealImports(file) {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll(/\bimport\((?=[\w$])/g, `import(${IGNORED}`));
}

/** For the entries beside index.js: they import it, so that a page that mixes entries has one copy of the classes. */
export const besideIndex = {
  name: 'beside-index',
  setup(b) {
    b.onResolve({ filter: /^\.\/index\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** For an entry in whose folder files import index.js, or the errors: it has these of index.js, too. */
export const besideIndexAll = {
  name: 'beside-index-all',
  setup(b) {
    b.onResolve({ filter: /\/(index|errors)\.js$/ }, () => ({ path: './index.js', external: true }));
  },
};

/** The parts for Spark clusters, which sessions load when they need one: files of their own, beside index.js. */
export const REMOTE = { web: 'remote.js', node: 'remote-node.js' };

/** Leaves these parts out of a bundle, which imports them from beside it. */
const besideRemote = {
  name: 'beside-remote',
  setup(b) {
    b.onResolve({ filter: /\/remote\/(web|node)\.js$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path: `./${REMOTE[/(web|node)\.js$/.exec(path)[1]]}`, external: true } : undefined,
    );
  },
};

/** Bundles index.js. A bundler for browsers must not look into the part for Node.js, so its import is one that it cannot read. */
export async function bundleIndex(outfile) {
  await bundle('src/index.ts', outfile, [besideRemote]);
  const text = readFileSync(outfile, 'utf8');
  const known = `import("./${REMOTE.node}")`;
  if (!text.includes(known)) throw new Error(`${outfile} does not import ${REMOTE.node}`);
  writeFileSync(outfile, text.replace(known, `import(${IGNORED}["./${REMOTE.node}"].join())`));
}

/** Bundles the parts for Spark clusters. */
export async function bundleRemote(folder) {
  await bundle('src/remote/web.ts', join(folder, REMOTE.web));
  await bundle('src/remote/node.ts', join(folder, REMOTE.node), [], { platform: 'node', target: 'node20' });
}

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
