// Streaming queries in Chromium while executors, drivers, pages, connections and sinks fail: ./build.sh chaos [--rounds N] [--seed S]
import { parseArgs } from 'node:util';
import { chaos } from './run.mjs';

function count(name, text) {
  const n = Number(text);
  if (Number.isSafeInteger(n) && n >= 0) return n;
  console.error(`chaos: --${name} takes a number, not '${text}'`);
  process.exit(2);
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, seed: { type: 'string' } } });
const seed = count('seed', values.seed ?? String(Math.floor(Date.now() / 1_000)));
const rounds = count('rounds', values.rounds);
console.log(`${rounds} rounds from seed ${seed}`);
const { stories, table } = await chaos({ seed, rounds, say: (words) => console.log(words) });
console.log(`\n${table}`);
process.exitCode = stories.length > 0 ? 1 : 0;
