import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ExecutePlanRequestSchema, ExecutePlanResponseSchema } from '../src/generated/spark/connect/base_pb.js';
import { ListenerBus } from '../src/sql/streaming/listener.js';
import { parseSchema } from '../src/values/ddl.js';
import { encodeRows } from '../src/values/encode.js';
import { type Row, rowsFromIPC } from '../src/values/rows.js';
import { FakeSession } from './fake_engine.js';

const schema = parseSchema('a INT');
const ended = (runId: string) => ({ t: 'listener' as const, eventType: 'terminated' as const, event: { runId } });
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Returns the lines that were sent, as strings or as bytes. */
const linesOf = (session: FakeSession) =>
  session.posted.flatMap((message) => {
    if (message.t === 'pushLines') return [message.lines];
    return message.t === 'push' ? [new TextDecoder().decode(message.bytes)] : [];
  });

/** Answers the start of a query and remembers its message. */
function startable() {
  const started: unknown[] = [];
  const session = new FakeSession((message, reply) => {
    if (message.t !== 'req') return;
    const { plan } = fromBinary(ExecutePlanRequestSchema, message.bytes);
    if (plan?.opType.case === 'command') started.push(plan.opType.value.commandType.value);
    const value = { queryId: { id: 'q', runId: 'r' }, name: 'n' };
    const response = create(ExecutePlanResponseSchema, { responseType: { case: 'writeStreamOperationStartResult', value } });
    reply({ t: 'res', id: message.id, bytes: toBinary(ExecutePlanResponseSchema, response) });
    reply({ t: 'end', id: message.id });
  });
  return {
    session,
    started: started as { format: string; options: Record<string, string>; outputMode: string; trigger: { case?: string } }[],
  };
}

test('a push source waits while its queue is full', async () => {
  const session = new FakeSession();
  const { write, end } = session.readStream.push({ schema: 'a INT' });
  let written = false;
  await write({ a: 1 });
  session.receive({ t: 'credit', source: 'push-0', received: 1, queuedBytes: 0, limitBytes: 10, durable: null, isRead: true });
  const waiting = write([{ a: 2 }, { a: 3 }]).then(() => {
    written = true;
  });
  await turn();
  assert.equal(written, false);
  session.receive({ t: 'credit', source: 'push-0', received: 2, queuedBytes: 5, limitBytes: 10, durable: null, isRead: true });
  await waiting;
  end();
  const pushes = session.of('push');
  assert.deepEqual(
    pushes.map(({ seq }) => seq),
    [0, 1],
  );
  assert.deepEqual(rowsFromIPC(pushes[1]!.bytes, { bigint: false }), [{ a: 2 }, { a: 3 }]);
  assert.equal(session.of('pushEnd').length, 1);
  await assert.rejects(write({ a: 4 }), /after end/);
});

test('a full queue that no query reads is an error in time; one that is read waits', async ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const session = new FakeSession();
  const { write } = session.readStream.push({ schema: 'a INT' });
  const credit = (queuedBytes: number, isRead: boolean) =>
    session.receive({
      t: 'credit',
      source: 'push-0',
      received: session.of('push').length,
      queuedBytes,
      limitBytes: 10,
      durable: null,
      isRead,
    });
  credit(10, false);
  const nobody = assert.rejects(write({ a: 1 }), { condition: 'RIVULET_PUSH_NOT_READ' });
  mock.timers.tick(9_999);
  mock.timers.tick(1);
  await nobody;
  const read = write({ a: 2 });
  credit(20, true);
  await Promise.resolve();
  await Promise.resolve();
  mock.timers.tick(60_000);
  credit(0, true);
  await read;
  assert.equal(session.of('push').length, 2, 'what was written is kept');
});

test('what is on its way counts as queued until the driver has it', async () => {
  const session = new FakeSession();
  const { write } = session.readStream.push({ schema: 'a INT', format: 'json' });
  const credit = (received: number, queuedBytes: number) =>
    session.receive({ t: 'credit', source: 'push-0', received, queuedBytes, limitBytes: 30, durable: null, isRead: true });
  const done: number[] = [];
  const write10 = (n: number) => write('{"a": 123}').then(() => done.push(n));
  credit(0, 0);
  await Promise.all([write10(0), write10(1)]);
  const third = write10(2);
  await turn();
  assert.deepEqual(done, [0, 1]);
  credit(1, 10); // two are on their way
  await turn();
  assert.deepEqual(done, [0, 1]);
  credit(2, 10); // of the two that came one was taken, and one is on its way
  await third;
});

