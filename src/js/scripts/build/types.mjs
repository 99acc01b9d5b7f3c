// Emits the declarations of the package: only what its entries reach, and needing no other package.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { JS } from '../paths.mjs';
import { SUBPATHS } from './manifest.mjs';

const ENTRIES = ['index.d.ts', ...SUBPATHS.map((name) => `${name}.d.ts`)];

/** Emits the declarations of the package's entries into `folder`. */
export function emitTypes(folder) {
  execFileSync(join(JS, 'node_modules/.bin/tsc'), ['-p', join(JS, 'tsconfig.types.json'), '--outDir', folder], { stdio: 'inherit' });
  // What a module does when it is loaded is nothing that types say.
  const index = join(folder, 'index.d.ts');
  writeFileSync(index, readFileSync(index, 'utf8').replaceAll(/^import '[^']+';\n/gm, ''));
  const files = pruneTypes(folder, ENTRIES);
  sealConstructors(folder, files);
}

/** Deletes what `entries` do not reach in `folder` and returns the rest; throws if that imports another package. */
function pruneTypes(folder, entries) {
  const reached = new Set();
  const visit = (file, path = []) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^'";]*\bfrom\s+['"]([^'"]+)['"]/gm)) {
      if (!from.startsWith('.')) {
        const way = [...path, file].map((one) => relative(folder, one)).join(' → ');
        throw new Error(`${way} imports ${from}: mark what needs it @internal`);
      }
      visit(join(dirname(file), from.replace(/\.js$/, '.d.ts')), [...path, file]);
    }
  };
  for (const entry of entries) visit(join(folder, entry));
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (statSync(file).isFile() && !reached.has(file)) rmSync(file);
  }
  return [...reached];
}

const CLASS = /^(?:export )?(?:declare )?(abstract )?class (\w+)(?:<.*?>)?(?: extends (\w+))?/;

/**
 * A constructor that is marked @internal is left out of the declarations, and a class without a constructor has a public one:
 * says that it is private, or protected where the package itself extends the class.
 */
function sealConstructors(folder, files) {
  const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
  const extended = new Set(
    [...texts.values()].flatMap((text) =>
      text
        .split('\n')
        .map((line) => CLASS.exec(line)?.[3])
        .filter(Boolean),
    ),
  );
  for (const [file, text] of texts) {
    const internal = internalConstructors(join(JS, 'src', relative(folder, file).replace(/\.d\.ts$/, '.ts')));
    if (internal.size === 0) continue;
    const sealed = text.split('\n').flatMap((line) => {
      const [, isAbstract, name] = CLASS.exec(line) ?? [];
      if (isAbstract || !internal.has(name)) return [line];
      if (!line.endsWith('{')) throw new Error(`${relative(folder, file)}: the class ${name} does not open at the end of its line`);
      return [line, `    ${extended.has(name) ? 'protected' : 'private'} constructor();`];
    });
    writeFileSync(file, sealed.join('\n'));
  }
}

/** The classes of a source file whose constructor is marked @internal. */
function internalConstructors(source) {
  const found = new Set();
  let current;
  let comment = '';
  for (const line of readFileSync(source, 'utf8').split('\n')) {
    current = /^(?:export )?(?:abstract )?class (\w+)/.exec(line)?.[1] ?? current;
    if (/^ {2}constructor\(/.test(line) && comment.includes('@internal')) found.add(current);
    if (/^ {2}(\/\*\*| \*)/.test(line)) comment = line.includes('/**') ? line : comment + line;
    else comment = '';
  }
  return found;
}
