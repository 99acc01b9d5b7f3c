import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
// @ts-expect-error As the twins.
import { checkProgram } from '../../../tests/browser/rdd_random.js';
// @ts-expect-error The twins are plain JavaScript, shared with the browser tests.
import { difference, NEEDS_ENGINE, runTwin, TWINS } from '../../../tests/browser/rdd_twins.js';
import type { Accumulator } from '../src/rdd/accumulator.js';
import { SparkContext } from '../src/rdd/context.js';
import { FunctionPartitioner, HashPartitioner, RangePartitioner } from '../src/rdd/partitioner.js';
import { hashCode, hashPartition, identity } from '../src/rdd/task/keys.js';
import { decode, encode, NotCloneableError } from '../src/rdd/value_codec.js';
import { localEngine } from './rdd_local.js';

const GOLDENS = join(process.env['RIVULET_ROOT'] ?? process.cwd(), 'tests/goldens/rdd');
const golden = (id: string) =>
  JSON.parse(readFileSync(join(GOLDENS, `${id}.json`), 'utf8')) as {
    id: string;
    result: { type: string; value: unknown; hashCode: number; partition: Record<string, number> }[];
  };
declare const fonts: unknown;
const context = () => new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);

for (const id of Object.keys(TWINS as object).filter((twin) => !(NEEDS_ENGINE as Set<string>).has(twin))) {
  test(`${id} gives what Spark gives, without a scheduler`, async () => {
    const case_ = golden(id);
    assert.equal(difference(case_, await runTwin({ sparkContext: context() }, case_, { HashPartitioner })), undefined);
  });
}

// `src/rdd/block.rs` has the same bytes.
test('strings are written as the engine writes them', () => {
  const hex = (block: Uint8Array) => Buffer.from(block).toString('hex');
  assert.equal(hex(encode(['a', '', 'é€😀'])), '0300000003000000010000000000000004000000010a00000061c3a9e282acf09f9880');
  assert.equal(hex(encode([])), '0000000000');
});

test('random programs over datasets equal a model over arrays', async () => {
  for (let seed = 0; seed < 150; seed++)
    assert.equal(await (checkProgram as (sc: SparkContext, seed: number) => Promise<string | undefined>)(context(), seed), undefined);
});

test('a function over a partition pulls its rows through the steps below, and no more than it asks for', async () => {
  const sc = context();
  const counted = globalThis as { seen?: number };
  const rows = sc
    .parallelize(
      Array.from({ length: 200 }, (_, n) => n),
      2,
    )
    .map((n) => {
      (globalThis as { seen?: number }).seen = ((globalThis as { seen?: number }).seen ?? 0) + 1;
      return n;
    })
    .filter((n) => n % 2 === 0)
    .flatMap((n) => [n, -n]);
  const first = (some: IterableIterator<number>) => {
    const [a, b, c] = some;
    return [a, b, c].map((n) => n! + 0);
  };
  // The third row is the second even number.
  counted.seen = 0;
  assert.deepEqual(await rows.mapPartitions(first).collect(), [0, 0, 2, 100, -100, 102]);
  assert.equal(counted.seen, 2 * 3);
  // As generators, over a union of a coalesced one and another; an action that wants little stops them.
  counted.seen = 0;
  const twice = rows
    .coalesce(1)
    .union(rows)
    .mapPartitionsWithIndex(function* (index, some) {
      for (const n of some) yield [index, n];
    });
  assert.deepEqual(
    await twice.take(3),
    [
      [0, 0],
      [0, 0],
      [0, 2],
    ].map(([i, n], at) => [i, at === 1 ? -n! : n]),
  );
  assert.equal(counted.seen, 3);
  const all = [...Array(2).keys()].map((half) => Array.from({ length: 50 }, (_, n) => half * 100 + 2 * n).flatMap((n) => [n, -n]));
  assert.deepEqual(await twice.collect(), [...all.flat().map((n) => [0, n]), ...all[0]!.map((n) => [1, n]), ...all[1]!.map((n) => [2, n])]);
  // Steps that count go on where they were (-0 is no less than 0), and one that wants its whole partition gets it.
  const positions = rows
    .filter((n) => n >= 0)
    .zipWithIndex()
    .mapPartitions((some) => [...some].slice(-1));
  assert.deepEqual(await positions.collect(), [
    [98, 50],
    [198, 100],
  ]);
  assert.deepEqual(
    await rows
      .glom()
      .mapPartitions((some) => [...some].map((list) => list.length))
      .collect(),
    [100, 100],
  );
  counted.seen = 0;
  await rows.foreachPartition((some) => {
    some.next();
  });
  assert.equal(counted.seen, 2);
});

