// GraphX's goldens in Chromium: what real Spark answered on thirteen graphs, with one, two and three executors.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
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
        const wrong = difference(file, one, results[i][k]);
        return wrong ? [`${file.name} ${one.operation}: ${wrong}`] : [];
      }),
    );
    assert.equal(failures.length, 0, `${failures.length} of ${13 * 31} cases:\n${failures.slice(0, 12).join('\n')}`);
  });
}
