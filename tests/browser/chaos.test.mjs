// A short run of ./build.sh chaos: other seeds each day, which a failure prints.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos } from '../chaos/run.mjs';

const ROUNDS = 12;
const seed = Number(process.env.RIVULET_SEED_START ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));

test(`streams equal their models through ${ROUNDS} faults, seeds from ${seed}`, { timeout: 300_000 }, async (t) => {
  const { stories, table } = await chaos({ seed, rounds: ROUNDS, say: (words) => t.diagnostic(words) });
  for (const line of table.split('\n')) t.diagnostic(line);
  assert.equal(stories.join('\n'), '');
});
