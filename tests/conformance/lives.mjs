// The engine as a Spark Connect server that is killed again and again, and PySpark's client, which runs queries over another system.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, started } from '../browser/broker.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/** Draws numbers below `n`, the same for a seed. */
export function dice(seed) {
  let state = Number(seed) >>> 0 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** Starts the engine; `kill()` ends it as a power failure would, and waits until it is gone. */
export async function engine(program) {
  const port = await freePort();
  const child = await started(program, ['--port', String(port), '--executors', '2'], /sc:\/\//);
  child.removeAllListeners('exit');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  return {
    remote: `sc://localhost:${port}`,
    kill() {
      child.kill('SIGKILL');
      return gone;
    },
  };
}

/** Runs a script of this folder with PySpark; `ended` resolves with its exit code and what it printed. */
export function client(python, script, words) {
  const child = spawn(python, [join(HERE, script), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, wrong] = ['', ''];
  child.stdout.on('data', (bytes) => (said += bytes));
  child.stderr.on('data', (bytes) => (wrong += bytes));
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve({ code, said, wrong })));
  return { ended, kill: () => child.kill('SIGKILL') };
}

/**
 * Lets queries live and be killed `kills` times, and then to their end; returns what the script prints for `check`. The script is run
 * with the server's address, `words`, and a limit. `before` is awaited before the last life.
 */
export async function live({ server, python, script, words, limit, kills, draw, before = async () => {} }) {
  for (let deaths = 0; deaths < kills; deaths++) {
    const host = await engine(server);
    const life = client(python, script, [host.remote, ...words, String(limit)]);
    // The client needs a second or two to begin.
    const wait = new Promise((resolve) => setTimeout(resolve, 1_200 + draw(2_500)));
    await Promise.race([wait, life.ended]);
    await host.kill();
    // It would try to reach the server for minutes.
    life.kill();
    await life.ended;
  }
  await before();
  const host = await engine(server);
  const { code, wrong } = await client(python, script, [host.remote, ...words, String(limit)]).ended;
  if (code !== 0) throw new Error(wrong);
  const { said, wrong: why } = await client(python, script, [host.remote, ...words, 'check']).ended;
  await host.kill();
  if (!said) throw new Error(why);
  return JSON.parse(said);
}
