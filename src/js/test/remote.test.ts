/** Tests the driver that is a Spark cluster against a server in memory whose connections a test can break. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { StreamingQueryEventType } from '../src/generated/remote/spark/connect/commands_pb.js';
import { RelationSchema } from '../src/generated/remote/spark/connect/relations_pb.js';
import type { FromDriver, ToDriver } from '../src/protocol.js';
import { addressOf } from '../src/remote/address.js';
import { Calls } from '../src/remote/calls.js';
import { RemoteDriver } from '../src/remote/driver.js';
import { fallbackBy } from '../src/remote/fallback.js';
import { DataFrame } from '../src/sql/dataframe.js';
import { planOf } from '../src/sql/plan.js';
import { localRelation } from '../src/sql/relations.js';
import { SparkSession } from '../src/sql/session.js';
import { parseSchema } from '../src/values/ddl.js';
import { encodeRows } from '../src/values/encode.js';
import { rowsFromIPC } from '../src/values/rows.js';
import { FakeSession } from './fake_engine.js';
import { FakeSpark } from './fake_spark.js';

const NUMBERS = parseSchema('a INT');
const batch = (...values: number[]) => ({
  case: 'arrowBatch' as const,
  value: {
    data: encodeRows(
      values.map((a) => ({ a })),
      NUMBERS,
    ),
    rowCount: BigInt(values.length),
  },
});
const rowsOf = (ipc: Uint8Array) => [...rowsFromIPC(ipc.slice(), { bigint: false })];
const table = (session: FakeSession) => session.read.table('t');
const values = (rows: Record<string, unknown>[]) => rows.map(({ a }) => a);

const drivers: RemoteDriver[] = [];
after(() => {
  for (const driver of drivers) driver.stop();
});

/** A session whose driver speaks to a server in memory; `heard` has what did not belong to a call. */
function remote(spark: FakeSpark, address = 'sc://spark.example') {
  const heard: FromDriver[] = [];
  const driver = new RemoteDriver(
    address,
    () => spark.transport,
    (message) => {
      heard.push(message);
      session.receive(message);
    },
  );
  const session: FakeSession = new FakeSession((message) => driver.post(message));
  drivers.push(driver);
  return { session, driver, heard };
}

