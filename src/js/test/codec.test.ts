import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary, toJson } from '@bufbuild/protobuf';
import { decodeMessage, encodeMessage } from '../src/connect/message_codec.js';
import * as base from '../src/generated/spark/connect/base_pb.js';
import { Expression_LiteralSchema } from '../src/generated/spark/connect/expressions_pb.js';

/** Bytes by both encoders, and each one's reading of the other's. */
function agree<T extends DescMessage>(schema: T, init: MessageInitShape<T>): void {
  const name = schema.typeName.replace('spark.connect.', '');
  const theirs = toBinary(schema, create(schema, init));
  const ours = encodeMessage(name, init as object);
  assert.deepEqual(ours, theirs);
  const read = create(schema, decodeMessage(name, theirs) as MessageInitShape<T>);
  assert.deepEqual(toJson(schema, read), toJson(schema, fromBinary(schema, theirs)));
}

test('numbers at their edges', () => {
  const literals: MessageInitShape<typeof Expression_LiteralSchema>['literalType'][] = [
    { case: 'integer', value: 0 },
    { case: 'integer', value: -1 },
    { case: 'integer', value: 2 ** 31 - 1 },
    { case: 'integer', value: -(2 ** 31) },
    { case: 'long', value: 0n },
    { case: 'long', value: -1n },
    { case: 'long', value: 2n ** 63n - 1n },
    { case: 'long', value: -(2n ** 63n) },
    { case: 'double', value: 0 },
    { case: 'double', value: -0 },
    { case: 'double', value: NaN },
    { case: 'double', value: -Infinity },
    { case: 'float', value: 1.5 },
    { case: 'boolean', value: false },
    { case: 'string', value: '' },
    { case: 'string', value: 'ä😀' },
    { case: 'binary', value: Uint8Array.of(0, 255) },
  ];
  for (const literalType of literals) agree(Expression_LiteralSchema, { literalType });
});

test('maps, repeated members, optional members and nested messages', () => {
  agree(base.ConfigRequestSchema, {
    sessionId: 's',
    operation: {
      opType: { case: 'set', value: { pairs: [{ key: 'a', value: '1' }, { key: 'b' }, { key: '', value: '' }] } },
    },
  });
  agree(base.ExecutePlanRequestSchema, {
    sessionId: 's',
    operationId: '',
    plan: {
      opType: {
        case: 'root',
        value: {
          relType: {
            case: 'read',
            value: { isStreaming: true, readType: { case: 'dataSource', value: { options: { a: 'b', c: '' }, paths: ['p', '', 'q'] } } },
          },
        },
      },
    },
  });
  agree(base.ExecutePlanResponseSchema, {
    responseType: { case: 'arrowBatch', value: { rowCount: 3n, data: new Uint8Array(1_000).fill(7), startOffset: 0n } },
  });
});

test('fields that are not known are skipped', () => {
  // Field 900 as varint, fixed64, bytes and fixed32, before a known one.
  const unknown = Uint8Array.of(
    0xa0,
    0x38,
    0x96,
    0x01,
    0xa1,
    0x38,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    0xa2,
    0x38,
    2,
    9,
    9,
    0xa5,
    0x38,
    1,
    2,
    3,
    4,
    0x0a,
    1,
    0x73,
  );
  assert.equal(decodeMessage('ConfigResponse', unknown)['sessionId'], 's');
});

test('a message that is cut is an error', () => {
  assert.throws(() => decodeMessage('ConfigResponse', Uint8Array.of(0x0a, 5, 0x73)), RangeError);
  assert.throws(() => decodeMessage('ConfigResponse', Uint8Array.of(0x80)), RangeError);
});
