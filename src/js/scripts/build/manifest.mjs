// package.json of the package, and the files beside it by which tools that read no `exports` find the entries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../paths.mjs';
import { manifest } from './bundle.mjs';

/** Entries that are imported as `rivulet/NAME`. */
export const SUBPATHS = Object.keys(manifest.exports)
  .filter((path) => manifest.exports[path].types && path !== '.')
  .map((path) => path.slice(2));

/** What package.json says of the repository, if Cargo.toml names it: both say the same. */
function origin() {
  const url = /^repository = "([^"]+)"/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))?.[1];
  if (!url) return {};
  const homepage = `${url}#readme`;
  return { repository: { type: 'git', url: `git+${url}.git`, directory: 'src/js' }, homepage, bugs: { url: `${url}/issues` } };
}

/** The files at the package's root that are made, by name. Parcel and TypeScript's `node10` read no `exports`. */
export function packageFiles() {
  const stubs = SUBPATHS.flatMap((name) => [
    [`${name}.js`, `export * from './dist/${name}.js';\n`],
    [`${name}.d.ts`, `export * from './dist/types/${name}.js';\n`],
  ]);
  const files = [...manifest.files, ...stubs.map(([name]) => name)];
  return [['package.json', `${JSON.stringify({ ...manifest, ...origin(), files }, null, 2)}\n`], ...stubs];
}
