import type { Expression } from '../connect/messages.js';
import { typeToMessage } from '../connect/type_message.js';
import { IllegalArgumentException } from '../errors.js';
import { Expression_Cast_EvalMode as EvalMode } from '../generated/spark/connect/expressions_pb.js';
import { DataType } from '../values/types.js';
import { attribute, call, sortBy } from './expression.js';
import { literalExpression } from './literal.js';
import type { WindowSpec } from './window.js';

/**
 * A value that stands for itself in an expression: null is NULL, a whole number INT or BIGINT, another number DOUBLE, a Date
 * TIMESTAMP.
 */
export type LiteralValue = string | number | bigint | boolean | null | Date | Uint8Array;
/** A column, or the name of one. */
export type ColumnOrName = Column | string;

/**
 * An expression over the columns of a DataFrame (`Column`). Columns are immutable; JavaScript has no operators for objects, so they
 * are methods: `col('a').plus(1).gt(col('b'))`. Arguments that are not columns are literals. An operator with a null operand yields
 * null unless its comment says otherwise.
 * @example
 * ```ts
 * const tens = spark.range(3).select(F.col('id').plus(1).multiply(10).alias('tens'));
 * (await tens.collect()).map((row) => row['tens']); // → [10, 20, 30]
 * ```
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

  /** Returns the sum. Throws ARITHMETIC_OVERFLOW where integers overflow (ANSI mode). */
  plus(other: Column | LiteralValue): Column {
    return this.#binary('+', other);
  }
  /** Returns the difference. Throws ARITHMETIC_OVERFLOW where integers overflow (ANSI mode). */
  minus(other: Column | LiteralValue): Column {
    return this.#binary('-', other);
  }
  /** Returns the product. Throws ARITHMETIC_OVERFLOW where integers overflow (ANSI mode). */
  multiply(other: Column | LiteralValue): Column {
    return this.#binary('*', other);
  }
  /** Returns the quotient, which is fractional for integers too. Throws DIVIDE_BY_ZERO (ANSI mode). */
  divide(other: Column | LiteralValue): Column {
    return this.#binary('/', other);
  }
  /** Returns the remainder, with the dividend's sign. Throws REMAINDER_BY_ZERO (ANSI mode). */
  mod(other: Column | LiteralValue): Column {
    return this.#binary('%', other);
  }
  /** Returns this to the power of `other`, as DOUBLE. */
  pow(other: Column | LiteralValue): Column {
    return this.#binary('power', other);
  }
  /** Returns the negative. */
  negate(): Column {
    return this.#unary('negative');
  }
  /** Returns the bits that are set in both. */
  bitwiseAND(other: Column | LiteralValue): Column {
    return this.#binary('&', other);
  }
  /** Returns the bits that are set in one or both. */
  bitwiseOR(other: Column | LiteralValue): Column {
    return this.#binary('|', other);
  }
  /** Returns the bits that are set in exactly one. */
  bitwiseXOR(other: Column | LiteralValue): Column {
    return this.#binary('^', other);
  }

  /** Tests for equality; null if either side is null (see {@link eqNullSafe}). */
  eq(other: Column | LiteralValue): Column {
    return this.#binary('==', other);
  }
  /** Tests for inequality; null if either side is null. */
  neq(other: Column | LiteralValue): Column {
    return new Column(call('not', [this.eq(other).expr]));
  }
  /** Tests whether this is less than `other`. */
  lt(other: Column | LiteralValue): Column {
    return this.#binary('<', other);
  }
  /** Tests whether this is less than or equal to `other`. */
  leq(other: Column | LiteralValue): Column {
    return this.#binary('<=', other);
  }
  /** Tests whether this is greater than `other`. */
  gt(other: Column | LiteralValue): Column {
    return this.#binary('>', other);
  }
  /** Tests whether this is greater than or equal to `other`. */
  geq(other: Column | LiteralValue): Column {
    return this.#binary('>=', other);
  }
  /** Tests for equality where null equals null; never null itself (SQL's `<=>`). */
  eqNullSafe(other: Column | LiteralValue): Column {
    return this.#binary('<=>', other);
  }
  /** Returns the logical AND, which is three-valued: false AND null is false, true AND null is null. */
  and(other: Column | boolean): Column {
    return this.#binary('and', other);
  }
  /** Returns the logical OR, which is three-valued: true OR null is true, false OR null is null. */
  or(other: Column | boolean): Column {
    return this.#binary('or', other);
  }
  /** Returns the logical NOT; null stays null. */
  not(): Column {
    return this.#unary('not');
  }

  /** Tests for null; never null itself. */
  isNull(): Column {
    return this.#unary('isNull');
  }
  /** Tests whether the value is not null; never null itself. */
  isNotNull(): Column {
    return this.#unary('isNotNull');
  }
  /** Tests for NaN; false for null. */
  isNaN(): Column {
    return this.#unary('isNaN');
  }

  /** Tests against a pattern of SQL: `%` matches any string, `_` any character, `\\` escapes. */
  like(pattern: Column | string): Column {
    return this.#binary('like', pattern);
  }
  /** Tests whether a regular expression of Java's matches somewhere in the string. */
  rlike(pattern: Column | string): Column {
    return this.#binary('rlike', pattern);
  }
  /** Tests as {@link like} does, without regard to case. */
  ilike(pattern: Column | string): Column {
    return this.#binary('ilike', pattern);
  }
  /** Tests whether the string begins with `other`. */
  startsWith(other: Column | LiteralValue): Column {
    return this.#binary('startsWith', other);
  }
  /** Tests whether the string ends with `other`. */
  endsWith(other: Column | LiteralValue): Column {
    return this.#binary('endsWith', other);
  }
  /** Tests whether the string contains `other`. */
  contains(other: Column | LiteralValue): Column {
    return this.#binary('contains', other);
  }
  /** Returns `length` characters of the string from the place `start` on, which counts from 1. */
  substr(start: Column | number, length: Column | number): Column {
    return new Column(call('substr', [this.expr, operand(start), operand(length)]));
  }
  /** Tests whether the value is one of these; null if it is none of them and one of them is null. */
  isin(...values: (Column | LiteralValue | readonly (Column | LiteralValue)[])[]): Column {
    return new Column(call('in', [this.expr, ...(values.flat() as (Column | LiteralValue)[]).map(operand)]));
  }
  /** Tests whether `lower` ≤ this ≤ `upper`. */
  between(lower: Column | LiteralValue, upper: Column | LiteralValue): Column {
    return this.geq(lower).and(this.leq(upper));
  }

  /**
   * Converts to a type, as DDL or as an object; null stays null. Throws CAST_INVALID_INPUT or CAST_OVERFLOW for a value that does
   * not convert (ANSI mode).
   */
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

  /** Names the result; several names are for functions with several result columns. */
  alias(...names: string[]): Column {
    return new Column({ exprType: { case: 'alias', value: { expr: this.expr, name: names } } });
  }
  /** Does the same as {@link alias}. */
  as(...names: string[]): Column {
    return this.alias(...names);
  }
  /** Does the same as {@link alias}. */
  name(...names: string[]): Column {
    return this.alias(...names);
  }

  /** Sorts ascending, nulls first. */
  asc(): Column {
    return this.#sort(true);
  }
  /** Sorts ascending, nulls first. */
  ascNullsFirst(): Column {
    return this.#sort(true, true);
  }
  /** Sorts ascending, nulls last. */
  ascNullsLast(): Column {
    return this.#sort(true, false);
  }
  /** Sorts descending, nulls last. */
  desc(): Column {
    return this.#sort(false);
  }
  /** Sorts descending, nulls first. */
  descNullsFirst(): Column {
    return this.#sort(false, true);
  }
  /** Sorts descending, nulls last. */
  descNullsLast(): Column {
    return this.#sort(false, false);
  }

  /** Returns a member of a struct; null if the struct is null. */
  getField(name: Column | string): Column {
    return this.getItem(name);
  }
  /**
   * Returns an element of an array (counted from 0), the value of a key of a map, or a member of a struct. Throws
   * INVALID_ARRAY_INDEX beyond an array's end (ANSI mode); a key that a map does not have is null.
   */
  getItem(key: Column | LiteralValue): Column {
    return new Column({ exprType: { case: 'unresolvedExtractValue', value: { child: this.expr, extraction: operand(key) } } });
  }
  /** Returns a struct with the member added or replaced. */
  withField(fieldName: string, value: Column): Column {
    return new Column({
      exprType: { case: 'updateFields', value: { structExpression: this.expr, fieldName, valueExpression: value.expr } },
    });
  }
  /** Returns a struct without these members; names that it does not have are ignored. */
  dropFields(...names: string[]): Column {
    return names.reduce<Column>(
      (struct, fieldName) =>
        new Column({
          exprType: { case: 'updateFields', value: { structExpression: struct.expr, fieldName } },
        }),
      this,
    );
  }

  /** Adds a case to {@link functions.when}; the first case whose condition is true decides. */
  when(condition: Column, value: Column | LiteralValue): Column {
    return new Column(call('when', [...this.#cases(), condition.expr, operand(value)]));
  }
  /** Returns `value` where no case of {@link functions.when} holds; without it such rows get null. */
  otherwise(value: Column | LiteralValue): Column {
    return new Column(call('when', [...this.#cases(), operand(value)]));
  }
  #cases(): Expression[] {
    const { exprType } = this.expr;
    const cases = exprType?.case === 'unresolvedFunction' && exprType.value.functionName === 'when' ? exprType.value.arguments : undefined;
    if (!cases || cases.length % 2 === 1) {
      throw new IllegalArgumentException('when() and otherwise() can only follow when() without an otherwise()', {
        condition: 'INVALID_WHEN_USAGE',
      });
    }
    return cases as Expression[];
  }

  /**
   * Evaluates an aggregate or window function over a window of rows.
   * @example
   * ```ts
   * const team = Window.partitionBy('team').orderBy(F.desc('age'));
   * const oldest = people.withColumn('rank', F.rowNumber().over(team)).filter('rank = 1').orderBy('name');
   * (await oldest.collect()).map((row) => row['name']); // → ['Ada', 'Bob']
   * ```
   */
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