test("what a step throws under a function over a partition is told as that step's, and its own as its own", async () => {
  const failing = (rows: { collect(): Promise<unknown> }) =>
    assert.rejects(rows.collect(), (error: Error) => {
      said = error.message;
      return true;
    });
  let said = '';
  const sc = context();
  await failing(
    sc
      .parallelize([1, 2, 3], 1)
      .map((n) => {
        if (n === 2) throw new RangeError('two');
        return n;
      })
      .mapPartitions((some) => [...some]),
  );
  assert.match(said, /RangeError: two \(in .*, partition 0, record 2\)/);
  await failing(
    sc.parallelize([1, 2, 3], 1).mapPartitions(function* (some) {
      for (const n of some) {
        if (n === 3) throw new RangeError('three');
        yield n;
      }
    }),
  );
  assert.match(said, /RangeError: three \(in .*, partition 0\)/);
  await failing(sc.parallelize([1], 1).mapPartitions((() => 7) as never));
  assert.match(said, /must return an iterable, got number/);
});

test('a partitioner places the keys of every operation that takes one; those of one place do not move again', async () => {
  const sc = context();
  const pairs = sc.parallelize(
    Array.from({ length: 60 }, (_, n) => [n % 12, n] as [number, number]),
    3,
  );
  const keysOf = (rdd: { map(f: (pair: [number, unknown]) => number): { distinct(n: number): unknown } }) =>
    (rdd as typeof pairs)
      .keys()
      .mapPartitions((keys) => [[...new Set(keys)].sort((a, b) => a - b)])
      .collect();
  const high = new FunctionPartitioner<number>(2, (key, { from }: { from: number }) => (key >= from ? 1 : -2), { from: 9 });
  const halves = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
    [9, 10, 11],
  ];
  const placed = pairs.partitionBy(high);
  for (const rdd of [
    placed,
    pairs.reduceByKey((a, b) => a + b, high),
    pairs.groupByKey(high),
    pairs.foldByKey(0, (a, b) => a + b, high),
    pairs.cogroup(pairs, high),
    pairs.aggregateByKey(
      0,
      (a, b) => a + b,
      (a, b) => a + b,
      high,
    ),
    pairs.combineByKey(
      (a) => a,
      (a, b) => a + b,
      (a, b) => a + b,
      high,
    ),
    pairs.join(pairs, high),
    pairs.leftOuterJoin(pairs, high),
    pairs.rightOuterJoin(pairs, high),
    pairs.fullOuterJoin(pairs, high),
    pairs.subtractByKey(
      pairs.filter(() => false),
      high,
    ),
    pairs.groupBy(([key]) => key, high),
    pairs.repartitionAndSortWithinPartitions(high),
  ])
    assert.deepEqual(await keysOf(rdd as never), halves);
  assert.deepEqual(
    await pairs
      .keys()
      .distinct(high)
      .glom()
      .map((keys) => keys.sort((a, b) => a - b))
      .collect(),
    halves,
  );
  const joined = placed.join(pairs.reduceByKey((a, b) => a + b, high));
  // One wide edge for each dataset that is placed, none for their join.
  assert.equal(joined.toDebugString().match(/\+-/g)?.length, 2);
  assert.equal((await joined.collect()).length, 60);
  const ranges = new RangePartitioner(3, pairs);
  const [left, right] = [pairs.partitionBy(ranges), pairs.reduceByKey((a, b) => a + b, ranges)];
  assert.deepEqual((await keysOf(left as never)).flat(), [...Array(12).keys()]);
  assert.equal(left.join(right).toDebugString().match(/\+-/g)?.length, 2);
  assert.equal((await left.join(right).collect()).length, 60);
});

