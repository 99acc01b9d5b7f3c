// Graphs whose edges come as a stream, in Chromium: components and degrees beside a plain model, over restarts and lost executors.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { componentsOf, degreesOf, order, tableOf, uniform } from './graph_stream_model.js';
import { browser, CHROMIUM_ONLY, inPage } from './harness.mjs';

const page = browser();
const text = (id) => (typeof id === 'string' ? id : String(id));
const sorted = (map) => [...map].map(([id, value]) => [text(id), value]).sort((a, b) => order(a[0], b[0]));

/** Ids of each kind: numbers, numbers beyond doubles, strings of which UTF-16 and UTF-8 have another order. */
const KINDS = {
  BIGINT: (n) => n - 20,
  'BIGINT beyond 2^53': (n) => (n % 2 === 0 ? n : 2n ** 60n + BigInt(n) * (n % 3 === 0 ? -1n : 1n)),
  STRING: (n) => `${['a', '\u{1F600}', '\uff5e', 'é', ''][n % 5]}${n}`,
};

/** Batches of edges of a seeded random graph in which components are joined from first to last. */
function batchesOf(seed, idOf, { batches = 8, each = 40, vertices = 700 } = {}) {
  const random = uniform(seed);
  const pick = () => Math.floor(random() * vertices);
  return Array.from({ length: batches }, () => Array.from({ length: each }, () => [idOf(pick()), idOf(pick())]));
}

/** In the page: writes batches as JSON lines, returns the rows of every batch of both queries, ids as strings. */
async function follow([batches, master, type, bigint]) {
  const { SparkSession } = await import('rivulet');
  const { graphStream } = await import('rivulet/graph');
  const spark = await SparkSession.builder
    .master(master)
    .config('spark.sql.shuffle.partitions', 4)
    .config('rivulet.bigint', String(bigint))
    .create();
  const found = { components: [], degrees: [] };
  const start = async (name, pick, valuesOf) => {
    const { df, write } = spark.readStream.push({ schema: `\`from\` ${type}, \`to\` ${type}`, format: 'json' });
    const query = await pick(await graphStream(df, { src: 'from', dst: 'to' }))
      .writeStream.outputMode('update')
      .foreachBatch(async (batch) => {
        found[name].push((await batch.collect()).map((row) => [String(row.id), ...valuesOf(row)]));
      })
      .start();
    return { query, write };
  };
  const runs = [
    await start(
      'components',
      (graph) => graph.connectedComponents(),
      ({ component }) => [String(component)],
    ),
    await start(
      'degrees',
      (graph) => graph.degrees(),
      ({ inDegree, outDegree, degree }) => [inDegree, outDegree, degree].map(Number),
    ),
  ];
  for (const lines of batches) {
    for (const { query, write } of runs) {
      await write(lines);
      await query.processAllAvailable();
    }
  }
  for (const { query } of runs) await query.stop();
  await spark.stop();
  return found;
}

const jsonOf = (id) => (typeof id === 'string' ? JSON.stringify(id) : String(id));
const linesOf = (batch) => batch.map(([a, b]) => `{"from":${jsonOf(a)},"to":${jsonOf(b)}}\n`).join('');

for (const [kind, idOf] of Object.entries(KINDS)) {
  for (const executors of [1, 2, 3]) {
    test(`components and degrees by ${kind} are the model's at local[${executors}], batch after batch`, async () => {
      const batches = batchesOf(executors, idOf);
      const type = kind.split(' ')[0];
      const found = await inPage(page, follow, [batches.map(linesOf), `local[${executors}]`, type, executors === 2]);
      const edges = batches.flat();
      const { table: components, idle } = tableOf(found.components);
      const expected = [...componentsOf(edges)].map(([id, lowest]) => [text(id), [text(lowest)]]);
      assert.deepEqual(sorted(components), sorted(new Map(expected)));
      assert.equal(idle, 0, 'only vertices whose component changed are in a batch');
      assert.ok(found.components.some((rows, i) => i > 0 && rows.some(([id]) => found.components[0].some(([before]) => before === id))));
      const { table: degrees, idle: still } = tableOf(found.degrees);
      assert.deepEqual(sorted(degrees), sorted(degreesOf(edges)));
      assert.equal(still, 0);
    });
  }
}

