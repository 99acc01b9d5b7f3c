// `node:assert/strict`, as far as tests that run in a page need it.
const show = (value) => {
  try {
    return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v === undefined ? 'undefined' : v)) ?? String(value);
  } catch {
    return String(value);
  }
};
const fail = (message) => {
  throw new Error(message);
};

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

const fits = (error, words) => {
  if (words instanceof RegExp ? !words.test(String(error)) : typeof words === 'function' && !words(error))
    fail(`an error of another kind: ${String(error)}`);
};

export default {
  fail: (message = 'failed') => fail(message),
  ok: (value, message) => value || fail(message ?? `${show(value)} is not true`),
  equal: (a, b, message) => Object.is(a, b) || fail(`${message ?? ''} ${show(a)} is not ${show(b)}`),
  deepEqual: (a, b, message) => same(a, b) || fail(`${message ?? ''} ${show(a)} is not ${show(b)}`),
  match: (text, words) => words.test(text) || fail(`${show(text)} does not match ${words}`),
  throws(work, words) {
    try {
      work();
    } catch (error) {
      return fits(error, words);
    }
    return fail('nothing was thrown');
  },
  async rejects(promise, words) {
    let error;
    try {
      await promise;
    } catch (thrown) {
      error = { thrown };
    }
    if (!error) fail('it was not rejected');
    fits(error.thrown, words);
  },
};
