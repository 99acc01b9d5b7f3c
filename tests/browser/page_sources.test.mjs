// Sources that the page reads for queries: begun after the last durable item, acknowledged when durable, let go of when nobody wants them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const shared = browser();
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

test('after a tab that died a source is asked for what comes after its last durable item, and each item is there once', async () => {
  const context = await shared.browser.newContext();
  const asked = [];
  const batches = new Map();
  const LAST = 500;
  for (let life = 0, seen = 0; seen < LAST; life++) {
    assert.ok(life < 50, 'no end');
    const page = await shared.open('/blank.html', context);
    let enough;
    const got = new Promise((resolve) => (enough = resolve));
    const wanted = Math.min(LAST, seen + 50);
    await page.exposeFunction('asked', (after) => asked.push(after));
    await page.exposeFunction('batch', (id, found) => {
      batches.set(id, found);
      seen = [...batches.values()].flat().length;
      if (seen >= wanted) enough();
    });
    await page.evaluate(async (last) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[1]').create();
      const source = {
        name: 'numbers',
        async *open(after) {
          globalThis.asked(after ?? null);
          // A life has a hundred at most, and dies among them.
          const end = Math.min(last, (after ?? 0) + 100);
          for (let n = (after ?? 0) + 1; n <= end; n++) {
            yield { n };
            if (n % 7 === 0) await new Promise((go) => setTimeout(go));
          }
          await new Promise(() => {});
        },
        offsetOf: ({ n }) => n,
      };
      await spark.readStream
        .from(source, { schema: 'n INT' })
        .writeStream.option('checkpointLocation', 'opfs:///numbers')
        .foreachBatch(async (batch, id) =>
          globalThis.batch(
            id,
            (await batch.collect()).map(({ n }) => n),
          ),
        )
        .start();
    }, LAST);
    await got;
    await page.close({ runBeforeUnload: false });
  }
  const found = [...batches].sort(([a], [b]) => a - b).flatMap(([, some]) => some);
  assert.deepEqual(found, numbers(1, LAST));
  assert.equal(asked[0], null);
  assert.ok(asked.length >= 5 && asked.slice(1).every((after, n) => after >= (asked[n] ?? 0)), `${asked}`);
  await context.close();
});

test('an item is acknowledged when it is durable: what was not is sent again, and nothing is lost', async () => {
  const context = await shared.browser.newContext();
  const [LAST, acknowledged, found] = [200, new Set(), new Set()];
  for (let life = 0; found.size < LAST || acknowledged.size < LAST; life++) {
    assert.ok(life < 50, 'no end');
    const page = await shared.open('/blank.html', context);
    let enough;
    const got = new Promise((resolve) => (enough = resolve));
    const check = () =>
      acknowledged.size >= Math.min(LAST, (life + 1) * 40) && (acknowledged.size < LAST || found.size === LAST) && enough();
    await page.exposeFunction('acknowledge', (n) => check(acknowledged.add(n)));
    await page.exposeFunction('batch', (some) => check(some.forEach((n) => found.add(n))));
    await page.evaluate(
      async (left) => {
        const { SparkSession } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[1]').create();
        const source = {
          async *open() {
            for (const n of left) yield { n };
            await new Promise(() => {});
          },
          rowOf: ({ n }) => ({ n }),
          ack: ({ n }) => globalThis.acknowledge(n),
        };
        await spark.readStream
          .from(source, { schema: 'n INT' })
          .writeStream.option('checkpointLocation', 'opfs:///acknowledged')
          .foreachBatch(async (batch) => globalThis.batch((await batch.collect()).map(({ n }) => n)))
          .start();
      },
      numbers(1, LAST).filter((n) => !acknowledged.has(n)),
    );
    await got;
    await page.close({ runBeforeUnload: false });
  }
  assert.equal(found.size, LAST);
  await context.close();
});

