import type { Column, ColumnOrName as C } from '../column.js';
import { fromTable } from './table.js';

type N = C | number;

/** Functions of numbers. */
export interface NumberFunctions {
  /** Absolute value. */
  abs(column: C): Column;
  /** Square root; NaN for negative numbers. */
  sqrt(column: C): Column;
  /** Cube root. */
  cbrt(column: C): Column;
  /** e to the power. */
  exp(column: C): Column;
  /** e to the power, minus 1. */
  expm1(column: C): Column;
  /** Natural logarithm; null for numbers that are not positive. */
  ln(column: C): Column;
  /** Logarithm to base 10. */
  log10(column: C): Column;
  /** Logarithm to base 2. */
  log2(column: C): Column;
  /** Natural logarithm of 1 + x. */
  log1p(column: C): Column;
  /** Power. */
  pow(base: N, exponent: N): Column;
  /** Power. */
  power(base: N, exponent: N): Column;
  /** Smallest whole number not below. */
  ceil(column: C, scale?: number): Column;
  /** Same as ceil. */
  ceiling(column: C, scale?: number): Column;
  /** Largest whole number not above. */
  floor(column: C, scale?: number): Column;
  /** Rounds half up to `scale` digits. */
  round(column: C, scale?: number): Column;
  /** Rounds half to even to `scale` digits. */
  bround(column: C, scale?: number): Column;
  /** Rounds to the nearest whole number, as a double. */
  rint(column: C): Column;
  /** −1, 0 or 1. */
  sign(column: C): Column;
  /** −1, 0 or 1. */
  signum(column: C): Column;
  /** The negative. */
  negative(column: C): Column;
  /** The number itself. */
  positive(column: C): Column;
  /** Remainder that is never negative for a positive divisor. */
  pmod(dividend: N, divisor: N): Column;
  /** Division that gives null for a divisor of zero. */
  tryDivide(left: N, right: N): Column;
  /** Sum that gives null on overflow. */
  tryAdd(left: N, right: N): Column;
  /** Difference that gives null on overflow. */
  trySubtract(left: N, right: N): Column;
  /** Product that gives null on overflow. */
  tryMultiply(left: N, right: N): Column;
  /** Sine. */
  sin(column: C): Column;
  /** Cosine. */
  cos(column: C): Column;
  /** Tangent. */
  tan(column: C): Column;
  /** Arc sine. */
  asin(column: C): Column;
  /** Arc cosine. */
  acos(column: C): Column;
  /** Arc tangent. */
  atan(column: C): Column;
  /** Angle of the point (x, y). */
  atan2(y: N, x: N): Column;
  /** Hyperbolic sine. */
  sinh(column: C): Column;
  /** Hyperbolic cosine. */
  cosh(column: C): Column;
  /** Hyperbolic tangent. */
  tanh(column: C): Column;
  /** Radians to degrees. */
  degrees(column: C): Column;
  /** Degrees to radians. */
  radians(column: C): Column;
  /** Length of the hypotenuse. */
  hypot(a: N, b: N): Column;
  /** Factorial of 0 to 20. */
  factorial(column: C): Column;
  /** π. */
  pi(): Column;
  /** e. */
  e(): Column;
  /** Binary digits as text. */
  bin(column: C): Column;
  /** Hexadecimal digits as text. */
  hex(column: C): Column;
  /** Bytes of hexadecimal digits. */
  unhex(column: C): Column;
  /** Digits in another base. */
  conv(column: C, fromBase: number, toBase: number): Column;
  /** Shifts bits left. */
  shiftleft(column: C, bits: number): Column;
  /** Shifts bits right, keeping the sign. */
  shiftright(column: C, bits: number): Column;
  /** Inverts all bits. */
  bitwiseNot(column: C): Column;
  /** Number of set bits. */
  bitCount(column: C): Column;
  /** Uniform in [0, 1). */
  rand(seed?: number): Column;
  /** Standard normal. */
  randn(seed?: number): Column;
  /** The partition that a row is in while it is computed. */
  sparkPartitionId(): Column;
  /** The partition in the upper 31 bits, the row's number in it in the lower 33. */
  monotonicallyIncreasingId(): Column;
  /** The first of the two that is not NaN. */
  nanvl(column1: C, column2: C): Column;
  /** True for NaN. */
  isnan(column: C): Column;
  /** Number of the bucket, from 0, of `buckets` between min and max. */
  widthBucket(value: C, min: N, max: N, buckets: N): Column;
}

export const numberFunctions = fromTable<NumberFunctions>(`
  abs sqrt cbrt exp expm1 ln log10 log2 log1p pow=power power ceil ceiling floor round bround rint sign signum negative positive pmod
  tryDivide tryAdd trySubtract tryMultiply sin cos tan asin acos atan atan2 sinh cosh tanh degrees radians hypot factorial pi e bin hex
  unhex conv shiftleft shiftright bitwiseNot=~ bitCount rand randn sparkPartitionId monotonicallyIncreasingId nanvl isnan widthBucket`);
