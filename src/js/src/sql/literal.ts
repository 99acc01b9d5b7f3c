import type { Expression, Literal } from '../connect/messages.js';
import { SparkTypeError } from '../errors.js';
import { longOf, stringOf } from '../values/fit.js';
import { instantOf } from '../values/instants.js';
import { fitted, kindOf, shown } from '../values/misfit.js';
import { TimestampType } from '../values/types.js';

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

/**
 * A JavaScript value as Spark's literal: whole numbers are INT where they fit, else BIGINT; other numbers, and −0, DOUBLE;
 * bigint BIGINT; Date TIMESTAMP; Uint8Array BINARY. Throws a SparkTypeError for other values,
 * and for one that would not be exact.
 */
export function literalOf(value: unknown): Literal {
  return { literalType: fitted(() => literalType(value)) };
}

function literalType(value: unknown): NonNullable<Literal['literalType']> {
  if (value === null || value === undefined) return { case: 'null', value: { kind: { case: 'null', value: {} } } };
  switch (typeof value) {
    case 'boolean':
      return { case: 'boolean', value };
    case 'string':
      return { case: 'string', value: stringOf(value) };
    case 'bigint':
      return { case: 'long', value: longOf(value) };
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { case: 'double', value };
      return value >= INT_MIN && value <= INT_MAX ? { case: 'integer', value } : { case: 'long', value: BigInt(value) };
  }
  if (value instanceof Date) return { case: 'timestamp', value: instantOf(value, TimestampType) };
  if (value instanceof Uint8Array) return { case: 'binary', value };
  throw new SparkTypeError(`No literal can be made of ${shown(value)} (${kindOf(value)}); use functions.array() or struct()`, {
    condition: 'UNSUPPORTED_LITERAL',
  });
}

/** The same as an expression. */
export function literalExpression(value: unknown): Expression {
  return { exprType: { case: 'literal', value: literalOf(value) } };
}