/** Waits until a condition holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((go) => setTimeout(go, 1));
}

test('connection strings', () => {
  const plain = { headers: {}, sessionId: undefined, userId: 'rivulet', userAgent: 'rivulet-js' };
  assert.deepEqual(addressOf('sc://localhost'), { ...plain, url: 'http://localhost:15002' });
  assert.deepEqual(addressOf(' sc://host:443/;use_ssl=true '), { ...plain, url: 'https://host:443' });
  assert.deepEqual(addressOf('sc://[::1]:9/;token=t'), { ...plain, url: 'http://[::1]:9', headers: { authorization: 'Bearer t' } });
  // A token goes over TLS, but on this machine.
  assert.equal(addressOf('sc://host/;token=t').url, 'https://host:15002');
  assert.equal(addressOf('sc://host/;token=t;use_ssl=false').url, 'http://host:15002');
  assert.deepEqual(addressOf('sc://h/;user_id=a%3Bb;X-Team=red;session_id=0F0E0D0C-0000-4000-8000-000000000001;user_agent=me'), {
    url: 'http://h:15002',
    headers: { 'x-team': 'red' },
    sessionId: '0f0e0d0c-0000-4000-8000-000000000001',
    userId: 'a;b',
    userAgent: 'me',
  });
});

test('connection strings that are none say what is wrong, and no token', () => {
  for (const [wrong, said] of [
    ['', /is not a connection string/],
    ['http://host', /is not a connection string/],
    ['sc://', /is not a connection string/],
    ['sc://host:0', /is not a connection string/],
    ['sc://host:99999', /is not a connection string/],
    ['sc://host/path', /is not a connection string/],
    ['sc://user@host', /is not a connection string/],
    ['sc://host/;token', /token has no value/],
    ['sc://host/;token=', /token has no value/],
    ['sc://host/;use_ssl=yes', /use_ssl is true or false/],
    ['sc://host/;session_id=mine', /session_id is a UUID/],
    ['sc://host/;x y=1', /x y cannot be a header/],
    ['sc://host/;x=%0A', /x cannot be a header/],
    ['sc://host/;x=%', /stands for no character/],
  ] as const) {
    assert.throws(() => addressOf(wrong), { condition: 'RIVULET_REMOTE_ADDRESS', message: said }, wrong);
  }
  assert.throws(
    () => addressOf('sc://a b/;token=secret'),
    (error: Error) => !error.message.includes('secret'),
  );
});

test('each response comes once, wherever the line breaks', async () => {
  for (let at = 0; at <= 4; at++) {
    const spark = new FakeSpark();
    spark.answer = () => [batch(1), batch(2), batch(3)];
    spark.breaks = (stream) => (stream === 0 ? at : stream === 1 ? 1 : Number.POSITIVE_INFINITY);
    const { session } = remote(spark);
    // The server answers once before, so that a break does not mean a wrong address.
    await session.context.client.analyze({ case: 'sparkVersion', value: {} });
    assert.deepEqual(values(await table(session).collect()), [1, 2, 3], `broken after ${at}`);
    assert.equal(spark.asked.length, 1);
    const [{ operationId = '' } = {}] = spark.asked;
    assert.deepEqual(
      spark.attached.map(({ lastResponseId }) => lastResponseId)[0],
      at === 4 ? undefined : at === 0 ? undefined : `${operationId}/${at - 1}`,
    );
    await until(() => spark.released.includes(operationId));
  }
});

test('a request that was lost is sent again, and one that comes never is an error', async () => {
  const spark = new FakeSpark();
  const { session } = remote(spark);
  await session.context.client.analyze({ case: 'sparkVersion', value: {} });
  spark.answer = () => [batch(7)];
  spark.losing = 1;
  assert.deepEqual(values(await table(session).collect()), [7]);
  spark.failing = 1;
  assert.deepEqual(await session.context.client.getConf(['k'], null), [undefined]);
});

test('a server that is not there is told after two tries, with what can be done', async () => {
  const spark = new FakeSpark();
  spark.failing = 100;
  const { session } = remote(spark);
  const asked = session.context.client.analyze({ case: 'sparkVersion', value: {} });
  await assert.rejects(asked, {
    name: 'SparkError',
    condition: 'RIVULET_REMOTE_UNREACHABLE',
    message: /Spark cluster at http:\/\/spark\.example:15002 cannot be used: the line is down\. Is a Spark Connect server listening/,
  });
  assert.equal(spark.calls.get('analyzePlan'), 2);
});

test("errors are of Spark's classes, with condition, state and parameters", async () => {
  const spark = new FakeSpark();
  spark.answer = () => {
    throw FakeSpark.error('DIVIDE_BY_ZERO', ['org.apache.spark.SparkArithmeticException', 'java.lang.ArithmeticException'], 'by zero');
  };
  await assert.rejects(table(remote(spark).session).collect(), {
    name: 'ArithmeticException',
    condition: 'DIVIDE_BY_ZERO',
    sqlState: '42000',
    message: 'by zero',
    parameters: { name: 'x' },
  });
});

test('what only the page can do is refused in a sentence that says where it runs', async () => {
  const { session } = remote(new FakeSpark());
  const extension = { typeUrl: 'type.googleapis.com/rivulet.Plan', value: new Uint8Array() };
  const dataset = new DataFrame(session.context, planOf(session.context, { case: 'extension', value: extension }));
  await assert.rejects(dataset.collect(), {
    name: 'UnsupportedOperationException',
    condition: 'RIVULET_NOT_ON_A_CLUSTER',
    message: /RDD\) run in the page, and not on a Spark cluster: use a session with master\('local\[\*\]'\)/,
  });
});

test("the page's files come as rows: JSON, CSV, lines, and those that are packed", async () => {
  const spark = new FakeSpark();
  const { session } = remote(spark);
  const lines = () => {
    const { opType } = spark.asked.at(-1)!.plan!;
    const relType = opType.case === 'root' ? opType.value.relType : undefined;
    const input = relType?.case === 'parse' ? relType.value.input?.relType : relType;
    assert.ok(input?.case === 'localRelation' && input.value.data);
    return {
      parse: relType?.case === 'parse' ? relType.value : undefined,
      lines: rowsOf(input.value.data).map(({ value }) => value),
    };
  };
  await session.read
    .schema('a INT')
    .json(new Blob(['{"a":1}\n\n{"a":2}']))
    .collect();
  assert.deepEqual(lines().lines, ['{"a":1}', '{"a":2}']);
  assert.equal(lines().parse?.schema?.kind.case, 'struct');
  await session.read
    .option('header', true)
    .csv(new Blob(['n,a\r\nAda,36\r\n']))
    .collect();
  assert.deepEqual(lines().lines, ['n,a', 'Ada,36']);
  assert.deepEqual(lines().parse?.options, { header: 'true' });
  await session.read.text(new Blob(['x\n\ny\n'])).collect();
  assert.deepEqual(lines().lines, ['x', '', 'y']);
  const packed = await new Response(new Blob(['{"a":3}']).stream().pipeThrough(new CompressionStream('gzip'))).blob();
  await session.read.json(new File([packed], 'a.json.gz')).collect();
  assert.deepEqual(lines().lines, ['{"a":3}']);
  await assert.rejects(
    session.read
      .format('parquet')
      .load(new Blob(['x']))
      .collect(),
    { condition: 'RIVULET_NOT_ON_A_CLUSTER' },
  );
});

test('a large local relation is brought once, and then named by its hash', async () => {
  const spark = new FakeSpark();
  const { session } = remote(spark);
  const rows = Array.from({ length: 300_000 }, (_, a) => ({ a }));
  const frame = new DataFrame(session.context, planOf(session.context, localRelation(rows, NUMBERS)));
  for (let times = 0; times < 2; times++) {
    await frame.collect();
    const { opType } = spark.asked.at(-1)!.plan!;
    assert.ok(opType.case === 'root' && opType.value.relType.case === 'chunkedCachedLocalRelation');
    const { dataHashes, schemaHash } = opType.value.relType.value;
    const [data] = dataHashes.map((hash) => spark.artifacts.get(`cache/${hash}`));
    assert.equal(rowsOf(data!).length, 300_000);
    assert.equal(new TextDecoder().decode(spark.artifacts.get(`cache/${schemaHash}`)), NUMBERS.json());
  }
  assert.equal(spark.calls.get('artifactStatus'), 1);
});

/** What a fake server answers to commands of streaming queries. */
function streaming(spark: FakeSpark, { python = '3.11', terminatesAfter = 0 } = {}) {
  const seen = { inserts: [] as unknown[][], starts: 0, awaited: 0, read: '' };
  spark.answer = ({ plan }) => {
    const command = plan?.opType.case === 'command' ? plan.opType.value.commandType : undefined;
    switch (command?.case) {
      case 'writeOperation': {
        const { relType } = command.value.input!;
        const local = relType.case === 'parse' ? relType.value.input!.relType : relType;
        assert.ok(local.case === 'localRelation' && local.value.data);
        seen.inserts.push(rowsOf(local.value.data).map((row) => Object.values(row)[0]));
        return [];
      }
      case 'writeStreamOperationStart': {
        seen.starts += 1;
        const { relType } = command.value.input!;
        if (relType.case === 'read' && relType.value.readType.case === 'namedTable')
          seen.read = relType.value.readType.value.unparsedIdentifier;
        const called = command.value.foreachBatch?.function;
        if (called?.case === 'pythonFunction' && called.value.pythonVer !== python) {
          const message = `[PYTHON_VERSION_MISMATCH] Python in worker has different version: ${python} than that in driver: 3.11`;
          throw FakeSpark.error('STREAMING_PYTHON_RUNNER_INITIALIZATION_FAILURE', ['org.apache.spark.SparkRuntimeException'], message);
        }
        const value = { queryId: { id: 'q', runId: 'r' }, name: 'n', queryStartedEventJson: '{"id":"q","runId":"r","name":"n"}' };
        return [{ case: 'writeStreamOperationStartResult', value }];
      }
      case 'streamingQueryCommand': {
        const { command: asked } = command.value;
        if (asked.case !== 'awaitTermination') return [{ case: 'streamingQueryCommandResult', value: {} }];
        seen.awaited += 1;
        assert.ok((asked.value.timeoutMs ?? 1e9) <= 1_000, 'a question that holds its connection');
        const terminated = seen.awaited > terminatesAfter;
        return [{ case: 'streamingQueryCommandResult', value: { resultType: { case: 'awaitTermination', value: { terminated } } } }];
      }
      default:
        return plan?.opType.case === 'root' && plan.opType.value.relType.case === 'cachedRemoteRelation' ? [batch(5, 6)] : [];
    }
  };
  return seen;
}

