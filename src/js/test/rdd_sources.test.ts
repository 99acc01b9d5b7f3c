import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkContext } from '../src/rdd/context.js';
import { localEngine, planSizes } from './rdd_local.js';

test('a large source travels with the first job only', async () => {
  const sc = new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);
  const numbers = sc.parallelize(
    Array.from({ length: 50_000 }, (_, i) => i),
    2,
  );
  /** Whether a plan of some work has the numbers. */
  const brings = async (work: () => Promise<unknown>) => {
    planSizes.length = 0;
    await work();
    return planSizes.some((bytes) => bytes > 100_000);
  };
  const failing = numbers.map((n) => {
    if (n === 7) throw new Error('seven');
    return n;
  });
  assert.equal(await brings(() => assert.rejects(failing.count(), /seven/)), true);
  // Of a job that failed it is not known whether the driver has it.
  assert.equal(await brings(() => numbers.count()), true);
  assert.equal(await brings(async () => assert.equal(await numbers.map((n) => 2 * n).sum(), 50_000 * 49_999)), false);
  assert.equal(await brings(async () => assert.equal(await sc.parallelize([1, 2], 2).union(numbers).count(), 50_002)), false);
  const few = sc.parallelize([1, 2, 3], 2);
  await few.count();
  assert.equal(few.definition.isHeld, undefined);
});
