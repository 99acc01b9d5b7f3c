// Contenders that run natively, by contenders/native.py: asked for by name only.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE } from '../../src/js/scripts/paths.mjs';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), '../contenders/native.py');
const PYTHON = process.env.RIVULET_PYTHON ?? join(CACHE, 'venv/bin/python');

/** Returns the runs of a native contender, `{ seconds, parts, answer }` each; `job` is what native.py takes. */
export function nativeRuns(contender, workload, job) {
  const { status, stdout, stderr, error } = spawnSync(PYTHON, [SCRIPT, contender, workload, JSON.stringify(job)], {
    encoding: 'utf8',
    env: { ...process.env, PYSPARK_PYTHON: PYTHON, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
    maxBuffer: 1 << 24,
  });
  if (status !== 0) throw error ?? new Error(stderr.trim().split('\n').slice(-4).join(' '));
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
