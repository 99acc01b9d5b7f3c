// The package on hosts that make it hard: a strict Content-Security-Policy, a wrong MIME type for wasm, an engine that is inlined; entries that are mixed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const count42 = async (entry) => {
  const { SparkSession } = await import(entry);
  const spark = await SparkSession.builder.master('local[1]').create();
  const counted = await spark.range(42).count();
  await spark.stop();
  return counted;
};

/** Counts by functions of the page's, which executors run. */
const countBy = async (entry) => {
  const { SparkSession } = await import(entry);
  const spark = await SparkSession.builder.master('local[1]').create();
  const counted = await spark.sparkContext
    .range(42)
    .map((x) => x + 1)
    .count();
  await spark.stop();
  return counted;
};

describe('strict Content-Security-Policy', () => {
  const strict = browser({
    headers: {
      'content-security-policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'",
    },
  });
  test('computes without blob:, eval or inline script', async () => {
    const page = await strict.open('/index.html');
    assert.match(page.said.join('\n'), /Content Security Policy/i, 'the inline script of this page must be refused');
    await page.close();
    assert.equal(await inPage(strict, count42, '/pkg/dist/index.js'), 42);
  });
});

describe('a server that knows no wasm', () => {
  const wrong = browser({ types: { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/octet-stream' } });
  test('falls back to compiling the bytes', async () => {
    assert.equal(await inPage(wrong, count42, '/pkg/dist/index.js'), 42);
  });
});

describe('other entries', () => {
  const plain = browser();
  test('inline.js needs no file but the classes', async () => {
    const page = await plain.open();
    const fetched = [];
    page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
    assert.equal(await page.evaluate(count42, '/pkg/dist/inline.js'), 42);
    const ours = () => fetched.filter((path) => path.startsWith('/pkg/'));
    const before = ours().length;
    assert.deepEqual([...new Set(ours().map((path) => path.replace(/chunk-\w+/, 'chunk')))].sort(), [
      '/pkg/dist/chunk.js',
      '/pkg/dist/inline.js',
    ]);
    assert.equal(await page.evaluate(countBy, '/pkg/dist/inline.js'), 42);
    assert.equal(ours().length, before);
    await page.close();
  });
  test('cdn.js works from another origin', async () => {
    const other = plain.url.replace('localhost', '127.0.0.1');
    const page = await plain.open();
    await page.route(`${other}/**`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'access-control-allow-origin': '*' } });
    });
    assert.equal(await page.evaluate(count42, `${other}/pkg/dist/cdn.js`), 42);
    assert.equal(await page.evaluate(countBy, `${other}/pkg/dist/cdn.js`), 42);
    await page.close();
  });
  test('the script that runs functions is fetched when the first comes; without it, their jobs fail and say why', async () => {
    const page = await plain.open();
    const fetched = [];
    page.context().on('request', (request) => fetched.push(new URL(request.url()).pathname));
    await page.context().route('**/dist/functions.js', (route) => route.fulfill({ status: 404, body: 'no' }));
    assert.equal(await page.evaluate(count42, '/pkg/dist/index.js'), 42);
    assert.ok(!fetched.includes('/pkg/dist/functions.js'));
    const failure = await page.evaluate(countBy, '/pkg/dist/index.js').then(
      () => 'it ran',
      (error) => error.message,
    );
    assert.match(
      failure,
      /The script that runs functions could not be loaded from .*functions\.js.*Serve functions\.js next to worker\.js/s,
    );
    const receiver = await page.evaluate(async () => {
      const { SparkSession, StreamingContext } = await import('/pkg/dist/index.js');
      const spark = await SparkSession.builder.master('local[1]').create();
      const ssc = new StreamingContext(spark.sparkContext, 100);
      const failed = new Promise((resolve) => ssc.addStreamingListener({ onReceiverError: resolve }));
      class Silent {
        onStart() {}
        onStop() {}
      }
      ssc.receiverStream(Silent).foreachRDD(() => {});
      ssc.start();
      const { message } = await failed;
      await ssc.stop();
      await spark.stop();
      return message;
    });
    assert.match(receiver, /The receiver failed and starts again in 500 ms: The script that runs functions could not be loaded/);
    await page.close();
  });
  test('a page that mixes entries has one copy of the classes', async () => {
    const seen = await inPage(plain, async () => {
      const [index, inline, cdn] = await Promise.all(['index', 'inline', 'cdn'].map((name) => import(`/pkg/dist/${name}.js`)));
      const spark = await inline.SparkSession.builder.master('local[1]').create();
      const { Column, functions: F, SparkError, RDD } = index;
      const rows = await spark
        .range(5)
        .filter(F.col('id').gt(cdn.lit(1)))
        .select(index.functions.struct('id', index.col('id').plus(inline.lit(1)).alias('next')).alias('s'))
        .collect();
      const error = await spark
        .range(1)
        .select('nothing')
        .collect()
        .catch((e) => e);
      const created = await spark.createDataFrame(spark.sparkContext.parallelize([{ a: 1 }]), index.parseSchema('a INT')).collect();
      await spark.stop();
      return {
        same: index.SparkSession === inline.SparkSession && index.DataFrame === cdn.DataFrame && index.ml === inline.ml,
        column: inline.col('x') instanceof Column,
        error: error instanceof SparkError,
        rdd: spark.sparkContext.emptyRDD instanceof Function && RDD === cdn.RDD,
        last: rows.at(-1),
        created,
      };
    });
    assert.deepEqual(seen, { same: true, column: true, error: true, rdd: true, last: { s: { id: 4, next: 5 } }, created: [{ a: 1 }] });
  });
});
