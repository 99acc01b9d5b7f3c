import type { Expression } from '../connect/messages.js';
import { IllegalArgumentException } from '../errors.js';
import { Expression_Cast_EvalMode as EvalMode } from '../generated/spark/connect/expressions_pb.js';
import { attribute, call, sortBy } from './expression.js';
import { literalExpression } from './literal.js';
import { typeToMessage } from './type_message.js';
import { DataType } from '../values/types.js';
import type { WindowSpec } from './window.js';

/** A value that stands for itself in an expression. */
export type LiteralValue = string | number | bigint | boolean | null | Date | Uint8Array;
/** A column, or the name of one. */
export type ColumnOrName = Column | string;

/**
 * An expression over the columns of a DataFrame. Columns are immutable; JavaScript has no operators for objects, so they
 * are methods: `col('a').plus(1).gt(col('b'))`. Arguments that are not columns are literals.
 */
export class Column {
  /** @internal */
  constructor(/** @internal */ readonly expr: Expression) {}

  #binary(operator: string, other: Column | LiteralValue): Column {
    return new Column(call(operator, [this.expr, operand(other)]));
  }
  #unary(operator: string): Column {
    return new Column(call(operator, [this.expr]));
  }
  #sort(ascending: boolean, nullsFirst?: boolean): Column {
    return new Column({ exprType: { case: 'sortOrder', value: sortBy(this.expr, ascending, nullsFirst) } });
  }

  /** Sum. Overflow of integers is an error (ANSI mode). */
  plus(other: Column | LiteralValue): Column {
    return this.#binary('+', other);
  }
  /** Difference. */
  minus(other: Column | LiteralValue): Column {
    return this.#binary('-', other);
  }
  /** Product. */
  multiply(other: Column | LiteralValue): Column {
    return this.#binary('*', other);
  }
  /** Quotient, always fractional; division by zero is an error (ANSI mode). */
  divide(other: Column | LiteralValue): Column {
    return this.#binary('/', other);
  }
  /** Remainder with the dividend's sign. */
  mod(other: Column | LiteralValue): Column {
    return this.#binary('%', other);
  }
  /** Power. */
  pow(other: Column | LiteralValue): Column {
    return this.#binary('power', other);
  }
  /** The negative. */
  negate(): Column {
    return this.#unary('negative');
  }
  /** Bits set in both. */
  bitwiseAND(other: Column | LiteralValue): Column {
    return this.#binary('&', other);
  }
  /** Bits set in one or both. */
  bitwiseOR(other: Column | LiteralValue): Column {
    return this.#binary('|', other);
  }
  /** Bits set in exactly one. */
  bitwiseXOR(other: Column | LiteralValue): Column {
    return this.#binary('^', other);
  }

  /** Equal; null if either side is null. */
  eq(other: Column | LiteralValue): Column {
    return this.#binary('==', other);
  }
  /** Not equal; null if either side is null. */
  neq(other: Column | LiteralValue): Column {
    return new Column(call('not', [this.eq(other).expr]));
  }
  /** Less. */
  lt(other: Column | LiteralValue): Column {
    return this.#binary('<', other);
  }
  /** Less or equal. */
  leq(other: Column | LiteralValue): Column {
    return this.#binary('<=', other);
  }
  /** Greater. */
  gt(other: Column | LiteralValue): Column {
    return this.#binary('>', other);
  }
  /** Greater or equal. */
  geq(other: Column | LiteralValue): Column {
    return this.#binary('>=', other);
  }
  /** Equal, where null equals null. Never null. */
  eqNullSafe(other: Column | LiteralValue): Column {
    return this.#binary('<=>', other);
  }
  /** Both. */
  and(other: Column | boolean): Column {
    return this.#binary('and', other);
  }
  /** One or both. */
  or(other: Column | boolean): Column {
    return this.#binary('or', other);
  }
  /** The opposite. */
  not(): Column {
    return this.#unary('not');
  }

  /** True for null. */
  isNull(): Column {
    return this.#unary('isNull');
  }
  /** True for what is not null. */
  isNotNull(): Column {
    return this.#unary('isNotNull');
  }
  /** True for NaN. */
  isNaN(): Column {
    return this.#unary('isNaN');
  }

  /** SQL LIKE: `%` any text, `_` any character. */
  like(pattern: Column | string): Column {
    return this.#binary('like', pattern);
  }
  /** Matches the regular expression somewhere. */
  rlike(pattern: Column | string): Column {
    return this.#binary('rlike', pattern);
  }
  /** LIKE without regard to case. */
  ilike(pattern: Column | string): Column {
    return this.#binary('ilike', pattern);
  }
  /** Begins with. */
  startsWith(other: Column | LiteralValue): Column {
    return this.#binary('startsWith', other);
  }
  /** Ends with. */
  endsWith(other: Column | LiteralValue): Column {
    return this.#binary('endsWith', other);
  }
  /** Has inside. */
  contains(other: Column | LiteralValue): Column {
    return this.#binary('contains', other);
  }
  /** Part of a text, from `start` (counted from 1). */
  substr(start: Column | number, length: Column | number): Column {
    return new Column(call('substr', [this.expr, operand(start), operand(length)]));
  }
  /** Is one of the values. */
  isin(...values: (Column | LiteralValue | readonly (Column | LiteralValue)[])[]): Column {
    return new Column(call('in', [this.expr, ...(values.flat() as (Column | LiteralValue)[]).map(operand)]));
  }
  /** `lower` ≤ this ≤ `upper`. */
  between(lower: Column | LiteralValue, upper: Column | LiteralValue): Column {
    return this.geq(lower).and(this.leq(upper));
  }

  /** Converts to a type, given as DDL or as an object; a value that does not convert is an error (ANSI mode). */
  cast(type: DataType | string): Column {
    return this.#cast(type, EvalMode.UNSPECIFIED);
  }
  /** Converts to a type; a value that does not convert becomes null. */
  tryCast(type: DataType | string): Column {
    return this.#cast(type, EvalMode.TRY);
  }
  #cast(type: DataType | string, evalMode: EvalMode): Column {
    const castToType =
      type instanceof DataType ? { case: 'type' as const, value: typeToMessage(type) } : { case: 'typeStr' as const, value: type };
    return new Column({ exprType: { case: 'cast', value: { expr: this.expr, castToType, evalMode } } });
  }

  /** Names the result; several names for functions with several result columns. */
  alias(...names: string[]): Column {
    return new Column({ exprType: { case: 'alias', value: { expr: this.expr, name: names } } });
  }
  /** Same as {@link alias}. */
  as(...names: string[]): Column {
    return this.alias(...names);
  }
  /** Same as {@link alias}. */
  name(...names: string[]): Column {
    return this.alias(...names);
  }

  /** Ascending, nulls first. */
  asc(): Column {
    return this.#sort(true);
  }
  /** Ascending, nulls first. */
  ascNullsFirst(): Column {
    return this.#sort(true, true);
  }
  /** Ascending, nulls last. */
  ascNullsLast(): Column {
    return this.#sort(true, false);
  }
  /** Descending, nulls last. */
  desc(): Column {
    return this.#sort(false);
  }
  /** Descending, nulls first. */
  descNullsFirst(): Column {
    return this.#sort(false, true);
  }
  /** Descending, nulls last. */
  descNullsLast(): Column {
    return this.#sort(false, false);
  }

  /** A member of a struct. */
  getField(name: Column | string): Column {
    return this.getItem(name);
  }
  /** An element of an array (from 0), a value of a map, a member of a struct. */
  getItem(key: Column | LiteralValue): Column {
    return new Column({ exprType: { case: 'unresolvedExtractValue', value: { child: this.expr, extraction: operand(key) } } });
  }
  /** A struct with the member added or replaced. */
  withField(fieldName: string, value: Column): Column {
    return new Column({
      exprType: { case: 'updateFields', value: { structExpression: this.expr, fieldName, valueExpression: value.expr } },
    });
  }
  /** A struct without these members. */
  dropFields(...names: string[]): Column {
    return names.reduce<Column>(
      (struct, fieldName) =>
        new Column({
          exprType: { case: 'updateFields', value: { structExpression: struct.expr, fieldName } },
        }),
      this,
    );
  }

  /** A further case of {@link functions.when}. */
  when(condition: Column, value: Column | LiteralValue): Column {
    return new Column(call('when', [...this.#cases(), condition.expr, operand(value)]));
  }
  /** The value where no case of {@link functions.when} holds; without it null. */
  otherwise(value: Column | LiteralValue): Column {
    return new Column(call('when', [...this.#cases(), operand(value)]));
  }
  #cases(): Expression[] {
    const { exprType } = this.expr;
    const cases = exprType?.case === 'unresolvedFunction' && exprType.value.functionName === 'when' ? exprType.value.arguments : undefined;
    if (!cases || cases.length % 2 === 1) {
      throw new IllegalArgumentException('when() and otherwise() can only follow when() without an otherwise()');
    }
    return cases as Expression[];
  }

  /** Evaluates a function over a window of rows. */
  over(window: WindowSpec): Column {
    return new Column({ exprType: { case: 'window', value: { windowFunction: this.expr, ...window.message } } });
  }
}

/** The expression of a column or literal. @internal */
export function operand(value: Column | LiteralValue): Expression {
  return value instanceof Column ? value.expr : literalExpression(value);
}

/** The expression of a column or of the column so named; other values are literals. @internal */
export function columnOf(value: Column | LiteralValue): Expression {
  return typeof value === 'string' ? attribute(value) : operand(value);
}
