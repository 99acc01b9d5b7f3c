// How parts of the package are bundled: minified ES modules that know the package's version, with source maps.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { JS } from '../paths.mjs';

/** package.json of the package. */
export const manifest = JSON.parse(readFileSync(join(JS, 'package.template.json'), 'utf8'));

/** Entries that a page imports: they share chunks, so that a page that mixes them has one copy of the classes. */
export const ENTRIES = {
  index: 'src/index.ts',
  cdn: 'src/cdn.ts',
  inline: 'src/inline.ts',
  ml: 'src/ml.ts',
  dstream: 'src/dstream.ts',
  flume: 'src/flume.ts',
  graph: 'src/graph.ts',
  sources: 'src/sources.ts',
  react: 'src/react.ts',
  node: 'src/node.ts',
};
/**
 * What these need comes into chunks without the rest, which bundlers leave out where a page does not use it. The entries themselves are
 * not written: nobody imports them.
 */
const CUTS = { 'cuts/session': 'src/sql/session.ts', 'cuts/columns': 'src/sql/functions/index.ts' };
/**
 * The parts for Spark clusters, which sessions load when they need one: files of their own beside index.js. They share no chunk with the
 * entries, for they hold the messages of a whole service, which would come along.
 */
const REMOTE = { web: 'remote.js', node: 'remote-node.js' };

/**
 * How a module is imported whose URL is known only when that runs. Bundlers leave it alone if these words stand in it, which
 * minifying drops: the line is put before what is minified.
 */
const LOAD = '"use strict";const rivuletLoad=url=>import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ url);';

const loadModule = {
  name: 'load-module',
  setup(b) {
    b.onLoad({ filter: /[/\\]src[/\\]load_module\.ts$/ }, () => ({ contents: 'export const loadModule = rivuletLoad;' }));
    // A bundler for browsers must not look into the part for Node.js.
    b.onLoad({ filter: /[/\\]sql[/\\]load_remote\.ts$/ }, ({ path }) => {
      const [text, known] = [readFileSync(path, 'utf8'), "import('../remote/node.js')"];
      if (!text.includes(known)) throw new Error(`${path} does not import ../remote/node.js`);
      return { contents: text.replace(known, `rivuletLoad('./${REMOTE.node}')`), loader: 'ts' };
    });
  },
};

/** Classes that sessions load: entries export them by src/sql/late.ts in their place, for a page that imports one has no session yet. */
const LATE = /[/\\](credentials[/\\]registry|dstream[/\\](context|dstream)|rdd[/\\](context|rdd))\.js$/;

const lateClasses = {
  name: 'late-classes',
  setup(b) {
    b.onResolve({ filter: LATE }, ({ importer }) =>
      /[/\\]src[/\\](api|dstream)\.ts$/.test(importer) ? { path: join(JS, 'src/sql/late.ts') } : undefined,
    );
  },
};

/** Writes what esbuild has made: with the line that imports before a file that needs it, and the name of its source map after it. */
function write({ outputFiles }) {
  const texts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  for (const [path, text] of texts) {
    if (basename(dirname(path)) === 'cuts') continue;
    mkdirSync(dirname(path), { recursive: true });
    if (path.endsWith('.map')) continue;
    const map = JSON.parse(texts.get(`${path}.map`));
    // Chunks do nothing when they are loaded, and bundlers warn of imports for nothing. As many blanks leave the map as it is.
    const code = text.replaceAll(/\bimport"\.\/chunk-\w+\.js";/g, (found) => ' '.repeat(found.length));
    const loads = /\brivuletLoad\b/.test(text);
    // What is inlined is in the package already.
    map.sourcesContent = map.sourcesContent?.map((content, i) => (map.sources[i].startsWith('inlined:') ? null : content));
    // A line more in the file is a semicolon more in the map.
    if (loads) map.mappings = `;${map.mappings}`;
    writeFileSync(path, `${loads ? `${LOAD}\n` : ''}${code}//# sourceMappingURL=${basename(path)}.map\n`);
    writeFileSync(`${path}.map`, JSON.stringify({ ...map, file: basename(path) }));
  }
}

/** `engine` says which one goes with the parts: its build, and its bytes. */
function options({ build: number = '', bytes = 0 } = {}) {
  return {
    absWorkingDir: JS,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: !process.env.RIVULET_READABLE,
    legalComments: 'none',
    logLevel: 'warning',
    sourcemap: 'external',
    write: false,
    define: {
      __RIVULET_VERSION__: JSON.stringify(manifest.version),
      __RIVULET_BUILD__: JSON.stringify(number),
      __RIVULET_ENGINE_BYTES__: String(bytes),
    },
  };
}

/** Bundles the entries into a folder; `inlined` has what `inline.js` holds. Returns what esbuild says of it. */
export async function bundleEntries(folder, engine, inlined) {
  const parts = {
    name: 'inlined-parts',
    setup(b) {
      b.onResolve({ filter: /^rivulet-inlined$/ }, (args) => ({ path: args.path, namespace: 'inlined' }));
      const constants = Object.entries(inlined).map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`);
      b.onLoad({ filter: /.*/, namespace: 'inlined' }, () => ({ contents: constants.join('\n'), loader: 'js' }));
      b.onResolve({ filter: /^\.\.\/remote\/web\.js$/ }, () => ({ path: `./${REMOTE.web}`, external: true }));
    },
  };
  const made = await build({
    ...options(engine),
    entryPoints: { ...ENTRIES, ...CUTS },
    outdir: folder,
    splitting: true,
    // The page brings it, or Node.js.
    external: ['react', 'node:*'],
    chunkNames: 'chunk-[hash]',
    plugins: [loadModule, lateClasses, parts],
    metafile: true,
  });
  write(made);
  return made.metafile;
}

/** Bundles one file, and returns what esbuild says of it. */
async function bundle(outfile, entry, more, engine) {
  const made = await build({ ...options(engine), entryPoints: [entry], outfile, metafile: true, ...more });
  write(made);
  return made.metafile;
}

/** Bundles the parts for Spark clusters: for pages, and for Node.js. */
export async function bundleRemote(folder) {
  const node = { plugins: [loadModule], platform: 'node', target: 'node20' };
  return [
    await bundle(join(folder, REMOTE.web), 'src/remote/web.ts', { plugins: [loadModule] }),
    await bundle(join(folder, REMOTE.node), 'src/remote/node.ts', node),
  ];
}

/**
 * Bundles worker.js with the wasm-bindgen glue `engine.js` of a folder, as a script that is a module, too: pages that are files
 * have classic workers only. The glue must look for no file by itself: the page hands it the compiled module, and a URL in it would
 * make bundlers ship the engine twice.
 */
export function bundleWorker(engineFolder, outfile, engine) {
  const glue = {
    name: 'rivulet-engine',
    setup(b) {
      b.onResolve({ filter: /^rivulet-engine$/ }, () => ({ path: join(engineFolder, 'engine.js') }));
      b.onLoad({ filter: /[/\\]engine\.js$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replaceAll(/new URL\(['"][^'"]*_bg\.wasm['"],\s*import\.meta\.url\)/g, 'undefined'),
        loader: 'js',
      }));
    },
  };
  return bundle(outfile, 'src/worker/main.ts', { format: 'iife', plugins: [loadModule, glue] }, engine);
}

/** Bundles what begins a thread of Node.js. */
export function bundleThread(outfile) {
  return bundle(outfile, 'src/node/boot.ts', { platform: 'node', target: 'node20' });
}

/** Bundles functions.js. */
export function bundleFunctions(outfile) {
  return bundle(outfile, 'src/functions/main.ts', { plugins: [loadModule] });
}
