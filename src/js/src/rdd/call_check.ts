/** Checks of calls that pages make before a session has loaded what checks functions. */
import { IllegalArgumentException } from '../errors.js';
import type { checkRemote } from './remote.js';

/** What checks functions: set when it is loaded. Until then nobody is checked at the call, but at the first use by a session. */
export const checks: { remote?: typeof checkRemote } = {};

/** Checks at the call that a number of partitions can be one. Throws an IllegalArgumentException unless it is positive and whole. */
export function checkPartitions(n: number, method: string): number {
  if (!Number.isInteger(n) || n <= 0)
    throw new IllegalArgumentException(`${method}: the number of partitions (${n}) must be a positive whole number`);
  return n;
}
