import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeVariables } from '../src/rdd/free_variables.js';

const free = (f: (...args: never[]) => unknown) => freeVariables(f.toString());

test('a function that names nothing but its own has no free variables', () => {
  const closed: string[] = [
    '(x) => x + 1',
    'x => x',
    '(line) => line.split(" ")',
    '([k, v]) => [v, k]',
    '({ a, b: { c = 1 } }) => a + c',
    '(a, b = a, ...rest) => [a, b, rest]',
    'function f(x) { return x > 0 ? f(x - 1) : 0; }',
    '(x) => { const y = x, z = y; let { p, q: [r] } = z; return p + r + y; }',
    '(rows) => { let n = 0; for (const row of rows) n += row.size; return [n]; }',
    '(x) => { for (let i = 0, end = x; i < end; i++) { x += i } return x }',
    '(x) => ({ key: x, nested: { other: 1 }, x })',
    '(x) => `${x} and ${`inner ${x.y}`} text free`',
    '(x) => x.replace(/[/"\\]`]+free/g, "free")',
    '(x) => Math.max(x, Number.NaN) + JSON.stringify(x).length + new Map([[1, x]]).size',
    '(x) => typeof process === "undefined" ? x : 0',
    '(x) => { try { throw new Error(x) } catch (error) { return error.message } }',
    '(x) => { outer: for (;;) { break outer } return x }',
    '(x) => { class Point { constructor(a) { this.a = a } sum(b) { return this.a + b } get size() { return 1 } } return new Point(x).sum(1) }',
    '(x) => { function helper(y) { return y / 2 } return helper(x) / (x + 1) / 3 }',
    'function* (rows) { for (const r of rows) yield r }',
    '(x) => ({ sum(a, b) { return a + b } }).sum(x, x)',
    '(x, { factor, words }) => words.value.has(x) ? factor : 0',
    '(x) => x?.y?.[0] ?? 1_000n',
    '(x) => fetch(x).then((response) => response.json())',
    '(x) => { console.log(x); return crypto.randomUUID() }',
    '(x) => x /* free */ // free',
    '(x) => { var a = 1\n var b = 2\n return a + b + x }',
    '(x) => /^free$/.test(x)',
    '(x) => x ? 1 : 2',
    '(a, b) => a < b ? a : b',
    'async (x) => await x',
    '({ length }) => { switch (length) { case 0: return "none"; default: return "some" } }',
    '(x) => { if (x) { return x } else return -x }',
    "(x) => x === 'it\\'s' ? \"free 'text'\" : ''",
    '(x) => [...x].map((c) => c.codePointAt(0)).filter((n) => n > 0x7f)',
    '(größe) => größe + 1',
  ];
  for (const text of closed) assert.deepEqual(freeVariables(text), [], text);
});

test('a name of the page is free, wherever it stands', () => {
  const open: [string, string[]][] = [
    ['(x) => x * factor', ['factor']],
    ['(x) => factor * x', ['factor']],
    ['(x) => ({ factor })', ['factor']],
    ['(x) => ({ a: factor })', ['factor']],
    ['(x) => words.has(x)', ['words']],
    ['(x) => helper(x)', ['helper']],
    ['(x) => [x, other].map(more)', ['other', 'more']],
    ['(x) => { total += x }', ['total']],
    ['(x) => { if (x > limit) return 1; return 0 }', ['limit']],
    ['(x) => `${name}: ${x}`', ['name']].map((v) => v) as [string, string[]],
    ['(x) => x ? yes : no', ['yes', 'no']],
    ['(x) => { const y = outer; return y }', ['outer']],
    ['(x) => document.title + x', ['document']],
    ['(x) => x.split(separator)', ['separator']],
    ['(x) => new Thing(x)', ['Thing']],
    ['(x) => (a ? b : x)', ['a', 'b']],
    ['(x) => x / half / 2', ['half']],
  ];
  for (const [text, names] of open) assert.deepEqual(freeVariables(text), names, text);
});

test('what the compiler makes of functions is read, too', () => {
  const limit = 3;
  assert.deepEqual(
    free((x: number) => x > limit),
    ['limit'],
  );
  assert.deepEqual(free(((x: number) => x > 3) as never), []);
});

test('a text that may be read in two ways is not judged', () => {
  assert.deepEqual(freeVariables('(x) => { if (x) {} /free/.test(x) }'), []);
});
