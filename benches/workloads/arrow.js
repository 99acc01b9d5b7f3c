// Arrow streams as the data sets have them, and their columns as arrays.
import {
  columnFromArray,
  dictionary,
  float64,
  int32,
  TimeUnit,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  timestamp,
  utf8,
} from '@uwdata/flechette';
import { tableFromIPC as lazyTableFromIPC } from 'apache-arrow';

const TYPES = {
  int: int32(),
  double: float64(),
  time: timestamp(TimeUnit.MILLISECOND, null),
  text: utf8(),
  code: dictionary(utf8(), int32()),
};

/** Returns one Arrow IPC stream of columns: `{ name: [type, values] }`, types by the names above, times in milliseconds. */
export function stream(columns) {
  const made = Object.entries(columns).map(([name, [type, values]]) => [name, columnFromArray(values, TYPES[type])]);
  return tableToIPC(tableFromColumns(made), { format: 'stream' });
}

/** Returns columns of an Arrow stream as arrays: numbers, strings, times in milliseconds; `length` is the number of rows. */
export function arrays(bytes, names) {
  const table = tableFromIPC(bytes);
  return { length: table.numRows, ...Object.fromEntries(names.map((name) => [name, table.getChild(name).toArray()])) };
}

/**
 * Returns the record batches of an Arrow stream that have rows: `{ length, name: { values, offsets } }` with the buffers as they lie in
 * the stream. Dictionaries are better read by `codedBuffers`: here all of their strings are made.
 */
export function buffers(bytes) {
  const table = tableFromIPC(bytes);
  const batches = table.children[0]?.data ?? [];
  return batches
    .map((batch, i) => ({
      length: batch.length,
      ...Object.fromEntries(table.schema.fields.map(({ name }, k) => [name, table.children[k].data[i]])),
    }))
    .filter(({ length }) => length > 0);
}

/** Returns the same, columns with a dictionary as codes in `values` and the dictionary's `{ length, values, offsets }`. */
export function codedBuffers(bytes) {
  const { schema, batches } = lazyTableFromIPC(bytes);
  return batches.map(({ numRows, data }) => ({
    length: numRows,
    ...Object.fromEntries(schema.fields.map(({ name }, k) => [name, lazyBuffers(data.children[k])])),
  }));
}

function lazyBuffers({ length, values, valueOffsets, dictionary }) {
  return { length, values, offsets: valueOffsets, dictionary: dictionary && lazyBuffers(dictionary.data[0]) };
}

const decoder = new TextDecoder();

/** Returns string `i` of a column of `buffers`. */
export const text = ({ values, offsets }, i) => decoder.decode(values.subarray(offsets[i], offsets[i + 1]));
