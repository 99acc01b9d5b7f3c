// Type-checks the client, its tests and the browser tests.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { generate } from './generated.mjs';
import { JS } from './paths.mjs';

generate();
execFileSync(join(JS, 'node_modules/.bin/tsc'), ['-p', JS], { stdio: 'inherit' });