test('a key is looked up by what it is, in its own partition where the hash tells which', async () => {
  const sc = context();
  const keys = [1, 'one', 12n, NaN, 0, null, true, new Date(5), [1, ['a', -0]], 2.5, '\u0000[1]'];
  const pairs = sc.parallelize(
    keys.flatMap(
      (key, n) =>
        [
          [key, n],
          [key, -n],
        ] as [unknown, number][],
    ),
    4,
  );
  const visited = sc.longAccumulator();
  const placed = pairs.partitionBy(3).mapPartitions(
    (some, _index, { visited }: { visited: Accumulator<number> }) => {
      visited.add(1);
      return some;
    },
    { visited },
  );
  const hashed = pairs.partitionBy(3).filter(
    (_pair, { visited }: { visited: Accumulator<number> }) => {
      visited.add(1);
      return true;
    },
    { visited },
  );
  for (const [n, key] of keys.entries()) {
    for (const rdd of [pairs, placed, hashed]) assert.deepEqual((await rdd.lookup(key)).map(Math.abs), [n, n], String(key));
  }
  for (const absent of ['nope', undefined, 12, [1], -1]) assert.deepEqual(await hashed.lookup(absent), []);
  visited.reset();
  await hashed.lookup('one');
  assert.equal(visited.value, keys.filter((key) => hashPartition(key, 3) === hashPartition('one', 3)).length * 2);
  await assert.rejects(pairs.lookup({ no: 'key' }), { name: 'UnhashableKeyError' });
  const grouped = await sc
    .parallelize(
      [
        [[1, 2], 'a'],
        [[1, 2], 'b'],
        [[3], 'c'],
      ] as [number[], string][],
      2,
    )
    .collectAsMap();
  assert.deepEqual(
    [...grouped],
    [
      [[1, 2], 'b'],
      [[3], 'c'],
    ],
  );
});

test('the smallest and largest rows of many are found without sorting all', async () => {
  const rows = Array.from({ length: 20_000 }, (_, n) => (n * 7_919) % 20_011);
  const sorted = [...rows].sort((a, b) => a - b);
  const rdd = context().parallelize(rows, 3);
  for (const n of [0, 1, 7, 2_500]) {
    assert.deepEqual(await rdd.takeOrdered(n), sorted.slice(0, n));
    assert.deepEqual(await rdd.top(n), sorted.slice(sorted.length - n).reverse());
  }
  // Ties stay in the order of their rows.
  assert.deepEqual(
    await context()
      .parallelize(rows, 1)
      .takeOrdered(3, () => 0),
    rows.slice(0, 3),
  );
});

test('a function of the key with other values bound to it is another partitioner', async () => {
  const sc = context();
  const pairs = sc.parallelize(
    [1, 2, 3, 4].map((n) => [n, n] as [number, number]),
    2,
  );
  const by = (key: number, { plus }: { plus: number }) => key + plus;
  const joined = pairs.partitionBy(2, by, { plus: 0 }).join(pairs.partitionBy(2, by, { plus: 1 }));
  assert.deepEqual(
    (await joined.collect()).sort(),
    [1, 2, 3, 4].map((n) => [n, [n, n]]),
  );
});

test("hashes and partitions of keys are the JVM's", () => {
  let tried = 0;
  for (const { type, value, hashCode: expected, partition } of golden('hash_partitioner_jvm').result) {
    // A whole double is an int in JavaScript.
    if (type === 'double' && Number.isInteger(value)) continue;
    const key = type === 'long' && typeof value === 'string' ? BigInt(value) : value;
    assert.equal(hashCode(key), expected, `${type} ${String(value)}`);
    for (const [n, p] of Object.entries(partition)) assert.equal(hashPartition(key, Number(n)), p);
    tried++;
  }
  assert.ok(tried > 60);
});

