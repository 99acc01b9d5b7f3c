// Checks the client and its tests: types, form, language, and what users see: the declarations that the package ships, their doc
// comments, and the examples in them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitTypes } from './build/types.mjs';
import { publicFaults } from './checks/api.mjs';
import { examplesModule } from './checks/examples.mjs';
import { oddPhrasings } from './checks/text.mjs';
import { generate } from './generated.mjs';
import { JS, ROOT } from './paths.mjs';

/** Runs a tool of node_modules; what it finds is on the console, and ends this. */
function run(tool, ...args) {
  const { status } = spawnSync(join(JS, 'node_modules/.bin', tool), args, { stdio: 'inherit', cwd: JS });
  if (status !== 0) process.exitCode = 1;
}

/** Prints faults, one per line. */
function report(faults) {
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

generate();
run('tsc', '-p', JS);
const colors = process.stdout.isTTY ? [] : ['--colors=off'];
const sources = [JS, ...['www', 'tests/browser', 'tests/chaos', 'tests/packaging', 'benches'].map((folder) => join(ROOT, folder))];
run('biome', 'ci', '--error-on-warnings', `--config-path=${join(JS, 'biome.jsonc')}`, ...colors, ...sources);

report(oddPhrasings());

// Inside src/js, where its own types of Node are found by nobody: `types` is empty.
const folder = mkdtempSync(join(JS, 'node_modules/.rivulet-types-'));
try {
  emitTypes(join(folder, 'types'));
  report(publicFaults(join(folder, 'types')));
  writeFileSync(join(folder, 'examples.ts'), examplesModule());
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: 'ES2022',
    module: 'ESNext',
    moduleResolution: 'Bundler',
    types: [],
    lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    noPropertyAccessFromIndexSignature: true,
    noUncheckedIndexedAccess: true,
    paths: { rivulet: [join(folder, 'types/index.d.ts')], 'rivulet/graph': [join(folder, 'types/graph.d.ts')] },
  };
  const files = [join(JS, 'test/types/package.ts'), join(folder, 'examples.ts')];
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  run('tsc', '-p', folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
