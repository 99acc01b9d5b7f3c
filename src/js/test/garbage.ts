import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Collects garbage until `done` returns true, at most `rounds` times, and returns what it returned last. */
export async function collected(done: () => boolean, rounds = 50): Promise<boolean> {
  for (let round = 0; round < rounds && !done(); round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done();
}
