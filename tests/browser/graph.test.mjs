// GraphX's goldens in Chromium: what real Spark answered on thirteen graphs, with one, two and three executors.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { difference } from './graph_operations.js';
import { browser, inPage, ROOT } from './harness.mjs';

const page = browser();
const FOLDER = join(ROOT, 'tests/goldens/graphx');
const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => ({ name, ...JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) }));

test('the goldens are there: thirteen graphs, 31 operations each', () => {
  assert.equal(files.length, 13);
  for (const { name, cases } of files) assert.equal(cases.length, 31, name);
});

for (const executors of [1, 2, 3]) {
  test(`every operation of GraphX answers as Spark does at local[${executors}]`, async () => {
    const results = await inPage(
      page,
      async ([files, executors]) => {
        const { SparkSession } = await import('rivulet');
        const { runCases } = await import('/tests/graph_operations.js');
        const graphx = await import('/pkg/dist/graph.js');
        const spark = await SparkSession.builder.master(`local[${executors}]`).create();
        const all = [];
        for (const file of files) all.push(await runCases(graphx, spark.sparkContext, file));
        await spark.stop();
        return all;
      },
      [files, executors],
    );
    const failures = files.flatMap((file, i) =>
      file.cases.flatMap((one, k) => {
        const wrong = difference(one, results[i][k]);
        return wrong ? [`${file.name} ${one.operation}: ${wrong}`] : [];
      }),
    );
    assert.equal(failures.length, 0, `${failures.length} of ${13 * 31} cases:\n${failures.slice(0, 12).join('\n')}`);
  });
}

/** A server whose answer to its first request comes when `release` was called; later ones are answered at once. */
async function gate() {
  let asked;
  let open;
  const first = new Promise((resolve) => {
    asked = resolve;
  });
  const released = new Promise((resolve) => {
    open = resolve;
  });
  const server = createServer(async (_, response) => {
    asked();
    await released;
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { first, release: () => open(), url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

for (const executors of [1, 2, 3]) {
  test(`an executor that is killed in mid-Pregel changes nothing at local[${executors}]`, async () => {
    for (const file of files.filter(({ graph }) => graph.edges.length > 0)) {
      const expected = file.cases.find(({ operation }) => operation === 'pregel_sssp');
      const held = await gate();
      const opened = await page.open();
      try {
        const run = opened.evaluate(
          async ([file, executors, source, url]) => {
            const { SparkSession } = await import('rivulet');
            const graphx = await import('rivulet/graph');
            const { graphOf } = await import('/tests/graph_operations.js');
            const spark = await SparkSession.builder.master(`local[${executors}]`).create();
            window.lost = new Promise((resolve) => {
              spark.status.onExecutor(({ type }) => type === 'lost' && resolve());
            });
            window.spark = spark;
            const paths = graphOf(graphx, spark.sparkContext, file)
              .mapVertices((id, _, b) => (id === b.source ? 0 : Infinity), { source })
              .pregel(
                Infinity,
                (_, known, found) => Math.min(known, found),
                (t, b) => {
                  // From the second superstep on: the source has said what it knows.
                  if (t.srcAttr !== Infinity && t.srcAttr + t.attr >= t.dstAttr) {
                    const request = new XMLHttpRequest();
                    request.open('GET', b.url, false);
                    request.send();
                  }
                  return t.srcAttr + t.attr < t.dstAttr ? [[t.dstId, t.srcAttr + t.attr]] : [];
                },
                (a, b) => Math.min(a, b),
                { bound: { url } },
              );
            const rows = await paths.vertices.collect();
            await spark.stop();
            return rows.map(([id, path]) => [id, Number.isFinite(path) ? path : String(path)]).sort((a, b) => a[0] - b[0]);
          },
          [file, executors, expected.params.source, held.url],
        );
        run.catch(() => {});
        // A graph where nobody hears of the source a second time has no superstep to be held in.
        const isHeld = await Promise.race([held.first.then(() => true), run.then(() => false)]);
        if (isHeld) {
          await opened.evaluate(async () => {
            window.spark.status.killExecutor(window.spark.status.executors.at(-1));
            await window.lost;
          });
          held.release();
        }
        assert.equal(difference(expected, { result: await run }), undefined, file.name);
        if (file.name.startsWith('random')) assert.ok(isHeld, `${file.name} was held`);
      } finally {
        held.close();
        await opened.close();
      }
    }
  });
}

test('an executor that is killed between supersteps of the engine changes nothing', async () => {
  const { lost, wrong, count } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const { Graph } = await import('rivulet/graph');
    const spark = await SparkSession.builder.master('local[2]').create();
    let lost = 0;
    spark.status.onExecutor(({ type }) => {
      if (type === 'lost') lost += 1;
    });
    // A path takes as many supersteps as it has edges, and so several jobs.
    const length = 300;
    const path = Array.from({ length }, (_, i) => [i, i + 1]);
    const graph = Graph.fromEdgeTuples(spark.sparkContext.parallelize(path, 3), 0);
    const inMidJob = new Promise((resolve) => {
      const end = spark.status.watch(({ jobs }) => {
        if (!jobs.some(({ description, state }) => description === 'connectedComponents' && state === 'succeeded')) return;
        end();
        resolve();
      });
    });
    const result = graph.connectedComponents().vertices.collect();
    await inMidJob;
    spark.status.killExecutor(1);
    const rows = await result;
    await spark.stop();
    return { lost, count: rows.length, wrong: rows.filter(([, label]) => label !== 0).length };
  });
  assert.deepEqual({ count, wrong }, { count: 301, wrong: 0 });
  assert.ok(lost > 0, 'an executor was lost before the result was there');
});
