/** What the tests of discretized streams share. */
import { SparkContext } from '../src/rdd/context.js';
import { localEngine } from './rdd_local.js';

export const context = () => new SparkContext(localEngine(), 2, { 'spark.default.parallelism': '2' }, () => false);

/** Waits until what an async iterable has given is taken. */
export const taken = async () => {
  for (let turns = 0; turns < 30; turns++) await Promise.resolve();
};

/** An async iterable that gives what is pushed. */
export function pushed<T>(): { push(...rows: T[]): Promise<void>; source: AsyncIterable<T> } {
  const rows: T[] = [];
  let wake = () => {};
  async function* source() {
    for (;;) {
      while (rows.length > 0) yield rows.shift()!;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    push: async (...more) => {
      rows.push(...more);
      wake();
      await taken();
    },
    source: source(),
  };
}
