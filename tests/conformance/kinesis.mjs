// Kinesis natively: a server that speaks its protocol, another in front that has no time and loses answers, shards that are split and
// merged meanwhile, the engine as a Spark Connect server that is killed again and again, and PySpark's client. Each record must reach the
// files once, and all of them the stream into which they are written again.
//   node tests/conformance/kinesis.mjs --server PROGRAM --python PROGRAM [--moto PROGRAM] [--records 4000] [--kills 3] [--seed N]
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKinesis, startMoto, startTrouble } from '../browser/service.mjs';
import { dice, live } from './lives.mjs';

const { values: args } = parseArgs({
  options: {
    server: { type: 'string' },
    python: { type: 'string' },
    moto: { type: 'string' },
    records: { type: 'string', default: '4000' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
  },
});
const [records, kills] = [Number(args.records), Number(args.kills)];
/** Parts in which records are written; shards change between them. */
const PARTS = 8;
const KEYS = 50;
const draw = dice(args.seed);

const folder = mkdtempSync(join(tmpdir(), 'rivulet-kinesis-'));
const kinesis = args.moto ? await startMoto(args.moto) : await startKinesis();
const trouble = await startTrouble(kinesis, draw, 12);
try {
  await kinesis.create('numbers', 2);
  await kinesis.create('copies', 2);
  const per = Math.ceil(records / PARTS);
  const put = (part) => {
    const count = Math.min(per, records - part * per);
    const numbers = Array.from({ length: count }, (_, n) => part * per + n);
    return kinesis.put(
      'numbers',
      numbers.map((n) => ({ key: `k${n % KEYS}`, value: String(n) })),
    );
  };
  const produce = async () => {
    for (let part = 1; part < PARTS; part++) {
      // moto writes to shards that it has closed, and copies what they hold.
      if (!args.moto) await (part % 3 === 0 ? kinesis.merge('numbers') : kinesis.split('numbers'));
      await put(part);
      await new Promise((resolve) => setTimeout(resolve, draw(1_000)));
    }
  };
  const begun = Date.now();
  await put(0);
  const produced = produce();
  const found = await live({
    server: args.server,
    python: args.python,
    script: 'kinesis_life.py',
    words: [trouble.url, folder],
    limit: Math.ceil(records / 20),
    kills,
    draw,
    before: () => produced,
  });
  const expected = { records, numbers: records, sum: (records * (records - 1)) / 2 };
  assert.deepEqual(found, expected, 'each record is in the files once');
  const copies = await kinesis.read('copies');
  const values = new Set(copies.map(({ value }) => value));
  assert.equal(values.size, records, 'each record is written again');
  assert.ok(copies.every(({ key, value }) => key === `k${Number(value) % KEYS}`));
  const shards = (await kinesis.shards('numbers')).length;
  const seconds = ((Date.now() - begun) / 1_000).toFixed(1);
  const told = Object.entries(trouble.seen).map(([what, times]) => `${times} ${what}`);
  console.log(
    `kinesis (${args.moto ? 'moto' : 'kinesis-local'}): ${records} records of ${shards} shards, ${kills} deaths, each record once in the files, ` +
      `${copies.length} copies; ${told.join(', ')}; ${seconds} s`,
  );
} finally {
  trouble.stop();
  kinesis.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
