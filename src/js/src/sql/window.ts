import type { Expression, WindowSpecMessage } from '../connect/messages.js';
import { Expression_Window_WindowFrame_FrameType as FrameType } from '../generated/spark/connect/expressions_pb.js';
import { columnOf, type ColumnOrName } from './column.js';
import { asSortOrder } from './expression.js';
import { literalExpression } from './literal.js';

type Frame = NonNullable<WindowSpecMessage['frameSpec']>;

/** Which rows a window function sees for each row: a partition, an order in it, and a frame around the row. */
export class WindowSpec {
  /** @internal */
  constructor(/** @internal */ readonly message: Pick<WindowSpecMessage, 'partitionSpec' | 'orderSpec' | 'frameSpec'> = {}) {}

  /** Rows with equal values of these columns. */
  partitionBy(...columns: ColumnOrName[]): WindowSpec {
    return new WindowSpec({ ...this.message, partitionSpec: columns.map(columnOf) });
  }
  /** The order inside a partition. */
  orderBy(...columns: ColumnOrName[]): WindowSpec {
    return new WindowSpec({ ...this.message, orderSpec: columns.map((column) => asSortOrder(columnOf(column))) });
  }
  /** A frame counted in rows; 0 is the current row, negative is before it. */
  rowsBetween(start: number, end: number): WindowSpec {
    return this.#frame(FrameType.ROW, start, end);
  }
  /** A frame counted in values of the ordering column. */
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

/** Where window specifications begin: `Window.partitionBy('user').orderBy('time')`. */
export const Window = {
  /** From the first row of the partition. */
  unboundedPreceding: -Infinity,
  /** To the last row of the partition. */
  unboundedFollowing: Infinity,
  /** The current row. */
  currentRow: 0,
  /** See {@link WindowSpec.partitionBy}. */
  partitionBy: (...columns: ColumnOrName[]): WindowSpec => new WindowSpec().partitionBy(...columns),
  /** See {@link WindowSpec.orderBy}. */
  orderBy: (...columns: ColumnOrName[]): WindowSpec => new WindowSpec().orderBy(...columns),
  /** See {@link WindowSpec.rowsBetween}. */
  rowsBetween: (start: number, end: number): WindowSpec => new WindowSpec().rowsBetween(start, end),
  /** See {@link WindowSpec.rangeBetween}. */
  rangeBetween: (start: number, end: number): WindowSpec => new WindowSpec().rangeBetween(start, end),
};
