// Keeps only the declarations that the package's entries reach. What users see must need no other package.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Deletes what `entries` do not reach in `folder`; throws if what is left imports another package. */
export function pruneTypes(folder, entries) {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^'";]*\bfrom\s+['"]([^'"]+)['"]/gm)) {
      if (!from.startsWith('.')) throw new Error(`${relative(folder, file)} imports ${from}: mark what needs it @internal`);
      visit(join(dirname(file), from.replace(/\.js$/, '.d.ts')));
    }
  };
  for (const entry of entries) visit(join(folder, entry));
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (statSync(file).isFile() && !reached.has(file)) rmSync(file);
  }
}
