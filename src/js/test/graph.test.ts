import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
// @ts-expect-error The operations are plain JavaScript, shared with the browser tests.
import { difference, runCases } from '../../../tests/browser/graph_operations.js';
import * as graphx from '../src/graph.js';
import { SparkContext } from '../src/rdd/context.js';
import { decode, decodePairs, encode, encodePairs } from '../src/rdd/value_codec.js';
import { localEngine } from './rdd_local.js';

const FOLDER = join(process.env['RIVULET_ROOT'] ?? process.cwd(), 'tests/goldens/graphx');
interface Golden {
  cases: { operation: string }[];
}
const context = () => new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);

/** Operations of the script alone; the others need the engine. */
const SCRIPT = /^(aggregate_messages|collect_|counts|group_edges|map_|mask|partition_|reverse|subgraph|triplets|vertices)/;

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.json'))) {
  test(`${name}: what the script does to a graph is what Spark does`, async () => {
    const golden = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Golden;
    const cases = golden.cases.filter(({ operation }) => SCRIPT.test(operation));
    const results = (await runCases(graphx, context(), { ...golden, cases })) as unknown[];
    for (const [i, one] of cases.entries())
      assert.equal((difference as (...args: unknown[]) => string | undefined)(one, results[i]), undefined, one.operation);
    assert.equal(cases.length, 17);
  });
}

test('two columns are written as the pairs that they make', () => {
  const [ids, targets] = [
    [3, -1, 2 ** 31 - 1],
    [5, 6, 7],
  ] as const;
  const pairs = ids.map((id, i) => [id, targets[i]]);
  assert.deepEqual(encodePairs(Int32Array.from(ids), Int32Array.from(targets)), encode(pairs));
  assert.deepEqual(encodePairs(new Int32Array(0), new Int32Array(0)), encode([]));
  assert.deepEqual(decode(encodePairs(Float64Array.of(2 ** 40, 1), Int32Array.of(1, 2))), [
    [2 ** 40, 1],
    [1, 2],
  ]);
});

test('columns of pairs come back from blocks of any form, or not at all', () => {
  const both = [encodePairs(Int32Array.of(1, 2), Float64Array.of(0.5, 1)), encode([]), encode([[3, -0]])];
  assert.deepEqual(decodePairs(both), [Int32Array.of(1, 2, 3), Float64Array.of(0.5, 1, -0)]);
  assert.deepEqual(
    decodePairs([
      encode([
        [7, 1],
        [2 ** 40, 1],
      ]),
    ]),
    [Float64Array.of(7, 2 ** 40), Int32Array.of(1, 1)],
  );
  assert.deepEqual(decodePairs([]), [new Int32Array(0), new Int32Array(0)]);
  for (const rows of [
    [
      [1, 'a'],
      [2, 'b'],
    ],
    [
      [1n, 2],
      [3n, 4],
    ],
    [1, 2],
    [[1, 2, 3]],
    [
      [1, 2],
      [null, 4],
    ],
  ])
    assert.equal(
      decodePairs([encode(rows)]),
      undefined,
      JSON.stringify(rows, (_, v) => String(v)),
    );
  const block = encodePairs(Int32Array.of(1, 2), Int32Array.of(3, 4));
  for (let length = 1; length < block.length; length++) assert.throws(() => decodePairs([block.slice(0, length)]), /damaged/, `${length}`);
});
