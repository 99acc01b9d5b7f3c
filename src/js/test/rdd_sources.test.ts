import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkContext } from '../src/rdd/context.js';
import { heldKeys, localEngine, planSizes } from './rdd_local.js';

test('a large source travels once, before the plans that name it', async () => {
  const sc = new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);
  const numbers = sc.parallelize(
    Array.from({ length: 50_000 }, (_, i) => i),
    2,
  );
  /** How often the numbers travel for some work; no plan is to have them. */
  const brings = async (work: () => Promise<unknown>) => {
    planSizes.length = heldKeys.length = 0;
    await work();
    assert.ok(planSizes.every((bytes) => bytes < 10_000));
    assert.ok(heldKeys.every((key) => key === numbers.definition.key));
    return heldKeys.length;
  };
  const failing = numbers.map((n) => {
    if (n === 7) throw new Error('seven');
    return n;
  });
  assert.equal(await brings(() => assert.rejects(failing.count(), /seven/)), 1);
  assert.equal(await brings(() => numbers.count()), 0);
  assert.equal(await brings(async () => assert.equal(await numbers.map((n) => 2 * n).sum(), 50_000 * 49_999)), 0);
  assert.equal(await brings(async () => assert.equal(await sc.parallelize([1, 2], 2).union(numbers).count(), 50_002)), 0);
  const few = sc.parallelize([1, 2, 3], 2);
  await few.count();
  assert.equal(few.definition.isHeld, undefined);
});
