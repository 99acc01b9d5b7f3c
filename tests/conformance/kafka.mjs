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
import { countsWritten, fill, PARTITIONS, whole } from './kafka_numbers.mjs';
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
const BATCHES = 50;

const folder = mkdtempSync(join(tmpdir(), 'rivulet-kafka-'));
const broker = await startBroker();
try {
  await fill(broker, records);
  await broker.create('table', PARTITIONS);
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
  assert.deepEqual(found, whole(records), 'each record is in the files once');
  const { windows, written } = await countsWritten(broker, records);
  const seconds = (Date.now() - begun) / 1_000;
  await broker.create('each', PARTITIONS);
  await broker.create('keyed', PARTITIONS);
  const flowed = await live({
    server: args.server,
    python: args.python,
    script: 'kafka_epochs.py',
    words: [broker.servers, folder],
    limit: Math.ceil(records / BATCHES),
    kills,
    draw: dice(Number(args.seed) + 1),
  });
  const { copies, ...once } = flowed;
  const { numbers, sum } = whole(records);
  assert.deepEqual(once, { numbers, sum, keys: Math.min(7, records), counted: records }, 'no record is lost, and each is counted once');
  const server = await engine(args.server);
  const nowhere = `127.0.0.1:${await freePort()}`;
  const tables = await client(args.python, 'kafka_tables.py', [server.remote, broker.servers, nowhere, String(records)]).ended;
  await server.kill();
  assert.match(tables.said, /read and written\s*$/, tables.wrong);
  console.log(
    `kafka: ${records} records, ${kills} deaths, each record once in the files; ${written} counts of ${windows} windows; ${seconds.toFixed(1)} s`,
  );
  console.log(
    `  event by event, ${kills} deaths: each record in the topic, ${copies - records} of them again; each counted once by its key`,
  );
} finally {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
