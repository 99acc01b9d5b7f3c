import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as A from '@uwdata/flechette';
import { ArrowFitter } from '../src/values/arrow.js';
import { parseSchema } from '../src/values/ddl.js';
import { rowsFromIPC } from '../src/values/rows.js';

type Columns = Record<string, [A.DataType, unknown[]]>;

function streamOf(columns: Columns, format: 'stream' | 'file' = 'stream'): Uint8Array {
  const made = Object.entries(columns).map(([name, [type, values]]): [string, A.Column<unknown>] => [
    name,
    A.columnFromArray(values, type),
  ]);
  return A.tableToIPC(A.tableFromColumns(made), { format }) as Uint8Array;
}

const SCHEMA = parseSchema('time TIMESTAMP, tag STRING, n INT, x DOUBLE');
const fitting = (n: number): Columns => ({
  time: [A.timestamp(A.TimeUnit.MILLISECOND, null), [1_000 * n]],
  tag: [A.dictionary(A.utf8(), A.int32()), [`#${n}`]],
  n: [A.int16(), [n]],
  x: [A.float32(), [n / 2]],
});

test('blocks that the engine reads without loss are handed on as they are, the first and those after it', () => {
  const fitter = new ArrowFitter(SCHEMA);
  for (const bytes of [streamOf(fitting(1)), streamOf(fitting(2)), streamOf({ ...fitting(3), n: [A.int32(), [3]] }), streamOf(fitting(4))])
    assert.equal(fitter.fit(bytes), bytes);
});

test('other columns, orders, widths and files are written anew, also after blocks that fit', () => {
  const fitter = new ArrowFitter(SCHEMA);
  const { time, tag, n, x } = fitting(7) as Required<Columns>;
  const all = { time, tag, n, x } as Columns;
  for (const columns of [
    { tag, time, n, x },
    { ...all, other: n },
    { ...all, n: [A.int64(), [7n]] },
    { ...all, n: [A.uint32(), [7]] },
    { ...all, time: [A.timestamp(A.TimeUnit.NANOSECOND, null), [7_000]] },
  ] as Columns[]) {
    assert.equal(fitter.fit(streamOf(all)).byteLength, streamOf(all).byteLength);
    const bytes = streamOf(columns);
    const fit = fitter.fit(bytes);
    assert.notEqual(fit, bytes);
    assert.deepEqual(rowsFromIPC(fit, { bigint: false }), [{ time: new Date(7_000), tag: '#7', n: 7, x: 3.5 }]);
  }
  const file = streamOf(all, 'file');
  assert.deepEqual(rowsFromIPC(fitter.fit(file), { bigint: false }).length, 1);
  assert.notEqual(fitter.fit(file), file);
});

test('a null in a column that has none is found in every block', () => {
  const fitter = new ArrowFitter(parseSchema('n INT NOT NULL'));
  const [whole, broken] = [
    [1, 2],
    [1, null],
  ].map((values) => streamOf({ n: [A.int32(), values] })) as [Uint8Array, Uint8Array];
  assert.equal(fitter.fit(whole), whole);
  assert.throws(() => fitter.fit(broken), /NOT NULL/);
});

test('what is no Arrow is left to the engine', () => {
  const fitter = new ArrowFitter(SCHEMA);
  fitter.fit(streamOf(fitting(1)));
  for (const bytes of [new Uint8Array(), new Uint8Array(100), Uint8Array.of(255, 255, 255, 255, 16, 0, 0, 0, 1, 2)])
    assert.equal(fitter.fit(bytes), bytes);
});
