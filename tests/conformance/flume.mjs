// Flume natively: agents that send over HTTP and over Avro, and Spark's sink that is polled, all by avsc's wire; the gateway, which is
// started again now and then; a server between it and the engine that loses questions and answers; the engine as a Spark Connect server
// that is killed again and again, and PySpark's client. What agents have sent and heard is held against the files.
//   node tests/conformance/flume.mjs --server PROGRAM --python PROGRAM [--kills 20] [--events 4000] [--seed N] [--only http|avro|pull]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { modes, startTraffic } from './flume_traffic.mjs';
import { dice, live } from './lives.mjs';

const { values: args } = parseArgs({
  options: {
    server: { type: 'string' },
    python: { type: 'string' },
    kills: { type: 'string', default: '20' },
    events: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const kills = Number(args.kills);

async function run(mode) {
  const draw = dice(args.seed);
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-flume-'));
  const traffic = await startTraffic(mode, { draw, least: Number(args.events), origin: 'http://localhost' });
  try {
    let ended = Promise.resolve();
    const found = await live({
      server: args.server,
      python: args.python,
      script: 'flume_life.py',
      words: [traffic.url, folder, JSON.stringify(traffic.options)],
      limit: 0,
      kills,
      draw,
      // Agents wait for the last life, which waits for this file.
      before: async () => {
        ended = traffic.end().then(() => writeFileSync(join(folder, 'done'), ''));
      },
    });
    await ended;
    console.log(traffic.report(found, `${kills} deaths of the engine`));
  } finally {
    await traffic.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const mode of Object.keys(modes)) {
  if (!args.only || args.only === mode) await run(mode);
}
process.exit(0);
