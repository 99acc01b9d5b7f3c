// What streams and tables can be read from in a page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serveTweets } from '../../src/js/scripts/demo/tweet-server.mjs';
import { browser, inPage, PRIVATE_FILES } from './harness.mjs';

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

test(
  'files go to the executors that read them: packed ones, several, and one that has changed since it was given',
  PRIVATE_FILES,
  async () => {
    const seen = await inPage(page, async () => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const lines = (from, count) => Array.from({ length: count }, (_, n) => `${from + n},${'é'.repeat((from + n) % 5)}\n`).join('');
      const packed = new Response(new Blob([lines(0, 70_000)]).stream().pipeThrough(new CompressionStream('gzip')));
      const files = [new File([await packed.blob()], 'a.csv.gz'), new File([lines(70_000, 30_000)], 'b.csv'), new File([], 'c.csv')];
      const read = (...from) => spark.read.schema('n BIGINT, t STRING').csv(...from);
      const totals = (df) =>
        df
          .selectExpr('count(*) AS n', 'sum(n) AS sum', 'sum(length(t)) AS letters', 'count(DISTINCT _metadata.file_name) AS files')
          .collect();
      const folder = await navigator.storage.getDirectory();
      const { writeText } = await import('/tests/page/opfs.js');
      const write = (text) => writeText(folder, 'changing.csv', text);
      const file = async () => (await folder.getFileHandle('changing.csv')).getFile();
      await write(lines(0, 10));
      const given = read(await file());
      const seen = { all: await totals(read(...files)), before: await given.count() };
      await write(lines(0, 20));
      seen.changed = await given.count().catch(({ condition, message }) => [condition, /changing\.csv/.test(message)]);
      seen.again = await read(await file()).count();
      await spark.stop();
      return seen;
    });
    assert.deepEqual(seen, {
      all: [{ n: 100_000, sum: 4_999_950_000, letters: 200_000, files: 2 }],
      before: 10,
      changed: ['FAILED_READ_FILE.NO_HINT', true],
      again: 20,
    });
  },
);

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

// As a MemoryStream of Spark's: every reader of one stream gets all of its rows.
test('a pushed stream that a query reads twice gives all rows to both readers, before and after the start', async () => {
  const seen = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const { df, write } = spark.readStream.push({ schema: 'k INT, v INT', format: 'json' });
    const rows = (...pairs) => new TextEncoder().encode(pairs.map(([k, v]) => `{"k":${k},"v":${v}}\n`).join(''));
    await write(rows([1, 10], [2, 20]));
    const run = async (frame, name) => {
      const query = await frame.writeStream.format('memory').queryName(name).outputMode('append').start();
      await write(rows([1, 30]));
      await query.processAllAvailable();
      await query.stop();
      return (await spark.table(name).collect()).map((row) => Object.values(row).join()).sort();
    };
    const union = await run(df.union(df), 'both');
    const joined = await run(
      df.alias('a').join(df.alias('b'), F.expr('a.k = b.k')).select('a.k', 'a.v', F.col('b.v').alias('w')),
      'joined',
    );
    await spark.stop();
    return { union, joined };
  });
  assert.deepEqual(seen.union, ['1,10', '1,10', '1,30', '1,30', '2,20', '2,20']);
  // What the first query has read is not there any more.
  assert.deepEqual(seen.joined, ['1,30,30']);
});

// spark.conf.set('spark.sql.session.timeZone', 'Europe/Berlin'); spark.read.schema('t TIMESTAMP').json(…): 11:00 UTC; with the option
// timeZone UTC: 12:00.
test('times without a zone are in the zone of the session, or of an option', async () => {
  const seen = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').config('spark.sql.session.timeZone', 'Europe/Berlin').create();
    const json = new File(['{"t":"2024-01-01T12:00:00"}\n'], 'rows.json');
    const csv = new File(['2024-01-01T12:00:00\n'], 'rows.csv');
    const iso = async (df) => (await df.collect()).map(({ t }) => t.toISOString());
    const reader = () => spark.read.schema('t TIMESTAMP');
    const seen = [await iso(reader().json(json)), await iso(reader().csv(csv)), await iso(reader().option('timeZone', 'UTC').json(json))];
    const { df, write } = spark.readStream.push({ schema: 't TIMESTAMP', format: 'json' });
    await write(new TextEncoder().encode('{"t":"2024-07-01T12:00:00"}\n'));
    const query = await df.writeStream.format('memory').queryName('times').outputMode('append').start();
    await query.processAllAvailable();
    await query.stop();
    seen.push(await iso(spark.table('times')));
    await spark.stop();
    return seen.flat();
  });
  assert.deepEqual(seen, ['2024-01-01T11:00:00.000Z', '2024-01-01T11:00:00.000Z', '2024-01-01T12:00:00.000Z', '2024-07-01T10:00:00.000Z']);
});

test('a session has as many partitions as executors, unless settings say otherwise', async () => {
  const seen = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const counts = [];
    for (const [master, conf] of [
      ['local[1]', {}],
      ['local[3]', {}],
      ['local[3]', { 'spark.default.parallelism': '5' }],
    ]) {
      const builder = SparkSession.builder.master(master);
      for (const [key, value] of Object.entries(conf)) builder.config(key, value);
      const spark = await builder.create();
      const ids = await spark.sql('SELECT DISTINCT spark_partition_id() AS p FROM range(1000)');
      counts.push([await ids.count(), await spark.conf.get('spark.default.parallelism')]);
      await spark.stop();
    }
    return counts;
  });
  assert.deepEqual(seen, [
    [1, '1'],
    [3, '3'],
    [5, '5'],
  ]);
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
    const [events, said] = [[], []];
    const { log } = console;
    console.log = (...words) => {
      said.push(words.join(' '));
      log(...words);
    };
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
    return { kept, active, rows: progress.numInputRows ?? progress.sources[0].numInputRows, stopped, failure, events, said };
  });
  assert.deepEqual(seen.kept, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(seen.active, ['kept']);
  assert.equal(seen.rows, 2);
  assert.deepEqual(seen.stopped, [false, null]);
  assert.equal(seen.failure[0], 'StreamingQueryException');
  assert.match(seen.failure[1], /not this row/);
  assert.deepEqual([...new Set(seen.events)].sort(), ['progress', 'started', 'terminated']);
  assert.match(seen.said.join('\n'), /Batch: 0[\s\S]*\|\s*7\|/);
  await opened.close();
});

test(
  'a path that does not exist is an error, with a schema as without; an empty folder of the page has no rows',
  PRIVATE_FILES,
  async () => {
    const seen = await inPage(page, async () => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[1]').create();
      const condition = (df) => df.collect().catch((error) => [error.condition, error.message]);
      const empty = await (await navigator.storage.getDirectory()).getDirectoryHandle('empty', { create: true });
      const found = {
        declared: await condition(spark.read.schema('a INT').json('nowhere.json')),
        inferred: await condition(spark.read.json('nowhere.json')),
        empty: await spark.read.schema('a INT').json(empty).collect(),
      };
      await spark.stop();
      return found;
    });
    const missing = ['PATH_NOT_FOUND', '[PATH_NOT_FOUND] Path does not exist: nowhere.json. SQLSTATE: 42K03'];
    assert.deepEqual(seen, { declared: missing, inferred: missing, empty: [] });
  },
);
