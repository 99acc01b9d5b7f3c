// A page as a client of a Spark Connect server, over gRPC-Web through Rivulet's gateway. The server is this engine, natively: real Spark is
// asked by ./build.sh cluster.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE } from '../../src/js/scripts/paths.mjs';
import { freePort, started } from './broker.mjs';
import { browser, inPage } from './harness.mjs';

const page = browser();
const PROGRAMS = join(process.env.CARGO_TARGET_DIR ?? join(CACHE, 'target'), 'debug');
const children = [];
/** Ports of the engine and of gateways in front of it. */
const ports = {};

/** Starts a gateway; resolves to its port. */
async function gateway(...options) {
  const port = await freePort();
  const origin = new URL(page.url).origin;
  children.push(await started(join(PROGRAMS, 'rivulet-gateway'), ['--port', String(port), '--origin', origin, ...options], /http:\/\//));
  return port;
}

before(async () => {
  ports.engine = await freePort();
  children.push(await started(join(PROGRAMS, 'rivulet-connect'), ['--port', String(ports.engine), '--executors', '2'], /sc:\/\//));
  ports.open = await gateway('--spark', `localhost:${ports.engine}`);
  ports.closed = await gateway('--spark', `localhost:${ports.engine}`, '--token', 'secret');
  ports.astray = await gateway('--spark', `localhost:${await freePort()}`);
});
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Condition and message of what opening a session ends with in the page. */
const opened = (address) =>
  inPage(
    page,
    async (remote) => {
      const { SparkSession } = await import('rivulet');
      try {
        const spark = await SparkSession.builder.remote(remote).create();
        const count = await spark.range(5).count();
        await spark.stop();
        return count;
      } catch (error) {
        return [error.condition, error.message];
      }
    },
    address,
  );

test('queries, files of the page, SQL, errors and streams over gRPC-Web', async () => {
  const answer = await inPage(
    page,
    async (remote) => {
      const { SparkSession, functions: F } = await import('rivulet');
      const spark = await SparkSession.builder.remote(remote).config('spark.sql.shuffle.partitions', 2).create();
      const rows = await spark.range(100_000).groupBy(F.col('id').mod(3).alias('k')).count().orderBy('k').collect();
      await spark.createDataFrame([{ word: 'Grüße', n: 3n }], 'word STRING, n BIGINT').createOrReplaceTempView('words');
      const words = await (await spark.sql('SELECT word, n + :more AS n FROM words', { more: 1 })).collect();
      const caught = async (run) => {
        try {
          return await run();
        } catch (error) {
          return [error.name, error.condition];
        }
      };
      const wrong = await caught(() => spark.range(1).select('nothing').collect());
      const datasets = await caught(() => spark.sparkContext.parallelize([1]));
      const events = [];
      spark.streams.addListener({
        onQueryStarted: ({ name }) => events.push(`started ${name}`),
        onQueryTerminated: ({ exception }) => events.push(`terminated ${exception}`),
      });
      const rate = spark.readStream.format('rate').option('rowsPerSecond', 100).load();
      const query = await rate.writeStream.format('memory').queryName('rated').start();
      while ((await spark.table('rated').count()) === 0) await query.awaitTermination(0.1);
      await query.stop();
      const awaited = await query.awaitTermination();
      let seen = 0;
      for await (const row of spark.range(1_000_000))
        if (row.id === 5) break;
        else seen += 1;
      const after = await spark.range(3).count();
      await spark.stop();
      const stopped = await caught(() => spark.range(1).count());
      return { rows, words, wrong, datasets, awaited, seen, after, stopped, events, executors: await caught(() => spark.status.executors) };
    },
    `sc://localhost:${ports.open}`,
  );
  assert.deepEqual(answer.rows, [
    { k: 0, count: 33_334 },
    { k: 1, count: 33_333 },
    { k: 2, count: 33_333 },
  ]);
  assert.deepEqual(answer.words, [{ word: 'Grüße', n: 4 }]);
  assert.deepEqual(answer.wrong, ['AnalysisException', 'UNRESOLVED_COLUMN.WITH_SUGGESTION']);
  assert.deepEqual(answer.datasets, ['UnsupportedOperationException', 'RIVULET_NOT_ON_A_CLUSTER']);
  assert.deepEqual(answer.events[0], 'started rated');
  assert.deepEqual([answer.awaited, answer.seen, answer.after], [true, 5, 3]);
  assert.deepEqual(answer.stopped, ['SessionClosedError', 'RIVULET_SESSION_CLOSED']);
});

test('a token lets in, and nothing else does; what is wrong is said', async () => {
  assert.equal(await opened(`sc://localhost:${ports.closed}/;token=secret`), 5);
  for (const address of [`sc://localhost:${ports.closed}`, `sc://localhost:${ports.closed}/;token=guess`]) {
    const [condition, message] = await opened(address);
    assert.equal(condition, 'RIVULET_REMOTE_UNAUTHENTICATED', message);
    assert.match(message, /Name the token in the connection string/);
  }
});

test('no server, no gateway, and a gateway that does not let the page in', async () => {
  const [astray, said] = await opened(`sc://localhost:${ports.astray}`);
  assert.equal(astray, 'RIVULET_REMOTE_UNREACHABLE', said);
  assert.match(said, /The gateway does not reach Spark at localhost:\d+/);
  const [none, text] = await opened(`sc://localhost:${await freePort()}`);
  assert.equal(none, 'RIVULET_REMOTE_UNREACHABLE', text);
  assert.match(text, /rivulet-gateway --spark HOST:PORT --origin http:\/\/localhost/);
  const elsewhere = await freePort();
  children.push(
    await started(
      join(PROGRAMS, 'rivulet-gateway'),
      ['--port', String(elsewhere), '--spark', `localhost:${ports.engine}`, '--origin', 'https://example.org'],
      /http:\/\//,
    ),
  );
  assert.equal((await opened(`sc://localhost:${elsewhere}`))[0], 'RIVULET_REMOTE_UNREACHABLE');
  // The engine itself does not speak gRPC-Web.
  assert.equal((await opened(`sc://localhost:${ports.engine}`))[0], 'RIVULET_REMOTE_UNREACHABLE');
});

test('what is not gRPC-Web, or too large, gets an answer that says so', async () => {
  const url = `http://localhost:${ports.open}/spark.connect.SparkConnectService/Config`;
  const plain = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  assert.equal(plain.status, 415);
  assert.match((await plain.json()).message, /gRPC-Web/);
  const kafka = await fetch(`http://localhost:${ports.open}/kafka/offsets`, { method: 'POST', body: '{}' });
  assert.equal(kafka.status, 404);
  const about = await (await fetch(`http://localhost:${ports.open}/`)).json();
  assert.deepEqual(about.serves, ['/spark.connect.SparkConnectService/{method}']);
});

test('what is too large for the page runs on the cluster behind it, with the views of the session', async () => {
  const answer = await inPage(
    page,
    async (cluster) => {
      const { SparkSession } = await import('rivulet');
      const build = (remote) =>
        SparkSession.builder
          .master('local[1]')
          .config('spark.rivulet.executor.executionMemory', '256k')
          .config('spark.rivulet.fallbackRemote', remote)
          .create();
      const spark = await build(cluster);
      await spark.createDataFrame([{ n: 7 }], 'n INT').createOrReplaceTempView('sevens');
      const large = 'SELECT max(s) AS s FROM (SELECT sum(id) OVER (ORDER BY id) AS s FROM range(200000)) JOIN sevens ON s % n = 0';
      const seen = { here: await spark.range(5).count(), there: await (await spark.sql(large)).collect() };
      seen.error = await (await spark.sql("SELECT CAST('x' AS INT) AS n")).collect().catch((error) => error.condition);
      seen.still = await (await spark.sql('SELECT n FROM sevens')).collect();
      await spark.stop();
      const alone = await build('sc://localhost:1');
      await alone.createDataFrame([{ n: 7 }], 'n INT').createOrReplaceTempView('sevens');
      const failed = await (await alone.sql(large)).collect().catch((error) => [error.condition, error.message]);
      await alone.stop();
      const wrong = await build('http://spark').catch((error) => error.condition);
      return { ...seen, failed, wrong };
    },
    `sc://localhost:${ports.open}`,
  );
  // The largest sum of the first numbers that 7 divides.
  let expected = 0;
  for (let id = 0, sum = 0; id < 200_000; id++) {
    sum += id;
    if (sum % 7 === 0) expected = sum;
  }
  assert.deepEqual([answer.here, answer.there, answer.still], [5, [{ s: expected }], [{ n: 7 }]]);
  assert.equal(answer.error, 'CAST_INVALID_INPUT');
  assert.equal(answer.failed[0], 'RIVULET_EXECUTION_MEMORY');
  assert.match(answer.failed[1], /And the cluster of spark\.rivulet\.fallbackRemote: .*localhost:1/);
  assert.equal(answer.wrong, 'RIVULET_REMOTE_ADDRESS');
});
