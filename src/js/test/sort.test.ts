import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../src/rdd/task/keys.js';
import { PartitionRandom } from '../src/rdd/task/random.js';
import { sortByKeys } from '../src/rdd/task/sort.js';

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
  -5e-324,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  0.1,
  -0.1,
];

/** By comparison, with places that break ties. */
function model(keys: readonly unknown[], ascending: boolean): number[] {
  return keys.map((_, i) => i).sort((a, b) => (ascending ? 1 : -1) * compare(keys[a], keys[b]) || a - b);
}

test('rows sorted by radix are in the order of a comparison, and equal keys keep theirs', () => {
  const random = new PartitionRandom(3, 0);
  const kinds: ((i: number) => number)[] = [
    () => random.next(),
    () => (random.next() - 0.5) * 10 ** Math.floor(random.next() * 600 - 300),
    (i) => i % 7,
    () => Math.floor(random.next() * 1000) - 500,
    () => SPECIAL[Math.floor(random.next() * SPECIAL.length)]!,
    () => 3,
  ];
  for (const rows of [0, 1, 511, 512, 3_000, 40_000]) {
    for (const kind of kinds) {
      const keys = Array.from({ length: rows }, (_, i) => kind(i));
      for (const ascending of [true, false])
        assert.deepEqual(
          sortByKeys(
            keys.map((_, i) => i),
            keys,
            ascending,
          ),
          model(keys, ascending),
        );
    }
  }
});

test('texts, and keys of several kinds, are sorted by comparison', () => {
  const random = new PartitionRandom(4, 0);
  const texts = Array.from({ length: 2_000 }, () =>
    'äbz𝄞'
      .split('')
      .map((c) => c.repeat(Math.floor(random.next() * 3)))
      .join(''),
  );
  const mixed = texts.map((text, i) => [text, i, null, [i % 3, text], new Date(i % 5)][i % 5]);
  for (const keys of [texts, mixed]) {
    for (const ascending of [true, false])
      assert.deepEqual(
        sortByKeys(
          keys.map((_, i) => i),
          keys,
          ascending,
        ),
        model(keys, ascending),
      );
  }
});
