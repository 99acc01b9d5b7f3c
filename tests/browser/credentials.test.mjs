// Credentials that functions of a page return, for Kafka (a real broker, the gateway) and Kinesis (kinesis-local): in front of each is a
// door whose key changes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker } from './broker.mjs';
import { startDoor } from './door.mjs';
import { browser } from './harness.mjs';
import { startKinesis } from './service.mjs';

const page = browser();
let broker;
let gateway;
let kinesis;
before(async () => {
  [broker, kinesis] = await Promise.all([startBroker(), startKinesis()]);
  gateway = await broker.gateway(page.url, '--token', 'inner');
});
after(async () => {
  kinesis?.stop();
  await broker?.stop();
});

const numbers = (from, count) => Array.from({ length: count }, (_, n) => from + n);
const numbered = (from, count) => numbers(from, count).map((n) => ({ key: `k${n % 7}`, value: String(n) }));

/** A door to the gateway, or to Kinesis, for one test. */
async function doorTo(t, system) {
  const door = await startDoor(system, system === 'kafka' ? `${gateway.url}/` : kinesis.url, page.url);
  t.after(() => door.stop());
  return door;
}

/** Options of a source or sink of Kafka after a door. */
const kafka = (door, more = {}) => ({ 'kafka.bridge.url': door.url, 'kafka.bridge.credentials': 'keys', ...more });
/** Options of a source or sink of Kinesis after a door. */
const ofKinesis = (door, more = {}) => ({
  'kinesis.endpointUrl': door.url,
  'kinesis.region': 'us-east-1',
  'kinesis.credentials': 'keys',
  'kinesis.clientRetryIntervalsMs': 20,
  ...more,
});
const fromKinesis = (door, more = {}) =>
  ofKinesis(door, { 'kinesis.startingPosition': 'TRIM_HORIZON', 'kinesis.getRecords.fetchIntervalMs': 20, ...more });

/**
 * A fresh page with `start()`, which makes a session; `keysOf(system, more)`, which makes a function that asks the door for its key; and
 * `ended(run)`, which returns the error that a run ends with. `calls` has why the function was called, and `most` how many calls of it
 * were underway at once.
 */
async function opened(door, context) {
  const own = await page.open('/blank.html', context);
  const calls = [];
  const state = { underway: 0, most: 0, next: () => door.key };
  await own.exposeFunction('keyOf', async (reason) => {
    calls.push(reason);
    state.underway += 1;
    state.most = Math.max(state.most, state.underway);
    const key = await state.next(reason, calls.length);
    state.underway -= 1;
    return key;
  });
  await own.evaluate(() => {
    globalThis.start = async (executors = 2) => {
      const { SparkSession } = await import('rivulet');
      globalThis.spark = await SparkSession.builder.master(`local[${executors}]`).create();
      return globalThis.spark;
    };
    globalThis.keysOf =
      (system, more = {}) =>
      async ({ reason }) => {
        const key = await globalThis.keyOf(reason);
        if (system === 'kafka') return { headers: { Authorization: `Bearer ${key}` }, ...more };
        return { accessKeyId: `id-of-${key}`, secretAccessKey: `secret-of-${key}`, sessionToken: key, ...more };
      };
    globalThis.ended = async (run) => {
      try {
        return { value: await run() };
      } catch (error) {
        return { condition: error.condition, message: error.message };
      }
    };
  });
  return Object.assign(own, { calls, state });
}

/** Holds that no string has a key of the door's. */
function isSilent(strings, what) {
  for (const string of strings) assert.doesNotMatch(string, /hush/, what);
}

