import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeUnit, Type } from '@uwdata/flechette';
import { typeFromMessage, typeToMessage } from '../src/connect/type_message.js';
import { ParseException, SparkTypeError } from '../src/errors.js';
import { parseSchema, parseType, typeFromJson } from '../src/values/ddl.js';
import { decimalText } from '../src/values/decimals.js';
import { encodeRows } from '../src/values/encode.js';
import { inferSchema } from '../src/values/infer.js';
import { joinStreams } from '../src/values/ipc.js';
import { reader, rowsFromIPC } from '../src/values/rows.js';

const DDL = 'a INT NOT NULL,`b c` STRUCT<x: STRING, y: ARRAY<BIGINT>>,m MAP<STRING, DOUBLE>,d DECIMAL(12,2),t TIMESTAMP';

test('DDL is read and written', () => {
  assert.equal(parseSchema(DDL).toDDL(), DDL);
  assert.equal(parseSchema("a: int, b string COMMENT 'x'").simpleString(), 'struct<a:int,b:string>');
});

test('structs within other types have their name in DDL', () => {
  const nested = 'a ARRAY<STRUCT<b: INT>>,m MAP<STRING, STRUCT<c: ARRAY<STRUCT<d: INT NOT NULL>>>>';
  assert.equal(parseSchema(nested).toDDL(), nested);
});

test('JSON form is read and written', () => {
  const schema = parseSchema(DDL);
  assert.deepEqual(typeFromJson(JSON.parse(schema.json())), schema);
});

test('the protobuf form is read and written', () => {
  const schema = parseSchema(DDL);
  assert.equal(typeFromMessage(typeToMessage(schema) as never).simpleString(), schema.simpleString());
});

test('DDL that cannot be parsed is a ParseException that says where', () => {
  for (const text of ['a', 'a INT b', 'a ARRAY<INT', 'a WHATEVER']) {
    assert.throws(
      () => parseSchema(text),
      (error) => error instanceof ParseException && error.condition === 'PARSE_SYNTAX_ERROR' && /near/.test(error.message),
    );
  }
  assert.throws(() => parseType('decimal(10'), ParseException);
});

test('types of rows are inferred as PySpark infers them', () => {
  const rows = [
    { a: 1, b: 'x', c: null, d: [1, 2.5] },
    { a: 2, b: null, c: new Date(0), d: null, e: { f: true } },
  ];
  assert.equal(inferSchema(rows).simpleString(), 'struct<a:bigint,b:string,c:timestamp,d:array<double>,e:struct<f:boolean>>');
  assert.equal(inferSchema([[1, 'x']], ['n', 's']).simpleString(), 'struct<n:bigint,s:string>');
  assert.equal(inferSchema([[1, 'x']]).simpleString(), 'struct<_1:bigint,_2:string>');
  assert.throws(() => inferSchema([{ a: 1 }, { a: 'x' }]), { condition: 'CANNOT_MERGE_TYPE' });
  assert.throws(() => inferSchema([{ a: null }]), { condition: 'CANNOT_DETERMINE_TYPE' });
  assert.throws(() => inferSchema([]), { condition: 'CANNOT_INFER_EMPTY_SCHEMA' });
});

const ROWS = [
  {
    i: 1,
    l: 5,
    big: 2n ** 60n,
    d: 1.5,
    s: 'ä',
    b: true,
    t: new Date('2024-02-29T10:00:00.123Z'),
    day: '1969-12-31',
    dec: '-12.30',
    bytes: Uint8Array.of(1, 2),
    xs: [1, null, 3],
    m: new Map([['k', 1.5]]),
    st: { x: 'y', n: null },
  },
  { i: null, l: null, big: null, d: null, s: null, b: null, t: null, day: null, dec: null, bytes: null, xs: null, m: null, st: null },
];
const SCHEMA = parseSchema(
  'i INT, l BIGINT, big BIGINT, d DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP, day DATE, dec DECIMAL(10,2), bytes BINARY, ' +
    'xs ARRAY<INT>, m MAP<STRING, DOUBLE>, st STRUCT<x: STRING, n: INT>',
);

test('rows survive Arrow in all types', () => {
  assert.deepEqual(rowsFromIPC(encodeRows(ROWS, SCHEMA), { bigint: false }), ROWS);
});

