// Kafka natively: a broker, the engine as a Spark Connect server that is killed again and again, and PySpark's client. Each record must
// reach the files once, and the counts that went back into Kafka must be right in the end. After that, topics are written and read as
// tables.
//   node tests/conformance/kafka.mjs --server PROGRAM --python PROGRAM [--records 20000] [--kills 3] [--seed N]
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, startBroker } from '../browser/broker.mjs';
import { client, dice, engine, live } from './lives.mjs';

const { values: args } = parseArgs({
  options: {
    server: { type: 'string' },
    python: { type: 'string' },
    records: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
  },
});
const [records, kills] = [Number(args.records), Number(args.kills)];
const PARTITIONS = 4;
const BATCHES = 50;
const PER_SEND = 5_000;
const BEGIN_MS = 1_700_000_040_000;
/** Milliseconds between two records' times. */
const STEP_MS = 10;

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
  const found = await live({
    server: args.server,
    python: args.python,
    script: 'kafka_life.py',
    words: [broker.servers, folder],
    limit: Math.ceil(records / BATCHES),
    kills,
    draw: dice(args.seed),
  });
  const expected = { records, places: records, numbers: records, sum: (records * (records - 1)) / 2 };
  assert.deepEqual(found, expected, 'each record is in the files once');
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
  const server = await engine(args.server);
  const nowhere = `127.0.0.1:${await freePort()}`;
  const tables = await client(args.python, 'kafka_tables.py', [server.remote, broker.servers, nowhere, String(records)]).ended;
  await server.kill();
  assert.match(tables.said, /read and written\s*$/, tables.wrong);
  console.log(
    `kafka: ${records} records, ${kills} deaths, each record once in the files; ${written} counts of ${windows.size} windows; ${seconds.toFixed(1)} s`,
  );
} finally {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
