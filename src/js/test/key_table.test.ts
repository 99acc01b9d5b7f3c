import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyTable } from '../src/rdd/task/key_table.js';
import { identity } from '../src/rdd/task/keys.js';

test('a table of keys numbers them as a Map of what stands for them does', () => {
  const letters = ['a', 'b', 'ä', '\u00ff', '\u0000', '\u0100', '語', '\ud83d'];
  let seed = 7;
  const draw = (n: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  const text = () => Array.from({ length: draw(15) }, () => letters[draw(draw(2) === 0 ? 2 : letters.length)]).join('');
  const numbers = [0, -0, NaN, 1.5, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, Infinity];
  const kinds: (() => unknown)[] = [
    text,
    () => draw(2_000) - 1_000,
    () => numbers[draw(numbers.length)],
    () => [text(), draw(3)],
    () => [null, undefined, true, false, 1n, -1n, '', '1', '\u0000null'][draw(9)],
    () => new Date(draw(5)),
  ];
  const table = new KeyTable();
  const model = new Map<unknown, number>();
  const keys: unknown[] = [];
  for (let i = 0; i < 20_000; i++) {
    const key = kinds[draw(kinds.length)]!();
    const id = identity(key);
    assert.equal(table.find(key), model.get(id) ?? -1);
    if (!model.has(id)) {
      model.set(id, keys.length);
      keys.push(key);
    }
    assert.equal(table.add(key), model.get(id));
  }
  assert.ok(keys.length > 3_000);
  assert.ok(table.keys.length === keys.length && table.keys.every((key, i) => Object.is(key, keys[i])));
  assert.throws(() => table.add({}), { condition: 'RIVULET_UNHASHABLE_KEY' });
});
