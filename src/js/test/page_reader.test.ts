import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { SparkError } from '../src/errors.js';
import { hold } from '../src/needs.js';
import type { PageSource, SourceOffset } from '../src/sql/streaming/page_source.js';
import type { PushData } from '../src/sql/streaming/push_data.js';
import { StreamingQuery } from '../src/sql/streaming/query.js';
import { rowsFromIPC } from '../src/values/rows.js';
import { FakeSession } from './fake_engine.js';

/** A turn of the event loop, after what `setImmediate` and messages have for it. */
const turn = async () => {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setTimeout(resolve));
};

/** A session that opens a source as a query would. */
function opened<T>(
  source: PageSource<T>,
  { after = null as SourceOffset | null, isLogged = true, format = 'arrow' as 'arrow' | 'json' } = {},
) {
  const session = new FakeSession();
  const { plan } = session.readStream.from(source, { schema: 'a INT', format });
  // Tests open it when they like.
  hold(plan.needs);
  const { relType } = plan.relation;
  const read = relType?.case === 'read' ? relType.value.readType : undefined;
  assert(read?.case === 'dataSource');
  assert.equal(read.value.format, 'rivulet.page');
  const options = read.value.options as Record<string, string>;
  let next = 0;
  const open = (from: SourceOffset | null = after) => {
    const connection = next++;
    session.receive({ t: 'openSource', connection, source: options['pageSource']!, after: from, isLogged });
    return connection;
  };
  const credit = (taken: number, durable: number | null, connection = 0) =>
    session.receive({ t: 'sourceCredit', connection, taken, durable });
  const close = (connection = 0) => session.receive({ t: 'closeSource', connection });
  const blocks = () =>
    session
      .of('sourceBlock')
      .map(({ bytes, offset }) => ({ rows: rowsFromIPC(bytes, { bigint: false }), offset: offset && JSON.parse(offset) }));
  const rows = () => blocks().flatMap((block) => block.rows);
  return { session, options, open, credit, close, blocks, rows };
}

/** Items that a test hands out one by one. */
function handedOut<T>() {
  const waiting: T[] = [];
  const asked: ((result: IteratorResult<T>) => void)[] = [];
  let returned = 0;
  const iterator: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () =>
      new Promise((resolve) => {
        const value = waiting.shift();
        if (value === undefined) asked.push(resolve);
        else resolve({ done: false, value });
      }),
    return: async () => {
      returned += 1;
      return { done: true, value: undefined };
    },
  };
  const hand = (value: T) => {
    const ask = asked.shift();
    if (ask) ask({ done: false, value });
    else waiting.push(value);
  };
  return { iterator, hand, returned: () => returned, asked: () => asked.length };
}