test('the error of a source ends its query, after all that came before it', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession, StreamingQueryException } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const rows = [];
    async function* open() {
      for (let n = 0; n < 5000; n++) yield { n };
      throw new RangeError('the line is cut');
    }
    const ends = [];
    for (const checkpoint of [{}, { checkpointLocation: `opfs:///error-${performance.timeOrigin}` }]) {
      const df = spark.readStream.from({ name: 'orders', open, offsetOf: ({ n }) => n }, { schema: 'n INT' });
      const writer = df.writeStream.foreachBatch(async (batch) => void rows.push(...(await batch.collect())));
      for (const [key, value] of Object.entries(checkpoint)) writer.option(key, value);
      const query = await writer.start();
      const error = await query.awaitTermination().then(
        () => undefined,
        (thrown) => thrown,
      );
      const found = await query.exception();
      ends.push({
        rows: rows.splice(0).length,
        isActive: await query.isActive(),
        typed: error instanceof StreamingQueryException,
        cause: [error.parameters.cause, error.cause.name, error.cause.message],
        names: error.message.includes('The source orders failed after 5000 items: RangeError: the line is cut'),
        later: found.message.includes('the line is cut'),
      });
    }
    await spark.stop();
    return ends;
  });
  const end = {
    rows: 5000,
    isActive: false,
    typed: true,
    cause: ['RIVULET_SOURCE_FAILED', 'RangeError', 'the line is cut'],
    names: true,
    later: true,
  };
  assert.deepEqual(seen, [end, end]);
});

test('wrong items, offsets and acknowledgements end their query with an error that says where', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const forever = (...values) =>
      async function* () {
        yield* values;
        await new Promise(() => {});
      };
    const sources = {
      shape: { open: () => 5 },
      item: { open: forever({ n: 1 }, { n: 'one' }) },
      offset: { open: forever({ n: 2 }, { n: 1 }), offsetOf: ({ n }) => n },
      ack: {
        open: forever({ n: 1 }),
        ack() {
          throw new Error('closed');
        },
      },
    };
    const found = {};
    for (const [name, source] of Object.entries(sources)) {
      const df = spark.readStream.from({ name, ...source }, { schema: 'n INT' });
      const query = await df.writeStream.format('noop').start();
      found[name] = await query.awaitTermination().catch((error) => [error.parameters.cause, error.message.includes(`source ${name}`)]);
    }
    await spark.stop();
    return found;
  });
  assert.deepEqual(seen, {
    shape: ['RIVULET_SOURCE_ITEM', true],
    item: ['RIVULET_SOURCE_ITEM', true],
    offset: ['RIVULET_SOURCE_OFFSET', true],
    ack: ['RIVULET_SOURCE_ACK', true],
  });
});

test('a source whose query takes nothing is asked for little, and for the rest when it goes on', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const LAST = 2_000;
    let given = 0;
    const rows = new Set();
    let goOn;
    const held = new Promise((resolve) => (goOn = resolve));
    const line = (n) => `${JSON.stringify({ n, text: 'x'.repeat(2_000) })}\n`;
    async function* lines() {
      while (given < LAST) yield line(++given);
    }
    const query = await spark.readStream
      .option('maxQueueBytes', 100_000)
      .from(lines(), { schema: 'n INT, text STRING', format: 'json' })
      .writeStream.foreachBatch(async (batch) => {
        await held;
        for (const { n } of await batch.collect()) rows.add(n);
      })
      .start();
    // Until it stands still: the engine has filled its queue, and answers other questions all the while.
    let before = -1;
    for (let same = 0; same < 20; same = given === before ? same + 1 : 0) {
      before = given;
      await query.status();
    }
    const standing = given;
    goOn();
    await query.awaitTermination();
    await spark.stop();
    return { standing, given, rows: rows.size };
  });
  assert.ok(seen.standing < 600, `${seen.standing} lines were asked for`);
  assert.deepEqual([seen.given, seen.rows], [2_000, 2_000]);
});