test('a token that changes in the middle of a query is asked for anew, each record is there once, and no trace is written', async (t) => {
  const door = await doorTo(t, 'kafka');
  door.every = 12;
  await broker.create('rotated', 3);
  for (let partition = 0; partition < 3; partition++) await broker.send('rotated', partition, numbered(500 * partition, 500));
  const own = await opened(door);
  const { seen, shown } = await own.evaluate(
    async (options) => {
      const spark = await globalThis.start();
      spark.credentials.register('keys', globalThis.keysOf('kafka'));
      const records = spark.readStream.format('kafka').options(options).load();
      const values = records.selectExpr('CAST(CAST(value AS STRING) AS INT) AS v');
      const seen = [];
      const query = await values.writeStream
        .option('checkpointLocation', 'opfs:///rotated')
        .foreachBatch(async (rows) => seen.push(...(await rows.collect()).map(({ v }) => v)))
        .trigger({ availableNow: true })
        .start();
      await query.awaitTermination();
      const shown = [JSON.stringify(await query.recentProgress()), JSON.stringify(await query.status())];
      shown.push(
        await spark.read
          .format('kafka')
          .options({ ...options, startingOffsets: 'earliest' })
          .load()
          .explainString('extended'),
      );
      await spark.stop();
      // All that is stored.
      const read = async (folder) => {
        for await (const entry of folder.values()) {
          if (entry.kind === 'directory') await read(entry);
          else shown.push(await (await entry.getFile()).text());
        }
      };
      await read(await navigator.storage.getDirectory());
      return { seen: seen.sort((a, b) => a - b), shown };
    },
    kafka(door, { subscribe: 'rotated', startingOffsets: 'earliest', maxOffsetsPerTrigger: 100 }),
  );
  assert.deepEqual(seen, numbers(0, 1_500));
  assert.ok(door.rotations >= 3, `${door.rotations} keys`);
  assert.equal(own.calls[0], 'first');
  assert.ok(
    own.calls.slice(1).every((reason) => reason === 'refused'),
    String(own.calls),
  );
  // The workers share what the function returns: one call for each key, and never two at once.
  assert.ok(own.calls.length >= door.rotations && own.calls.length <= door.rotations + 1, `${own.calls.length} of ${door.rotations}`);
  assert.equal(own.state.most, 1);
  assert.ok(shown.length > 10 && shown.some((text) => text.includes('rotated')), `${shown.length} files`);
  isSilent([...shown, ...own.said], 'what is shown and stored');
  await own.close();
});

test('a wrong token is asked for anew once: then it is an error for streams, tables and sinks, and the engine works on', async (t) => {
  const door = await doorTo(t, 'kafka');
  await broker.create('wrong', 1);
  await broker.send('wrong', 0, numbered(0, 30));
  const own = await opened(door);
  own.state.next = (_, count) => (count === 1 ? 'hush-wrong' : door.key);
  const table = { subscribe: 'wrong', startingOffsets: 'earliest' };
  const right = await own.evaluate(
    async (options) => {
      const spark = await globalThis.start();
      spark.credentials.register('keys', globalThis.keysOf('kafka'));
      return spark.read.format('kafka').options(options).load().count();
    },
    kafka(door, table),
  );
  assert.deepEqual([right, own.calls, door.refused], [30, ['first', 'refused'], 1]);

  own.state.next = () => 'hush-wrong';
  door.number += 1;
  own.calls.length = door.refused = 0;
  const seen = await own.evaluate(
    async ({ options, to }) => {
      const { spark, ended } = globalThis;
      const seen = {
        table: await ended(() => spark.read.format('kafka').options(options).load().count()),
        sink: await ended(() => spark.range(3).selectExpr('CAST(id AS STRING) AS value').write.format('kafka').options(to).save()),
      };
      seen.stream = await ended(async () => {
        const records = spark.readStream.format('kafka').options(options).load();
        const query = await records.writeStream.format('noop').start();
        await query.awaitTermination();
      });
      seen.next = await spark.range(3).count();
      return seen;
    },
    { options: kafka(door, table), to: kafka(door, { topic: 'wrong' }) },
  );
  for (const name of ['table', 'sink', 'stream']) {
    const { condition, message } = seen[name];
    assert.match(`${condition} ${message}`, /RIVULET_CREDENTIALS\.REFUSED/, name);
    assert.match(message, /answered 401: the token \*\*\* is not the one of now\. It refuses what the function 'keys' returns/, name);
    assert.match(message, /kafka\.bridge\.credentials/, name);
    isSilent([message], name);
  }
  assert.equal(seen.next, 3);
  // Each time what is kept, and what the function returns then.
  assert.deepEqual([door.refused, own.calls.length], [6, 3], String(own.calls));
  isSilent(own.said, 'the console');
  await own.close();
});

