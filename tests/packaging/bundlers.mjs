// Bundlers and frameworks, as their manuals have a first project: no setting is there for the package, unless the case says so.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bin, installed, module, run } from './projects.mjs';
import { command, files, freePort } from './servers.mjs';

const HERE = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const load = (tool, path) => import(pathToFileURL(module(tool, path)).href);
/** The files that some bundlers leave for the page to copy. */
const PARTS = ['worker.js', 'functions.js', 'engine_bg.wasm', 'engine_rest.wasm'];
const page = (script) => `<!doctype html><meta charset="utf-8"><title>stranger</title><script src="${script}"></script>\n`;
const modulePage = (script) => page(script).replace('<script', '<script type="module"');

/** Copies the package's files next to a bundle. */
function copyParts(tool, folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of PARTS) copyFileSync(join(installed(tool), 'node_modules/rivulet/dist', name), join(folder, name));
}

function vite(tool) {
  const build = async (root, config = {}) => {
    const { build } = await load(tool, 'vite/dist/node/index.js');
    await build({ root, configFile: false, logLevel: 'error', build: { target: 'es2022', outDir: 'out' }, ...config });
    return files(join(root, 'out'));
  };
  const dev = async (root, config = {}) => {
    const { createServer } = await load(tool, 'vite/dist/node/index.js');
    const server = await createServer({ root, configFile: false, logLevel: 'error', server: { port: 0, host: '127.0.0.1' }, ...config });
    await server.listen();
    return { url: `http://localhost:${server.httpServer.address().port}/`, stop: () => server.close() };
  };
  return { build, dev };
}

const VITE = [
  ['vite8', 'build', (root) => vite('vite8').build(root)],
  ['vite8', 'dev', (root) => vite('vite8').dev(root)],
  ['vite7', 'build', (root) => vite('vite7').build(root)],
  ['vite6', 'build', (root) => vite('vite6').build(root)],
  ...['vite7', 'vite6'].flatMap((tool) => [
    [tool, 'dev, nothing configured', (root) => vite(tool).dev(root), { refusal: /optimizeDeps: \{ exclude: \['rivulet'\] \}/ }],
    [tool, 'dev, optimizeDeps.exclude', (root) => vite(tool).dev(root, { optimizeDeps: { exclude: ['rivulet'] } })],
  ]),
  ['vite8', 'build, rivulet/inline', (root) => vite('vite8').build(root), { entry: 'rivulet/inline', alone: 'out' }],
];

/** webpack and Rspack: the same interface. */
async function packed(tool, path, root) {
  const { default: bundler } = await load(tool, path);
  const config = {
    mode: 'production',
    context: root,
    entry: './main.js',
    output: { path: join(root, 'out'), filename: 'main.js', publicPath: 'auto' },
  };
  const stats = await new Promise((resolve, reject) => bundler(config, (error, done) => (error ? reject(error) : resolve(done))));
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  const serious = warnings.filter(({ message }) => !/size limit|performance|code splitting/i.test(message));
  if (errors.length + serious.length > 0) throw new Error([...errors, ...serious].map(({ message }) => message).join('; '));
  writeFileSync(join(root, 'out/index.html'), page('main.js'));
  return files(join(root, 'out'));
}

const next = {
  files: {
    'app/layout.js':
      'export default function Layout({ children }) {\n  return (\n    <html lang="en">\n      <body>{children}</body>\n    </html>\n  );\n}\n',
    'app/page.js':
      "'use client';\nimport { useEffect } from 'react';\nimport { run } from '../programs.js';\n\nexport default function Page() {\n  useEffect(run, []);\n  return <p>stranger</p>;\n}\n",
  },
  options: { env: { NEXT_TELEMETRY_DISABLED: '1' }, seconds: 500 },
  async start(root, kind) {
    const port = await freePort();
    return command(root, bin('next', 'next'), [kind, '--port', String(port)], port, next.options.env);
  },
  build(root, ...flags) {
    run(root, bin('next', 'next'), ['build', ...flags], next.options);
    return next.start(root, 'start');
  },
  dev: (root) => next.start(root, 'dev'),
};

/** Runs a tool's script in Node.js 24: some want a newer one than this may be. */
const newer = (root, script, args, seconds = 300) =>
  run(root, join(installed('node'), 'node_modules/.bin/node'), [script, ...args], {
    seconds,
    env: { ASTRO_TELEMETRY_DISABLED: '1', NUXT_TELEMETRY_DISABLED: '1', NG_CLI_ANALYTICS: 'false' },
  });