test('values come back from a block as they were, of every kind that can be cloned', () => {
  const loop: unknown[] = [1];
  loop.push(loop);
  const values: unknown[][] = [
    [],
    [1, 2, 3],
    [7, 7, 7],
    [0.5, -0, NaN, Infinity],
    [1, -0],
    ['a', '', 'é😀', 'a\ud800b'],
    [
      ['k', 1],
      ['l', 2.5],
    ],
    [
      [['a', 'b'], 1],
      [['c', 'd'], 2],
    ],
    [null, undefined, true, false, 12n, -(2n ** 70n), 'x', 2 ** 40, -(2 ** 31)],
    [new Date(5), new Date(-1)],
    [
      new Map<unknown, unknown>([
        ['a', [1]],
        [{ b: 2 }, new Set([1, 'x'])],
      ]),
    ],
    [new Uint8Array([1, 2]), new Float64Array([0.1]), new ArrayBuffer(3)],
    [{ a: { b: [{ c: null }] }, __proto__: null }],
    [[1], [1, 2, 3], ['x', 'y']],
    [
      [undefined, 1],
      [2, undefined],
    ],
  ];
  for (const value of values) assert.deepStrictEqual(decode(encode(value)).map(plain), value.map(plain));
  const [copy] = decode(encode([loop])) as [unknown[]];
  assert.equal(copy[1], copy);
  const own = JSON.parse('{"__proto__": {"evil": 1}}') as object;
  assert.ok(Object.hasOwn((decode(encode([own])) as [object])[0], '__proto__'));
});
const plain = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === null ? { ...value } : value;

