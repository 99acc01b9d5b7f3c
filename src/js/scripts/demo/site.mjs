// Assembles the demo as a static site: www/, the package and uPlot in one folder, ready for any static host.
//   node site.mjs [--out DIR]
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CACHE, JS, PKG, ROOT } from '../paths.mjs';

/** Returns the folder. */
export function assembleSite(out = join(CACHE, 'site')) {
  if (!existsSync(join(PKG, 'dist/engine_bg.wasm'))) throw new Error(`${PKG} has no package: run ./build.sh build first`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, 'vendor'), { recursive: true });
  cpSync(join(ROOT, 'www'), out, { recursive: true });
  cpSync(PKG, join(out, 'pkg'), { recursive: true });
  for (const name of ['uPlot.esm.js', 'uPlot.min.css']) cpSync(join(JS, 'node_modules/uplot/dist', name), join(out, 'vendor', name));
  writeFileSync(join(out, 'vendor/sentences.json'), JSON.stringify(sentences()));
  return out;
}

/** Labelled review sentences: the test fixtures of npm package sentiment (MIT), from Kotzias et al., KDD 2015. */
export function sentences() {
  return ['amazon', 'imdb', 'yelp'].flatMap((source) => {
    const entries = JSON.parse(readFileSync(join(JS, `node_modules/sentiment/test/fixtures/${source}.json`), 'utf8'));
    return entries.filter((entry) => entry.class !== null).map((entry) => ({ source, text: entry.text.trim(), label: entry.class }));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const at = process.argv.indexOf('--out');
  console.log(assembleSite(at > 0 ? resolve(process.argv[at + 1]) : undefined));
}