const svelte = {
  files: {
    'vite.config.js':
      "import adapter from '@sveltejs/adapter-static';\nimport { sveltekit } from '@sveltejs/kit/vite';\n\nexport default { plugins: [sveltekit({ adapter: adapter({ fallback: '200.html' }) })] };\n",
    'src/app.html':
      '<!doctype html><html lang="en"><head><meta charset="utf-8">%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n',
    'src/routes/+layout.js': 'export const prerender = true;\n',
    'src/routes/+page.svelte':
      "<script>\n  import { onMount } from 'svelte';\n  import { run } from '../../programs.js';\n  onMount(run);\n</script>\n\n<p>stranger</p>\n",
  },
  build(root) {
    newer(root, module('sveltekit', 'vite/bin/vite.js'), ['build']);
    return files(join(root, 'build'));
  },
};

const astro = {
  files: {
    'src/pages/index.astro':
      '---\n---\n<html lang="en">\n  <head><meta charset="utf-8" /><title>stranger</title></head>\n  <body>\n    <p>stranger</p>\n    <script>\n      import { run } from \'../../programs.js\';\n      run();\n    </script>\n  </body>\n</html>\n',
  },
  build(root) {
    newer(root, module('astro', 'astro/bin/astro.mjs'), ['build']);
    return files(join(root, 'dist'));
  },
};

const nuxt = {
  files: {
    'nuxt.config.ts': "export default defineNuxtConfig({ compatibilityDate: '2026-01-01', telemetry: false });\n",
    'app/app.vue':
      "<script setup>\nimport { onMounted } from 'vue';\nimport { run } from '../programs.js';\n\nonMounted(run);\n</script>\n\n<template><p>stranger</p></template>\n",
  },
  /** A static site, whose pages are rendered while it is built: the package is imported on a server, too. */
  build(root) {
    newer(root, module('nuxt', 'nuxt/bin/nuxt.mjs'), ['generate'], 400);
    return files(join(root, '.output/public'));
  },
};

/** A workspace as `ng new` has it, without tests. `assets` are the package's files, which the builder does not find by itself. */
const angular = (assets) => ({
  files: {
    'angular.json': JSON.stringify({
      version: 1,
      projects: {
        stranger: {
          projectType: 'application',
          root: '',
          sourceRoot: 'src',
          architect: {
            build: {
              builder: '@angular/build:application',
              options: {
                browser: 'src/main.ts',
                index: 'src/index.html',
                tsConfig: 'tsconfig.json',
                outputPath: 'out',
                outputHashing: 'all',
                assets,
              },
            },
          },
        },
      },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        target: 'ES2022',
        module: 'preserve',
        moduleResolution: 'bundler',
        allowJs: true,
        experimentalDecorators: true,
        importHelpers: true,
        skipLibCheck: true,
        rootDir: '.',
      },
      files: ['src/main.ts'],
    }),
    'src/index.html':
      '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>stranger</title><base href="/"></head><body><app-root></app-root></body></html>\n',
    'src/main.ts':
      "import { afterNextRender, Component } from '@angular/core';\nimport { bootstrapApplication } from '@angular/platform-browser';\nimport { run } from '../programs.js';\n\n@Component({ selector: 'app-root', template: '<p>stranger</p>' })\nclass App {\n  constructor() {\n    afterNextRender(() => void run());\n  }\n}\n\nbootstrapApplication(App);\n",
  },
});
const ANGULAR_ASSETS = [{ glob: '{worker.js,functions.js,engine_*.wasm}', input: 'node_modules/rivulet/dist', output: '/' }];
const ng = (root) => {
  newer(root, module('angular', '@angular/cli/bin/ng.js'), ['build'], 500);
  return files(join(root, 'out/browser'));
};

const esbuild = {
  async build(root, more = {}) {
    const { build } = await load('esbuild', 'esbuild/lib/main.js');
    const out = join(root, 'out');
    const options = {
      entryPoints: [join(root, 'main.js')],
      outfile: join(out, 'main.js'),
      bundle: true,
      minify: true,
      target: 'es2022',
      logLevel: 'silent',
    };
    await build({ format: 'esm', ...options, ...more });
    writeFileSync(join(out, 'index.html'), (more.format === 'iife' ? page : modulePage)('main.js'));
    return out;
  },
  async copied(root, more) {
    const out = await esbuild.build(root, more);
    copyParts('esbuild', out);
    return files(out);
  },
};

