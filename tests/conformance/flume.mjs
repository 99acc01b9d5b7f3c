// Flume natively: agents that send over HTTP and over Avro, and Spark's sink that is polled, all by avsc's wire; the gateway, which is
// started again now and then; a server between it and the engine that loses questions and answers; the engine as a Spark Connect server
// that is killed again and again, and PySpark's client. No event that was acknowledged may be lost; one that its agent sent once is in the
// files once, and none more often than it was sent.
//   node tests/conformance/flume.mjs --server PROGRAM --python PROGRAM [--kills 20] [--events 4000] [--seed N] [--only http|avro|pull]
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { avroAgent, container, numbered, sendHttp, startGateway, startLossy, startSink } from '../browser/agents.mjs';
import { freePort } from '../browser/broker.mjs';
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
const [kills, least] = [Number(args.kills), Number(args.events)];
const AGENTS = 4;
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What agents have sent and what was acknowledged to them, by the number of the event. */
class Account {
  sends = [];
  acked = new Set();
  transactions = [];
  /** Makes a transaction of new events. */
  open(count) {
    const from = this.sends.length;
    const numbers = Array.from({ length: count }, (_, at) => from + at);
    for (const n of numbers) this.sends[n] = 0;
    this.transactions.push(numbers);
    return numbers;
  }
  sent(numbers) {
    for (const n of numbers) this.sends[n]++;
  }
  /** Holds what the files have against it. */
  check({ wrong, copies }) {
    assert.equal(wrong, 0, 'bodies and headers belong together');
    const of = (n) => copies[n] ?? 0;
    const lost = [...this.acked].filter((n) => of(n) === 0);
    assert.deepEqual(lost, [], 'no acknowledged event is lost');
    const often = this.sends.flatMap((sends, n) => (of(n) > sends ? [`${n}: ${of(n)} of ${sends}`] : []));
    assert.deepEqual(often, [], 'none is there more often than it was sent');
    for (const numbers of this.transactions) {
      const counts = new Set(numbers.map(of));
      assert.ok(counts.size === 1, `a transaction is whole: ${numbers[0]}… has ${[...counts]} copies`);
    }
    return this.sends.filter((sends) => sends === 1).length;
  }
}

/** Agents that send transactions, each until it is acknowledged, as long as `isOver` says no. */
async function push(account, draw, isOver, send) {
  const agent = async (at) => {
    while (!isOver()) {
      const numbers = account.open(1 + draw(20));
      for (;;) {
        account.sent(numbers);
        // Some agents lose their patience, or their connection.
        const patience = draw(25) === 0 ? draw(400) : undefined;
        if (
          await send(
            at,
            numbers.map((n) => numbered(n)),
            patience,
          )
        )
          break;
        await later(20 + draw(100));
      }
      for (const n of numbers) account.acked.add(n);
      await later(draw(120));
    }
  };
  await Promise.all(Array.from({ length: AGENTS }, (_, at) => agent(at)));
}

const modes = {
  async http({ account, draw, isOver, gateway, port }) {
    await push(account, draw, isOver, async (_, events, patience) => {
      const signal = patience === undefined ? undefined : AbortSignal.timeout(patience);
      const kind = draw(3);
      const more = { signal };
      if (kind === 1) Object.assign(more, { type: 'avro/binary', body: await container(events, ['null', 'deflate'][draw(2)]) });
      return (await sendHttp(gateway, port, events, more)) === 200;
    });
  },
  async avro({ account, draw, isOver, port }) {
    const agents = Array.from({ length: AGENTS }, () => avroAgent(port));
    await push(account, draw, isOver, async (at, events, patience) => {
      const timer = patience === undefined ? undefined : setTimeout(agents[at].stop, patience);
      const status = await (events.length === 1 ? agents[at].sendOne(events[0]) : agents[at].send(events));
      clearTimeout(timer);
      return status === 'OK';
    });
    for (const agent of agents) agent.stop();
  },
  async pull({ account, draw, isOver, sink }) {
    while (!isOver()) {
      for (let left = 1 + draw(20); left > 0; left--) sink.put(...account.open(1).map((n) => numbered(n)));
      await later(draw(80));
      if (draw(100) === 0) sink.cut();
    }
    while (sink.left() > 0) await later(50);
    // Whatever the sink keeps no more was acknowledged.
    account.sends.forEach((_, n) => account.acked.add(n));
  },
};

async function run(mode) {
  const draw = dice(args.seed);
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-flume-'));
  const account = new Account();
  const port = await freePort();
  const sink = await startSink({ patience: 20_000, sent: (event) => account.sent([Number(event.headers.n)]) });
  const gateway = await startGateway('http://localhost', ['--flume', String(port), '--flume-sink', sink.address, '--flume-patience', '12']);
  const lossy = await startLossy(gateway.url, draw, 10);
  let [isLast, restarts] = [false, 0];
  const isOver = () => isLast && account.acked.size + (mode === 'pull' ? account.sends.length : 0) >= least;
  try {
    const begun = Date.now();
    const sending = modes[mode]({ account, draw, isOver, gateway, port, sink });
    const restarting = (async () => {
      while (!isLast) {
        await later(4_000 + draw(12_000));
        await gateway.restart();
        restarts++;
      }
    })();
    const produced = Promise.all([sending, restarting]).then(() => writeFileSync(join(folder, 'done'), ''));
    const [host, at] = sink.address.split(':');
    const options = mode === 'pull' ? { mode, host, port: at, maxBatchSize: '200', parallelism: '3' } : { port: String(port) };
    const found = await live({
      server: args.server,
      python: args.python,
      script: 'flume_life.py',
      words: [lossy.url, folder, JSON.stringify(options)],
      limit: 0,
      kills,
      draw,
      before: async () => {
        isLast = true;
      },
    });
    await produced;
    const once = account.check(found);
    const seconds = ((Date.now() - begun) / 1_000).toFixed(1);
    const all = account.sends.length;
    const rows = Object.values(found.copies).reduce((sum, n) => sum + n, 0);
    const more = mode === 'pull' ? `, ${Object.entries(sink.seen).map(([what, n]) => `${n} ${what}`)}` : '';
    console.log(
      `flume (${mode}): ${all} events in ${account.transactions.length} transactions, ${kills} deaths of the engine, ${restarts} of the gateway, ` +
        `${lossy.seen.lost} of ${lossy.seen.questions} questions or answers lost: none lost; ${once} sent once, each once in the files, ` +
        `${rows - once} rows of the ${all - once} sent again${more}; ${seconds} s`,
    );
  } finally {
    await gateway.stop();
    lossy.stop();
    sink.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const mode of Object.keys(modes)) {
  if (!args.only || args.only === mode) await run(mode);
}
process.exit(0);