test('a function that throws, hangs, returns something else, or is not registered is an error that names it', async (t) => {
  const door = await doorTo(t, 'kafka');
  await broker.create('faulty', 1);
  await broker.send('faulty', 0, numbered(0, 10));
  const own = await opened(door);
  const seen = await own.evaluate(
    async (options) => {
      const spark = await globalThis.start(1);
      const read = () => globalThis.ended(() => spark.read.format('kafka').options(options).load().count());
      const by = (call, more) => {
        spark.credentials.register('keys', call, more);
        return read();
      };
      const late = [];
      const seen = {
        none: await read(),
        throws: await by(() => Promise.reject(new TypeError('the login is down'))),
        hangs: await by(({ signal }) => new Promise(() => signal.addEventListener('abort', () => late.push(1))), { timeoutMs: 50 }),
        nothing: await by(() => undefined),
        line: await by(() => ({ headers: { Authorization: 'Bearer hush\r\nX: y' } })),
        cookie: await by(() => ({ headers: { Cookie: 'hush' } })),
        date: await by(() => ({ headers: {}, expiresAt: 'hush' })),
        past: await by(() => ({ headers: {}, expiresAt: 1_700_000_000 })),
        right: await by(globalThis.keysOf('kafka')),
      };
      const records = spark.readStream.format('kafka').options(options).load();
      const query = await records.writeStream.format('memory').queryName('running').start();
      await query.processAllAvailable();
      seen.aborted = late.length;
      seen.taken = spark.credentials.unregister('keys');
      seen.gone = await globalThis.ended(() => query.awaitTermination());
      seen.both = await globalThis.ended(() =>
        spark.read
          .format('kafka')
          .options({ ...options, 'kafka.bridge.token': 'x' })
          .load()
          .count(),
      );
      seen.next = await spark.range(3).count();
      return seen;
    },
    kafka(door, { subscribe: 'faulty', startingOffsets: 'earliest' }),
  );
  const wrong = {
    none: ['NOT_REGISTERED', /is not registered: call spark\.credentials\.register\(\)/],
    throws: ['THREW', /threw TypeError: the login is down\./],
    hangs: ['TIMED_OUT', /does not return within 50 ms/],
    nothing: ['INVALID', /returned undefined, where an object is needed/],
    line: ['INVALID', /the header 'Authorization' with a line break/],
    cookie: ['INVALID', /the header 'Cookie', which a browser does not let a page set/],
    date: ['INVALID', /'expiresAt' is not a time/],
    past: ['INVALID', /have expired: 'expiresAt' is 1970-01-20/],
    gone: ['NOT_REGISTERED', /is not registered/],
  };
  for (const [name, [kind, what]] of Object.entries(wrong)) {
    const { condition, message } = seen[name];
    assert.match(`${condition} ${message}`, new RegExp(`RIVULET_CREDENTIALS\\.${kind}`), name);
    assert.match(message, /The function 'keys', which the option kafka\.bridge\.credentials names for http/, name);
    assert.match(message, what, name);
    isSilent([message], name);
  }
  assert.match(seen.both.message, /'kafka\.bridge\.token' and 'kafka\.bridge\.credentials' cannot be set together/);
  assert.deepEqual([seen.right, seen.aborted, seen.taken, seen.next], [{ value: 10 }, 1, true, 3]);
  isSilent(own.said, 'the console');
  await own.close();
});

test('what is about to expire is asked for anew before it is refused, and an executor in place of a killed one is handed what is kept', {
  timeout: 120_000,
}, async (t) => {
  const door = await doorTo(t, 'kafka');
  await broker.create('short', 1);
  await broker.send('short', 0, numbered(0, 40));
  const own = await opened(door);
  const options = kafka(door, { subscribe: 'short', startingOffsets: 'earliest' });
  const first = await own.evaluate(async (options) => {
    const spark = await globalThis.start(1);
    spark.credentials.register('keys', globalThis.keysOf('kafka'));
    const added = new Promise((resolve) => spark.status.onExecutor(({ type }) => type === 'added' && resolve()));
    const count = () => spark.read.format('kafka').options(options).load().count();
    const before = await count();
    const killed = spark.status.killExecutor(0);
    await added;
    return [before, killed, await count()];
  }, options);
  assert.deepEqual([first, own.calls], [[40, true, 40], ['first']]);

  const counts = await own.evaluate(async (options) => {
    const { spark } = globalThis;
    const keys = globalThis.keysOf('kafka');
    // Each lives for as long as a few requests take.
    spark.credentials.register('keys', async (request) => ({ ...(await keys(request)), expiresAt: Date.now() + 40 }));
    const counts = [];
    globalThis.more = async () => counts.push(await spark.read.format('kafka').options(options).load().count());
    return counts;
  }, options);
  assert.deepEqual(counts, []);
  own.calls.length = 0;
  while (own.calls.filter((reason) => reason === 'expiring').length < 3) await own.evaluate(() => globalThis.more());
  assert.deepEqual([own.calls.includes('refused'), door.refused, own.state.most], [false, 0, 1]);
  await own.close();
});