/** In the page: a life of a query over numbered edges, which begins after the last that is durable. `fails` is a batch whose writing fails. */
async function live([edges, to, folder, fails]) {
  const { SparkSession } = await import('rivulet');
  const { graphStream } = await import('rivulet/graph');
  const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 3).create();
  const done = [];
  const source = {
    name: 'edges',
    async *open(after) {
      for (let n = (after ?? -1) + 1; n < to; n++) yield { n, src: edges[n][0], dst: edges[n][1] };
      await new Promise(() => {});
    },
    offsetOf: ({ n }) => n,
  };
  const start = async (name, pick) => {
    const df = spark.readStream.from(source, { schema: 'n INT, src INT, dst INT' });
    const query = await pick(await graphStream(df))
      .writeStream.outputMode('update')
      .option('checkpointLocation', `opfs:///${folder}-${name}`)
      .foreachBatch(async (batch, id) => {
        const rows = (await batch.collect()).map(({ id, ...values }) => [String(id), ...Object.values(values).map(Number)]);
        if (fails) throw new RangeError(`no batch ${id}`);
        done.push([name, id, rows]);
      })
      .start();
    const ended = await query.processAllAvailable().then(
      () => null,
      (error) => error.message,
    );
    await query.stop().catch(() => {});
    return ended;
  };
  const ends = [await start('components', (graph) => graph.connectedComponents()), await start('degrees', (graph) => graph.degrees())];
  await spark.stop();
  return { done, ends };
}

test(
  'a query that is started again goes on with its graph, and a batch that failed after its work counts once',
  CHROMIUM_ONLY,
  async () => {
    const context = await page.browser.newContext();
    const edges = batchesOf(11, (n) => n, { batches: 12, each: 30, vertices: 300 }).flat();
    const folder = 'graph-stream';
    const found = { components: new Map(), degrees: new Map() };
    for (const [to, fails] of [
      [60, false],
      [120, true],
      [120, false],
      [121, true],
      [240, false],
      [360, false],
    ]) {
      const opened = await page.open('/blank.html', context);
      const { done, ends } = await opened.evaluate(live, [edges, to, folder, fails]);
      await opened.close();
      for (const end of ends) assert.equal(/no batch/.test(end ?? ''), fails, `${end}`);
      for (const [name, id, rows] of done) {
        assert.ok(!found[name].has(id), `batch ${id} of ${name} came twice`);
        found[name].set(id, rows);
      }
      if (fails) continue;
      const now = edges.slice(0, to);
      const inOrder = (batches) => [...batches].sort(([a], [b]) => a - b).map(([, rows]) => rows);
      const { table, idle } = tableOf(inOrder(found.components));
      assert.deepEqual(sorted(table), sorted(new Map([...componentsOf(now)].map(([id, lowest]) => [String(id), [lowest]]))));
      assert.equal(idle, 0);
      assert.deepEqual(sorted(tableOf(inOrder(found.degrees)).table), sorted(degreesOf(now.map((ends) => ends.map(String)))));
    }
    await context.close();
  },
);