test('random values survive a block', () => {
  let seed = 1;
  const random = (n: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
  const make = (depth: number): unknown =>
    [
      () => random(1000) - 500,
      () => random(1e9) / 7,
      () => 'añ😀'.repeat(random(4)),
      () => null,
      () => [make(depth + 1), make(depth + 1)],
      () => Array.from({ length: random(4) }, () => make(depth + 1)),
      () => ({ k: make(depth + 1) }),
      () => BigInt(random(1e6)),
    ][random(depth > 3 ? 4 : 8)]!();
  for (let round = 0; round < 500; round++) {
    const values = Array.from({ length: random(12) }, () => make(0));
    assert.deepStrictEqual(decode(encode(values)), values);
  }
});

test('a block that is cut short is an error and not a wrong value', () => {
  const block = encode([
    ['a', 1],
    ['b', 2.5],
    ['c', 3],
  ]);
  for (let cut = 1; cut < block.length; cut++) assert.throws(() => decode(block.subarray(0, cut)), { condition: 'INTERNAL_ERROR' });
});

test('what cannot be cloned is named with its place', () => {
  class Tweet {
    text = 'x';
  }
  for (const [value, words] of [
    [{ a: [1, { f: () => 1 }] }, /the function f .*\.a\[1\]\.f/],
    [new Tweet(), /an instance of Tweet/],
    [[Symbol('s')], /Symbol\(s\)/],
  ] as const)
    assert.throws(
      () => encode([value]),
      (error: Error) => error instanceof NotCloneableError && words.test(error.message),
    );
});

test('mistakes are told at the call, with what to do', () => {
  const sc = context();
  const rdd = sc.parallelize([1, 2, 3]);
  const says = (work: () => unknown, name: string, words: RegExp) =>
    assert.throws(work, (error: Error) => error.name === name && words.test(error.message), String(words));
  says(() => rdd.map(Math.abs), 'SparkTypeError', /map: the function abs is built in.*wrap it/);
  says(() => rdd.map((async (x: number) => x) as never), 'SparkTypeError', /is async/);
  says(() => rdd.map(undefined as never), 'SparkTypeError', /map needs a function/);
  says(() => rdd.map((x: number, b: { f: () => number }) => x * b.f(), { f: () => 1 }), 'SparkTypeError', /map: the function f .*at \.f/);
  says(
    // @ts-expect-error A name that is nowhere.
    () => rdd.map((x) => x * factor),
    'SparkTypeError',
    /map: the function \(anonymous\) uses `factor`, which it cannot see.*map\(f, \{ factor \}\)/,
  );
  says(() => sc.parallelize([() => 1]), 'SparkTypeError', /parallelize: the function/);
  says(() => sc.parallelize([1], -2), 'IllegalArgumentException', /\(-2\) must be a positive/);
  says(() => rdd.repartition(0), 'IllegalArgumentException', /repartition/);
  says(() => rdd.coalesce(1.5), 'IllegalArgumentException', /coalesce/);
  says(() => rdd.sample(false, 2), 'IllegalArgumentException', /fraction \(2\)/);
  says(() => sc.range(0, 5, 0), 'IllegalArgumentException', /step cannot be 0/);
  says(() => rdd.zip(sc.parallelize([1], 3)), 'IllegalArgumentException', /same number of partitions: 2 and 3/);
  assert.throws(() => new SparkContext(localEngine(), 1, {}, () => true).parallelize([1]), /stopped SparkContext/);
});

test('a random sample has the size asked for, each row at most once without replacement, and is the same for a seed', async () => {
  const rdd = context().parallelize(
    Array.from({ length: 500 }, (_, i) => i),
    4,
  );
  for (const n of [0, 1, 7, 250, 499, 500, 800]) {
    const rows = await rdd.takeSample(false, n, 5);
    assert.equal(rows.length, Math.min(n, 500));
    assert.equal(new Set(rows).size, rows.length);
    assert.equal((await rdd.takeSample(true, n, 5)).length, n);
  }
  assert.deepEqual(await rdd.takeSample(false, 9, 3), await rdd.takeSample(false, 9, 3));
  assert.notDeepEqual(await rdd.takeSample(false, 9, 3), await rdd.takeSample(false, 9, 4));
});

test('lineages are written as Spark writes them', () => {
  const sc = context();
  const x = sc.parallelize([[1, 2]] as [number, number][], 12);
  const y = sc.parallelize([[1, 2]] as [number, number][], 3).map((pair) => pair);
  const numbered = (text: string) => text.replace(/\[\d+\]/g, '');
  // What toDebugString of Spark 4.3 looks like, without its places in the program.
  assert.equal(
    numbered(x.repartition(2).union(y.repartition(4)).toDebugString()),
    [
      '(6) UnionRDD',
      ' |  MapPartitionsRDD',
      ' |  CoalescedRDD',
      ' |  ShuffledRDD',
      ' +-(12) MapPartitionsRDD',
      '    |   ParallelCollectionRDD',
      ' |  MapPartitionsRDD',
      ' |  CoalescedRDD',
      ' |  ShuffledRDD',
      ' +-(3) MapPartitionsRDD',
      '    |  MapPartitionsRDD',
      '    |  ParallelCollectionRDD',
    ].join('\n'),
  );
  assert.equal(
    numbered(
      x
        .cogroup(y, 5)
        .filter(() => true)
        .toDebugString(),
    ),
    [
      '(5) MapPartitionsRDD',
      ' |  MapPartitionsRDD',
      ' |  CoGroupedRDD',
      ' +-(12) ParallelCollectionRDD',
      ' +-(3) MapPartitionsRDD',
      '    |  ParallelCollectionRDD',
    ].join('\n'),
  );
  const all = sc.parallelize(['a'], 2);
  const pairs = all.cartesian(all);
  const grouped = (n: number) => pairs.groupByKey(n).mapValues((values) => values);
  assert.equal(
    numbered(grouped(12).join(grouped(3), 100).toDebugString()),
    [
      '(100) MapPartitionsRDD',
      '  |   MapPartitionsRDD',
      '  |   CoGroupedRDD',
      '  +-(12) MapPartitionsRDD',
      '  |  |   ShuffledRDD',
      '  |  +-(4) CartesianRDD',
      '  |     |  ParallelCollectionRDD',
      '  |     |  ParallelCollectionRDD',
      '  +-(3) MapPartitionsRDD',
      '     |  ShuffledRDD',
      '     +-(4) CartesianRDD',
      '        |  ParallelCollectionRDD',
      '        |  ParallelCollectionRDD',
    ].join('\n'),
  );
});

test('a long lineage is written, too', () => {
  let rdd = context().parallelize([1], 1);
  for (let i = 0; i < 500; i++) rdd = rdd.map((x) => x);
  assert.equal(rdd.toDebugString().split('\n').length, 501);
});

test('sums of many partitions are merged level by level', async () => {
  const sc = context();
  const numbers = sc.parallelize(
    Array.from({ length: 1_000 }, (_, n) => n),
    50,
  );
  const jobs: string[] = [];
  const seen = sc.longAccumulator();
  for (const depth of [1, 2, 3, 6]) {
    assert.equal(await numbers.treeReduce((a, b) => a + b, depth), 499_500);
    const merges = (a: number, b: number, { seen }: { seen: Accumulator<number> }) => {
      seen.add(1);
      return a + b;
    };
    assert.equal(await numbers.treeAggregate(0, (sum) => sum + 1, merges as (a: number, b: number) => number, depth, { seen }), 1_000);
    jobs.push(`${depth}: ${seen.value}`);
    seen.reset();
  }
  // Merges of 50 sums in the levels (√50 = 8: 6 sums; ∛50 = 4: 12, 3; 2: 25, 12, 6, 3), and the zero values of the last.
  assert.deepEqual(jobs, ['1: 100', '2: 56', '3: 53', '6: 53']);
  assert.deepEqual(await numbers.filter((n) => n === 7).treeReduce((a, b) => a + b, 2), 7);
  await assert.rejects(
    numbers.filter(() => false).treeReduce((a, b) => a + b),
    /the RDD is empty/,
  );
  await assert.rejects(
    numbers.treeAggregate(
      0,
      (a) => a,
      (a) => a,
      0,
    ),
    /Depth of tree must be greater than 0 but got 0/,
  );
});

test('an empty dataset has no first, least or reduced row', async () => {
  const empty = context().parallelize<number>([], 2);
  for (const work of [() => empty.first(), () => empty.min(), () => empty.max(), () => empty.reduce((a, b) => a + b)]) {
    await assert.rejects(work, /the RDD is empty/);
  }
  assert.equal(await empty.isEmpty(), true);
  assert.equal(await empty.sum(), 0);
});

test("a user's exception names the step, the partition and the record; unhashable keys and odd pairs too", async () => {
  const sc = context();
  const rdd = sc.parallelize([1, 2, 3, 4], 2);
  await assert.rejects(
    rdd
      .map((x) => {
        if (x === 3) throw new RangeError('three');
        return x;
      })
      .collect(),
    /RangeError: three \(in map, partition 1, record 3\)/,
  );
  const odd = (x: number) => {
    if (x === 3) throw new RangeError('odd');
    return x;
  };
  const pairs = rdd.map((x) => [x, x] as [number, number]);
  await assert.rejects(pairs.partitionBy(3, odd).collect(), /RangeError: odd \(in partitionBy, partition 1, record \[3,3\]\)/);
  await assert.rejects(rdd.sortBy(odd, true, 1).collect(), /RangeError: odd \(in sortBy, partition 0, record 3\)/);
  // A name that the check at the call takes for a worker's own.
  await assert.rejects(rdd.map((x) => x * (fonts as never)).collect(), /fonts is not defined.*pass fonts as a value bound to it/);
  await assert.rejects(
    rdd
      .map((x) => [{ x }, 1] as [object, number])
      .groupByKey()
      .collect(),
    /\{"x":1\} cannot be hashed/,
  );
  await assert.rejects(
    (rdd as never as { keys(): { collect(): Promise<unknown> } }).keys().collect(),
    /a pair \[key, value\] is needed here.*record 1/,
  );
  await assert.rejects(rdd.map((x) => () => x).collect(), /cannot be sent to or from an executor/);
});

test('bound values, broadcasts and methods of objects reach the workers', async () => {
  const sc = context();
  const words = sc.broadcast(new Set(['good', 'bad']));
  const held = {
    twice(x: number) {
      return 2 * x;
    },
  };
  assert.deepEqual(
    await sc
      .parallelize(['a good day', 'nothing'])
      .filter((line, b) => line.split(' ').some((w) => b.words.value.has(w)), { words })
      .collect(),
    ['a good day'],
  );
  assert.deepEqual(await sc.parallelize([1, 2]).map(held.twice).collect(), [2, 4]);
  words.destroy();
  assert.throws(() => words.value, /after it was destroyed/);
  assert.equal(identity([1, 'a']), identity([1, 'a']));
});
