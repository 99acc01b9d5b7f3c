// What agents of Flume send in tests, until they are told to end, and what must have come of it: no event that was acknowledged may be lost;
// one that its agent sent once is there once, and none more often than it was sent.
import assert from 'node:assert/strict';
import { setTimeout as later } from 'node:timers/promises';
import { avroAgent, container, numbered, sendHttp, startGateway, startLossy, startSink } from '../browser/agents.mjs';
import { freePort } from '../browser/broker.mjs';

const AGENTS = 4;

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

/** Who sends, and how. */
export const modes = {
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

/**
 * Lets agents of a mode send to a gateway for pages of `origin`, which is started again now and then, behind a server that loses one
 * question or answer in ten. `end()` waits until at least `least` events are sent and all that were sent are acknowledged; `report`
 * holds what the files have against it, and returns what to print.
 */
export async function startTraffic(mode, { draw, least, origin }) {
  const account = new Account();
  const port = await freePort();
  const sink = await startSink({ patience: 20_000, sent: (event) => account.sent([Number(event.headers.n)]) });
  const gateway = await startGateway(origin, ['--flume', String(port), '--flume-sink', sink.address, '--flume-patience', '12']);
  const lossy = await startLossy(gateway.url, draw, 10);
  const begun = Date.now();
  const [host, at] = sink.address.split(':');
  let [isEnding, restarts] = [false, 0];
  const isOver = () => isEnding && account.sends.length >= least;
  const sending = modes[mode]({ account, draw, isOver, gateway, port, sink });
  const restarting = (async () => {
    while (!isEnding) {
      await later(4_000 + draw(12_000));
      await gateway.restart();
      restarts++;
    }
  })();
  return {
    url: lossy.url,
    options: mode === 'pull' ? { mode, host, port: at, maxBatchSize: '200', parallelism: '3' } : { port: String(port) },
    async end() {
      isEnding = true;
      await Promise.all([sending, restarting]);
    },
    report(found, deaths) {
      const once = account.check(found);
      const seconds = ((Date.now() - begun) / 1_000).toFixed(1);
      const all = account.sends.length;
      const rows = Object.values(found.copies).reduce((sum, n) => sum + n, 0);
      const more = mode === 'pull' ? `; of the sink ${Object.entries(sink.seen).map(([what, n]) => ` ${n} ${what}`)}` : '';
      return (
        `flume (${mode}): ${all} events in ${account.transactions.length} transactions, ${deaths}, ${restarts} of the gateway, ` +
        `${lossy.seen.lost} of ${lossy.seen.questions} questions or answers lost: no event lost; ${once} sent once, each once in the files, ` +
        `${rows - once} rows of the ${all - once} sent again${more}; ${seconds} s`
      );
    },
    async stop() {
      await gateway.stop();
      lossy.stop();
      sink.stop();
    },
  };
}
