// Classes that pages import before a session has loaded what is in them. Nothing else of this file may load it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IllegalStateException } from '../src/errors.js';
import { FunctionPartitioner } from '../src/rdd/partitioner.js';
import * as late from '../src/sql/late.js';
import { loadPart } from '../src/sql/load_part.js';

type Made = new (...args: unknown[]) => object;
const [RDD, DStream, StreamingContext] = [late.RDD, late.DStream, late.StreamingContext] as Made[];
const statics = late.StreamingContext as { getActive(): unknown; getOrCreate?: unknown };
let outside = 1;

test('classes of the part can be imported, extended and asked before it is loaded, and are its classes afterwards', async () => {
  assert.equal({} instanceof RDD!, false);
  assert.throws(() => new RDD!(), IllegalStateException);
  assert.equal(statics.getActive(), null);
  class Mine extends (StreamingContext!) {
    batch = 'mine';
  }
  // What it uses of the page is found when it is first used: nobody can look now.
  const unchecked = new FunctionPartitioner<number>(2, (key) => key + outside);
  outside += 1;

  const part = await loadPart();
  assert.equal(RDD!.prototype, part.RDD.prototype);
  assert.equal(Object.create(part.DStream.prototype) instanceof DStream!, true);
  assert.equal(Object.hasOwn(statics, 'getOrCreate'), false, 'the part’s own takes its place');
  assert.equal(statics.getActive(), null);
  assert.equal(Mine.prototype instanceof part.StreamingContext, true);

  const engine = { client: {}, lend: async () => {}, takeBack: () => {}, stop: async () => {} } as never;
  const sc = new part.SparkContext(engine, 2, {}, () => false);
  assert.equal(sc.range(3) instanceof RDD!, true);
  const mine = new Mine(sc, 1_000) as Mine & { remember(ms: number): void };
  assert.deepEqual([mine.batch, mine instanceof StreamingContext!, typeof mine.remember], ['mine', true, 'function']);
  assert.throws(() => sc.parallelize([[1, 2]] as [number, number][]).partitionBy(unchecked), { condition: 'RIVULET_FREE_VARIABLE' });
  assert.throws(() => new FunctionPartitioner<number>(2, (key) => key + outside), { condition: 'RIVULET_FREE_VARIABLE' });
});