test('bytes are copied unless they are given away whole', async () => {
  const session = new FakeSession();
  const { write } = session.readStream.push({ schema: 'a INT', format: 'json' });
  const kept = new TextEncoder().encode('{"a":1}\n');
  const given = kept.slice();
  const part = new Uint8Array(kept.slice().buffer, 0, kept.byteLength - 1);
  await write(kept);
  await write(given, { transfer: true });
  await write(part, { transfer: true });
  const sent = session.of('push').map(({ bytes }) => bytes);
  assert.deepEqual([sent[0] === kept, sent[1] === given, sent[2] === part], [false, true, false]);
  assert.deepEqual([...(sent[2] as Uint8Array)], [...part]);
});

test('lines that come one right after the other are sent together, in their order, before a call and before bytes that are given away', async (t) => {
  const session = new FakeSession();
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  const source = session.readStream.push({ schema: 'a INT', format: 'json' });
  const sent = () => linesOf(session);
  await source.write('{"a":1}');
  await source.write('{"a":2}');
  await source.write('{"a":3}\n');
  assert.deepEqual(sent(), ['{"a":1}'], 'the first goes at once');
  now += 1;
  await source.write('{"a":4}');
  assert.deepEqual(sent().slice(1), ['{"a":2}\n{"a":3}\n{"a":4}\n'], 'the others when some time has passed');
  await source.write('{"a":5}');
  await source.write(new TextEncoder().encode('{"a":6}'), { transfer: true });
  assert.deepEqual(sent().slice(2), ['{"a":5}', '{"a":6}']);
  await source.write('{"a":7}');
  source.end();
  assert.deepEqual(sent().slice(4), ['{"a":7}']);
  const apart = session.readStream.push({ schema: 'a INT', format: 'csv', options: { header: true } });
  await apart.write('a\n1\n');
  await apart.write('a\n2\n');
  assert.deepEqual(sent().slice(5), ['a\n1\n', 'a\n2\n'], 'a header is of one write');
});

test('where there is a checkpoint a write is done when it is durable', async () => {
  const session = new FakeSession();
  const { write } = session.readStream.push({ schema: 'a INT' });
  const credit = (durable: number | null) =>
    session.receive({ t: 'credit', source: 'push-0', received: 3, queuedBytes: 0, limitBytes: 10_000, durable, isRead: true });
  credit(0);
  const done: number[] = [];
  const writes = [0, 1, 2].map((a) =>
    write({ a }).then(() => {
      done.push(a);
    }),
  );
  await turn();
  assert.deepEqual(done, []);
  credit(2);
  await turn();
  assert.deepEqual(done, [0, 1]);
  credit(3);
  await Promise.all(writes);
});

test('text goes to a push source of a text format as it is', async () => {
  const session = new FakeSession();
  const { write, end } = session.readStream.push({ schema: 'a INT', format: 'json' });
  await write('{"a":1}\n');
  await write({ a: 2 });
  end();
  const sent = linesOf(session);
  assert.equal(sent.join(''), '{"a":1}\n{"a":2}\n');
  await assert.rejects(session.readStream.push({ schema: 'a INT' }).write('x'), /text only with format/);
});

test('few lines go as a string, many as bytes that are moved', async () => {
  const session = new FakeSession();
  const { write, end } = session.readStream.push({ schema: 'a STRING', format: 'text' });
  const many = 'é'.repeat(5_000);
  await write('few');
  await write(many);
  end();
  assert.deepEqual(
    session.posted.map(({ t }) => t),
    ['pushLines', 'push', 'pushEnd'],
  );
  assert.deepEqual(linesOf(session).slice(1), [many]);
});

test('lots of rows that are done with are acknowledged together, an error at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { session, started } = startable();
  const df = session.readStream.push({ schema: 'a INT' }).df;
  const process = ({ a }: Row) => {
    if (a === 40) throw new RangeError('no more');
  };
  const starting = df.writeStream.trigger({ realTime: '5 seconds' }).foreach(process).start();
  await starting;
  const sink = started[0]!.options['sinkId'] as string;
  const lot = async (a: number) => {
    session.receive({ t: 'foreachBatch', sink, run: 'r', batchId: 3, arrow: [encodeRows([{ a }], schema)] });
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  const acknowledged = () => session.of('foreachBatchDone').map(({ lots, error }) => lots ?? error?.message);
  await lot(0);
  await lot(1);
  assert.deepEqual(acknowledged(), []);
  t.mock.timers.tick(4);
  assert.deepEqual(acknowledged(), [2], 'after a while');
  for (let a = 2; a < 19; a++) await lot(a);
  assert.deepEqual(acknowledged(), [2, 16], 'when they are many');
  await lot(40);
  assert.deepEqual(acknowledged(), [2, 16, 'RangeError: no more']);
  t.mock.timers.tick(4);
  assert.deepEqual(acknowledged(), [2, 16, 'RangeError: no more', 1]);
});

