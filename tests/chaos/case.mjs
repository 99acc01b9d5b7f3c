// One query from its first start to its last batch, and the faults on its way: all of it drawn from one seed.
import { NumberedEvents } from '../../src/js/scripts/servers/numbered-server.mjs';
import { differences } from './compare.mjs';
import { drawTimes, eventMaker } from './events.mjs';
import { FAULTS } from './faults.mjs';
import { OwnBrowser, OwnContext } from './homes.mjs';
import { Life } from './life.mjs';
import { PIPELINES } from './pipelines.js';
import { Random } from './random.mjs';

const LOCATION = 'opfs:///chaos';
const FAULTS_PER_CASE = [3, 6];
const DELAY_MS = 500;

/** What a seed stands for: the query, its settings, and at most `rounds` faults. */
export function drawCase(seed, rounds) {
  const random = new Random(seed);
  const pipeline = random.pick(Object.keys(PIPELINES));
  const { draw = () => ({}) } = PIPELINES[pipeline];
  const times = drawTimes(random);
  const params = { ...times, ...draw(random, times) };
  const conf = {
    // All of the state in memory, none of it, a little.
    'spark.rivulet.executor.stateMemory': random.pick(['512m', '1', '8k']),
    'spark.sql.streaming.minBatchesToRetain': random.pick([2, 10, 100]),
    'spark.sql.streaming.stateStore.minDeltasForSnapshot': random.pick([1, 3, 10]),
  };
  const options = random.chance(0.3) ? { maxBlocksPerTrigger: random.int(10, 50) } : {};
  const perTick = random.pick([1, 3, 6]);
  const slowMs = random.pick([0, 0, 10, 40]);
  const plan = { pipeline, params, conf, options, slowMs, location: LOCATION };
  const count = Math.min(rounds, random.int(...FAULTS_PER_CASE));
  const drawn = Array.from({ length: count }, (_, n) => drawFault(random.fork(), n === count - 1));
  return { seed, plan, perTick, random, faults: drawn };
}

function drawFault(random, isLast) {
  const name = random.pick(Object.keys(FAULTS));
  const { early, late } = FAULTS[name];
  return {
    name,
    random,
    early: Boolean(early) && random.chance(0.25),
    late: Boolean(late) && isLast && random.chance(0.4),
    batches: random.chance(0.3) ? 0 : random.int(1, 8),
    delayMs: random.int(0, DELAY_MS),
  };
}

/** Servers of the events of a case; `wrong` hears what no server may see. */
async function serve({ plan, perTick, random }, wrong) {
  const { streams = 1, keys, repeats } = PIPELINES[plan.pipeline];
  const servers = Array.from({ length: streams }, () => {
    const maker = eventMaker(random.fork(), plan.params, { keys, repeats });
    const pace = random.fork();
    const server = new NumberedEvents({
      make: maker.make,
      perTick: () => (pace.chance(0.02) ? 20 * perTick : perTick),
      broken: (what) => wrong.push(what),
    });
    /** Ends the stream; its last event closes what is open. */
    server.end = () => {
      server.stop();
      if (server.ended) return;
      server.ended = true;
      maker.flush();
      server.happen(1);
    };
    return server;
  });
  await Promise.all(servers.map(({ server }) => new Promise((go) => server.once('listening', go))));
  return servers;
}

/** Runs a case; what came of it, with `failures` if it was anything but the model's. */
export async function runCase(drawn, { browser, url }) {
  const begun = performance.now();
  const seconds = () => ((performance.now() - begun) / 1_000).toFixed(2);
  const home = drawn.faults.some(({ name }) => FAULTS[name].own) ? new OwnBrowser() : new OwnContext(browser);
  const wrong = [];
  const servers = await serve(drawn, wrong);
  const plan = { ...drawn.plan, urls: servers.map((server) => server.url) };
  const life = new Life({ home, url, plan, servers, random: drawn.random.fork(), wrong });
  const history = [];
  let result = {};
  try {
    await life.enter();
    await life.start();
    let executorFaultAt = -1;
    for (const fault of drawn.faults) {
      if (!fault.early) await life.starting;
      const { run, executor } = FAULTS[fault.name];
      const wanted = Math.max(life.batches + (fault.early ? 0 : fault.batches), executor ? executorFaultAt + 1 : 0);
      while (life.batches < wanted) await life.nextBatch();
      if (fault.late) for (const server of servers) server.end();
      await new Promise((go) => setTimeout(go, fault.delayMs));
      if (executor) executorFaultAt = life.batches;
      history.push(
        `${seconds()} s: ${fault.name}${fault.early ? ', early' : ''}${fault.late ? ', late' : ''}, after ${life.batches} batches`,
      );
      await run(life, fault.random);
    }
    await life.starting;
    result = await finish(life, servers, plan);
  } catch (error) {
    wrong.push(error.message);
  } finally {
    life.forget();
    for (const server of servers) server.close();
    await home.close();
  }
  const { starts, refusals } = life;
  const events = servers.reduce((sum, { happened }) => sum + happened, 0);
  const failures = [...wrong, ...(result.failures ?? [])];
  return {
    lost: 0,
    doubled: 0,
    batches: 0,
    repeated: 0,
    ...result,
    failures,
    history,
    events,
    starts,
    refusals,
    said: life.said,
    seconds: seconds(),
  };
}

/** The end of a case: nothing more happens, all is processed, and the sink holds what the model says. */
async function finish(life, servers, plan) {
  for (const server of servers) server.end();
  await life.allAcknowledged();
  const { report } = await life.patiently('the last batch', life.call('finish', plan.location));
  const { batches, wrong } = await life.call('contents');
  const failures = [...wrong];
  const last = batches.at(-1)?.batch ?? null;
  if (!report.sound || report.problems.length > 0) failures.push(`the checkpoint: ${JSON.stringify(report.problems)}`);
  if (report.lastCommit !== report.lastBatch || report.lastCommit !== last) {
    failures.push(`the checkpoint ends with batch ${report.lastBatch}, committed ${report.lastCommit}, the sink with ${last}`);
  }
  const compared = differences(plan, servers, batches);
  failures.push(...compared.failures);
  const repeated = batches.reduce((sum, { times }) => sum + times - 1, 0);
  return { ...compared, failures, batches: batches.length, repeated };
}