test('an executor that is killed while its question is open is replaced by one that waits for the same answer', {
  timeout: 120_000,
}, async (t) => {
  const door = await doorTo(t, 'kafka');
  // The driver's request is the last with the first key.
  door.every = 1;
  await broker.create('killed', 1);
  await broker.send('killed', 0, numbered(0, 40));
  const own = await opened(door);
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  own.state.next = async (reason) => {
    if (reason === 'refused') await held;
    return door.key;
  };
  await own.evaluate(
    async (options) => {
      const spark = await globalThis.start(1);
      spark.credentials.register('keys', globalThis.keysOf('kafka'));
      globalThis.added = new Promise((resolve) => spark.status.onExecutor(({ type }) => type === 'added' && resolve()));
      globalThis.counted = spark.read.format('kafka').options(options).load().count();
    },
    kafka(door, { subscribe: 'killed', startingOffsets: 'earliest', 'kafka.bridge.dialect': 'rivulet' }),
  );
  const refusals = async (count) => {
    while (door.refused < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await refusals(1);
  await own.evaluate(async () => {
    globalThis.spark.status.killExecutor(0);
    await globalThis.added;
  });
  // What is kept is refused to the new executor, too.
  await refusals(2);
  release();
  assert.equal(await own.evaluate(() => globalThis.counted), 40);
  assert.deepEqual([own.calls, door.refused, own.state.most], [['first', 'refused'], 2, 1]);
  await own.close();
});

test('a query goes on from its checkpoint once its function is registered again, and is an error before', async (t) => {
  const door = await doorTo(t, 'kafka');
  await broker.create('again', 2);
  await broker.send('again', 0, numbered(0, 100));
  const context = await page.browser.newContext();
  const run = async (register) => {
    const own = await opened(door, context);
    const found = await own.evaluate(
      async ({ options, register }) => {
        const spark = await globalThis.start();
        if (register) spark.credentials.register('keys', globalThis.keysOf('kafka'));
        const seen = [];
        const records = spark.readStream.format('kafka').options(options).load();
        const outcome = await globalThis.ended(async () => {
          const query = await records
            .selectExpr('CAST(CAST(value AS STRING) AS INT) AS v')
            .writeStream.option('checkpointLocation', 'again')
            .foreachBatch(async (rows) => seen.push(...(await rows.collect()).map(({ v }) => v)))
            .trigger({ availableNow: true })
            .start();
          await query.awaitTermination();
        });
        await spark.stop();
        return { seen: seen.sort((a, b) => a - b), outcome };
      },
      { options: kafka(door, { subscribe: 'again', startingOffsets: 'earliest' }), register },
    );
    await own.close();
    return found;
  };
  assert.deepEqual((await run(true)).seen, numbers(0, 100));
  await broker.send('again', 1, numbered(100, 50));
  door.number += 1;
  const { seen, outcome } = await run(false);
  assert.deepEqual(seen, []);
  assert.match(`${outcome.condition} ${outcome.message}`, /RIVULET_CREDENTIALS\.NOT_REGISTERED/);
  assert.deepEqual((await run(true)).seen, numbers(100, 50));
  await context.close();
});

test("a sink's records arrive though the token changes between its batches", async (t) => {
  const door = await doorTo(t, 'kafka');
  door.every = 7;
  await broker.create('source', 1);
  await broker.create('target', 2);
  await broker.send('source', 0, numbered(0, 200));
  const own = await opened(door);
  await own.evaluate(
    async ({ from, to }) => {
      const spark = await globalThis.start();
      spark.credentials.register('keys', globalThis.keysOf('kafka'));
      const records = spark.readStream.format('kafka').options(from).load();
      const query = await records.select('key', 'value').writeStream.format('kafka').options(to).trigger({ availableNow: true }).start();
      await query.awaitTermination();
      await spark.stop();
    },
    {
      from: kafka(door, { subscribe: 'source', startingOffsets: 'earliest', maxOffsetsPerTrigger: 20 }),
      to: kafka(door, { topic: 'target' }),
    },
  );
  assert.ok(door.rotations >= 3 && door.refused >= 3, `${door.rotations} keys, ${door.refused} refusals`);
  const written = await broker.read('target', 200);
  const values = written.map(({ value }) => Number(value));
  assert.deepEqual(
    values.sort((a, b) => a - b),
    numbers(0, 200),
  );
  await own.close();
});

test("Kinesis's keys run out in the middle of a query: records are read and written once, and a new executor needs no new keys", async (t) => {
  const door = await doorTo(t, 'kinesis');
  door.every = 15;
  await kinesis.create('rotated', 2);
  await kinesis.create('copy', 1);
  await kinesis.put('rotated', numbered(0, 400));
  const own = await opened(door);
  const shown = await own.evaluate(
    async ({ from, to }) => {
      const spark = await globalThis.start();
      spark.credentials.register('keys', globalThis.keysOf('kinesis', { expiration: new Date(Date.now() + 3_600_000) }));
      let batches = 0;
      spark.streams.addListener({
        onQueryProgress: () => {
          batches += 1;
          if (batches === 2) spark.status.killExecutor(0);
        },
      });
      const records = spark.readStream.format('aws-kinesis').options(from).load();
      const query = await records
        .select('partitionKey', 'data')
        .writeStream.format('aws-kinesis')
        .options(to)
        .option('checkpointLocation', 'opfs:///kinesis-keys')
        .trigger({ availableNow: true })
        .start();
      await query.awaitTermination();
      const shown = [JSON.stringify(await query.recentProgress())];
      await spark.stop();
      const read = async (folder) => {
        for await (const entry of folder.values()) {
          if (entry.kind === 'directory') await read(entry);
          else shown.push(await (await entry.getFile()).text());
        }
      };
      await read(await navigator.storage.getDirectory());
      return shown;
    },
    {
      from: fromKinesis(door, { 'kinesis.streamName': 'rotated', 'kinesis.maxFetchRecordsPerShard': 40 }),
      to: ofKinesis(door, { 'kinesis.streamName': 'copy' }),
    },
  );
  const written = await kinesis.read('copy');
  const values = written.map(({ value }) => Number(value));
  assert.deepEqual(
    [...new Set(values)].sort((a, b) => a - b),
    numbers(0, 400),
  );
  assert.ok(door.rotations >= 2 && door.refused >= 2, `${door.rotations} keys, ${door.refused} refusals`);
  assert.equal(own.calls[0], 'first');
  assert.ok(own.calls.length <= door.rotations + 1 && own.state.most === 1, `${own.calls} of ${door.rotations}`);
  assert.ok(shown.length > 5, `${shown.length} files`);
  isSilent([...shown, ...own.said], 'what is shown and stored');
  await own.close();
});

test("Kinesis's wrong keys, and functions that fail, are errors that name function and option, and the engine works on", async (t) => {
  const door = await doorTo(t, 'kinesis');
  await kinesis.create('guarded', 1);
  await kinesis.put('guarded', numbered(0, 20));
  const own = await opened(door);
  own.state.next = (_, count) => (count === 1 ? 'hush-wrong' : door.key);
  const seen = await own.evaluate(
    async (options) => {
      const spark = await globalThis.start(1);
      const read = (more = {}) =>
        globalThis.ended(async () => {
          const records = spark.readStream
            .format('aws-kinesis')
            .options({ ...options, ...more })
            .load();
          const query = await records.writeStream.format('memory').queryName('read').trigger({ availableNow: true }).start();
          await query.awaitTermination();
          return (await spark.table('read')).count();
        });
      const by = (call, more) => {
        spark.credentials.register('keys', call, more);
        return read();
      };
      return {
        none: await read(),
        right: await by(globalThis.keysOf('kinesis')),
        wrong: await by(() => ({ accessKeyId: 'id-of-hush-wrong', secretAccessKey: 'hush-secret', sessionToken: 'hush-wrong' })),
        throws: await by(() => {
          throw new Error('no login');
        }),
        hangs: await by(() => new Promise(() => {}), { timeoutMs: 30 }),
        empty: await by(() => ({ accessKeyId: 'id', secretAccessKey: '' })),
        headers: await by(() => ({ headers: {} })),
        both: await read({ 'kinesis.awsAccessKeyId': 'id', 'kinesis.awsSecretKey': 'x' }),
        next: await spark.range(3).count(),
      };
    },
    fromKinesis(door, { 'kinesis.streamName': 'guarded' }),
  );
  assert.deepEqual([seen.right, own.calls, seen.next], [{ value: 20 }, ['first', 'refused'], 3]);
  for (const [name, kind, what] of [
    ['none', 'NOT_REGISTERED', /is not registered/],
    ['wrong', 'REFUSED', /with 400 ExpiredTokenException: expired: \*\*\*\. It refuses what the function 'keys' returns/],
    ['throws', 'THREW', /threw Error: no login/],
    ['hangs', 'TIMED_OUT', /does not return within 30 ms/],
    ['empty', 'INVALID', /'secretAccessKey' is empty/],
    ['headers', 'INVALID', /'accessKeyId' must be a string, got undefined/],
  ]) {
    const { condition, message } = seen[name];
    assert.match(`${condition} ${message}`, new RegExp(`RIVULET_CREDENTIALS\\.${kind}`), name);
    assert.match(message, what, name);
    assert.match(message, /'keys'.*kinesis\.credentials/, name);
    isSilent([message], name);
  }
  assert.match(seen.both.message, /'kinesis\.credentials' and 'kinesis\.awsAccessKeyId'.* cannot be set together/);
  await own.close();
});
