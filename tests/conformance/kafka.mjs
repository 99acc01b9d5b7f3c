// Kafka natively: a broker, the engine as a Spark Connect server that is killed again and again, and PySpark's client. Each record must
// reach the files once, and the counts that went back into Kafka must be right in the end. After that, topics are written and read as
// tables.
//   node tests/conformance/kafka.mjs --server PROGRAM --python PROGRAM [--records 20000] [--kills 3] [--seed N]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort, startBroker, started } from '../browser/broker.mjs';

const { values: args } = parseArgs({
  options: {
    server: { type: 'string' },
    python: { type: 'string' },
    records: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
  },
});
const HERE = dirname(fileURLToPath(import.meta.url));
const [records, kills] = [Number(args.records), Number(args.kills)];
const PARTITIONS = 4;
const BATCHES = 50;
const PER_SEND = 5_000;
const BEGIN_MS = 1_700_000_040_000;
/** Milliseconds between two records' times. */
const STEP_MS = 10;

let state = Number(args.seed) >>> 0 || 1;
/** Numbers below `n`, the same for a seed. */
function draw(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

/** Starts the engine; `kill()` ends it as a power failure would, and waits until it is gone. */
async function engine() {
  const port = await freePort();
  const child = await started(args.server, ['--port', String(port), '--executors', '2'], /sc:\/\//);
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

/** Runs a program of the client; `ended` resolves with its exit code and what it printed. */
function program(file, ...words) {
  const child = spawn(args.python, [join(HERE, file), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, wrong] = ['', ''];
  child.stdout.on('data', (bytes) => (said += bytes));
  child.stderr.on('data', (bytes) => (wrong += bytes));
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve({ code, said, wrong })));
  return { ended, kill: () => child.kill('SIGKILL') };
}

const client = (...words) => program('kafka_life.py', ...words);

const folder = mkdtempSync(join(tmpdir(), 'rivulet-kafka-'));
const broker = await startBroker();
try {
  await broker.create('numbers', PARTITIONS);
  await broker.create('counts', 1);
  await broker.create('table', PARTITIONS);
  for (let from = 0; from < records; from += PER_SEND) {
    const numbers = Array.from({ length: Math.min(PER_SEND, records - from) }, (_, n) => from + n);
    const message = (n) => ({ partition: n % PARTITIONS, value: String(n), timestamp: String(BEGIN_MS + n * STEP_MS) });
    await broker.sendAnywhere('numbers', numbers.map(message));
  }
  const begun = Date.now();
  let deaths = 0;
  for (;;) {
    const server = await engine();
    const life = client(server.remote, broker.servers, folder, String(Math.ceil(records / BATCHES)));
    if (deaths < kills) {
      // The client needs a second or two to begin.
      const wait = new Promise((resolve) => setTimeout(resolve, 1_200 + draw(2_500)));
      await Promise.race([wait, life.ended]);
      deaths += 1;
      await server.kill();
      // It would try to reach the server for minutes.
      life.kill();
      await life.ended;
      continue;
    }
    const { code, wrong } = await life.ended;
    assert.equal(code, 0, wrong);
    const { said: found, wrong: why } = await client(server.remote, broker.servers, folder, 'check').ended;
    await server.kill();
    assert.ok(found, why);
    const expected = { records, places: records, numbers: records, sum: (records * (records - 1)) / 2 };
    assert.deepEqual(JSON.parse(found), expected, 'each record is in the files once');
    break;
  }
  const windows = new Map();
  for (let n = 0; n < records; n++) {
    const start = String(Math.floor((BEGIN_MS + n * STEP_MS) / 60_000) * 60);
    windows.set(start, (windows.get(start) ?? 0) + 1);
  }
  // Counts only grow; some are written again by a life that was killed before it could say so.
  const last = new Map();
  let written = 0;
  await broker.readUntil('counts', ({ key, value }) => {
    written += 1;
    last.set(key, Math.max(last.get(key) ?? 0, Number(value)));
    return last.size === windows.size && [...windows].every(([start, count]) => last.get(start) === count);
  });
  const seconds = (Date.now() - begun) / 1_000;
  const server = await engine();
  const nowhere = `127.0.0.1:${await freePort()}`;
  const tables = await program('kafka_tables.py', server.remote, broker.servers, nowhere, String(records)).ended;
  await server.kill();
  assert.match(tables.said, /read and written\s*$/, tables.wrong);
  console.log(
    `kafka: ${records} records, ${deaths} deaths, each record once in the files; ${written} counts of ${windows.size} windows; ${seconds.toFixed(1)} s`,
  );
} finally {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
