// What stands under src/generated (git-ignored): messages from the .proto files, functions from the engine.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JS } from './paths.mjs';

const run = (script) => execFileSync(process.execPath, [join(JS, 'scripts', script)], { stdio: 'inherit' });
const exists = (name) => existsSync(join(JS, 'src/generated', name));

/** Generates what is missing; all of it, where RIVULET_PROTO_DIR says that this is a whole build. */
export function generate(step = () => {}) {
  const all = Boolean(process.env.RIVULET_PROTO_DIR);
  if (all || !exists('table.ts')) {
    step('messages from .proto files');
    run('build/generate-proto.mjs');
  }
  if (all || !exists('functions.ts')) {
    step("functions from the engine's table");
    run('generate-functions.mjs');
  }
}