test('lots of executors are acknowledged by epoch and job; those of a job that was started again since are not taken', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { session, started } = startable();
  const seen: unknown[] = [];
  const df = session.readStream.push({ schema: 'a INT' }).df;
  const process = ({ a }: Row) => void seen.push(a);
  await df.writeStream.trigger({ realTime: '5 seconds' }).foreach(process).start();
  const sink = started[0]!.options['sinkId'] as string;
  const lot = async (a: number, batchId: number, job: number, to = sink) => {
    session.receive({ t: 'foreachBatch', sink: to, run: 'r', batchId, job, arrow: [encodeRows([{ a }], schema)] });
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  await lot(1, 3, 5);
  await lot(2, 3, 5);
  await lot(3, 4, 5);
  await lot(4, 4, 6);
  await lot(5, 4, 5);
  await lot(6, 4, 6);
  // Of a query that has ended meanwhile.
  await lot(7, 4, 6, 'sink-99');
  t.mock.timers.tick(4);
  assert.deepEqual(seen, [1, 2, 3, 4, 6]);
  assert.deepEqual(
    session.of('foreachBatchDone').map(({ batchId, job, lots, error }) => [batchId, job, lots, error]),
    [
      [3, 5, 2, undefined],
      [4, 5, 1, undefined],
      [4, 6, 2, undefined],
    ],
  );
});

test('functions may return anything, at once or later, and each row waits for the one before', async () => {
  const { session, started } = startable();
  const seen: unknown[] = [];
  const later = async (seenOf: unknown) => {
    await turn();
    seen.push(seenOf);
  };
  // What a function returns that is not a promise is not waited for: an arrow function that pushes returns a number.
  const numbers = (row: Row) => seen.push(row['a']) as unknown as undefined;
  const mixed = (row: Row) => ((row['a'] as number) % 2 ? later(row['a']) : numbers(row));
  const df = session.readStream.push({ schema: 'a INT' }).df;
  const realTime = { realTime: '5 seconds' } as const;
  await df.writeStream.trigger(realTime).foreach(numbers).start();
  await df.writeStream.trigger(realTime).foreach(mixed).start();
  await df.writeStream.foreach(mixed).start();
  await df.writeStream.foreachBatch((_, id) => seen.push(`batch ${id}`) as unknown as undefined).start();
  const rows = [1, 2, 3, 4].map((a) => ({ a }));
  for (const { options } of started) {
    seen.length = 0;
    const sink = options['sinkId'] as string;
    // The first lot of an epoch opens it; the second is taken at once where it can be.
    for (const lot of [0, 1]) {
      session.receive({ t: 'foreachBatch', sink, run: 'r', batchId: 7, arrow: [encodeRows(rows, schema)] });
      for (let turns = 0; turns < 20; turns++) await turn();
      const all = options === started[3]!.options ? ['batch 7'] : [1, 2, 3, 4];
      assert.deepEqual(seen.splice(0), all, `sink ${sink}, lot ${lot}`);
    }
  }
  assert.deepEqual(
    session.of('foreachBatchDone').filter(({ error }) => error),
    [],
  );
});

test('foreachBatch runs on the page and its error goes to the driver', async () => {
  const { session, started } = startable();
  const seen: [number, Row[]][] = [];
  const df = session.readStream.push({ schema: 'a INT' }).df;
  const query = await df.writeStream
    .outputMode('update')
    .trigger({ processingTime: '1 second' })
    .foreachBatch(async (batch, batchId) => {
      if (batchId === 1) throw new RangeError('no more');
      seen.push([batchId, await batch.collect()]);
    })
    .start();
  assert.deepEqual([query.id, query.runId, query.name], ['q', 'r', 'n']);
  assert.equal(started[0]!.format, 'rivulet.foreachBatch');
  assert.equal(started[0]!.outputMode, 'update');
  assert.equal(started[0]!.trigger.case, 'processingTimeInterval');
  const sink = started[0]!.options['sinkId'] as string;
  session.receive({ t: 'foreachBatch', sink, run: 'r', batchId: 0, arrow: [encodeRows([{ a: 1 }], schema)] });
  await turn();
  session.receive({ t: 'foreachBatch', sink, run: 'r', batchId: 1, arrow: [encodeRows([], schema)] });
  await turn();
  assert.deepEqual(seen, [[0, [{ a: 1 }]]]);
  const done = session.of('foreachBatchDone');
  assert.deepEqual(
    done.map(({ batchId, error }) => [batchId, error?.message]),
    [
      [0, undefined],
      [1, 'RangeError: no more'],
    ],
  );
});

