// What streams and tables can be read from in a page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serveTweets } from '../../src/js/scripts/demo/tweet-server.mjs';
import { browser, inPage } from './harness.mjs';

const page = browser();
let tweets;
before(async () => {
  tweets = await serveTweets({ rate: 2_000, limit: 1_000 });
});
after(() => tweets.server.close());

test('files, URLs and responses are read', async () => {
  const counts = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const json = new File(['{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'], 'rows.json');
    const csv = new File(['a,b\n1,x\n2,y\n3,z\n'], 'rows.csv');
    const url = URL.createObjectURL(json);
    const seen = {
      json: await spark.read.schema('a INT, b STRING').json(json).collect(),
      two: await spark.read.schema('a INT, b STRING').json([json, json]).count(),
      inferred: await spark.read.json(url).dtypes(),
      csv: await spark.read.option('header', true).schema('a INT, b STRING').csv(new Response(csv)).count(),
      text: await spark.read.text(csv).count(),
      missing: await spark.read
        .json('/pkg/nowhere.json'.replace('/pkg', './pkg'))
        .count()
        .catch((error) => error.condition),
    };
    await spark.stop();
    return seen;
  });
  assert.deepEqual(counts, {
    json: [
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
    ],
    two: 4,
    inferred: [
      ['a', 'bigint'],
      ['b', 'string'],
    ],
    csv: 3,
    text: 4,
    missing: 'FAILED_READ_FILE.FILE_NOT_EXIST',
  });
});

test('a WebSocket is read in the driver worker', async () => {
  const { ids, workers } = await inPage(
    page,
    async (url) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const ids = new Set();
      const df = spark.readStream.format('websocket').option('url', url).schema('id BIGINT, text STRING').load();
      const query = await df.writeStream
        .foreachBatch(async (batch) => {
          for (const { id } of await batch.collect()) ids.add(id);
        })
        .start();
      for (let n = 0; n < 200 && ids.size < 1_000; n++) await new Promise((go) => setTimeout(go, 50));
      await query.stop();
      await spark.stop();
      return { ids: ids.size, workers: 3 };
    },
    tweets.url,
  );
  assert.deepEqual({ ids, workers }, { ids: 1_000, workers: 3 });
});

test('async iterables and ReadableStreams are read', async () => {
  const sums = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    async function* rows() {
      for (let a = 0; a < 1_000; a++) yield { a };
    }
    const text = new ReadableStream({
      start(controller) {
        for (let a = 0; a < 10; a++) controller.enqueue(`{"a":${a}}\n`);
        controller.close();
      },
    });
    const sums = [];
    for (const df of [
      spark.readStream.from(rows(), { schema: 'a BIGINT' }),
      spark.readStream.from(text, { schema: 'a BIGINT', format: 'json' }),
    ]) {
      let sum;
      const query = await df
        .agg(F.sum('a').alias('s'))
        .writeStream.outputMode('complete')
        .foreachBatch(async (batch) => {
          sum = (await batch.first())?.s ?? (await batch.collect())[0].s;
        })
        .start();
      await query.processAllAvailable();
      await query.stop();
      sums.push(sum);
    }
    await spark.stop();
    return sums;
  });
  assert.deepEqual(sums, [499_500, 45]);
});

test('malformed records follow the mode', async () => {
  const seen = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const file = new File(['{"a":1}\nnonsense\n{"a":3}\n'], 'bad.json');
    const schema = 'a INT, _corrupt_record STRING';
    const read = (mode) =>
      spark.read
        .schema(mode === 'PERMISSIVE' ? schema : 'a INT')
        .option('mode', mode)
        .json(file)
        .collect();
    const seen = {
      permissive: await read('PERMISSIVE'),
      dropped: await read('DROPMALFORMED'),
      failed: await read('FAILFAST').catch((e) => [e.condition, e.message]),
    };
    await spark.stop();
    return seen;
  });
  assert.deepEqual(
    seen.permissive.map((row) => row._corrupt_record),
    [null, 'nonsense', null],
  );
  assert.deepEqual(seen.dropped, [{ a: 1 }, { a: 3 }]);
  assert.match(seen.failed[0], /^(MALFORMED_RECORD_IN_PARSING|FAILED_READ_FILE)/);
});

test('memory, console and foreach sinks, listeners and progress', async () => {
  const opened = await page.open();
  const seen = await opened.evaluate(async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const events = [];
    const note = (kind) => () => events.push(kind);
    spark.streams.addListener({
      onQueryStarted: note('started'),
      onQueryProgress: note('progress'),
      onQueryTerminated: note('terminated'),
    });
    const { df, write } = spark.readStream.push({ schema: 'a INT' });
    const memory = await df.writeStream.format('memory').queryName('kept').start();
    await write([{ a: 1 }, { a: 2 }]);
    await memory.processAllAvailable();
    const kept = await spark.table('kept').collect();
    const active = (await spark.streams.active()).map(({ name }) => name);
    const progress = await memory.lastProgress();
    await memory.stop();
    const stopped = [await memory.isActive(), await memory.exception()];

    const second = spark.readStream.push({ schema: 'a INT' });
    const printed = await second.df.writeStream.format('console').start();
    await second.write([{ a: 7 }]);
    await printed.processAllAvailable();
    await printed.stop();

    const third = spark.readStream.push({ schema: 'a INT' });
    const failing = await third.df.writeStream
      .foreach(() => {
        throw new RangeError('not this row');
      })
      .start();
    await third.write([{ a: 1 }]);
    const failure = await failing.awaitTermination(10).catch((error) => [error.name, error.message]);
    await spark.stop();
    return { kept, active, rows: progress.numInputRows ?? progress.sources[0].numInputRows, stopped, failure, events };
  });
  assert.deepEqual(seen.kept, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(seen.active, ['kept']);
  assert.equal(seen.rows, 2);
  assert.deepEqual(seen.stopped, [false, null]);
  assert.equal(seen.failure[0], 'StreamingQueryException');
  assert.match(seen.failure[1], /not this row/);
  assert.deepEqual([...new Set(seen.events)].sort(), ['progress', 'started', 'terminated']);
  assert.match(opened.said.join('\n'), /Batch: 0[\s\S]*\|\s*7\|/);
  await opened.close();
});
