import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { RestartPolicy } from '../src/cluster/restart.js';
import { AnalysisException, SessionClosedError, SparkError } from '../src/errors.js';
import { ExecutePlanResponseSchema } from '../src/generated/spark/connect/base_pb.js';
import * as rivulet from '../src/index.js';
import { executorsOf } from '../src/sql/builder.js';
import { parseSchema } from '../src/values/ddl.js';
import { encodeRows } from '../src/values/encode.js';
import { FakeSession } from './fake_engine.js';

const schema = parseSchema('a INT');

function batch(values: number[]): Uint8Array {
  const data = encodeRows(
    values.map((a) => ({ a })),
    schema,
  );
  return toBinary(
    ExecutePlanResponseSchema,
    create(ExecutePlanResponseSchema, { responseType: { case: 'arrowBatch', value: { data, rowCount: BigInt(values.length) } } }),
  );
}

test('collect gathers the rows of all batches', async () => {
  const session = new FakeSession((message, reply) => {
    if (message.t !== 'req') return;
    reply({ t: 'res', id: message.id, bytes: batch([1, 2]) });
    reply({ t: 'res', id: message.id, bytes: batch([3]) });
    reply({ t: 'end', id: message.id });
  });
  assert.deepEqual(await session.read.table('t').collect(), [{ a: 1 }, { a: 2 }, { a: 3 }]);
  assert.equal(session.connection.pending, 0);
});

test('an error of the engine is the class that PySpark would raise', async () => {
  const error = {
    exception: 'AnalysisException',
    condition: 'TABLE_OR_VIEW_NOT_FOUND',
    sqlState: '42P01',
    message: 'no t',
    parameters: { relationName: '`t`' },
  };
  const session = new FakeSession((message, reply) => message.t === 'req' && reply({ t: 'err', id: message.id, error }));
  await assert.rejects(session.read.table('t').collect(), (thrown) => {
    assert.ok(thrown instanceof AnalysisException && thrown instanceof SparkError);
    assert.equal(thrown.name, 'AnalysisException');
    assert.equal(thrown.condition, 'TABLE_OR_VIEW_NOT_FOUND');
    assert.equal(thrown.sqlState, '42P01');
    return true;
  });
  assert.deepEqual(session.of('cancel'), []);
});

test('an abort rejects with the reason and cancels in the engine', async () => {
  const session = new FakeSession();
  const controller = new AbortController();
  const rows = session.read.table('t').collect({ signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve));
  controller.abort(new Error('enough'));
  await assert.rejects(rows, /enough/);
  assert.equal(session.of('cancel').length, 1);
  await assert.rejects(session.read.table('t').collect({ signal: controller.signal }), /enough/);
  assert.equal(session.of('req').length, 1);
});

test('leaving a loop over rows cancels the rest', async () => {
  const session = new FakeSession((message, reply) => message.t === 'req' && reply({ t: 'res', id: message.id, bytes: batch([1, 2]) }));
  for await (const row of session.read.table('t')) {
    assert.deepEqual(row, { a: 1 });
    break;
  }
  assert.equal(session.of('cancel').length, 1);
});

test('the engine hears what was read of a large result, and nothing of a small one', async () => {
  const length = 3 << 20;
  const session = new FakeSession((message, reply) => {
    if (message.t !== 'req') return;
    const responses = message.bytes.byteLength;
    for (let i = 0; i < responses; i++) reply({ t: 'res', id: message.id, bytes: new Uint8Array(length) });
    reply({ t: 'end', id: message.id });
  });
  const said = () => session.of('taken').map(({ bytes }) => bytes);
  let read = 0;
  for await (const response of session.connection.stream('ExecutePlan', new Uint8Array(5))) {
    // Whoever asks for the next response has read those before.
    assert.deepEqual(said(), Array(read >> 1).fill(2 * length));
    assert.equal(response.byteLength, length);
    read += 1;
  }
  assert.equal(read, 5);
  for await (const _ of session.connection.stream('ExecutePlan', new Uint8Array(1)));
  assert.deepEqual(said(), [2 * length, 2 * length]);
});

test('a closed session fails calls that run and calls that come', async () => {
  const session = new FakeSession();
  const running = session.read.table('t').collect();
  await Promise.resolve();
  session.connection.close(new SessionClosedError('gone'));
  await assert.rejects(running, SessionClosedError);
  await assert.rejects(session.read.table('t').count(), SessionClosedError);
});

test('importing on a server is inert, starting there is a clear error', async () => {
  assert.equal(typeof rivulet.SparkSession.builder, 'object');
  await assert.rejects(rivulet.SparkSession.builder.master('local[1]').create(), /Rivulet runs in a browser .*builder\.remote/);
});

test('master URLs', () => {
  assert.equal(executorsOf('local'), 1);
  assert.equal(executorsOf('local[3]'), 3);
  assert.ok(executorsOf('local[*]') >= 1);
  for (const bad of ['local[0]', 'spark://x', 'local[x]']) assert.throws(() => executorsOf(bad), { condition: 'RIVULET_MASTER' });
});

test('executors that die are replaced at once, then later and later, then no more', () => {
  const policy = new RestartPolicy();
  const delays = Array.from({ length: 13 }, (_, index) => policy.delayMs(index));
  assert.deepEqual(delays, [0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, undefined]);
  assert.equal(policy.delayMs(1_000_000), 0);
});