const rollup = async (root, inline) => {
  const { rollup } = await load('rollup', 'rollup/dist/es/rollup.js');
  const { nodeResolve } = await load('rollup', '@rollup/plugin-node-resolve/dist/es/index.js');
  const built = await rollup({ input: join(root, 'main.js'), plugins: [nodeResolve()], onwarn: () => {} });
  const out = join(root, 'out');
  await built.write({ dir: out, format: 'es' });
  await built.close();
  if (!inline) copyParts('rollup', out);
  writeFileSync(join(out, 'index.html'), modulePage('main.js'));
  return files(out);
};

const parcel = async (root) => {
  run(root, bin('parcel', 'parcel'), ['build', 'index.html', '--dist-dir', 'out', '--no-cache', '--no-source-maps'], { seconds: 400 });
  return files(join(root, 'out'));
};

const bun = async (root, inline) => {
  run(root, bin('bun', 'bun'), ['build', './main.js', '--outdir', 'out', '--minify']);
  if (!inline) copyParts('bun', join(root, 'out'));
  writeFileSync(join(root, 'out/index.html'), modulePage('main.js'));
  return files(join(root, 'out'));
};

const hooks = {
  files: { 'main.js': readFileSync(join(HERE, 'react_page.js'), 'utf8') },
  answers: { rows: '7 8 9', totals: '42', kept: '1 41', query: 'running', workers: 'one session', stopped: 'yes' },
};

const inline = { entry: 'rivulet/inline' };

/**
 * Tool, what is done with it, how; and: `entry` that the programs import, further `files`, the `refusal` that the page must show where
 * it cannot work, the folder in which nothing but scripts may be (`alone`).
 */
export const BUNDLERS = [
  ...VITE,
  ['webpack', 'build', (root) => packed('webpack', 'webpack/lib/index.js', root)],
  ['webpack', 'build, rivulet/inline', (root) => packed('webpack', 'webpack/lib/index.js', root), { ...inline, alone: 'out' }],
  ['rspack', 'build', (root) => packed('rspack', '@rspack/core/dist/index.js', root)],
  ['next', 'build', (root) => next.build(root), next],
  ['next', 'build --webpack', (root) => next.build(root, '--webpack'), next],
  ['next', 'dev', (root) => next.dev(root), next],
  ['react', 'rivulet/react, StrictMode, Vite dev', (root) => vite('react').dev(root), hooks],
  ['sveltekit', 'build', (root) => svelte.build(root), svelte],
  ['astro', 'build', astro.build, astro],
  ['nuxt', 'generate, pages rendered while it builds', nuxt.build, nuxt],
  ['angular', 'build, files copied as assets', ng, angular(ANGULAR_ASSETS)],
  ['angular', 'build, rivulet/inline', ng, { ...angular([]), ...inline }],
  ['angular', 'build, no files copied', ng, { ...angular([]), refusal: /HTTP 404.*rivulet\/inline/ }],
  ['parcel', 'build', parcel],
  ['parcel', 'build, rivulet/inline', parcel, inline],
  ['rollup', 'files copied', (root) => rollup(root, false)],
  ['rollup', 'rivulet/inline', (root) => rollup(root, true), inline],
  ['esbuild', 'files copied', (root) => esbuild.copied(root)],
  ['esbuild', 'files copied, --keep-names', (root) => esbuild.copied(root, { keepNames: true })],
  ['esbuild', 'rivulet/inline', async (root) => files(await esbuild.build(root)), inline],
  ['esbuild', 'no files copied', async (root) => files(await esbuild.build(root)), { refusal: /HTTP 404.*rivulet\/inline/ }],
  [
    'esbuild',
    '--format=iife',
    async (root) => files(await esbuild.build(root, { format: 'iife' })),
    { refusal: /is a script, not a module.*rivulet\/inline/ },
  ],
  ['esbuild', 'iife of rivulet/inline, opened as a file', async (root) => opened(await esbuild.build(root, { format: 'iife' })), inline],
  ['bun', 'files copied', (root) => bun(root, false)],
  ['bun', 'rivulet/inline', (root) => bun(root, true), inline],
];

/** A page that is opened without a server. */
const opened = (folder) => ({ url: pathToFileURL(join(folder, 'index.html')).href, stop: () => {} });