test('foreachBatch takes what comes early in its turn, and nothing once it has thrown or the query has ended', async () => {
  const { session, started } = startable();
  const begun: [string, number][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const df = session.readStream.push({ schema: 'a INT' }).df;
  const sinks: string[] = [];
  for (const name of ['a', 'b']) {
    await df.writeStream
      .foreachBatch((_, batchId) => {
        begun.push([name, batchId]);
        return new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
      })
      .start();
    sinks.push(started.at(-1)!.options['sinkId'] as string);
  }
  // The fake engine names every run 'r': the last one that started has the name.
  const runs = ['r0', 'r'];
  const give = (name: number, batchId: number) =>
    session.receive({ t: 'foreachBatch', sink: sinks[name]!, run: runs[name]!, batchId, arrow: [encodeRows([{ a: 1 }], schema)] });
  give(0, 0);
  give(0, 1);
  give(0, 2);
  give(1, 0); // another query does not wait
  assert.deepEqual(begun.splice(0), [
    ['a', 0],
    ['b', 0],
  ]);
  ends[0]!();
  await turn();
  assert.deepEqual(begun.splice(0), [['a', 1]]);
  ends[2]!(new Error('full'));
  await turn();
  assert.deepEqual(begun.splice(0), []);
  assert.deepEqual(
    session.of('foreachBatchDone').map(({ run, batchId, error }) => [run, batchId, error?.message]),
    [
      ['r0', 0, undefined],
      ['r0', 1, 'Error: full'],
    ],
  );
  ends[1]!();
  await turn();
  give(1, 1);
  assert.deepEqual(begun.splice(0), [['b', 1]], 'a function that rests is called at once');
  give(1, 2);
  session.receive(ended('r'));
  ends[3]!();
  await turn();
  assert.deepEqual(begun, [], 'the query has ended');
  assert.ok(
    session.of('foreachBatchDone').every(({ batchId }) => batchId < 2),
    'nobody waits for an answer',
  );
});

test('foreach opens, processes each row and closes', async () => {
  const { session, started } = startable();
  const calls: unknown[] = [];
  await session.readStream
    .push({ schema: 'a INT' })
    .df.writeStream.foreach({
      open: (partition, batchId) => {
        calls.push(['open', partition, batchId]);
        return true;
      },
      process: (row) => {
        calls.push(row);
      },
      close: (error) => {
        calls.push(['close', error]);
      },
    })
    .start();
  session.receive({
    t: 'foreachBatch',
    sink: started[0]!.options['sinkId'] as string,
    run: 'r',
    batchId: 7,
    arrow: [encodeRows([{ a: 1 }, { a: 2 }], schema)],
  });
  await turn();
  assert.deepEqual(calls, [['open', 0, 7], { a: 1 }, { a: 2 }, ['close', null]]);
});

test('a listener that fails harms neither the others nor the stream', () => {
  const posted: unknown[] = [];
  const bus = new ListenerBus({ post: (message) => posted.push(message) });
  const seen: number[] = [];
  bus.add({
    onQueryProgress: () => {
      throw new Error('broken');
    },
  });
  bus.add({ onQueryProgress: ({ progress }) => seen.push(progress.batchId) });
  const { error } = console;
  console.error = () => {};
  bus.receive({ t: 'listener', eventType: 'progress', event: { batchId: 3 } });
  bus.receive({ t: 'listener', eventType: 'progress', event: { progress: { batchId: 4 } } });
  console.error = error;
  assert.deepEqual(seen, [3, 4]);
  assert.deepEqual(posted, [{ t: 'listen', on: true }]);
});

test('the driver tells of progress while somebody listens', () => {
  const posted: unknown[] = [];
  const bus = new ListenerBus({ post: (message) => posted.push(message) });
  const [one, two] = [{}, {}];
  bus.remove(one);
  bus.add(one);
  bus.add(two);
  bus.remove(one);
  bus.remove(one);
  bus.remove(two);
  bus.add(two);
  assert.deepEqual(
    posted,
    [true, false, true].map((on) => ({ t: 'listen', on })),
  );
});

test('files of the page are registered before the plan runs; paths are left to the engine', async () => {
  const session = new FakeSession((message, reply) => message.t === 'req' && reply({ t: 'end', id: message.id }));
  const df = session.read.json(new File(['{"a":1}'], 'my file.json'), '/engine/path');
  await df.collect();
  assert.deepEqual(
    session.posted.map(({ t }) => t),
    ['file', 'req'],
  );
  const [file] = session.of('file');
  assert.equal(file!.path, 'rivulet-file:/0/my%20file.json');
  const { relType } = df.plan.relation;
  assert.deepEqual(relType?.case === 'read' && relType.value.readType?.case === 'dataSource' && relType.value.readType.value.paths, [
    file!.path,
    '/engine/path',
  ]);
});
