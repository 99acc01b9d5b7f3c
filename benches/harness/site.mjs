// The site of a bench: a page per contender, each bundled by itself, the packages that they load, and the data.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CACHE, JS, PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { contenders } from '../contenders/index.mjs';
import { DATA } from './store.mjs';

const BENCHES = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Makes the page's clocks precise. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};

const html = (id) => `<!doctype html><title>${id}</title><link rel="icon" href="data:,"><script type="module" src="/${id}.js"></script>`;

/** Has the page of an `other` contender import the other build. */
const otherBuild = {
  name: 'other build',
  setup: ({ onResolve }) => onResolve({ filter: /^\/pkg\// }, ({ path }) => ({ path: path.replace('/pkg/', '/other/'), external: true })),
};

/** Bundles the pages of contenders and serves them: contender `id` is at `/id.html`. `against` is the folder of the other build. */
export async function openSite(ids, against = PKG) {
  const root = join(CACHE, 'bench/site');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  mkdirSync(DATA, { recursive: true });
  const { build } = await import(pathToFileURL(createRequire(join(JS, 'package.json')).resolve('esbuild')).href);
  for (const id of ids) {
    const { module, argument, native, other } = contenders[id];
    if (native) continue;
    const contents = `import make from './contenders/${module}'; import { present } from './harness/page.js'; present(make(${argument ?? ''}));`;
    await build({
      stdin: { contents, resolveDir: BENCHES },
      outfile: join(root, `${id}.js`),
      bundle: true,
      // Names stay: profiles show them.
      minifySyntax: true,
      minifyWhitespace: true,
      format: 'esm',
      target: 'es2024',
      platform: 'browser',
      define: { global: 'globalThis' },
      logLevel: 'error',
      // Node's module is named in a function that no page calls (random-js).
      external: ['/pkg/*', '/npm/*', 'crypto'],
      plugins: other ? [otherBuild] : [],
    });
    writeFileSync(join(root, `${id}.html`), html(id));
  }
  const mounts = { '/pkg/': PKG, '/other/': against, '/npm/': join(BENCHES, 'node_modules'), '/data/': DATA };
  return serve(root, { mounts, headers: ISOLATED });
}
