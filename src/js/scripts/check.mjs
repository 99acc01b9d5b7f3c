// Type-checks the client, its tests and the browser tests.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JS } from './paths.mjs';

if (!existsSync(join(JS, 'src/generated')) || process.env.RIVULET_PROTO_DIR) execFileSync(process.execPath, [join(JS, 'scripts/generate-proto.mjs')], { stdio: 'inherit' });
execFileSync(join(JS, 'node_modules/.bin/tsc'), ['-p', JS], { stdio: 'inherit' });
