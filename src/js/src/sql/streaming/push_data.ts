import { IllegalArgumentException } from '../../errors.js';
import { ArrowFitter } from '../../values/arrow.js';
import { encodeRows } from '../../values/encode.js';
import { stringOf } from '../../values/fit.js';
import { formatsOf, jsonOfRows } from '../../values/json.js';
import { fitted } from '../../values/misfit.js';
import type { Row } from '../../values/rows.js';
import type { StructType } from '../../values/types.js';

/** What the bytes of a push source are: `arrow` takes rows (or Arrow IPC streams), the others take strings. */
export type PushFormat = 'arrow' | 'json' | 'csv' | 'text';
/**
 * What can be written to a push source: rows, or strings or bytes of whole records. The columns of an Arrow table, as bytes or as an
 * object of a library, are found by their names.
 */
export type PushData = Row | readonly Row[] | string | Uint8Array;

/** Whether bytes are all that their buffer has, so that the buffer can be moved. */
const isWhole = (bytes: Uint8Array) => bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;

/** Whether data has more than one row: an array, or another iterable that is not a row itself. */
const isIterable = (data: PushData): boolean =>
  typeof data === 'object' && data !== null && !(data instanceof Map) && Symbol.iterator in data;

/** Whether data is a table, or a part of one, of an Arrow library. */
const isTable = (data: PushData): boolean => isIterable(data) && !Array.isArray(data) && 'schema' in (data as object);

/** Returns the rows of an array or a table, whose columns are found by their names; or the one row that the data is. @internal */
export function rowsIn(data: PushData): readonly unknown[] {
  if (!isIterable(data)) return [data];
  return Array.isArray(data) ? data : Array.from(data as unknown as Iterable<unknown>);
}

/** Makes bytes of what a page writes to a stream. @internal */
export class PushEncoder {
  /** Brings Arrow to the schema; only where the format is Arrow. */
  readonly #fitter: ArrowFitter | undefined;
  readonly #formats: ReturnType<typeof formatsOf>;

  constructor(
    readonly schema: StructType,
    readonly format: PushFormat,
    options: Readonly<Record<string, string>>,
  ) {
    if (format === 'arrow') this.#fitter = new ArrowFitter(schema);
    this.#formats = formatsOf(options);
  }

  /**
   * Returns data as bytes of its own; none for no rows. With `transfer` the array itself is returned where it is whole. Throws a
   * SparkTypeError for a value that does not fit its column, an IllegalArgumentException for data that the format does not take.
   */
  encode(data: PushData, transfer = false): Uint8Array {
    if (data instanceof Uint8Array) {
      const bytes = this.#fitter?.fit(data) ?? data;
      // What is sent is moved: a copy, unless the caller lets its own bytes go.
      return (transfer || bytes !== data) && isWhole(bytes) ? bytes : bytes.slice();
    }
    if (this.format === 'arrow' && typeof data !== 'string') {
      const rows = rowsIn(data);
      if (rows.length === 0) return new Uint8Array();
      const ipc = encodeRows(rows, this.schema);
      return isWhole(ipc) ? ipc : ipc.slice();
    }
    const lines = this.lines(data);
    return typeof lines === 'string' ? new TextEncoder().encode(lines) : lines;
  }

  /** Does as {@link encode}, but returns strings as they are, and rows as lines of JSON: small ones are sent so. */
  lines(data: PushData, transfer = false): string | Uint8Array {
    if (typeof data === 'string') return this.#text(fitted(() => stringOf(data)));
    if (data instanceof Uint8Array) return this.encode(data, transfer);
    const rows = rowsIn(data);
    if (rows.length === 0) return '';
    // The numbers of its instants are milliseconds, those of JSON seconds.
    if (this.format === 'json' && isTable(data))
      throw new IllegalArgumentException("An Arrow table is written to a push source of format 'arrow'");
    if (this.format === 'json') return jsonOfRows(rows, this.schema, this.#formats);
    throw new IllegalArgumentException(`A stream of the page of format ${this.format} takes text, not rows`);
  }

  #text(text: string): string {
    if (this.format === 'arrow')
      throw new IllegalArgumentException("A stream of the page takes text only with format 'json', 'csv' or 'text'");
    return text;
  }
}