/** A server that answers while it is open. `asked()` shuts it, and returns a promise for the next question. */
async function gate() {
  let waiting = [];
  let asked;
  let isOpen = true;
  const server = createServer((_, response) => {
    const answer = () => response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
    if (isOpen) return answer();
    waiting.push(answer);
    asked();
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    asked: () => {
      isOpen = false;
      return new Promise((resolve) => {
        asked = resolve;
      });
    },
    release: () => {
      isOpen = true;
      for (const answer of waiting) answer();
      waiting = [];
    },
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** In the page: a query over numbers, started; `window.killed(id)` ends an executor and settles when its loss was seen. */
async function begin([executors, name, url]) {
  const { SparkSession } = await import('rivulet');
  const { graphStream } = await import('rivulet/graph');
  const spark = await SparkSession.builder.master(`local[${executors}]`).config('spark.sql.shuffle.partitions', 3).create();
  const { df, write } = spark.readStream.push({ schema: 'src BIGINT, dst BIGINT, hold BOOLEAN', format: 'json' });
  // Edges pass through a function, which waits where it finds one that says so. Spark has none before an aggregation in update mode.
  const held = () =>
    df.groupByKey('src').flatMapGroupsWithState(
      (_, rows, __, b) => {
        if (rows.some(({ hold }) => hold)) {
          const request = new XMLHttpRequest();
          request.open('GET', b.url, false);
          request.send();
        }
        return rows.map(({ src, dst }) => ({ src, dst }));
      },
      { outputSchema: 'src BIGINT, dst BIGINT', outputMode: 'update' },
      { url },
    );
  const graph = await graphStream(name === 'components' ? held() : df);
  const batches = [];
  window.between = async () => {};
  const query = await (name === 'components' ? graph.connectedComponents() : graph.degrees()).writeStream
    .outputMode('update')
    .foreachBatch(async (batch) => {
      await window.between();
      batches.push((await batch.collect()).map(({ id, ...values }) => [String(id), ...Object.values(values).map(Number)]));
    })
    .start();
  const busy = () =>
    new Promise((resolve) => {
      const end = spark.status.watch(({ executors }) => {
        const found = executors.find(({ runningTasks }) => runningTasks > 0);
        if (!found) return;
        end();
        resolve(found.id);
      });
    });
  const killed = (id) =>
    new Promise((resolve) => {
      const end = spark.status.onExecutor(({ type, executor }) => {
        if (type !== 'lost' || executor !== id) return;
        end();
        resolve();
      });
      spark.status.killExecutor(id);
    });
  Object.assign(window, { spark, write, query, batches, busy, killed });
}

/** In a worker: stops until the server answers. */
function block(url) {
  const request = new XMLHttpRequest();
  request.open('GET', url, false);
  request.send();
}

for (const name of ['components', 'degrees']) {
  for (const executors of [1, 2, 3]) {
    test(`${name}: executors that are killed in mid-batch change nothing at local[${executors}]`, async () => {
      const batches = batchesOf(20 + executors, (n) => n, { batches: 6, vertices: 260 });
      const held = await gate();
      const opened = await page.open();
      try {
        await opened.evaluate(begin, [executors, name, held.url]);
        const write = (batch, hold) =>
          opened.evaluate(
            async ([batch, hold]) => {
              await window.write(batch.map(([src, dst], i) => ({ src, dst, hold: hold && i === 0 })));
            },
            [batch, hold],
          );
        const settle = () => opened.evaluate(() => window.query.processAllAvailable());
        await write(batches[0], false);
        await settle();
        // In a task: it waits until its executor is no more.
        for (const batch of [batches[1], batches[2]]) {
          const asked = held.asked();
          const blocked =
            name === 'components'
              ? []
              : opened
                  .workers()
                  .slice(1)
                  .map((worker) => worker.evaluate(block, held.url).catch(() => {}));
          if (blocked.length > 0) await asked;
          await write(batch, true);
          await asked;
          await opened.evaluate(async () => window.killed(await window.busy()));
          held.release();
          await settle();
          await Promise.all(blocked);
        }
        // Between a batch's work and its end: its state is in no log yet.
        await opened.evaluate(() => {
          window.between = async () => {
            window.between = async () => {};
            for (const id of window.spark.status.executors) await window.killed(id);
          };
        });
        for (const batch of batches.slice(3)) {
          await write(batch, false);
          await settle();
        }
        const { table, idle } = tableOf(await opened.evaluate(() => window.batches));
        const edges = batches.flat();
        const expected =
          name === 'components'
            ? new Map([...componentsOf(edges)].map(([id, lowest]) => [String(id), [lowest]]))
            : degreesOf(edges.map((ends) => ends.map(String)));
        assert.deepEqual(sorted(table), sorted(expected));
        assert.equal(idle, 0);
      } finally {
        held.close();
        await opened.close();
      }
    });
  }
}

test('what is not a stream of edges is told at once; edges without an end are left out, loops are not', async () => {
  const { said, rows, degrees } = await inPage(page, async () => {
    const { SparkSession, functions: F } = await import('rivulet');
    const { graphStream } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 2).create();
    const stream = (schema) => spark.readStream.push({ schema, format: 'json' }).df;
    const tries = {
      nothing: () => graphStream(undefined),
      batch: () => graphStream(spark.createDataFrame([[1, 2]], 'src INT, dst INT')),
      missing: () => graphStream(stream('src INT, target INT')),
      other: () => graphStream(stream('a INT, b INT'), { src: 'a', dst: 'c' }),
      double: () => graphStream(stream('src DOUBLE, dst DOUBLE')),
      mixed: () => graphStream(stream('src INT, dst STRING')),
      nested: () => graphStream(stream('src STRUCT<id: INT>, dst STRUCT<id: INT>')),
      append: async () => (await graphStream(stream('src INT, dst INT'))).degrees().writeStream.format('noop').start(),
      complete: async () =>
        (await graphStream(stream('src INT, dst INT'))).connectedComponents().writeStream.outputMode('complete').format('noop').start(),
    };
    const said = {};
    for (const [name, f] of Object.entries(tries)) {
      said[name] = await f().then(
        () => 'fine',
        (error) => [error.name, error.condition, error.message],
      );
    }
    const seen = { rows: new Map(), degrees: new Map() };
    for (const [name, pick] of [
      ['rows', (graph) => graph.connectedComponents()],
      ['degrees', (graph) => graph.degrees()],
    ]) {
      const { df, write } = spark.readStream.push({ schema: 'edge STRUCT<a: SMALLINT, b: INT>', format: 'json' });
      const query = await pick(await graphStream(df, { src: 'edge.a', dst: F.col('edge.b').plus(0) }))
        .writeStream.outputMode('update')
        .foreachBatch(async (batch) => {
          for (const { id, ...values } of await batch.collect()) seen[name].set(id, Object.values(values));
        })
        .start();
      const edges = [
        [1, 2],
        [null, 3],
        [4, null],
        [5, 5],
        [null, null],
        [2, 1],
        [1, 2],
      ];
      await write(edges.map(([a, b]) => ({ edge: { a, b } })));
      await query.processAllAvailable();
      await query.stop();
    }
    await spark.stop();
    return { said, rows: [...seen.rows], degrees: [...seen.degrees] };
  });
  const expected = {
    nothing: ['SparkTypeError', 'RIVULET_GRAPH_STREAM', /needs a streaming DataFrame of edges/],
    batch: ['IllegalArgumentException', 'RIVULET_GRAPH_STREAM', /this one is not/],
    missing: ['AnalysisException', 'UNRESOLVED_COLUMN.WITH_SUGGESTION', /`dst`/],
    other: ['AnalysisException', 'UNRESOLVED_COLUMN.WITH_SUGGESTION', /`c`/],
    double: ['IllegalArgumentException', 'RIVULET_GRAPH_ID', /DOUBLE and DOUBLE/],
    mixed: ['IllegalArgumentException', 'RIVULET_GRAPH_ID', /INT and STRING/],
    nested: ['IllegalArgumentException', 'RIVULET_GRAPH_ID', /STRUCT<ID:INT>/],
    append: ['AnalysisException', 'STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION', /append/],
    complete: ['AnalysisException', 'STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION', /complete/],
  };
  for (const [name, [type, condition, words]] of Object.entries(expected)) {
    assert.deepEqual(said[name].slice(0, 2), [type, condition], `${name}: ${said[name]}`);
    assert.match(said[name][2], words, name);
  }
  assert.deepEqual(sorted(new Map(rows)), [
    ['1', [1]],
    ['2', [1]],
    ['5', [5]],
  ]);
  assert.deepEqual(sorted(new Map(degrees)), [
    ['1', [1, 2, 3]],
    ['2', [2, 1, 3]],
    ['5', [1, 1, 2]],
  ]);
});