test('BIGINT comes as bigint where asked for', () => {
  assert.equal(rowsFromIPC(encodeRows(ROWS, SCHEMA), { bigint: true })[0]?.['l'], 5n);
});

test('no rows are a stream with a schema', () => {
  assert.deepEqual(rowsFromIPC(encodeRows([], SCHEMA), { bigint: false }), []);
});

test('a value that does not fit its type is an error that names both', () => {
  assert.throws(
    () => encodeRows([{ a: 'x' }], parseSchema('a INT')),
    (error) => error instanceof SparkTypeError && /x \(string\) is not a value of type int/.test(error.message),
  );
  assert.throws(() => encodeRows([{ a: 1.5 }], parseSchema('a BIGINT')), SparkTypeError);
  assert.throws(() => encodeRows([{ a: '1.234' }], parseSchema('a DECIMAL(10,2)')), SparkTypeError);
  assert.throws(() => encodeRows([{}], parseSchema('a INT NOT NULL')), { condition: 'FIELD_NOT_NULLABLE' });
});

test('streams are joined into one', () => {
  const schema = parseSchema('a INT');
  const joined = joinStreams([encodeRows([{ a: 1 }, { a: 2 }], schema), encodeRows([], schema), encodeRows([{ a: 3 }], schema)]);
  assert.deepEqual(
    rowsFromIPC(joined, { bigint: false }).map((row) => row['a']),
    [1, 2, 3],
  );
});

test('decimals are written without an exponent', () => {
  assert.equal(decimalText(-5n, 3), '-0.005');
  assert.equal(decimalText(12345n, 2), '123.45');
  assert.equal(decimalText(0n, 2), '0.00');
  assert.equal(decimalText(7n, 0), '7');
});

test('columns are read from their buffers as value by value', () => {
  const edges = [
    0n,
    1n,
    -1n,
    999n,
    -999n,
    1_000n,
    -1_000n,
    -1_001n,
    2n ** 31n,
    2n ** 32n - 1n,
    -(2n ** 32n),
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
  ];
  edges.push(
    -(2n ** 53n),
    -(2n ** 53n) + 1n,
    -(2n ** 53n) - 1n,
    253_402_300_799_999_999n,
    -62_135_596_800_000_000n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  );
  const batch = (values: unknown, more: object = {}) => ({ length: edges.length, nullCount: 0, values, ...more });
  const read = (type: object, data: object, bigint = false) => reader(type as never, { bigint })(data as never);
  const longs = BigInt64Array.from(edges);
  const exact = edges.map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
  assert.deepEqual(read({ typeId: Type.Int, bitWidth: 64 }, batch(longs)), exact);
  const floor = (micros: bigint) => Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n);
  const instants = edges.filter((micros) => Math.abs(floor(micros)) <= 8.64e15);
  const type = { typeId: Type.Timestamp, unit: TimeUnit.MICROSECOND };
  const dates = read(type, { length: instants.length, nullCount: 0, values: BigInt64Array.from(instants) }) as Date[];
  assert.deepEqual(
    dates.map((date) => date.getTime()),
    instants.map((micros) => floor(micros)),
  );
  assert.throws(() => read(type, { length: 1, nullCount: 0, values: BigInt64Array.of(2n ** 63n - 1n) }), {
    condition: 'RIVULET_DATE_RANGE',
  });
  const validity = Uint8Array.of(0b0000_0101);
  const doubles = { length: 3, nullCount: 1, values: Float64Array.of(1.5, 0, Number.NaN), validity };
  assert.deepEqual(read({ typeId: Type.Float }, doubles), [1.5, null, Number.NaN]);
  for (const texts of [
    ['a', '', 'bc'],
    ['é', '', '日本😀'],
    ['\ufeffa', 'b', '\ufeff'],
    ['', '', ''],
  ]) {
    const bytes = texts.map((text) => new TextEncoder().encode(text));
    const offsets = Int32Array.from([2, ...bytes.map((_, i) => 2 + bytes.slice(0, i + 1).reduce((sum, b) => sum + b.length, 0))]);
    const values = Uint8Array.from([0x78, 0x79, ...bytes.flatMap((b) => [...b]), 0x7a]);
    assert.deepEqual(read({ typeId: Type.Utf8 }, { length: 3, nullCount: 0, values, offsets }), texts);
  }
});
