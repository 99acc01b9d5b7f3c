import type { Expression, WindowSpecMessage } from '../connect/messages.js';
import { Expression_Window_WindowFrame_FrameType as FrameType } from '../generated/spark/connect/expressions_pb.js';
import { type ColumnOrName, columnOf } from './column.js';
import { asSortOrder } from './expression.js';
import { literalExpression } from './literal.js';

type Frame = NonNullable<WindowSpecMessage['frameSpec']>;

/** Says which rows a window function sees for each row: a partition, an order in it, and a frame around the row (`WindowSpec`). */
export class WindowSpec {
  /** @internal */
  constructor(/** @internal */ readonly message: Pick<WindowSpecMessage, 'partitionSpec' | 'orderSpec' | 'frameSpec'> = {}) {}

  /** Puts rows with equal values of these columns into one partition; null equals null. */
  partitionBy(...columns: ColumnOrName[]): WindowSpec {
    return new WindowSpec({ ...this.message, partitionSpec: columns.map(columnOf) });
  }
  /** Orders the rows of a partition; ascending unless a column says otherwise. */
  orderBy(...columns: ColumnOrName[]): WindowSpec {
    return new WindowSpec({ ...this.message, orderSpec: columns.map((column) => asSortOrder(columnOf(column))) });
  }
  /** Limits the frame by rows: 0 is the current row, −1 the one before it, {@link Window.unboundedPreceding} the first. */
  rowsBetween(start: number, end: number): WindowSpec {
    return this.#frame(FrameType.ROW, start, end);
  }
  /** Limits the frame by values of the ordering column: rows whose value is between the current one plus `start` and plus `end`. */
  rangeBetween(start: number, end: number): WindowSpec {
    return this.#frame(FrameType.RANGE, start, end);
  }

  #frame(frameType: FrameType, start: number, end: number): WindowSpec {
    return new WindowSpec({ ...this.message, frameSpec: { frameType, lower: boundary(start), upper: boundary(end) } });
  }
}

function boundary(at: number): Frame['lower'] {
  if (at === 0) return { boundary: { case: 'currentRow', value: true } };
  if (!Number.isFinite(at)) return { boundary: { case: 'unbounded', value: true } };
  const value: Expression = literalExpression(at);
  return { boundary: { case: 'value', value } };
}

/** Where window specifications begin: `Window.partitionBy('user').orderBy('time')` (`Window`). */
export const Window = {
  /** The first row of the partition. */
  unboundedPreceding: -Infinity,
  /** The last row of the partition. */
  unboundedFollowing: Infinity,
  /** The current row. */
  currentRow: 0,
  /** Does what {@link WindowSpec.partitionBy} does. */
  partitionBy: (...columns: ColumnOrName[]): WindowSpec => new WindowSpec().partitionBy(...columns),
  /** Does what {@link WindowSpec.orderBy} does. */
  orderBy: (...columns: ColumnOrName[]): WindowSpec => new WindowSpec().orderBy(...columns),
  /** Does what {@link WindowSpec.rowsBetween} does. */
  rowsBetween: (start: number, end: number): WindowSpec => new WindowSpec().rowsBetween(start, end),
  /** Does what {@link WindowSpec.rangeBetween} does. */
  rangeBetween: (start: number, end: number): WindowSpec => new WindowSpec().rangeBetween(start, end),
};
