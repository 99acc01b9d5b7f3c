import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as errors from '../src/errors.js';

test("what the client throws has a condition: Spark's, or one of its own", () => {
  const { IllegalArgumentException, IllegalStateException, SparkTypeError, SparkRuntimeException } = errors;
  const types = [IllegalArgumentException, IllegalStateException, SparkTypeError, SparkRuntimeException];
  for (const type of [...types, errors.UnsupportedOperationException, errors.SessionClosedError, errors.SparkError]) {
    const error = new type('words');
    assert.match(error.condition ?? '', /^(RIVULET_[A-Z_]+|INTERNAL_ERROR)$/, type.name);
    assert.equal(error.name, type.name);
    assert.equal(new type('words', { condition: 'CANNOT_BE_EMPTY' }).condition, 'CANNOT_BE_EMPTY');
  }
});

test('an error of the engine keeps its condition, or has none', () => {
  const wire = { message: 'words', exception: 'org.apache.spark.SparkException', condition: null, sqlState: null, parameters: {} };
  assert.equal(errors.errorFromWire(wire as never).condition, null);
  assert.equal(errors.errorFromWire({ ...wire, condition: 'DIVIDE_BY_ZERO' } as never).condition, 'DIVIDE_BY_ZERO');
});

test('the condition of an error in an executor reaches the page with its stack', () => {
  const thrown = new errors.IllegalStateException('State is not set', { condition: 'STATE_NOT_DEFINED' });
  const stack = errors.stackWithCondition(thrown);
  assert.match(stack, /^IllegalStateException \[STATE_NOT_DEFINED\]: State is not set\n {4}at /);
  const { cause } = errors.errorFromWire({
    message: 'failed',
    exception: 'x',
    condition: 'y',
    sqlState: null,
    parameters: { stack },
  } as never);
  assert.equal((cause as Error).name, 'IllegalStateException');
  assert.equal((cause as Error).message, 'State is not set');
  assert.equal((cause as { condition?: string }).condition, 'STATE_NOT_DEFINED');
  const plain = errors.errorFromWire({
    message: 'failed',
    exception: 'x',
    condition: 'y',
    sqlState: null,
    parameters: { stack: 'RangeError: too far\n    at f' },
  } as never);
  assert.equal((plain.cause as Error).message, 'too far');
  assert.equal('condition' in (plain.cause as Error), false);
});

test('an error has its name, message and condition in its stack, whatever the browser', () => {
  const of = (stack: string, more = {}) => errors.stackWithCondition(Object.assign(new RangeError('three'), { stack, ...more }));
  const chromium = 'RangeError: three\n    at f (file.js:1:2)';
  assert.equal(of(chromium), chromium);
  assert.equal(of(chromium, { condition: 'A.B' }), 'RangeError [A.B]: three\n    at f (file.js:1:2)');
  assert.equal(of('RangeError: three'), 'RangeError: three');
  const firefox = 'f@file.js:1:2\n@file.js:3:4\n';
  assert.equal(of(firefox), 'RangeError: three\nf@file.js:1:2\n@file.js:3:4');
  assert.equal(of(firefox, { condition: 'A.B' }), 'RangeError [A.B]: three\nf@file.js:1:2\n@file.js:3:4');
  assert.equal(of(''), 'RangeError: three');
});