test('what the page pushes goes into a table that the query reads, and that is dropped with the session', async () => {
  const spark = new FakeSpark();
  const seen = streaming(spark);
  const { session } = remote(spark);
  const { df, write } = session.readStream.push({ schema: 'a INT', format: 'json' });
  await write('{"a":1}\n');
  const query = await df.writeStream.format('noop').start();
  await write('{"a":2}\n{"a":3}\n');
  await query.processAllAvailable();
  const [created = ''] = spark.sql;
  const table = /^CREATE TABLE (`rivulet_\w+`) \(a INT\) USING parquet$/.exec(created)?.[1];
  assert.ok(table !== undefined, created);
  assert.equal(seen.read, table);
  assert.deepEqual(seen.inserts.flat(), ['{"a":1}', '{"a":2}', '{"a":3}']);
  await session.context.client.release();
  assert.deepEqual(spark.sql.slice(1), [`DROP TABLE IF EXISTS ${table}`]);
});

test('what the page reads for a query goes into a table, is acknowledged when it is there, and ends with the session', async () => {
  const spark = new FakeSpark();
  const seen = streaming(spark);
  const { session } = remote(spark);
  const acknowledged: number[] = [];
  let signal: AbortSignal | undefined;
  const source = {
    async *open(after: unknown, of: AbortSignal) {
      signal = of;
      assert.equal(after, undefined);
      for (const a of [1, 2, 3]) yield { a };
      await new Promise(() => {});
    },
    ack: ({ a }: { a: number }) => void acknowledged.push(a),
  };
  const query = await session.readStream.from(source, { schema: 'a INT' }).writeStream.format('noop').start();
  await query.processAllAvailable();
  assert.deepEqual(seen.inserts.flat(), [1, 2, 3]);
  assert.match(seen.read, /^`rivulet_/);
  await until(() => acknowledged.length === 3);
  await session.context.client.release();
  assert.equal(signal?.aborted, true);
});

test('with a checkpoint, the page waits until what it pushed is in the table', async () => {
  const spark = new FakeSpark();
  const seen = streaming(spark);
  const { session } = remote(spark);
  const { df, write } = session.readStream.push({ schema: 'a INT' });
  await df.writeStream.format('noop').option('checkpointLocation', '/c').start();
  await write([{ a: 1 }]);
  await write([{ a: 2 }]);
  assert.deepEqual(seen.inserts.flat(), [1, 2]);
});

test("a function of the page is called with each batch's rows, and the server hears how it went", async () => {
  const spark = new FakeSpark();
  // The server runs another version of Python: the driver learns it from the error, and starts the query for that version.
  const seen = streaming(spark, { python: '3.13' });
  const { session } = remote(spark);
  const { df } = session.readStream.push({ schema: 'a INT' });
  const batches: [number, Uint8Array[]][] = [];
  await df.writeStream
    .foreachBatch((rows, id) => {
      batches.push([id, rows as never]);
      if (id === 1) throw new Error('no room');
    })
    .start();
  assert.equal(seen.starts, 2);
  const start = spark.asked.findLast(
    ({ plan }) => plan?.opType.case === 'command' && plan.opType.value.commandType.case === 'writeStreamOperationStart',
  );
  assert.ok(start?.plan?.opType.case === 'command' && start.plan.opType.value.commandType.case === 'writeStreamOperationStart');
  const { format, options, foreachBatch } = start.plan.opType.value.commandType.value;
  assert.deepEqual([format, options], ['', {}]);
  assert.ok(foreachBatch?.function.case === 'pythonFunction');
  const source = new TextDecoder().decode(foreachBatch.function.value.command);
  const key = /spark\.rivulet\.foreachBatch\.[0-9a-f-]+/.exec(source)![0];
  for (const [call, batchId, answer] of [
    [1, 0, { call: 1 }],
    [2, 1, { call: 2, error: 'Error: no room' }],
  ] as const) {
    spark.conf.set(`${key}.batch`, JSON.stringify({ call, batchId, session: 's', relation: 'x' }));
    await until(() => spark.conf.get(`${key}.done`) === JSON.stringify(answer));
    assert.equal(batches.length, call);
  }
  assert.equal(spark.asked.filter(({ sessionId }) => sessionId === 's').length, 2);
  assert.ok(Number(spark.conf.get(`${key}.alive`)) > 0);
});

test('events of queries reach listeners; their end, awaited by short questions', async () => {
  const spark = new FakeSpark();
  const seen = streaming(spark, { terminatesAfter: 2 });
  const { session, heard, driver } = remote(spark);
  driver.post({ t: 'listen', on: true });
  const query = await session.readStream.push({ schema: 'a INT' }).df.writeStream.format('noop').start();
  spark.event(StreamingQueryEventType.QUERY_PROGRESS_EVENT, { progress: { batchId: 3 } });
  await until(() => heard.some((message) => message.t === 'listener' && message.eventType === 'progress'));
  assert.equal(await query.awaitTermination(0.05), false);
  assert.equal(await query.awaitTermination(), true);
  assert.equal(seen.awaited, 3);
  spark.event(StreamingQueryEventType.QUERY_TERMINATED_EVENT, { runId: 'r' });
  await until(() => heard.some((message) => message.t === 'listener' && message.eventType === 'terminated'));
  const kinds = heard.flatMap((message) => (message.t === 'listener' ? [message.eventType] : []));
  assert.deepEqual(kinds, ['started', 'progress', 'terminated']);
  driver.stop();
});

test('a session cannot have a master and a remote, and an address is read before anything is loaded', async () => {
  await assert.rejects(
    SparkSession.builder.master('local[1]').remote('sc://h/;token=secret').create(),
    (error: Error & { condition: string }) => {
      assert.ok(!error.message.includes('secret'));
      return error.condition === 'CANNOT_CONFIGURE_SPARK_CONNECT_MASTER';
    },
  );
  await assert.rejects(SparkSession.builder.remote('http://h').create(), { condition: 'RIVULET_REMOTE_ADDRESS' });
});

test('a caller who waits for long is not listened to more and more', async () => {
  const spark = new FakeSpark();
  spark.answer = () => [batch(1)];
  const calls = new Calls(spark.transport, addressOf('sc://h'));
  const { signal } = new AbortController();
  const root = create(RelationSchema, { relType: { case: 'range', value: { end: 1n, step: 1n } } });
  for (let times = 0; times < 3; times++) {
    await calls.run({ root }, undefined, signal);
    await calls.unary((options) => calls.client.analyzePlan({ sessionId: '' }, options), signal);
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test("the page's files are in the table before a query takes what is there now, and those that cannot be read end it", async () => {
  const spark = new FakeSpark();
  const seen = streaming(spark);
  const { session } = remote(spark);
  const slow = new Blob(['{"a":1}\n{"a":2}\n']);
  const read = slow.arrayBuffer.bind(slow);
  slow.arrayBuffer = async () => {
    await new Promise((go) => setTimeout(go, 20));
    return read();
  };
  const files = session.readStream.schema('a INT').json(slow);
  await files.writeStream.format('noop').trigger({ availableNow: true }).start();
  assert.deepEqual(seen.inserts.flat(), ['{"a":1}', '{"a":2}']);
  const gone = new Blob(['{"a":3}\n']);
  gone.arrayBuffer = () => Promise.reject(new DOMException('it was changed', 'NotReadableError'));
  const unread = session.readStream.schema('a INT').json(gone);
  await assert.rejects(unread.writeStream.format('noop').trigger({ availableNow: true }).start(), /it was changed/);
});

test('a query that ends before its start is answered is not looked after', async () => {
  const spark = new FakeSpark();
  streaming(spark);
  const { session, driver, heard } = remote(spark);
  driver.post({ t: 'listen', on: true });
  await session.readStream.push({ schema: 'a INT' }).df.writeStream.format('noop').start();
  const { answer } = spark;
  spark.answer = async (request) => {
    const command = request.plan?.opType.case === 'command' ? request.plan.opType.value.commandType : undefined;
    if (command?.case === 'writeStreamOperationStart') {
      const ended = () => heard.some((message) => message.t === 'listener' && message.eventType === 'terminated');
      spark.event(StreamingQueryEventType.QUERY_TERMINATED_EVENT, { runId: 'r' });
      await until(ended);
    }
    return answer(request);
  };
  await session.readStream
    .push({ schema: 'a INT' })
    .df.writeStream.foreachBatch(() => {})
    .start();
  const asked = () => spark.calls.get('config') ?? 0;
  await new Promise((go) => setTimeout(go, 100));
  assert.equal(asked(), 0);
});

/** A session whose engine refuses what `refuses` says, with a cluster behind it. */
function fallen(spark: FakeSpark, refuses: (message: Extract<ToDriver, { t: 'req' }>) => string | undefined) {
  const asked: string[] = [];
  const local = {
    executors: [0],
    kill: () => false,
    heapBytes: async () => ({}),
    stop: () => {},
    post: (message: ToDriver) => {
      if (message.t !== 'req') return;
      asked.push(message.method);
      const condition = refuses(message);
      const error = {
        exception: 'UnsupportedOperationException',
        condition: condition ?? '',
        sqlState: null,
        message: 'not here.',
        parameters: {},
      };
      queueMicrotask(() => {
        if (!condition && message.method === 'Config') behind.receive({ t: 'res', id: message.id, bytes: new Uint8Array() });
        behind.receive(condition ? { t: 'err', id: message.id, error } : { t: 'end', id: message.id });
      });
    },
  };
  const open = (address: string, receive: (message: FromDriver) => void) => {
    const driver = new RemoteDriver(address, () => spark.transport, receive);
    drivers.push(driver);
    return driver;
  };
  const session: FakeSession = new FakeSession((message) => behind.post(message));
  const behind = fallbackBy(open)('sc://spark.example/;token=secret')(local, (message) => session.receive(message));
  return { session, asked };
}

test('what the page refuses runs on the cluster, which has the views and settings of the session by then', async (t) => {
  const said = t.mock.method(console, 'info', () => {});
  const spark = new FakeSpark();
  spark.answer = (request) => (request.plan?.opType.case === 'root' ? [batch(4, 5)] : []);
  let refusal: string | undefined;
  const { session } = fallen(spark, ({ method }) => (method === 'ExecutePlan' ? refusal : undefined));
  await session.context.client.setConf({ 'spark.sql.ansi.enabled': 'false', 'spark.rivulet.executor.stateMemory': '1m' });
  await table(session).createOrReplaceTempView('v');
  assert.equal(spark.asked.length, 0, 'nobody asks a cluster that is not needed');
  refusal = 'RIVULET_EXECUTION_MEMORY';
  assert.deepEqual(values(await table(session).collect()), [4, 5]);
  assert.deepEqual(
    spark.asked.map(({ plan }) => (plan?.opType.case === 'command' ? plan.opType.value.commandType.case : plan?.opType.case)),
    ['createDataframeView', 'root'],
  );
  assert.equal(spark.conf.get('spark.sql.ansi.enabled'), 'false');
  assert.deepEqual(values(await table(session).collect()), [4, 5]);
  assert.equal(spark.asked.length, 3, 'a view goes there once');
  const told = String(said.mock.calls[0]?.arguments[0]);
  assert.match(told, /RIVULET_EXECUTION_MEMORY: the query runs on sc:\/\/spark\.example /);
  assert.doesNotMatch(told, /secret/);
});

test("errors of a query stay the page's, and a cluster that is not there is named beside them", async (t) => {
  t.mock.method(console, 'info', () => {});
  const spark = new FakeSpark();
  const own = fallen(spark, ({ method }) => (method === 'ExecutePlan' ? 'DIVIDE_BY_ZERO' : undefined));
  await assert.rejects(table(own.session).collect(), { condition: 'DIVIDE_BY_ZERO' });
  const { session } = fallen(spark, ({ method }) => (method === 'ExecutePlan' ? 'UNSUPPORTED_FEATURE.RIVULET' : undefined));
  spark.losing = 100;
  spark.failing = 100;
  await assert.rejects(table(session).collect(), {
    condition: 'UNSUPPORTED_FEATURE.RIVULET',
    message: /not here\. And the cluster of spark\.rivulet\.fallbackRemote/,
  });
  assert.throws(() => fallbackBy(() => undefined as never)('http://spark'), { condition: 'RIVULET_REMOTE_ADDRESS' });
});