test('iterators, streams and listeners are let go of when their query stops, and events without room are counted', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const let_go = [];
    const iterator = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => new Promise(() => {}),
      return: async () => {
        let_go.push('iterator');
        return { done: true, value: undefined };
      },
    };
    const stream = new ReadableStream({ cancel: () => void let_go.push('stream') });
    const target = new EventTarget();
    const { addEventListener } = target;
    target.addEventListener = (type, f, options) => {
      options.signal.addEventListener('abort', () => let_go.push('listener'));
      addEventListener.call(target, type, f, options);
    };
    const rows = [];
    const start = (df) =>
      df.writeStream.foreachBatch(async (batch) => void rows.push(...(await batch.collect()).map(({ n }) => n))).start();
    const schema = 'n INT';
    const queries = [await start(spark.readStream.from(iterator, { schema })), await start(spark.readStream.from(stream, { schema }))];
    const events = spark.readStream.fromEvents(target, 'tick', { schema, maxQueuedEvents: 4, rowOf: ({ detail }) => ({ n: detail }) });
    const ticks = await start(events);
    // Some at once, of which most find no room; then one, with which their number comes.
    await ticks.processAllAvailable();
    const send = (n) => target.dispatchEvent(new CustomEvent('tick', { detail: n }));
    for (let n = 0; n < 10; n++) send(n);
    await ticks.processAllAvailable();
    send(10);
    await ticks.processAllAvailable();
    const dropped = (await ticks.recentProgress()).reduce((sum, { sources }) => sum + Number(sources[0].metrics.recordsDropped), 0);
    for (const query of [...queries, ticks]) await query.stop();
    send(11);
    await spark.range(1).count();
    await spark.stop();
    return { let_go, rows, dropped };
  });
  assert.deepEqual(seen, { let_go: ['iterator', 'stream', 'listener'], rows: [0, 1, 2, 3, 10], dropped: 6 });
});

test('what one tab posts to a BroadcastChannel is a stream in another', async () => {
  const context = await shared.browser.newContext();
  const [reader, writer] = [await shared.open('/blank.html', context), await shared.open('/blank.html', context)];
  await reader.evaluate(async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const rows = [];
    const posted = spark.readStream.fromEvents(new BroadcastChannel('prices'), 'message', { schema: 'name STRING, price DOUBLE' });
    const query = await posted.writeStream.foreachBatch(async (batch) => void rows.push(...(await batch.collect()))).start();
    await query.processAllAvailable();
    Object.assign(globalThis, { rows });
  });
  await writer.evaluate(() => {
    const channel = new BroadcastChannel('prices');
    for (let n = 0; n < 3; n++) channel.postMessage({ name: `p${n}`, price: n / 2 });
  });
  await reader.waitForFunction(() => globalThis.rows.length === 3);
  assert.deepEqual(await reader.evaluate(() => globalThis.rows), [
    { name: 'p0', price: 0 },
    { name: 'p1', price: 0.5 },
    { name: 'p2', price: 1 },
  ]);
  await context.close();
});

test('each reader of a source has its own items, and a query that takes what is there takes what is at hand', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    let opened = 0;
    const source = {
      async *open() {
        opened += 1;
        for (let n = 0; n < 1_000; n++) yield { n };
        await new Promise(() => {});
      },
    };
    const df = spark.readStream.from(source, { schema: 'n INT' });
    const both = df.union(df).agg(F.count('*').alias('rows'));
    const run = async (trigger) => {
      let rows = 0;
      const query = await both.writeStream
        .outputMode('complete')
        .trigger(trigger)
        .foreachBatch(async (batch) => {
          rows = (await batch.first()).rows;
        })
        .start();
      await query.awaitTermination();
      return rows;
    };
    const found = [await run({ availableNow: true }), await run({ once: true })];
    await spark.stop();
    return { found, opened };
  });
  assert.deepEqual(seen.opened, 4);
  assert.equal(seen.found[0], 2_000);
  assert.ok(seen.found[1] > 0 && seen.found[1] <= 2_000);
});
