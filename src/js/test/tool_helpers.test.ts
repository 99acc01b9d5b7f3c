import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeVariables } from '../src/rdd/free_variables.js';
import { withHelpers } from '../src/rdd/tool_helpers.js';

/** The function that a text is, where nothing of this module exists. */
const made = (text: string) => new Function(`return (${withHelpers(text)});`)() as (...args: unknown[]) => unknown;

/** What esbuild 0.28 makes of one function with `--keep-names`, as it is and minified. */
const KEPT = [
  `(x) => {
  const double = /* @__PURE__ */ __name((y) => 2 * y, "double");
  function half(y) {
    return y / 2;
  }
  __name(half, "half");
  class Sum {
    static {
      __name(this, "Sum");
    }
    add(a, b) {
      return a + b;
    }
  }
  return new Sum().add(double(x), half(x));
}`,
  'r=>{const e=n(t=>2*t,"double");function u(t){return t/2}n(u,"half");class d{static{n(this,"Sum")}add(o,a){return o+a}}return new d().add(e(r),u(r))}',
];

test('functions whose names esbuild keeps run', () => {
  for (const text of KEPT) {
    assert.equal(freeVariables(text).length, 1, text);
    assert.deepEqual(freeVariables(withHelpers(text)), [], text);
    assert.equal(made(text)(10), 25);
  }
});

test('a class whose name esbuild keeps is itself', () => {
  const Counter = new Function(`return ${withHelpers('class d{static{n(this,"Counter")}add(o){return o+1}}')}`)() as new () => {
    add(o: number): number;
  };
  assert.equal(new Counter().add(1), 2);
});

test('counters of istanbul count nothing', () => {
  const text =
    '(x) => { cov_8nsfvub8d().f[0]++; cov_8nsfvub8d().s[1]++; return x > 1 ? (cov_8nsfvub8d().b[0][0]++, x) : (cov_8nsfvub8d().b[0][1]++, -x); }';
  assert.deepEqual(freeVariables(withHelpers(text)), []);
  assert.deepEqual([made(text)(3), made(text)(1)], [3, -1]);
});

test('signs of fast refresh do nothing', () => {
  assert.equal(made('(x) => { var s = $RefreshSig$(); const g = s((y) => y + 1, "key"); $RefreshReg$(g, "g"); return g(x); }')(1), 2);
});

test('a text that cannot be read for sure still has the helpers that it names', () => {
  const text = '(x) => { if (x) {} /free/.test(x); return __name((y) => y, "y")(x); }';
  assert.equal(made(text)('a'), 'a');
});

test('what only looks like a helper stays free', () => {
  const others = [
    '(x) => m(x, "key")',
    '(x) => m((y) => y, key)',
    '(x) => [m((y) => y, "a"), m(x)]',
    '(x) => m.n((y) => y, "a")',
    '(x) => memoize((y) => y, "key")(x)',
    '(x) => m((y) => y, "a", "b")',
  ];
  for (const text of others) assert.equal(withHelpers(text), text);
});

test('what a function declares itself is not replaced', () => {
  const text = '(x) => { const __name = (f) => () => 7; return __name((y) => y, "y")(x); }';
  assert.equal(withHelpers(text), text);
});