test('items are read when a query reads them, rows that come together go together, and the end is the end of the query', async () => {
  let begun = 0;
  async function* items() {
    begun += 1;
    for (let a = 0; a < 10; a++) yield { a };
  }
  const source = opened({ open: items, name: 'ten' });
  await turn();
  assert.equal(begun, 0, 'nobody reads it');
  assert.equal(source.options['name'], 'ten');
  source.open();
  await turn();
  assert.equal(source.blocks().length, 1);
  assert.deepEqual(
    source.rows().map(({ a }) => a),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(source.session.of('sourceEnd'), [{ t: 'sourceEnd', connection: 0 }]);
});

test('a source begins after the offset that the checkpoint has, and each block carries that of its last item', async () => {
  const asked: (SourceOffset | undefined)[] = [];
  const source = opened({
    async *open(after?: SourceOffset) {
      asked.push(after);
      for (let a = Number(after ?? 0) + 1; a <= 6; a++) {
        yield { a };
        if (a % 2 === 0) await turn();
      }
    },
    offsetOf: ({ a }: { a: number }) => a,
  });
  source.open(null);
  source.open(3);
  for (let n = 0; n < 8; n++) await turn();
  assert.deepEqual(asked, [undefined, 3]);
  const of = (connection: number) => source.session.of('sourceBlock').filter((block) => block.connection === connection);
  assert.deepEqual(
    of(0).map(({ offset }) => offset),
    ['2', '4', '6'],
  );
  assert.deepEqual(
    of(1).map(({ offset }) => offset),
    ['4', '6'],
  );
});

test('an item is acknowledged when it is durable, or without a checkpoint when it is taken, and never twice', async () => {
  for (const isLogged of [true, false]) {
    const { iterator, hand } = handedOut<{ a: number }>();
    const acknowledged: number[] = [];
    const source = opened({ open: () => iterator, ack: ({ a }: { a: number }) => void acknowledged.push(a) }, { isLogged });
    source.open();
    for (const a of [1, 2, 3]) {
      hand({ a });
      await turn();
    }
    assert.equal(source.blocks().length, 3);
    source.credit(3, isLogged ? 0 : null);
    await turn();
    assert.deepEqual(acknowledged, isLogged ? [] : [1, 2, 3]);
    if (!isLogged) continue;
    source.credit(3, 2);
    source.credit(3, 2);
    await turn();
    assert.deepEqual(acknowledged, [1, 2]);
    source.credit(3, 3);
    await turn();
    assert.deepEqual(acknowledged, [1, 2, 3]);
  }
});

test('items without rows are acknowledged with those before them', async () => {
  const { iterator, hand } = handedOut<number>();
  const acknowledged: number[] = [];
  const source = opened({
    open: () => iterator,
    rowOf: (a: number) => (a % 2 === 0 ? [] : { a }),
    ack: (a: number) => void acknowledged.push(a),
  });
  source.open();
  for (const a of [1, 2, 4]) {
    hand(a);
    await turn();
  }
  assert.equal(source.blocks().length, 1);
  source.credit(1, 1);
  await turn();
  assert.deepEqual(acknowledged, [1, 2, 4]);
});

test('what a source has at hand is known: it is caught up when it waits, and not before', async () => {
  const { iterator, hand } = handedOut<{ a: number }>();
  const source = opened({ open: () => iterator });
  source.open();
  await turn();
  assert.equal(source.session.of('sourceCaughtUp').length, 1);
  hand({ a: 1 });
  await turn();
  await turn();
  const kinds = source.session.posted.map(({ t }) => t);
  assert.deepEqual(kinds, ['sourceCaughtUp', 'sourceBlock', 'sourceCaughtUp']);
});

test('what waits on the page is sent before a query is asked to process all that is there', async () => {
  const target = new EventTarget();
  const session = new FakeSession((message, reply) => {
    if (message.t === 'req') reply({ t: 'end', id: message.id });
  });
  session.readStream.fromEvents(target, 'tick', { schema: 'a INT' });
  session.receive({ t: 'openSource', connection: 0, source: 'page-0', after: null, isLogged: false });
  await turn();
  for (let a = 1; a <= 9; a++) target.dispatchEvent(Object.assign(new Event('tick'), { data: { a } }));
  await new StreamingQuery(session.context, 'q', 'r', null).processAllAvailable();
  const kinds = session.posted.map(({ t }) => t);
  assert.deepEqual(kinds.slice(0, 4), ['sourceCaughtUp', 'sourceBlock', 'sourceCaughtUp', 'req']);
  assert.equal(rowsFromIPC(session.of('sourceBlock')[0]!.bytes, { bigint: false }).length, 9);
});

test('a source is asked for no more than the engine has room for', async () => {
  let given = 0;
  async function* open() {
    for (;;) yield `{"a":${++given}}\n`;
  }
  const source = opened({ open }, { format: 'json' });
  source.open();
  await turn();
  const sent = () => source.session.of('sourceBlock').length;
  assert.deepEqual([sent(), given], [32, 32]);
  source.credit(10, 0);
  await turn();
  assert.deepEqual([sent(), given], [42, 42]);
});

test('a source that is not wanted any more is let go of: its signal, its iterator, its stream', async () => {
  const { iterator, hand, returned } = handedOut<{ a: number }>();
  let signal: AbortSignal | undefined;
  const source = opened({
    open: (_, of) => {
      signal = of;
      return iterator;
    },
  });
  source.open();
  hand({ a: 1 });
  await turn();
  assert.deepEqual([signal?.aborted, returned()], [false, 0]);
  source.close();
  hand({ a: 2 });
  await turn();
  assert.deepEqual([signal?.aborted, returned()], [true, 1]);
  assert.deepEqual(source.rows(), [{ a: 1 }]);
  assert.equal(source.session.of('sourceEnd').length, 0);

  let cancelled = 0;
  const stream = new ReadableStream<Record<string, number>>({ cancel: () => void (cancelled += 1) });
  const second = opened({ open: () => stream });
  second.open();
  await turn();
  second.close();
  await turn();
  assert.equal(cancelled, 1);

  // The session ends.
  const third = handedOut<{ a: number }>();
  const last = opened({ open: () => third.iterator });
  last.open();
  await turn();
  last.session.context.readers.stop();
  await turn();
  assert.equal(third.returned(), 1);
});

test('a source that is let go of before it has opened is let go of when it has', async () => {
  const { iterator, returned } = handedOut<{ a: number }>();
  let open: (items: AsyncIterable<{ a: number }>) => void = () => {};
  const source = opened({ open: () => new Promise<AsyncIterable<{ a: number }>>((resolve) => (open = resolve)) });
  source.open();
  await turn();
  source.close();
  open(iterator);
  await turn();
  assert.equal(returned(), 1);
});

test('items that can be read once are an error for a second query, others are read anew', async () => {
  async function* once() {
    yield { a: 1 };
  }
  const again = { [Symbol.asyncIterator]: once };
  for (const [items, seconds] of [
    [once(), 0],
    [again, 1],
  ] as [AsyncIterable<PushData>, number][]) {
    const session = new FakeSession();
    session.readStream.from(items, { schema: 'a INT' });
    for (const connection of [0, 1]) session.receive({ t: 'openSource', connection, source: 'page-0', after: null, isLogged: false });
    await turn();
    assert.equal(session.of('sourceBlock').filter(({ connection }) => connection === 1).length, seconds);
    const errors = session.of('sourceEnd').flatMap(({ error }) => error ?? []);
    assert.deepEqual(
      errors.map(({ condition }) => condition),
      seconds === 0 ? ['RIVULET_SOURCE_FAILED'] : [],
    );
    if (seconds === 0) assert.match(errors[0]!.message, /can be read once/);
  }
});

/** The error of a source, and the rows that came before it. */
async function failing<T>(source: PageSource<T>, credits: () => void = () => {}, after: SourceOffset | null = null) {
  const made = opened({ name: 'bad', ...source });
  made.open(after);
  await turn();
  made.credit(made.blocks().length, made.blocks().length);
  credits();
  await turn();
  const ended = made.session.of('sourceEnd');
  assert.equal(ended.length, 1);
  return { rows: made.rows().map(({ a }) => a), error: ended[0]!.error! };
}

const items = (...values: unknown[]) =>
  async function* () {
    for (const value of values) yield value;
  };

test('an error of the items comes after all that came before it, with what was thrown', async () => {
  const { rows, error } = await failing({
    name: 'orders',
    async *open() {
      yield { a: 1 };
      yield { a: 2 };
      throw new RangeError('the line is cut');
    },
  });
  assert.deepEqual(rows, [1, 2]);
  assert.equal(error.condition, 'RIVULET_SOURCE_FAILED');
  assert.equal(error.message, 'The source orders failed after 2 items: RangeError: the line is cut');
  assert.match(error.stack!, /RangeError: the line is cut/);
  // Of what was wrong, the first counts.
  const two = await failing({
    async *open() {
      yield { a: 1 };
      yield { a: 'x' } as never;
      throw new RangeError('the line is cut');
    },
  });
  assert.deepEqual([two.rows, two.error.condition], [[1], 'RIVULET_SOURCE_ITEM']);
  for (const thrown of ['words', null]) {
    const { error } = await failing({ open: () => Promise.reject(thrown) });
    assert.equal(error.message, `The source bad failed after 0 items: ${thrown}`);
  }
});

test('what is no source, no item and no row is named', async () => {
  const conditions = async (source: PageSource<unknown>) => {
    const { error, rows } = await failing(source);
    return [error.condition, error.message, rows];
  };
  const odd = (open: unknown) => conditions({ open: open as never });
  const needs = 'where the source bad needs an async iterable, an iterable or a ReadableStream';
  assert.deepEqual(await odd(() => 7), ['RIVULET_SOURCE_ITEM', `open() returned 7 (number) ${needs}`, []]);
  assert.deepEqual(await odd(() => ({})), ['RIVULET_SOURCE_ITEM', `open() returned {} (object) ${needs}`, []]);
  const next = { next: () => 3, [Symbol.asyncIterator]: () => next };
  assert.deepEqual(await odd(() => next), ['RIVULET_SOURCE_ITEM', `next() returned 3 (number) ${needs}`, []]);
  const [condition, message, rows] = await conditions({ open: items({ a: 1 }, { a: 2 }, { a: 'x' }, { a: 4 }) });
  assert.deepEqual([condition, rows], ['RIVULET_SOURCE_ITEM', [1, 2]]);
  assert.match(message as string, /^Item 3 of the source bad is not a row: SparkTypeError: Column a, row 0: x \(string\)/);
  const thrown = await conditions({
    open: items({ a: 1 }, 5),
    rowOf: (item) => {
      if (item === 5) throw new TypeError('not that');
      return item as PushData;
    },
  });
  assert.deepEqual(thrown, ['RIVULET_SOURCE_ITEM', 'rowOf() of the source bad threw for item 2: TypeError: not that', [1]]);
});

test('an offset is a string or a number that grows', async () => {
  const given = async (offsets: unknown[], after: SourceOffset | null = null) => {
    const left = [...offsets];
    const open = items(...offsets.map((_, a) => ({ a })));
    const { error, rows } = await failing({ open, offsetOf: () => left.shift() as SourceOffset }, undefined, after);
    assert.equal(error.condition, 'RIVULET_SOURCE_OFFSET');
    return [rows.length, error.message.replace('offsetOf() of the source bad returned ', '')];
  };
  const kinds = 'an offset is a string or a finite number';
  assert.deepEqual(await given([1, undefined]), [1, `undefined for item 2: ${kinds}`]);
  assert.deepEqual(await given([Number.NaN]), [0, `NaN for item 1: ${kinds}`]);
  assert.deepEqual(await given([1n]), [0, `1 for item 1: ${kinds}`]);
  assert.deepEqual(await given([{ at: 1 }]), [0, `{"at":1} for item 1: ${kinds}`]);
  assert.deepEqual(await given([1, 5, 4]), [2, '4 for item 3: the offset before was 5, and offsets grow']);
  assert.deepEqual(await given([5], 5), [0, '5 for item 1: the offset before was 5, and offsets grow']);
  assert.deepEqual(await given(['a', 'a']), [1, 'a for item 2: the item before has the same offset']);
});

test('an acknowledgement that throws ends the query', async () => {
  for (const ack of [
    () => {
      throw new Error('closed');
    },
    () => Promise.reject(new Error('closed')),
  ]) {
    const { iterator, hand, returned } = handedOut<{ a: number }>();
    hand({ a: 1 });
    const { error } = await failing({ open: () => iterator, ack });
    assert.deepEqual([error.condition, error.message], ['RIVULET_SOURCE_ACK', 'ack() of the source bad threw: Error: closed']);
    assert.equal(returned(), 1);
  }
});

test('events are heard while a query reads them, and what finds no room is dropped and counted', async () => {
  const target = new EventTarget();
  const session = new FakeSession();
  const { warn } = console;
  const warned: unknown[] = [];
  console.warn = (text) => void warned.push(text);
  const send = (a: number) => target.dispatchEvent(Object.assign(new Event('tick'), { data: { a } }));
  session.readStream.fromEvents(target, 'tick', { schema: 'a INT', maxQueuedEvents: 3 });
  send(0);
  session.receive({ t: 'openSource', connection: 0, source: 'page-0', after: null, isLogged: false });
  await turn();
  for (let a = 1; a <= 9; a++) send(a);
  await turn();
  send(10);
  await turn();
  assert.equal(getEventListeners(target, 'tick').length, 1);
  session.receive({ t: 'closeSource', connection: 0 });
  assert.equal(getEventListeners(target, 'tick').length, 0);
  send(11);
  await turn();
  console.warn = warn;
  const blocks = session.of('sourceBlock');
  const rows = blocks.flatMap(({ bytes }) => rowsFromIPC(bytes, { bigint: false }).map(({ a }) => a));
  assert.deepEqual(rows, [1, 2, 3, 10]);
  assert.equal(
    blocks.reduce((sum, { dropped }) => sum + dropped, 0),
    6,
  );
  assert.equal(warned.length, 1);
});

test('what cannot be a stream of the page is refused at once', () => {
  const { readStream } = new FakeSession();
  const refused = (call: () => unknown) => assert.throws(call, (error: SparkError) => error.condition === 'RIVULET_ILLEGAL_ARGUMENT');
  refused(() => readStream.from({ open: () => [] }));
  refused(() => readStream.fromEvents(new EventTarget(), 'x', { schema: 'a INT', maxQueuedEvents: 0 }));
});
