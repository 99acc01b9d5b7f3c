/** What GraphX requires of its parameters, in its words. */
import { IllegalArgumentException } from '../errors.js';

/** Throws an IllegalArgumentException, as Scala's `require`, unless `holds`. */
export function require(holds: boolean, why: string): void {
  if (!holds) throw new IllegalArgumentException(`requirement failed: ${why}`, { condition: 'RIVULET_GRAPH_ARGUMENT' });
}

const isCount = (n: number) => Number.isInteger(n) && n > 0;

/** Checks a number of supersteps. */
export function checkIterations(n: number): void {
  require(isCount(n), `Number of iterations must be greater than 0, but got ${n}`);
}

/** Checks a number of supersteps that may be missing; null is without a limit. */
export function checkMaxIterations(n: number | undefined): number | null {
  if (n === undefined || n === Infinity) return null;
  require(isCount(n), `Maximum number of iterations must be greater than 0, but got ${n}`);
  // Spark's largest is that of an Int: no limit that is ever met.
  return n >= 2 ** 31 - 1 ? null : n;
}

/** Checks a probability to begin anew. */
export function checkResetProb(p: number): void {
  require(p >= 0 && p <= 1, `Random reset probability must belong to [0, 1], but got ${p}`);
}

/** Checks a tolerance. The words are Spark's. */
export function checkTolerance(tol: number): void {
  require(tol >= 0, ['Tolerance must be no', 'less than 0, but got', tol].join(' '));
}
