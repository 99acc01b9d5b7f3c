import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuid } from '../src/uuid.js';

test("a random number has the form of a UUID, with and without the browser's own", () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(uuid(), form);
  const own = crypto.randomUUID;
  try {
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true, writable: true });
    const some = Array.from({ length: 100 }, uuid);
    for (const one of some) assert.match(one, form);
    assert.equal(new Set(some).size, 100);
  } finally {
    Object.defineProperty(crypto, 'randomUUID', { value: own, configurable: true, writable: true });
  }
});
