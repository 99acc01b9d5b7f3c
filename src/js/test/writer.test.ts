import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { ExecutePlanRequestSchema } from '../src/generated/spark/connect/base_pb.js';
import { WriteOperation_SaveMode as Mode, type WriteOperation } from '../src/generated/spark/connect/commands_pb.js';
import type { SaveMode } from '../src/sql/writer.js';
import { FakeSession } from './fake_engine.js';

/** A session, and the writes that it was asked for. */
function writable() {
  const writes: WriteOperation[] = [];
  const session = new FakeSession((message, reply) => {
    if (message.t !== 'req') return;
    const { plan } = fromBinary(ExecutePlanRequestSchema, message.bytes);
    const command = plan?.opType.case === 'command' ? plan.opType.value.commandType : undefined;
    if (command?.case === 'writeOperation') writes.push(command.value);
    reply({ t: 'end', id: message.id });
  });
  return { session, writes };
}

test('a write says what is written, how, and where to', async () => {
  const { session, writes } = writable();
  const rows = session.read.table('rows');
  await rows.write.format('kafka').mode('append').option('topic', 't').options({ 'kafka.bridge.url': 'http://h:1' }).save();
  await rows.write.mode('overwrite').csv('folder');
  const [sent, saved] = writes;
  assert.deepEqual([sent?.source, sent?.mode, sent?.saveType.case], ['kafka', Mode.APPEND, undefined]);
  assert.deepEqual(sent?.options, { topic: 't', 'kafka.bridge.url': 'http://h:1' });
  assert.equal(sent?.input?.relType.case, 'read');
  assert.deepEqual([saved?.source, saved?.mode, saved?.saveType], ['csv', Mode.OVERWRITE, { case: 'path', value: 'folder' }]);
});

test('modes are those of Spark, in any case', async () => {
  const { session, writes } = writable();
  const { write } = session.read.table('rows');
  for (const mode of ['Ignore', 'ERROR', 'errorIfExists', 'default']) await write.mode(mode as SaveMode).json('folder');
  assert.deepEqual(
    writes.map(({ mode }) => mode),
    [Mode.IGNORE, Mode.ERROR_IF_EXISTS, Mode.ERROR_IF_EXISTS, Mode.ERROR_IF_EXISTS],
  );
  assert.throws(() => write.mode('sometimes' as SaveMode), { condition: 'INVALID_SAVE_MODE', parameters: { mode: '"sometimes"' } });
});
