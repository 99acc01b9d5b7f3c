// What the page lets go of when nobody has it any more, and what it must not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ExecutePlanRequestSchema, ExecutePlanResponseSchema } from '../src/generated/spark/connect/base_pb.js';
import { FakeSession } from './fake_engine.js';
import { collected } from './garbage.js';

const FAILURE = {
  exception: 'AnalysisException',
  condition: 'TABLE_OR_VIEW_NOT_FOUND',
  sqlState: '42P01',
  message: 'no t',
  parameters: {},
};
const turn = () => new Promise((resolve) => setTimeout(resolve));
const ended = (runId: string) => ({ t: 'listener' as const, eventType: 'terminated' as const, event: { runId } });
const credit = (received: number, queuedBytes: number) =>
  ({ t: 'credit', source: 'push-0', received, queuedBytes, limitBytes: 10, durable: null, isRead: true }) as const;

/** A session that starts each query as a run of its own; `early` are runs that have ended before the page hears that they began. */
function startable({ early = false, fails = false } = {}) {
  let runs = 0;
  return new FakeSession((message, reply) => {
    if (message.t !== 'req' || fromBinary(ExecutePlanRequestSchema, message.bytes).plan?.opType.case !== 'command') return;
    if (fails) return reply({ t: 'err', id: message.id, error: FAILURE });
    const runId = `r${runs++}`;
    const value = { queryId: { id: 'q', runId }, name: '' };
    const response = create(ExecutePlanResponseSchema, { responseType: { case: 'writeStreamOperationStartResult', value } });
    if (early) reply(ended(runId));
    reply({ t: 'res', id: message.id, bytes: toBinary(ExecutePlanResponseSchema, response) });
    reply({ t: 'end', id: message.id });
  });
}

test('a push source is forgotten when nobody can write it, read it, or run it', async () => {
  const session = startable();
  const forgotten = () => session.of('pushForget').map(({ source }) => source);
  const parts = { writer: undefined as unknown, reader: undefined as unknown };
  const open = () => {
    const { df, write } = session.readStream.push({ schema: 'a INT' });
    return { df: df.filter('a > 1'), write };
  };
  open();
  parts.writer = open().write;
  parts.reader = open().df;
  assert.ok(await collected(() => forgotten().length === 1));
  assert.ok(!(await collected(() => forgotten().length > 1, 10)), 'who can write or read has it');
  await (parts.reader as ReturnType<typeof open>['df']).writeStream.start();
  parts.reader = undefined;
  assert.ok(!(await collected(() => forgotten().length > 1, 10)), 'its query runs');
  session.receive(ended('r0'));
  assert.ok(await collected(() => forgotten().length === 2));
  parts.writer = undefined;
  assert.ok(await collected(() => forgotten().length === 3));
  assert.deepEqual(forgotten(), ['push-0', 'push-2', 'push-1']);
});

for (const [title, options] of [
  ['a run that ends before the page knows it', { early: true }],
  ['a query that does not start', { fails: true }],
] as const) {
  test(`${title} holds nothing`, async () => {
    const session = startable(options);
    const start = () => session.readStream.push({ schema: 'a INT' }).df.writeStream.start();
    await start().catch(() => {});
    assert.ok(await collected(() => session.of('pushForget').length === 1));
  });
}

test('who waits to write goes on, though nobody else has the source', async () => {
  const session = new FakeSession();
  let written = 0;
  const produce = async () => {
    const { write } = session.readStream.push({ schema: 'a INT' });
    await write({ a: written++ });
    session.receive(credit(1, 20));
    await write({ a: written++ });
    written++;
  };
  void produce();
  await turn();
  assert.equal(written, 2, 'it waits');
  assert.ok(!(await collected(() => session.of('pushForget').length > 0, 10)));
  session.receive(credit(2, 0));
  await turn();
  assert.equal(written, 3);
});

test('what a source of the page reads is let go with all that was derived from it, and not while its query runs', async () => {
  const session = startable();
  const gone: string[] = [];
  const registry = new FinalizationRegistry<string>((name) => gone.push(name));
  const read = (name: string) => {
    const items = [{ a: 1 }];
    registry.register(items, name);
    return session.readStream.from(items, { schema: 'a INT' }).filter('a > 0');
  };
  read('nobody');
  const started = async () => void (await read('query').writeStream.start());
  await started();
  assert.ok(await collected(() => gone.length === 1));
  assert.ok(!(await collected(() => gone.length > 1, 10)));
  session.receive(ended('r0'));
  assert.ok(await collected(() => gone.length === 2));
  assert.deepEqual(gone, ['nobody', 'query']);
});

test('a checkpoint is forgotten when nobody has it', async () => {
  const commands: (string | undefined)[] = [];
  const session = new FakeSession((message, reply) => {
    if (message.t !== 'req') return;
    const { plan } = fromBinary(ExecutePlanRequestSchema, message.bytes);
    const kind = plan?.opType.case === 'command' ? plan.opType.value.commandType : undefined;
    commands.push(kind?.case === 'removeCachedRemoteRelationCommand' ? kind.value.relation?.relationId : kind?.case);
    const value = { relation: { relationId: 'c' } };
    const response = create(ExecutePlanResponseSchema, { responseType: { case: 'checkpointCommandResult', value } });
    reply({ t: 'res', id: message.id, bytes: toBinary(ExecutePlanResponseSchema, response) });
    reply({ t: 'end', id: message.id });
  });
  let kept: unknown = (await session.read.table('t').checkpoint()).filter('a > 1');
  assert.ok(!(await collected(() => commands.length > 1, 10)) && kept);
  kept = undefined;
  assert.ok(await collected(() => commands.length === 2));
  assert.deepEqual(commands, ['checkpointCommand', 'c']);
});

test('nothing is said to an engine that has stopped', async () => {
  const session = startable();
  session.readStream.push({ schema: 'a INT' });
  session.context.sources.stop();
  assert.ok(!(await collected(() => session.of('pushForget').length > 0, 20)));
});
