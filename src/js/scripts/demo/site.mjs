// Assembles the site: www/ in its frame, the guide, the package and what the pages import, in one folder, ready for any static host.
//   node site.mjs [--out DIR]
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CACHE, JS, PKG, ROOT } from '../paths.mjs';
import { buildApi } from './api.mjs';
import { framed } from './frame.mjs';
import { buildGuide } from './guide.mjs';
import { homePage } from './home.mjs';
import { buildServiceWorker } from './offline.mjs';
import { buildVendor } from './vendor.mjs';

const WWW = join(ROOT, 'www');
const read = (name) => readFileSync(join(WWW, name), 'utf8');

/** A folder for this process alone, gone when it ends: the demo and several tests may run at a time. */
function ownFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-site-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Returns the folder: a new one, unless one is named. */
export function assembleSite(out = ownFolder()) {
  if (!existsSync(join(PKG, 'dist/engine_bg.wasm'))) throw new Error(`${PKG} has no package: run ./build.sh build first`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, 'vendor'), { recursive: true });
  cpSync(WWW, out, { recursive: true, filter: (from) => !from.endsWith('.md') });
  cpSync(PKG, join(out, 'pkg'), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(PKG, 'package.json'), 'utf8'));
  for (const page of readdirSync(WWW).filter((name) => name.endsWith('.html'))) {
    const html = read(page);
    writeFileSync(join(out, page), framed(page === 'index.html' ? homePage(html, read('programs.md')) : html, { page, version }));
  }
  buildGuide(join(out, 'guide'), version);
  buildApi(join(out, 'api'), version);
  buildVendor(join(out, 'vendor'));
  writeFileSync(join(out, 'vendor/sentences.json'), JSON.stringify(sentences()));
  buildServiceWorker(out);
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
  console.log(assembleSite(at > 0 ? resolve(process.argv[at + 1]) : join(CACHE, 'site')));
}
